"""Work for the engine whose batches are quick: numbers, squared."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shoal_analysis.engine.failures import Failure
from shoal_analysis.engine.folder import Folder, Kind
from shoal_analysis.engine.notes import Note, write_note

SUMS = Kind("sum", ("numpy",))


@dataclass
class Squares:
    """Squares of the first numbers.

    Attributes:
        path: the folder.
        wanted: how many batches are enough.
        deadly: batches whose process kills itself, unless their case is to be skipped.
        slow: seconds that a batch takes.
    """

    path: Path
    wanted: int
    deadly: tuple[int, ...] = ()
    slow: float = 0.0
    results: dict[int, int] = field(default_factory=dict)
    failures: dict[int, tuple[Failure, ...]] = field(default_factory=dict)
    recorded: list[int] = field(default_factory=list)
    room: int = 1000

    def __post_init__(self) -> None:
        self.folder = Folder(self.path, SUMS, {})

    def missing(self) -> Iterator[int]:
        number = 0
        while True:
            if number not in self.results:
                yield number
            number += 1

    def has(self, number: int) -> bool:
        return number in self.results

    def will_do(self, under_way: int) -> bool:
        return len(self.results) + under_way >= self.wanted

    def has_room(self, number: int) -> bool:
        return number < len(self.results) + self.room

    def call(self, number: int, skip: tuple[str, ...], note: Path) -> tuple[Any, ...]:
        deadly = number in self.deadly and f"case {number}" not in skip
        return square, number, deadly, self.slow, note

    def record(self, number: int, result: int, failures: tuple[Failure, ...]) -> None:
        self.results[number] = result
        self.failures[number] = failures
        self.recorded.append(number)

    def give_up(self, number: int, failures: tuple[Failure, ...]) -> None:
        self.record(number, -1, failures)


def square(number: int, deadly: bool, slow: float, note: Path) -> int:
    write_note(note, Note(f"case {number}", f"# {number}"))
    if deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(slow)
    note.unlink(missing_ok=True)
    return number**2


def expected(count: int) -> dict[int, int]:
    return {number: number**2 for number in range(count)}
