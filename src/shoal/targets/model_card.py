"""The model card of a folder for Hugging Face: what the model is, and how to use it."""

from __future__ import annotations

import textwrap
from typing import Any

from shoal.model import Model

_USES = {
    "token-classification": """from transformers import pipeline

find = pipeline("token-classification", "{folder}", ignore_labels=[])
print([found["entity"] for found in find("{example}")])""",
    "lm": """from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{folder}")
model = AutoModelForCausalLM.from_pretrained("{folder}")
prompt = tokenizer("{example}", return_tensors="pt")
print(tokenizer.decode(model.generate(**prompt, max_new_tokens=4, do_sample=False)[0]))""",
}


def model_card(model: Model, config: Any, head: str, version: str) -> str:
    """The text of a card, in Markdown with a header that Hugging Face reads.

    Args:
        model: what was exported.
        config: of the GPT-2.
        head: which one it has.
        version: of transformers.
    """
    encoder, decoder = model.input_encoder, model.output_encoder
    example = " ".join(map(str, (encoder.vocab * 3)[: min(3, encoder.max_seq_len)]))
    use = _USES[head].format(folder="path/to/this/folder", example=example)
    task = "text-generation" if head == "lm" else head
    uses = _bullets(
        f"A text is words between spaces; the tokenizer puts `{encoder.bos_token}` before them, so "
        f"token i stands at position i + 1. At most {encoder.max_seq_len} tokens.",
        *(
            []
            if encoder.promised is None
            else [f"For some inputs alone, `{encoder.promised.words}`; wrong on others."]
        ),
        _output(head, decoder.codes is None, decoder.nullable),
    )
    exactness = _bullets(
        "Right in **float32** alone. In bfloat16 and float16 sums, counts and comparisons are "
        'wrong; on NVIDIA GPUs keep TF32 off (`torch.set_float32_matmul_precision("highest")`, '
        "the default).",
        f"LayerNorm does nothing: its epsilon is {config.layer_norm_epsilon:g}, far above any "
        "variance, its weight is the root of that, and every column of the stream is held as x and "
        "-x and read as (x - x') / 2, from which the mean that LayerNorm subtracts cancels.",
        "PAD needs no attention mask: its keys score far below all others.",
        *([] if model.weights.causal else [_BIDIRECTIONAL]),
        f"Written with transformers {version}.",
    )
    return f"""---
library_name: transformers
pipeline_tag: {task}
tags:
- shoal
- rasp
- interpretability
---

# A compiled transformer

These weights were not trained. Shoal compiled them from a RASP program:

```
{model.atlas.source}
```

It is a stock GPT-2 ({config.n_layer} layers, {config.n_head} heads, {config.n_embd} columns);
no code of its own is needed.

```python
{use}
```

## Input and output

{uses}

## Exactness

{exactness}

## What is known of the compiled model

```
{model.report()}
```
"""


_BIDIRECTIONAL = (
    "**Bidirectional**: `is_causal` is false in its config, which transformers heeds from 5.2 on. "
    "Older versions run it causally without a word, and are wrong."
)


def _output(head: str, is_number: bool, nullable: bool) -> str:
    if head == "lm":
        text = "The logits are over the next token."
        return f"{text} `None`, no result, is PAD, which ends generation." if nullable else text
    if is_number:
        text = "The first logit *is* the result, a number."
        return f"{text} The second is below 0.5 where it is `None`." if nullable else text
    return (
        "The label of the greatest logit is the result at that token. (Pipelines leave out the "
        'label "O" unless told otherwise by `ignore_labels=[]`.)'
    )


def _bullets(*texts: str) -> str:
    return "\n".join(
        textwrap.fill(text, 100, initial_indent="* ", subsequent_indent="  ") for text in texts
    )
