"""The index of a corpus: a row for each model, in Parquet files of one split each."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shoal.errors import InvalidInputError
from shoal.files import write_file
from shoal_analysis.corpora.arrow import arrow
from shoal_analysis.corpora.drafts import Draft
from shoal_analysis.corpora.options import LICENCE, SCHEMA, CorpusOptions
from shoal_analysis.corpora.splits import SPLITS

SIZES = (
    "lines",
    "num_layers",
    "num_heads",
    "key_size",
    "value_size",
    "d_model",
    "mlp_hidden_size",
    "num_parameters",
    "vocab_size",
    "num_results",
)
"""Sizes that have a column of their own."""

COLUMNS: Mapping[str, str] = {
    "key": "the model's name, and the beginning of its arrays' names in the shard",
    "number": "of the model, from 0",
    "split": "train, validation or test; all models of a family are in one",
    "family": "what is left of the program without what its functions are, as a digest",
    "structure": "the program up to names, as a digest",
    "function": "what it computes, as a digest: vocab, and results on 200 fixed inputs",
    "weights": "the arrays, as a digest",
    "shard": "the file that has the arrays",
    "source": "the program, as Python in the names of shoal.rasp",
    "vocab": 'its tokens, as a JSON list in which a tuple is {"tuple": [...]}',
    "max_seq_len": "the greatest number of tokens",
    "causal": "whether attention is",
    "passes": "with which it was compiled",
    "constructs": "what the program uses",
    "proven": "which sizes are proven to be as small as can be",
    "inputs": "on how many inputs the model was compared with the interpreter",
    "lines": "of the program",
    "num_layers": "attention + MLP pairs",
    "num_heads": "heads of each layer",
    "key_size": "dimensions in which queries and keys of a head meet",
    "value_size": "dimensions of a head's value",
    "d_model": "width of the residual stream",
    "mlp_hidden_size": "neurons of each MLP",
    "num_parameters": "all entries of the weights but those of the unembedding",
    "vocab_size": "how many tokens, without BOS and PAD",
    "num_results": "different results, for those that are classes",
    "description": "the transformer without its arrays (vocab, results, BOS, ...), as JSON",
    "atlas": "everything that is known about the model, as JSON",
    "batch": "in which it was made",
}
"""What each column says."""

_TEXTS = {"constructs", "proven"}
_NUMBERS = {*SIZES, "number", "max_seq_len", "inputs", "batch"}


def row_of(
    draft: Draft, number: int, split: str, shard: str, batch: int, options: CorpusOptions
) -> dict[str, Any]:
    """A model's row."""
    passes = options.passes if isinstance(options.passes, str) else ",".join(options.passes)
    return {
        "key": key_of(number),
        "number": number,
        "split": split,
        "shard": shard,
        "vocab": json.dumps(json.loads(draft.description)["vocab"]),
        "max_seq_len": options.max_seq_len,
        "causal": options.causal,
        "passes": passes,
        "batch": batch,
        "constructs": list(draft.constructs),
        "proven": list(draft.proven),
        **{name: draft.sizes[name] for name in SIZES},
        **{
            name: getattr(draft, name)
            for name in (
                *("family", "structure", "function", "weights", "source", "inputs"),
                *("description", "atlas"),
            )
        },
    }


def key_of(number: int) -> str:
    """The name of a model."""
    return f"{number:08}"


def write_index(
    folder: Path, shard: int, rows: Sequence[Mapping[str, Any]], versions: Mapping[str, str]
) -> None:
    """Write the rows of one shard, a file for each split that has some, whole or not at all.

    Raises:
        InvalidInputError: they cannot be written.
    """
    schema = _schema(versions)
    for split in SPLITS:
        chosen = [row for row in rows if row["split"] == split]
        if not chosen:
            continue  # readers stumble over tables without rows
        table = arrow().Table.from_pylist(chosen, schema=schema)
        content = io.BytesIO()
        arrow().parquet.write_table(table, content, compression="zstd", row_group_size=1000)
        path = index_path(folder, split, shard)
        write_file(path, lambda file, content=content: file.write(content.getbuffer()))  # type: ignore[misc]


def index_path(folder: Path, split: str, shard: int) -> Path:
    """The file of a split's rows in a shard."""
    return folder / "data" / f"{split}-{shard:05}.parquet"


def read_rows(
    folder: Path, shards: Sequence[int], columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of shards, in the order of their numbers; of one shard at a time.

    Raises:
        InvalidInputError: a file is damaged.
    """
    wanted = None if columns is None else [*{*columns, "number"}]
    for shard in shards:
        rows = []
        for split in SPLITS:
            path = index_path(folder, split, shard)
            if not path.exists():
                continue
            try:
                rows += arrow().parquet.read_table(path, columns=wanted).to_pylist()
            except (OSError, ValueError) as error:
                raise InvalidInputError(
                    f"{path} cannot be read: {error}; remove the file 'work/shards.jsonl' and make "
                    "the corpus again"
                ) from error
        yield from sorted(rows, key=lambda row: row["number"])


def shards_of(folder: Path) -> list[int]:
    """The numbers of the shards of which a folder has weights or an index."""
    files = (*folder.glob("weights/*.safetensors"), *folder.glob("data/*.parquet"))
    return sorted({int(path.stem.split("-")[-1]) for path in files})


def _schema(versions: Mapping[str, str]) -> Any:
    pa = arrow()
    fields = []
    for name in COLUMNS:
        kind = pa.int64() if name in _NUMBERS else pa.bool_() if name == "causal" else pa.string()
        fields.append(pa.field(name, pa.list_(pa.string()) if name in _TEXTS else kind))
    facts = {"schema": SCHEMA, "licence": LICENCE}
    facts |= {f"version of {name}": number for name, number in versions.items()}
    return pa.schema(fields, metadata={f"shoal {name}": text for name, text in facts.items()})
