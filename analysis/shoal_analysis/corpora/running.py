"""Making a corpus on the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoal.files import write_text
from shoal_analysis.corpora import batches
from shoal_analysis.corpora.batches import BatchMade, make_batch
from shoal_analysis.corpora.card import card_of
from shoal_analysis.corpora.corpus import Corpus
from shoal_analysis.engine.failures import Failure
from shoal_analysis.engine.running import run_batches

WINDOW = 2048
"""A batch begins at most so many ahead of the first that is missing, so that few have to wait."""


def make_corpus(
    corpus: Corpus,
    executor: Executor,
    *,
    programs: int,
    jobs: int,
    progress: Callable[[int, tuple[Failure, ...]], None],
) -> bool:
    """Make batches until there are enough models.

    Args:
        corpus: where models go; what it already holds counts.
        executor: what makes batches; it is shut down in the end.
        programs: how many models in all.
        jobs: how many batches the executor runs at once; a cluster says so itself.
        progress: called after each batch with its number and failures.

    Returns:
        False if Ctrl-C ended it early. Finished batches are kept then.

    Raises:
        InvalidOptionError: another corpus is made in the folder, it holds more than is asked for,
            or no more can be found.
        InvalidInputError: something cannot be written.
        WorkersError: workers cannot work.
    """
    work = _Making(corpus, programs, progress)
    if not run_batches(work, executor, jobs):
        return False
    corpus.close()
    write_text(corpus.path / "README.md", card_of(corpus))
    return True


@dataclass(frozen=True)
class _Making:
    """A corpus as work for the engine."""

    folder: Corpus
    programs: int
    progress: Callable[[int, tuple[Failure, ...]], None]

    def missing(self) -> Iterator[int]:
        self.folder.require_no_more(self.programs)
        self.folder.settle(self.programs)  # what an earlier run has recorded; only now it is locked
        yield from self.folder.missing()

    def has(self, number: int) -> bool:
        return self.folder.has(number)

    def will_do(self, under_way: int) -> bool:
        waiting = 0 if self.folder.models >= self.programs else len(self.folder.recorded)
        return self.folder.models + batches.BATCH * (waiting + under_way) >= self.programs

    def has_room(self, number: int) -> bool:
        return number < self.folder.next_batch + WINDOW

    def call(self, number: int, skip: tuple[str, ...], note: Path) -> tuple[Any, ...]:
        return make_batch, self.folder.options, number, skip, note

    def record(self, number: int, made: BatchMade, failures: tuple[Failure, ...]) -> None:
        all_failures = (*made.failures, *failures)
        self.folder.record(number, BatchMade(made.parcel, made.counts, all_failures, made.seconds))
        self._settle(number, all_failures)

    def give_up(self, number: int, failures: tuple[Failure, ...]) -> None:
        self.folder.record_nothing(number, failures)
        self._settle(number, failures)

    def _settle(self, number: int, failures: tuple[Failure, ...]) -> None:
        self.folder.settle(self.programs)
        self.progress(number, failures)
