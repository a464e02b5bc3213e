"""One batch of a campaign: programs drawn, examined, and the first failure shrunk."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from shoal.rasp.values import show_error
from shoal_analysis.engine.failures import Failure
from shoal_analysis.engine.notes import Note, NoteError, write_note
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
class BatchResult:
    """What came of one batch.

    Attributes:
        number: the batch.
        programs: how many different ones were examined.
        counts: tallies (see ``statistics``).
        failures: the shrunk failure, if there was one, which ends its batch; and programs that
            workers died on.
        seconds: wall-clock time.
    """

    number: int
    programs: int
    counts: dict[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0


def case_key(case: Case) -> str:
    """A short text that tells cases apart, in whatever process."""
    return hashlib.sha256(repr(case).encode()).hexdigest()[:16]


def run_batch(
    options: CampaignOptions,
    number: int,
    skip: Collection[str] = (),
    note: Path | None = None,
) -> BatchResult:
    """Examine one batch; a failure is shrunk by Hypothesis.

    Args:
        options: of the campaign.
        number: of the batch.
        skip: keys of cases that are not to be examined, since workers died on them.
        note: a file that says, until the batch is done, which case is under way; somebody else
            can read it when the process has died.
    """
    counts: Counter[str] = Counter()
    failing: list[tuple[Case, Exception]] = []
    seen: set[Case] = set()
    start = time.perf_counter()
    write_note(note, None)

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
        if case_key(case) in skip:
            return
        if failing:  # shrinking: only failures matter from here on
            write_note(note, note_of(case))
            _examine(case, failing, with_haiku=_stage(failing[0][1]) == "haiku")
            return
        if case in seen:
            return
        seen.add(case)
        write_note(note, note_of(case))
        share = options.haiku_share
        verdict = _examine(case, failing, with_haiku=bool(share) and _is_nth(case, share))
        counts.update(tally(case, verdict))

    failures: tuple[Failure, ...] = ()
    try:
        examine_all()
    except Exception as error:
        if isinstance(innermost(error), NoteError):
            raise innermost(error) from error
        case, cause = failing[-1] if failing else (None, innermost(error))
        message = show_error(cause)
        script = reproduction(case, message) if case is not None else message
        failures = (Failure(_stage(cause), message, script),)
    if note is not None:
        note.unlink(missing_ok=True)
    return BatchResult(number, len(seen), dict(counts), failures, time.perf_counter() - start)


def note_of(case: Case) -> Note:
    """What a batch says of the case that is under way."""
    message = "Two workers died while they examined it."
    return Note(case_key(case), reproduction(case, message))


def innermost(error: Exception) -> Exception:
    """What Hypothesis saw, where it wraps that up as not happening again."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _stage(error: Exception) -> str:
    return error.stage if isinstance(error, Difference) else "crash"


def _is_nth(case: Case, share: int) -> bool:
    """One case in ``share``, whichever process examines it."""
    return zlib.crc32(repr(case).encode()) % share == 0


def _examine(case: Case, failing: list[tuple[Case, Exception]], with_haiku: bool) -> object:
    try:
        return examine(case, haiku=with_haiku)
    except Exception as error:
        failing.append((case, error))
        raise
