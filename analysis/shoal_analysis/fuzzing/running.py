"""Running a campaign: batches go to an executor, and what is lost on the way goes there again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from pathlib import Path

from shoal.errors import ShoalError
from shoal.rasp.values import show_error
from shoal_analysis.fuzzing import batches
from shoal_analysis.fuzzing.batches import BatchResult, Failure, read_note, run_batch
from shoal_analysis.fuzzing.campaign import DEATHS, Campaign, Death

_MOST_LOSSES = 10
"""A batch that was lost so often is given up."""

_MOST_IN_A_ROW = 6
"""So many batches that are lost before they begin say that workers cannot work at all."""


class WorkersError(ShoalError):
    """Workers die before they do anything."""


def run_campaign(
    campaign: Campaign,
    executor: Executor,
    *,
    programs: int | None,
    minutes: float | None,
    jobs: int,
    progress: Callable[[BatchResult], None],
) -> bool:
    """Run batches until enough programs are examined, or the time is over.

    Args:
        campaign: where results go; what it already holds counts.
        executor: what runs the batches; it is shut down in the end.
        programs: how many programs in all; None for no limit.
        minutes: for how long at most; None for no limit.
        jobs: how many batches the executor runs at once.
        progress: called after each batch.

    Returns:
        False if Ctrl-C ended it early. Finished batches are kept then.

    Raises:
        InvalidOptionError: another campaign runs in the folder.
        WorkersError: workers die before they do anything.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    finished = False
    try:
        with campaign.locked():
            _Run(campaign, executor, progress).until(programs, end, jobs)
        finished = True
    except KeyboardInterrupt:
        return False
    finally:
        executor.shutdown(wait=finished, cancel_futures=True)
    return True


class _Run:
    """What is under way."""

    def __init__(
        self,
        campaign: Campaign,
        executor: Executor,
        progress: Callable[[BatchResult], None],
    ) -> None:
        self.campaign = campaign
        self.executor = executor
        self.progress = progress
        self.pending: dict[Future[BatchResult], int] = {}
        self.notes: dict[int, Path] = {}
        self.losses: Counter[int] = Counter()
        self.in_a_row = 0

    def until(self, programs: int | None, end: float | None, jobs: int) -> None:
        """Submit and collect until there are enough programs, or the time is over."""
        for number in self.campaign.missing():
            while self.pending and (
                len(self.pending) >= 2 * jobs or self._will_do(programs, len(self.pending))
            ):
                self._collect()
            if self._will_do(programs, 0) or (end is not None and time.monotonic() >= end):
                break
            if number not in self.campaign.results:
                self._submit(number)
        while self.pending:
            self._collect()

    def _will_do(self, programs: int | None, under_way: int) -> bool:
        expected = self.campaign.programs + batches.BATCH * under_way
        return programs is not None and expected >= programs

    def _submit(self, number: int) -> None:
        self.notes[number] = note = self.campaign.new_note(number)
        skip = tuple(self.campaign.fatal())
        future = self.executor.submit(run_batch, self.campaign.options, number, skip, note)
        self.pending[future] = number

    def _collect(self) -> None:
        """Record what has finished, and submit again what was lost; wait if there is neither."""
        done, _ = wait(self.pending, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in done:
            number = self.pending.pop(future)
            error = future.exception()
            if error is not None:
                self._lost(number, error)
                continue
            self.in_a_row = 0
            result = future.result()
            self._record(replace(result, failures=(*result.failures, *self._fatal(number))))

    def _fatal(self, number: int) -> tuple[Failure, ...]:
        """The programs of a batch that workers died on."""
        return tuple(
            Failure("worker died", f"{DEATHS} workers died on this program ({d.message})", d.script)
            for d in self.campaign.fatal().values()
            if d.batch == number
        )

    def _record(self, result: BatchResult) -> None:
        self.campaign.record(result)
        self.progress(result)

    def _lost(self, number: int, error: BaseException) -> None:
        """A worker died with a batch, or an executor lost it.

        A batch that had not begun, since its worker died on another one, is innocent.
        """
        note = self.notes.pop(number)
        if not note.exists():
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
        found = read_note(note)
        note.unlink(missing_ok=True)
        key, script = found or (f"batch {number}", "# the batch had drawn no program\n")
        self.campaign.record_death(Death(key, number, show_error(error), script))
        given_up = found is None and key in self.campaign.fatal()
        if given_up or self.losses[number] >= _MOST_LOSSES:
            message = f"the batch was lost {self.losses[number]} times ({show_error(error)})"
            lost = Failure("worker died", message, script)
            self._record(BatchResult(number, 0, failures=self._fatal(number) or (lost,)))
            return
        self._submit(number)
