"""Small corpora, made from batches that are there."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shoal_analysis.corpora import batches
from shoal_analysis.corpora.batches import BatchMade
from shoal_analysis.corpora.options import CorpusOptions

OPTIONS = CorpusOptions(seed=3, most_steps=6, max_seq_len=3, shard_models=8)


class Premade(ThreadPoolExecutor):
    """Has batches ready.

    Attributes:
        submitted: the numbers of those that were asked for.
    """

    def __init__(self, made: list[BatchMade]) -> None:
        super().__init__(1)
        self.made = made
        self.submitted: list[int] = []

    def submit(self, fn: Any, /, *arguments: Any, **others: Any) -> Any:
        number: int = arguments[1]
        future: Future[Any] = Future()
        self.submitted.append(number)
        future.set_result(self.made[number])
        return future


def build(
    path: Path,
    made: list[BatchMade],
    programs: int,
    options: CorpusOptions = OPTIONS,
    executor: Premade | None = None,
) -> Any:
    """Make a corpus of batches that are there; the corpus."""

    from shoal_analysis.corpora.corpus import Corpus
    from shoal_analysis.corpora.running import make_corpus

    corpus = Corpus(path, options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BATCH", 10)
        assert make_corpus(
            corpus,
            executor or Premade(made),
            programs=programs,
            jobs=1,
            progress=lambda number, failures: None,
        )
    return corpus


def content(path: Path) -> dict[str, str]:
    """Digests of all files that are data, without what is of use only while it is made."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and "work" not in file.relative_to(path).parts
    }
