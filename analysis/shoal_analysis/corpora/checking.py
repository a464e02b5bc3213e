"""Whether a corpus's folder holds what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shoal.errors import InvalidInputError
from shoal_analysis.corpora.behaviour import require_agreement, results_of
from shoal_analysis.corpora.digests import Digests
from shoal_analysis.corpora.drafts import digest_of_arrays
from shoal_analysis.corpora.index import key_of
from shoal_analysis.corpora.reading import case_of, model_of, rows_of
from shoal_analysis.corpora.shards import ShardReader
from shoal_analysis.corpora.splits import SPLITS, split_of
from shoal_analysis.fuzzing.oracles import Difference

SHARE = 50
"""One model in so many is run against the interpreter again."""


def check_corpus(
    folder: str | Path, share: int = SHARE, progress: Callable[[int], object] = int
) -> Iterator[str]:
    """Check every row and array, and run a part of the models against the interpreter.

    This evaluates the sources of programs; so check no corpus that you do not trust.

    Args:
        folder: of the corpus.
        share: one model in so many is run.
        progress: called with the number of models that have been looked at.

    Yields:
        What is wrong, in words.

    Raises:
        InvalidInputError: there is no corpus, or its index cannot be read.
    """
    path = Path(folder)
    seen = {name: Digests() for name in ("structure", "function")}
    weights = {split: Digests() for split in SPLITS}
    reader = ShardReader(path)
    number = -1
    for number, row in enumerate(rows_of(path)):
        for fault in (*_faults_of_row(row, number, seen, weights), *_faults_of_arrays(reader, row)):
            yield f"{row['key']}: {fault}"
        if number % share == 0:
            yield from _faults_of_model(reader, row)
        progress(number + 1)
    if number < 0:
        yield f"{path} has no models"


def _faults_of_row(
    row: Mapping[str, Any],
    number: int,
    seen: Mapping[str, Digests],
    weights: Mapping[str, Digests],
) -> Iterator[str]:
    if (row["number"], row["key"]) != (number, key_of(number)):
        yield f"it should be the model {key_of(number)}"
    split = row["split"]
    if split != split_of(row["family"]):
        yield f"it is in the split {split!r}, and its family in {split_of(row['family'])!r}"
    for name, digests in seen.items():
        if row[name] in digests:
            yield f"an earlier model has the same {name}"
        digests.add(row[name])
    if any(row["weights"] in weights[other] for other in SPLITS if other != split):
        yield "a model of another split has the same weights"
    weights[split].add(row["weights"])


def _faults_of_arrays(reader: ShardReader, row: Mapping[str, Any]) -> Iterator[str]:
    try:
        if digest_of_arrays(reader.arrays(row)) != row["weights"]:
            yield "its arrays are not those that its index speaks of"
    except InvalidInputError as error:
        yield str(error)


def _faults_of_model(reader: ShardReader, row: Mapping[str, Any]) -> Iterator[str]:
    try:
        case = case_of(row)
        program = case.build()
        require_agreement(model_of(reader, row), program, results_of(case, program))
    except (InvalidInputError, Difference) as error:
        yield f"{row['key']}: {error}"
