"""Running a campaign on the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shoal_analysis.engine.failures import Failure
from shoal_analysis.engine.running import end_after, run_batches
from shoal_analysis.fuzzing import batches
from shoal_analysis.fuzzing.batches import BatchResult, run_batch
from shoal_analysis.fuzzing.campaign import Campaign


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
        jobs: how many batches the executor runs at once; a cluster says so itself.
        progress: called after each batch.

    Returns:
        False if Ctrl-C ended it early. Finished batches are kept then.

    Raises:
        InvalidOptionError: another campaign runs in the folder.
        WorkersError: workers cannot work.
    """
    work = _Fuzzing(campaign, programs, progress)
    return run_batches(work, executor, jobs, end_after(minutes))


@dataclass(frozen=True)
class _Fuzzing:
    """A campaign as work for the engine."""

    folder: Campaign
    programs: int | None
    progress: Callable[[BatchResult], None]

    def missing(self) -> Iterator[int]:
        return self.folder.missing()

    def has(self, number: int) -> bool:
        return number in self.folder.results

    def will_do(self, under_way: int) -> bool:
        expected = self.folder.programs + batches.BATCH * under_way
        return self.programs is not None and expected >= self.programs

    def has_room(self, number: int) -> bool:
        return True

    def call(self, number: int, skip: tuple[str, ...], note: Path) -> tuple[Any, ...]:
        return run_batch, self.folder.options, number, skip, note

    def record(self, number: int, result: BatchResult, failures: tuple[Failure, ...]) -> None:
        self._keep(replace(result, failures=(*result.failures, *failures)))

    def give_up(self, number: int, failures: tuple[Failure, ...]) -> None:
        self._keep(BatchResult(number, 0, failures=failures))

    def _keep(self, result: BatchResult) -> None:
        self.folder.record(result)
        self.progress(result)
