"""The card of a corpus: README.md with the header that Hugging Face reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median

from shoal_analysis.corpora.balance import depth_of
from shoal_analysis.corpora.behaviour import INPUTS
from shoal_analysis.corpora.corpus import Corpus
from shoal_analysis.corpora.index import COLUMNS, read_rows, shards_of
from shoal_analysis.corpora.options import LICENCE, SCHEMA, CorpusOptions
from shoal_analysis.corpora.selection import STAYS
from shoal_analysis.corpora.splits import SPLITS
from shoal_analysis.corpora.structure import main_construct

_COUNTED = ("split", "num_layers", "constructs", "num_parameters", "d_model", "family", "proven")
_CATEGORIES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def card_of(corpus: Corpus) -> str:
    """The text of the card; the same for the same models."""
    statistics = _Statistics(corpus)
    options, drawn = corpus.options, corpus.counts["drawn"]
    command = f"shoal corpus --programs {corpus.models} {_command(options)}".strip()
    return f"""{_header(corpus)}
# {corpus.models:,} compiled RASP programs

Random RASP programs that Shoal, a compiler from RASP to transformer weights, compiled: for each the
source, the weights, and the atlas, which says what every column, head and neuron is. Every model
was run on {INPUTS} fixed inputs, and gives what the interpreter gives wherever that gives
something.

```
{command} --folder FOLDER
```

makes it again, byte for byte, with {_versions(corpus)}.

## What is in it

`data/` has the index, a row for each model; `weights/` the arrays, in safetensors: those of a model
are in the file `shard`, under `key/NAME`.

| column | |
|---|---|
{_lines(f"| `{name}` | {what} |" for name, what in COLUMNS.items())}

Licence of the data: {LICENCE}. Schema {SCHEMA}.

## Figures

{_lines(statistics.tables())}

## Splits

A family is what is left of a program when functions, predicates, constants, defaults, negations,
encodings and the vocab are forgotten, and elementwise functions in a row are one. A hash of the
family says in which split it is: programs of one shape are in one split, and a larger corpus of
the same seed moves none. Models that would have the same arrays as an earlier one in another split
are left out.

## Duplicates

No two programs are the same up to names, and no two compute the same on the fixed inputs of their
vocab; of two that would, the one of the earlier batch stays. Of {drawn:,} programs
that were drawn

{_lines(f"* {count:,} {what}" for what, count in _fates(corpus))}
"""


def _header(corpus: Corpus) -> str:
    """The YAML that Hugging Face reads; JSON values are YAML."""
    models = corpus.models
    category = next((name for most, name in _CATEGORIES if models < most), "n>1M")
    files = [
        f"  - split: {split}\n    path: {json.dumps(f'data/{split}-*')}"
        for split in SPLITS
        if any(corpus.path.glob(f"data/{split}-*"))
    ]
    return "\n".join(
        (
            "---",
            f"license: {LICENCE}",
            f"pretty_name: {json.dumps(f'{models:,} compiled RASP programs')}",
            f"size_categories:\n- {category}",
            "tags:\n- shoal\n- rasp\n- interpretability\n- transformers\n- weights",
            "configs:\n- config_name: default\n  data_files:",
            *files,
            "---",
        )
    )


class _Statistics:
    """What the index says in figures."""

    def __init__(self, corpus: Corpus) -> None:
        self.splits: Counter[str] = Counter()
        self.depths: Counter[str] = Counter()
        self.constructs: Counter[str] = Counter()
        self.sizes: dict[str, list[int]] = {"num_parameters": [], "d_model": []}
        self.families: Counter[str] = Counter()
        self.proven = 0
        for row in read_rows(corpus.path, shards_of(corpus.path), _COUNTED):
            self.splits[row["split"]] += 1
            self.depths[depth_of(row["num_layers"])] += 1
            self.constructs[main_construct(row["constructs"])] += 1
            self.families[row["family"]] += 1
            self.proven += {"layers", "width"} <= set(row["proven"])
            for name, values in self.sizes.items():
                values.append(row[name])

    def tables(self) -> list[str]:
        """Lines of Markdown."""
        models = self.splits.total()
        largest = max(self.families.values(), default=0)
        lines = ["| | | models |", "|---|---|---|"]
        for what, counts in (
            ("split", {split: self.splits[split] for split in SPLITS}),
            ("layers", dict(sorted(self.depths.items()))),
            ("hardest construct", dict(self.constructs.most_common())),
        ):
            lines += [f"| {what} | {kind} | {count:,} |" for kind, count in counts.items()]
        lines += [
            "",
            f"{len(self.families):,} families; the largest has {largest:,} models. Layers and "
            f"width of {self.proven:,} of {models:,} are proven to be as small as can be.",
            "",
        ]
        sizes = [f"`{name}`: {_spread(values)}" for name, values in self.sizes.items() if values]
        return [*lines, "; ".join(sizes) + "."]


def _spread(values: list[int]) -> str:
    return f"{min(values):,} to {max(values):,}, median {median(values):,.0f}"


def _fates(corpus: Corpus) -> list[tuple[str, int]]:
    """What became of the programs that were drawn."""
    counts, tally = corpus.counts, corpus.selection.tally
    fates = [
        ("were refused by the compiler", counts["refused"]),
        ("raise on every input", counts["undefined"]),
        ("have values that files cannot hold", counts["cannot be saved"]),
        ("were drawn twice in one batch", counts["same structure in its batch"]),
        *(
            (f"were left out: {verdict}", count)
            for verdict, count in sorted(tally.items())
            if verdict != STAYS
        ),
        ("stay", tally[STAYS]),
    ]
    return [(what, count) for what, count in fates if count]


def _command(options: CorpusOptions) -> str:
    """The options of the command that differ from the usual ones, and the seed."""
    usual = CorpusOptions()
    parts = [f"--seed {options.seed}"]
    for name, flag in (
        ("most_steps", "--steps"),
        ("max_seq_len", "--max-seq-len"),
        ("shard_models", "--shard-models"),
    ):
        if getattr(options, name) != getattr(usual, name):
            parts.append(f"{flag} {getattr(options, name)}")
    if options.causal:
        parts.append("--causal")
    if options.passes != usual.passes:
        passes = options.passes if isinstance(options.passes, str) else ",".join(options.passes)
        parts.append(f"--passes {passes}")
    if options.balance:
        parts.append(f"--balance {','.join(options.balance)}")
    return " ".join(parts)


def _versions(corpus: Corpus) -> str:
    versions: Mapping[str, str] = corpus.kind.versions()
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
