"""What went wrong, and the deaths of workers on the way to saying so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

DEATHS = 2
"""So many workers have to die on a program for it to be a failure."""


@dataclass(frozen=True)
class Failure:
    """A failure.

    Attributes:
        stage: where the answers part, "crash", or "worker died".
        message: what happened.
        script: a Python file that shows it.
    """

    stage: str
    message: str
    script: str


@dataclass(frozen=True)
class Death:
    """A worker that died while it examined a case.

    Attributes:
        key: of the case.
        batch: number of the batch.
        message: what the executor said.
        script: a Python file that examines the case.
    """

    key: str
    batch: int
    message: str
    script: str


def fatal(deaths: Sequence[Death]) -> dict[str, Death]:
    """The cases on which ``DEATHS`` workers died, with the death that decided it."""
    count: Counter[str] = Counter()
    decided = {}
    for death in deaths:
        count[death.key] += 1
        if count[death.key] == DEATHS:
            decided[death.key] = death
    return decided


def failures_of_batch(deaths: Sequence[Death], number: int) -> tuple[Failure, ...]:
    """The programs of a batch that workers died on."""
    return tuple(
        Failure("worker died", f"{DEATHS} workers died on this program ({d.message})", d.script)
        for d in fatal(deaths).values()
        if d.batch == number
    )


def failure_from_json(entry: dict[str, str]) -> Failure:
    """A failure from its entry in a log.

    Raises:
        TypeError: it is none.
    """
    failure = Failure(**entry)
    require_texts(failure.stage, failure.message, failure.script)
    return failure


def death_from_json(**entry: object) -> Death:
    """A death from its entry in a log.

    Raises:
        TypeError: it is none.
    """
    death = Death(**entry)  # type: ignore[arg-type]  # checked below
    require_texts(death.key, death.message, death.script)
    require_counts(death.batch)
    return death


def require_texts(*fields: object) -> None:
    """Refuse what is no text.

    Raises:
        TypeError: a field of a log's entry is none.
    """
    if not all(isinstance(field, str) for field in fields):
        raise TypeError("a field of another type")


def require_counts(*fields: object) -> None:
    """Refuse what is no count.

    Raises:
        TypeError: a field of a log's entry is none.
    """
    if not all(type(field) is int and 0 <= field < 2**31 for field in fields):
        raise TypeError("a field of another type")
