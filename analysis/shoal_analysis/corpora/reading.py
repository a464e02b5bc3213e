"""Reading models of a corpus back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shoal.atlas.text import atlas_from_json
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.expressions import SOp
from shoal.transformer.description import Description
from shoal.transformer.storage import assemble
from shoal_analysis.corpora.drawing import INPUT_SEED, case_options
from shoal_analysis.corpora.index import read_rows, shards_of
from shoal_analysis.corpora.options import SCHEMA, CorpusOptions
from shoal_analysis.corpora.shards import ShardReader
from shoal_analysis.engine.folder import read_description
from shoal_analysis.fuzzing.cases import Case, Line, build_lines


def rows_of(
    folder: str | Path, split: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of a corpus's index, in the order of their numbers.

    Args:
        folder: of the corpus.
        split: only those of one split.
        columns: only these; all if None.

    Raises:
        InvalidInputError: there is no corpus, it is of another schema, or a file is damaged.
    """
    path = Path(folder)
    require_corpus(path)
    wanted = None if columns is None else [*columns, "split"]
    for row in read_rows(path, shards_of(path), wanted):
        if split in (None, row["split"]):
            yield row


def require_corpus(folder: Path) -> dict[str, Any]:
    """What a folder says it is.

    Raises:
        InvalidInputError: it holds no corpus, or one of another schema.
    """
    path = folder / "corpus.json"
    if not path.exists():
        raise InvalidInputError(f"{folder} holds no corpus: there is no {path.name} in it")
    known = read_description(path, "corpus")
    if known.get("schema") != SCHEMA:
        raise InvalidInputError(
            f"{folder} holds a corpus of schema {known.get('schema')!r}, and this version of Shoal "
            f"reads {SCHEMA!r}; read it with the version that made it, {known['versions']}"
        )
    return known


def model_of(folder: str | Path | ShardReader, row: Mapping[str, Any]) -> Model:
    """A model, with its atlas.

    Args:
        folder: of the corpus; or what reads its shards, for those who read many models.
        row: of its index, with ``shard``, ``key``, ``description`` and ``atlas``.

    Raises:
        InvalidInputError: its shard is missing or damaged.
    """
    reader = folder if isinstance(folder, ShardReader) else ShardReader(Path(folder))
    arrays = reader.arrays(row)
    try:
        description = Description.from_json(row["description"], {})
        parts = assemble(description, arrays)
        return Model(*parts, None, atlas_from_json(json.loads(row["atlas"])))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"the model {row['key']} is damaged: {error}") from error


def program_of(row: Mapping[str, Any]) -> SOp:
    """The program of a model, which can be run, changed and compiled again.

    This evaluates the row's ``source``, as Python does; so read no corpus that you do not trust.
    """
    lines = Line.parse(row["source"])
    result = build_lines(lines)[lines[-1].name]
    assert isinstance(result, SOp)
    return result


def case_of(row: Mapping[str, Any]) -> Case:
    """The program with its vocab and its fixed inputs."""
    description = Description.from_json(row["description"], {})
    passes: str = row["passes"]
    options = CorpusOptions(
        max_seq_len=row["max_seq_len"],
        causal=row["causal"],
        passes=passes if passes in ("all", "none") else tuple(passes.split(",")),
    )
    return Case(Line.parse(row["source"]), description.vocab, case_options(options), INPUT_SEED)
