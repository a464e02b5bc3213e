"""The transformer as a stock GPT-2 of Hugging Face, with tokenizer and model card, in a folder."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import (
    GPT2Config,
    GPT2ForTokenClassification,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

from shoal.atlas.atlas import Atlas
from shoal.errors import InvalidInputError
from shoal.files import write_folder
from shoal.model import Model
from shoal.rasp.values import Value, canonical_key, show_value
from shoal.targets.foreign import Readout, readout, require_plain
from shoal.targets.gpt2 import GPT2Weights, gpt2_weights
from shoal.targets.model_card import model_card
from shoal.transformer.encoders import InputEncoder, OutputDecoder

Head = Literal["token-classification", "lm"]

NEVER = -(2.0**20)
"""The logit of tokens that are never the result."""

FIRST_BIDIRECTIONAL = (5, 2)
"""The first version of transformers that heeds ``is_causal=False`` in the config of a GPT-2."""


def to_huggingface(
    model: Model, folder: str | Path, head: Head | None = None, overwrite: bool = False
) -> Path:
    """Write a folder that ``AutoModel...from_pretrained`` and ``AutoTokenizer`` read.

    Args:
        model: a compiled model, or one that was loaded with its atlas.
        folder: where; it is there whole or not at all.
        head: "token-classification" (a value for each token, the usual one), or "lm" (causal
            programs whose results are tokens; None is PAD, which ends generation).
        overwrite: whether a folder that is there may be replaced.

    Raises:
        InvalidInputError: GPT-2 or a tokenizer cannot hold the model, or the folder is there.
    """
    head = "token-classification" if head is None else head
    made, tokenizer = in_memory(model, head)

    def fill(place: Path) -> None:
        made.save_pretrained(place)
        tokenizer.save_pretrained(place)
        card = model_card(model, made.config, head, transformers.__version__)
        (place / "README.md").write_text(card, encoding="utf-8")

    return write_folder(folder, fill, overwrite)


def write(model: Model, path: Path, head: Head | None = None, overwrite: bool = False) -> None:
    """The same for the command line."""
    to_huggingface(model, path, head, overwrite)


def in_memory(
    model: Model, head: Head = "token-classification"
) -> tuple[Any, PreTrainedTokenizerFast]:
    """The model and the tokenizer of Hugging Face.

    Raises:
        InvalidInputError: GPT-2 or a tokenizer cannot hold the model.
    """
    if head not in get_args(Head):
        raise InvalidInputError(
            f"there is no head {show_value(head)}; use {' or '.join(map(repr, get_args(Head)))}"
        )
    require_plain(model.weights, "huggingface")
    tokenizer = _tokenizer(model.input_encoder)
    read = readout(model)
    if head == "lm":
        read = _over_tokens(read, model)
    weights = gpt2_weights(model.weights, model.input_encoder.pad_encoding, _largest(model.atlas))
    if not model.weights.causal:
        _warn_of_old_versions()
    config = _config(model, weights, head)
    made = GPT2LMHeadModel(config) if head == "lm" else GPT2ForTokenClassification(config)
    made.load_state_dict(_state(weights, read, head))
    return made.eval(), tokenizer


def _largest(atlas: Atlas) -> float:
    """No column is ever larger. Rotated columns are no larger than the length of the stream."""
    sizes = [place.largest for place in atlas.places.values()]
    if None in sizes:
        raise InvalidInputError(
            "its file does not say how large the numbers in its stream get, which LayerNorm has to "
            "be kept from noticing; compile it again"
        )
    known = [size for size in sizes if size is not None]
    if atlas.basis is not None:
        widths = [len(place.columns) for place in atlas.places.values()]
        return float(np.sqrt(np.dot(widths, np.square(known))))
    return max(known, default=1.0)


def _config(model: Model, weights: GPT2Weights, head: Head) -> GPT2Config:
    encoder, decoder = model.input_encoder, model.output_encoder
    labels = {} if head == "lm" else dict(enumerate(labels_of(decoder)))
    return GPT2Config(
        vocab_size=encoder.vocab_size,
        n_positions=encoder.max_seq_len + 1,
        n_embd=weights.n_embd,
        n_layer=model.weights.sizes.num_layers,
        n_head=weights.n_head,
        n_inner=weights.n_inner,
        activation_function="relu",
        layer_norm_epsilon=weights.epsilon,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        classifier_dropout=0.0,
        tie_word_embeddings=False,
        bos_token_id=encoder.bos_encoding,
        pad_token_id=encoder.pad_encoding,
        eos_token_id=encoder.pad_encoding,
        use_cache=model.weights.causal,
        dtype="float32",
        is_causal=model.weights.causal,
        **({"id2label": labels, "label2id": {v: k for k, v in labels.items()}} if labels else {}),
    )


def labels_of(decoder: OutputDecoder) -> list[str]:
    """A label for each logit: the ``str`` of each value, or its ``repr`` where two are the same."""
    if decoder.codes is None:
        return ["number", "present"] if decoder.nullable else ["number"]
    counts = Counter(map(str, decoder.choices))
    labels = [str(v) if counts[str(v)] == 1 else repr(v) for v in decoder.choices]
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise InvalidInputError(
            f"two of its results are written {twice[0]}, so that they cannot be labels; map one of "
            "them to something else"
        )
    return labels


def _state(weights: GPT2Weights, read: Readout, head: Head) -> dict[str, torch.Tensor]:
    """The state dict; the rows of a reading are the model's columns, PAD's, and the constant."""
    arrays = {f"transformer.{name}": array for name, array in weights.arrays.items()}
    own, constant = weights.reading[: len(read.matrix)], weights.reading[-1:]
    if head == "lm":
        matrix = own.T @ read.matrix + constant.T @ read.bias[None]
        arrays["lm_head.weight"] = matrix.T.astype(np.float32)
    else:
        arrays["classifier.weight"] = (own.T @ read.matrix).T.astype(np.float32)
        arrays["classifier.bias"] = read.bias.astype(np.float32)
    return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}


def _over_tokens(read: Readout, model: Model) -> Readout:
    """Logits over tokens instead of values; None is PAD."""
    if not model.weights.causal:
        raise InvalidInputError(
            "the head 'lm' is for causal models; compile with causal=True, or use the head "
            "'token-classification'"
        )
    encoder, decoder = model.input_encoder, model.output_encoder
    if decoder.codes is None:
        raise InvalidInputError(
            "the head 'lm' is for results that are tokens, and these are numbers; use the head "
            "'token-classification'"
        )
    number_of = {canonical_key(token): number for number, token in enumerate(encoder.vocab)}
    wrong = [v for v in decoder.values if canonical_key(v) not in number_of]
    if wrong:
        raise InvalidInputError(
            f"the head 'lm' is for results that are tokens, and {show_value(wrong[0])} is not in "
            "the vocab; map it to a token, or use the head 'token-classification'"
        )
    columns = [number_of[canonical_key(value)] for value in decoder.values]
    columns += [encoder.pad_encoding] * decoder.nullable
    matrix, bias = (
        np.zeros((len(read.matrix), encoder.vocab_size)),
        np.full(encoder.vocab_size, NEVER),
    )
    matrix[:, columns], bias[columns] = read.matrix, read.bias
    return Readout(matrix, bias)


def _tokenizer(encoder: InputEncoder) -> PreTrainedTokenizerFast:
    """Words between spaces, each the ``str`` of a token; BOS is put before them."""
    tokens = (*encoder.vocab, encoder.bos_token, encoder.pad_token)
    texts = [_word(token) for token in tokens]
    twice = [text for text, count in Counter(texts).items() if count > 1]
    if twice:
        same = [show_value(t) for t, text in zip(tokens, texts, strict=True) if text == twice[0]]
        raise InvalidInputError(
            f"the tokens {' and '.join(same)} are written alike, so that no tokenizer tells them "
            "apart; use other tokens"
        )
    words = {text: number for number, text in enumerate(texts)}
    bos, pad = texts[encoder.bos_encoding], texts[encoder.pad_encoding]
    tokenizer = Tokenizer(WordLevel(words))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single=[bos, "$A"], special_tokens=[(bos, encoder.bos_encoding)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        pad_token=pad,
        eos_token=pad,
        model_max_length=encoder.max_seq_len + 1,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def _word(token: Value) -> str:
    text = str(token)
    if not text or text.split() != [text]:
        raise InvalidInputError(
            f"the token {show_value(token)} is written {text!r}, which is no word that a tokenizer "
            "can find between spaces; use tokens without spaces"
        )
    return text


def _warn_of_old_versions() -> None:
    version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
    if version < FIRST_BIDIRECTIONAL:
        warnings.warn(
            f"transformers {transformers.__version__} runs this bidirectional model causally, and "
            "its results are wrong; use 5.2 or later",
            stacklevel=3,
        )
