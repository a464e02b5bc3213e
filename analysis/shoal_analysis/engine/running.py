"""Running batches: they go to an executor, and what is lost on the way goes there again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from shoal.errors import ShoalError
from shoal.rasp.values import show_error
from shoal_analysis.engine.failures import Death, Failure, failures_of_batch
from shoal_analysis.engine.folder import Folder
from shoal_analysis.engine.notes import Note, read_note

R = TypeVar("R", contravariant=True)
"""What a batch gives."""

_MOST_LOSSES = 10
"""A batch that was lost so often is given up."""

_MOST_IN_A_ROW = 6
"""So many batches that are lost before they begin say that workers cannot work at all."""


PATIENCE = 60.0
"""Seconds after which a batch, which takes a few, also goes to a machine that has nothing to do."""


class WorkersError(ShoalError):
    """Workers cannot work: they die before they do anything, are gone, or are of other versions."""


class LostBatchError(Exception):
    """A batch that had begun was lost where its note cannot be read from here.

    Attributes:
        note: the case that was under way, if that is known.
    """

    def __init__(self, message: str, note: Note | None) -> None:
        super().__init__(message, note)
        self.note = note

    def __str__(self) -> str:
        return str(self.args[0])


@runtime_checkable
class Cluster(Protocol):
    """An executor whose machines come and go, and are not equally fast."""

    @property
    def jobs(self) -> int:
        """How many batches it runs at once, now."""


class Work(Protocol[R]):
    """What is done batch by batch, and where its results go."""

    @property
    def folder(self) -> Folder:
        """Where it is kept."""

    def missing(self) -> Iterator[int]:
        """Numbers of batches that have not been run, in order, without end."""

    def has(self, number: int) -> bool:
        """Whether a batch has been recorded."""

    def will_do(self, under_way: int) -> bool:
        """Whether there is enough once so many more batches are recorded."""

    def has_room(self, number: int) -> bool:
        """Whether a batch may begin, or has to wait for earlier ones."""

    def call(self, number: int, skip: tuple[str, ...], note: Path) -> tuple[Any, ...]:
        """A function and its arguments, the last of them ``note``, which run a batch anywhere.

        Args:
            number: of the batch.
            skip: keys of cases that are not to be examined, since workers died on them.
            note: a file that says, until the batch is done, which case is under way.
        """

    def record(self, number: int, result: R, failures: tuple[Failure, ...]) -> None:
        """Keep a finished batch, with failures besides its own."""

    def give_up(self, number: int, failures: tuple[Failure, ...]) -> None:
        """Keep that a batch cannot be run."""


def run_batches(
    work: Work[Any], executor: Executor, jobs: int = 1, end: Callable[[], bool] = lambda: False
) -> bool:
    """Run batches until there is enough of them.

    Args:
        work: what is done; what is recorded already counts.
        executor: what runs the batches; it is shut down in the end.
        jobs: how many batches the executor runs at once; a ``Cluster`` says so itself.
        end: whether to begin no more batches.

    Returns:
        False if Ctrl-C ended it early. Finished batches are kept then.

    Raises:
        InvalidOptionError: somebody else works in the folder.
        InvalidInputError: a result cannot be written.
        WorkersError: workers cannot work.
    """
    finished = False
    try:
        with work.folder.locked():
            _Run(work, executor, jobs).until(end)
        finished = True
    except KeyboardInterrupt:
        return False
    finally:
        executor.shutdown(wait=finished, cancel_futures=True)
    return True


def end_after(minutes: float | None) -> Callable[[], bool]:
    """Whether so many minutes are over, from now; never if None."""
    end = None if minutes is None else time.monotonic() + 60 * minutes
    return lambda: end is not None and time.monotonic() >= end


@dataclass(frozen=True)
class _Submission:
    """A batch that an executor has.

    Attributes:
        number: of the batch.
        note: where it says what is under way.
        since: when it was submitted, by the clock.
    """

    number: int
    note: Path
    since: float


class _Run:
    """What is under way."""

    def __init__(self, work: Work[Any], executor: Executor, jobs: int) -> None:
        self.work = work
        self.executor = executor
        self.cluster = executor if isinstance(executor, Cluster) else None
        self.usual_jobs = jobs
        self.pending: dict[Future[Any], _Submission] = {}
        self.losses: Counter[int] = Counter()
        self.in_a_row = 0

    @property
    def jobs(self) -> int:
        return self.usual_jobs if self.cluster is None else max(1, self.cluster.jobs)

    def until(self, end: Callable[[], bool]) -> None:
        """Submit and collect until there is enough, or the time is over."""
        for number in self.work.missing():
            while self.pending and self._must_wait(number):
                self._collect()
            if self.work.will_do(0) or end():
                break
            if not self.work.has(number):
                self._submit(number)
        while self.pending:
            self._collect()

    def _must_wait(self, number: int) -> bool:
        under_way = len({submission.number for submission in self.pending.values()})
        return (
            len(self.pending) >= 2 * self.jobs
            or self.work.will_do(under_way)
            or not self.work.has_room(number)
        )

    def _submit(self, number: int) -> None:
        note = self.work.folder.new_note(number)
        skip = tuple(self.work.folder.fatal())
        future = self.executor.submit(*self.work.call(number, skip, note))
        self.pending[future] = _Submission(number, note, time.monotonic())

    def _collect(self) -> None:
        """Record what has finished, and submit again what was lost; wait if there is neither."""
        self._back_up()
        done, _ = wait(self.pending, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in done:
            submission = self.pending.pop(future, None)
            if submission is None:
                continue  # the other copy of a batch came first, just now
            if future.cancelled():
                raise WorkersError(
                    "the cluster has dropped what was under way, as it does when its scheduler "
                    "ends; start it again, and then the same command, which goes on from here"
                )
            error = future.exception()
            if isinstance(error, ShoalError):
                raise error
            if error is not None:
                self._lost(submission, error)
                continue
            self.in_a_row = 0
            number = submission.number
            self._forget_copies(number)
            failures = failures_of_batch(self.work.folder.deaths, number)
            self.work.record(number, future.result(), failures)

    def _back_up(self) -> None:
        """Where machines differ, an idle one runs the oldest batch as well; one result counts."""
        if self.cluster is None or len(self.pending) >= self.jobs:
            return
        copies = Counter(submission.number for submission in self.pending.values())
        oldest = min(self.pending.values(), key=lambda submission: submission.since)
        if copies[oldest.number] == 1 and time.monotonic() - oldest.since > PATIENCE:
            self._submit(oldest.number)

    def _forget_copies(self, number: int) -> None:
        for future in [f for f, one in self.pending.items() if one.number == number]:
            del self.pending[future]
            future.cancel()

    def _lost(self, submission: _Submission, error: BaseException) -> None:
        """A worker died with a batch, or an executor lost it.

        A batch that had not begun, since its worker died on another one, is innocent.
        """
        number, note = submission.number, submission.note
        if not note.exists() and not isinstance(error, LostBatchError):
            self.in_a_row += 1
            if self.in_a_row >= _MOST_IN_A_ROW * (1 + len(self.pending)):
                raise WorkersError(
                    f"workers die before they do anything ({show_error(error)}); run one program "
                    'to see why, for example by "shoal run reverse a b"'
                ) from error
            self._submit(number)
            return
        self.in_a_row = 0
        self.losses[number] += 1
        found = error.note if isinstance(error, LostBatchError) else read_note(note)
        note.unlink(missing_ok=True)
        seen = found or Note(f"batch {number}", "# the batch had drawn no program\n")
        key, script = seen.key, seen.script
        self.work.folder.record_death(Death(key, number, show_error(error), script))
        given_up = found is None and key in self.work.folder.fatal()
        if given_up or self.losses[number] >= _MOST_LOSSES:
            self._forget_copies(number)
            message = f"the batch was lost {self.losses[number]} times ({show_error(error)})"
            lost = Failure("worker died", message, script)
            failures = failures_of_batch(self.work.folder.deaths, number)
            self.work.give_up(number, failures or (lost,))
            return
        self._submit(number)
