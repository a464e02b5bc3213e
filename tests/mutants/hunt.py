"""Hunting planted faults by random programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import Difference, examine
from shoal_analysis.fuzzing.programs import drawn_cases
from tests.mutants.faults import Fault

CHUNK = 50
"""So many programs are generated at a time."""


class UnsoundError(Exception):
    """The compiler fails although no fault is planted."""


@dataclass(frozen=True)
class Catch:
    """How a fault was caught.

    Attributes:
        programs: how many programs it took, the last one included.
        stage: which oracle the last one failed, or the exception with which the compiler crashed.
        message: what happened.
        case: the last program.
    """

    programs: int
    stage: str
    message: str
    case: Case


class Programs:
    """An endless sequence of different random programs, the same for the same seed.

    Each is handed out only after the compiler without faults has passed it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chunks = 0
        self._cases: list[Case] = []
        self._seen: set[Case] = set()
        self._passed: set[tuple[Case, bool]] = set()

    def generated(self) -> Iterator[tuple[int, Case]]:
        """The programs with their numbers, from 0, without examining them."""
        number = 0
        while True:
            while number == len(self._cases):
                self._generate()
            yield number, self._cases[number]
            number += 1

    def _generate(self) -> None:
        """Add a chunk of programs that are not there yet."""
        for case in drawn_cases(CHUNK, self._seed * 1_000_003 + self._chunks):
            if case not in self._seen:
                self._seen.add(case)
                self._cases.append(case)
        self._chunks += 1

    def require_sound(self, number: int, case: Case, haiku: bool) -> None:
        """Examine a program without faults, once.

        Raises:
            UnsoundError: it fails.
        """
        if (case, haiku) in self._passed:
            return
        failed = failure(case, haiku)
        if failed is not None:
            raise UnsoundError(
                f"program {number} fails without a planted fault, {failed[0]}: {failed[1]}\n"
                f"{case.source()}\n{case}"
            )
        self._passed.add((case, haiku))


def failure(case: Case, haiku: bool = False) -> tuple[str, str] | None:
    """The stage and the message if an oracle fails or the compiler crashes, else None."""
    try:
        examine(case, haiku)
    except Difference as error:
        return error.stage, str(error)
    except Exception as error:  # noqa: BLE001 - a crash is a catch
        return f"crash, {type(error).__name__}", str(error)
    return None


def hunt(
    fault: Fault,
    programs: Programs,
    most: int,
    *,
    selective: bool = False,
    progress: Callable[[int], None] = lambda examined: None,
) -> Catch | None:
    """Examine programs under a fault until one fails; None if the fault escapes.

    Args:
        fault: it is planted while a program is examined.
        programs: where programs come from.
        most: how many to examine.
        selective: whether to pass over programs that cannot show the fault, uncounted.
        progress: called before each program.

    Raises:
        UnsoundError: a program fails without the fault.
    """
    examined = 0
    for number, case in programs.generated():
        if selective and not fault.can_show(case):
            continue
        if examined == most:
            break
        progress(examined)
        if selective:
            case = fault.adapted(case)
        programs.require_sound(number, case, fault.on_haiku)
        examined += 1
        with fault.apply():
            failed = failure(case, fault.on_haiku)
        if failed is not None:
            return Catch(examined, *failed, case)
    return None
