"""Fuzzing campaigns: many programs in batches, on several processes, resumable."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.pool import AsyncResult
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from shoal.errors import InvalidOptionError
from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import Difference, examine
from shoal_analysis.fuzzing.programs import cases
from shoal_analysis.fuzzing.reproduction import reproduction
from shoal_analysis.fuzzing.statistics import tally

BATCH = 50
"""Programs that Hypothesis draws for one batch; a batch is what a campaign can resume after.

Hypothesis likes to draw again what it has drawn, so about a third are repeats, which do not count.
"""


@dataclass(frozen=True)
class CampaignOptions:
    """What a campaign runs; kept in its folder, so that it can be resumed.

    Attributes:
        seed: two campaigns with one seed run the same programs.
        haiku_share: one program in so many also runs on Haiku; 0 for none.
        most_steps: the greatest number of steps in which a program is written.
    """

    seed: int = 0
    haiku_share: int = 0
    most_steps: int = 14


@dataclass(frozen=True)
class Failure:
    """A shrunk failure.

    Attributes:
        stage: where the answers part, or "crash".
        message: what happened.
        script: a Python file that shows it.
    """

    stage: str
    message: str
    script: str


@dataclass(frozen=True)
class BatchResult:
    """What came of one batch.

    Attributes:
        number: the batch.
        programs: how many different ones were examined.
        counts: tallies (see ``statistics``).
        failure: the shrunk failure, if there was one; it ends its batch.
        seconds: wall-clock time.
    """

    number: int
    programs: int
    counts: dict[str, int] = field(default_factory=dict)
    failure: Failure | None = None
    seconds: float = 0.0


def run_batch(options: CampaignOptions, number: int) -> BatchResult:
    """Examine one batch; a failure is shrunk by Hypothesis."""
    counts: Counter[str] = Counter()
    failing: list[tuple[Case, Exception]] = []
    seen: set[Case] = set()
    start = time.perf_counter()

    @seed(options.seed * 1_000_003 + number)
    @settings(
        max_examples=BATCH,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(cases(options.most_steps))
    def examine_all(case: Case) -> None:
        if failing:  # shrinking: only failures matter from here on
            _examine(case, failing, with_haiku=failing[0][1].args[0].startswith("haiku"))
            return
        if case in seen:
            return
        seen.add(case)
        share = options.haiku_share
        verdict = _examine(case, failing, with_haiku=bool(share) and _is_nth(case, share))
        counts.update(tally(case, verdict))

    failure = None
    try:
        examine_all()
    except Exception as error:  # noqa: BLE001 - a crash of the compiler is what we look for
        case, cause = failing[-1] if failing else (None, error)
        stage = cause.stage if isinstance(cause, Difference) else "crash"
        message = f"{type(cause).__name__}: {cause}"
        script = reproduction(case, message) if case is not None else message
        failure = Failure(stage, message, script)
    return BatchResult(number, len(seen), dict(counts), failure, time.perf_counter() - start)


def _is_nth(case: Case, share: int) -> bool:
    """One case in ``share``, whichever process examines it."""
    return zlib.crc32(repr(case).encode()) % share == 0


def _examine(case: Case, failing: list[tuple[Case, Exception]], with_haiku: bool) -> object:
    try:
        return examine(case, haiku=with_haiku)
    except Exception as error:
        failing.append((case, error))
        raise


class Campaign:
    """A campaign folder: options, finished batches, and failures.

    Raises:
        InvalidOptionError: the folder holds a campaign with other options.
    """

    def __init__(self, folder: Path, options: CampaignOptions) -> None:
        self.folder = folder
        self.options = options
        self.results: dict[int, BatchResult] = {}
        (folder / "failures").mkdir(parents=True, exist_ok=True)
        stored = folder / "campaign.json"
        if stored.exists():
            known = CampaignOptions(**json.loads(stored.read_text()))
            if known != options:
                raise InvalidOptionError(
                    f"{folder} holds a campaign with other options, {known}; resume it with those, "
                    "or choose another folder"
                )
        else:
            stored.write_text(json.dumps(asdict(options), indent=2) + "\n")
        text = self._log.read_text() if self._log.exists() else ""
        complete, _, _cut_off = text.rpartition("\n")  # a kill may cut the last line off
        if text and not text.endswith("\n"):
            self._log.write_text(f"{complete}\n" if complete else "")
        for line in complete.splitlines():
            entry = json.loads(line)
            failure = entry.pop("failure")
            result = BatchResult(**entry, failure=Failure(**failure) if failure else None)
            self.results[result.number] = result

    @property
    def _log(self) -> Path:
        return self.folder / "batches.jsonl"

    def record(self, result: BatchResult) -> None:
        """Keep a finished batch; it is on disk when this returns."""
        self.results[result.number] = result
        if result.failure is not None:
            path = self.folder / "failures" / f"failure_{result.number:05}.py"
            path.write_text(result.failure.script)
        with self._log.open("a") as log:
            log.write(json.dumps(asdict(result)) + "\n")

    @property
    def programs(self) -> int:
        """How many programs have been examined."""
        return sum(result.programs for result in self.results.values())

    @property
    def failures(self) -> list[Failure]:
        """All failures, in the order of batches."""
        ordered = [self.results[number] for number in sorted(self.results)]
        return [result.failure for result in ordered if result.failure is not None]

    @property
    def counts(self) -> Counter[str]:
        """Tallies over all batches."""
        total: Counter[str] = Counter()
        for result in self.results.values():
            total.update(result.counts)
        return total

    def missing(self) -> Iterator[int]:
        """Numbers of batches that have not been run, in order, without end."""
        number = 0
        while True:
            if number not in self.results:
                yield number
            number += 1


def run_campaign(
    campaign: Campaign,
    *,
    programs: int | None,
    minutes: float | None,
    jobs: int,
    progress: Callable[[BatchResult], None],
) -> bool:
    """Run batches until enough programs are examined, or the time is over.

    Args:
        campaign: where results go; what it already holds counts.
        programs: how many programs in all; None for no limit.
        minutes: for how long at most; None for no limit.
        jobs: processes.
        progress: called after each batch.

    Returns:
        False if Ctrl-C ended it early. Finished batches are kept then.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    context = multiprocessing.get_context("spawn")
    try:
        with context.Pool(jobs, initializer=_ignore_interrupts) as pool:
            pending: list[AsyncResult[BatchResult]] = []
            for number in campaign.missing():
                while pending and (
                    len(pending) >= 2 * jobs
                    or (programs and campaign.programs + BATCH * len(pending) >= programs)
                ):
                    _collect(campaign, pending, progress)
                if programs is not None and campaign.programs >= programs:
                    break
                if end is not None and time.monotonic() >= end:
                    break
                pending.append(pool.apply_async(run_batch, (campaign.options, number)))
            while pending:
                _collect(campaign, pending, progress)
    except KeyboardInterrupt:
        return False
    return True


def _collect(
    campaign: Campaign,
    pending: list[AsyncResult[BatchResult]],
    progress: Callable[[BatchResult], None],
) -> None:
    """Record what has finished; wait a moment if nothing has."""
    ready = [batch for batch in pending if batch.ready()]
    for batch in ready:
        pending.remove(batch)
        result = batch.get()
        campaign.record(result)
        progress(result)
    if not ready:
        pending[0].wait(0.1)


def _ignore_interrupts() -> None:
    """Ctrl-C is for the parent, which ends the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
