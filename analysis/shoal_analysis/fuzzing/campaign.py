"""A campaign's folder: options, finished batches, failures; whatever happens, nothing is lost."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from filelock import FileLock, Timeout

from shoal.errors import InvalidOptionError
from shoal.files import write_text
from shoal_analysis.fuzzing.batches import BatchResult, CampaignOptions, Failure

T = TypeVar("T")

VERSIONS = ("shoal", "hypothesis")
"""Packages of which another version draws other programs."""


DEATHS = 2
"""So many workers have to die on a program for it to be a failure."""


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


class Campaign:
    """A campaign's folder, which can be read while the campaign runs.

    Attributes:
        folder: where it is.
        options: what it runs.
        results: finished batches by number.
        deaths: of workers, in their order.
        warnings: what could not be read, in words.

    Raises:
        InvalidOptionError: the folder cannot be one, or holds a campaign with other options or
            of other versions.
    """

    def __init__(self, folder: Path, options: CampaignOptions) -> None:
        self.folder = folder
        self.options = options
        self.results: dict[int, BatchResult] = {}
        self.deaths: list[Death] = []
        self.warnings: list[str] = []
        try:
            (folder / "failures").mkdir(parents=True, exist_ok=True)
            (folder / "under way").mkdir(exist_ok=True)
        except OSError as error:
            raise InvalidOptionError(
                f"{folder} cannot be a campaign's folder: {error.strerror}; choose another"
            ) from error
        self._require_same_campaign()
        for result in self._lines("batches.jsonl", _result):
            self.results[result.number] = result
        self.deaths = list(self._lines("deaths.jsonl", _death))

    def _require_same_campaign(self) -> None:
        stored = self.folder / "campaign.json"
        content = {
            "options": asdict(self.options),
            "versions": {name: version(name) for name in VERSIONS},
        }
        if not stored.exists():
            write_text(stored, json.dumps(content, indent=2) + "\n")
            return
        try:
            known = json.loads(stored.read_text(encoding="utf-8"))
            if not isinstance(known["options"], dict) or not isinstance(known["versions"], dict):
                raise TypeError("it has other fields")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidOptionError(
                f"{stored} is no description of a campaign ({type(error).__name__}: {error}); "
                "remove it, or choose another folder"
            ) from error
        if known["options"] != content["options"]:
            raise InvalidOptionError(
                f"{self.folder} holds a campaign with other options, {known['options']}; resume it "
                "with those, or choose another folder"
            )
        if known["versions"] != content["versions"]:
            raise InvalidOptionError(
                f"{self.folder} holds a campaign of other versions, {known['versions']}, which "
                f"draw other programs than {content['versions']}; choose another folder"
            )

    def _lines(self, name: str, kind: Callable[..., T]) -> Iterator[T]:
        """The entries of a log; a line that cannot be read is left out, with a warning."""
        path = self.folder / name
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                entry = kind(**json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError):
                if line.strip():
                    self.warnings.append(f"line {number} of {path} cannot be read; left out")
            else:
                yield entry

    def _append(self, name: str, entry: dict[str, Any]) -> None:
        """Add an entry to a log; it is on disk when this returns."""
        path = self.folder / name
        with path.open("ab+") as log:
            log.seek(0, os.SEEK_END)
            if log.tell():  # a line that was cut off must not take the next one with it
                log.seek(-1, os.SEEK_END)
                if log.read(1) != b"\n":
                    log.write(b"\n")
            log.write(json.dumps(entry).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else runs a campaign in the folder.

        Raises:
            InvalidOptionError: somebody does.
        """
        try:
            with FileLock(self.folder / "lock", timeout=0):
                for left_over in (self.folder / "under way").iterdir():
                    left_over.unlink(missing_ok=True)
                yield
        except Timeout:
            raise InvalidOptionError(
                f"another campaign is running in {self.folder}; wait for it, or choose another "
                "folder"
            ) from None

    def new_note(self, number: int) -> Path:
        """The file in which a batch says what is under way.

        Each submission has one of its own: an earlier one may still run where nobody can end it.
        """
        return self.folder / "under way" / f"batch_{number:05}_{uuid4().hex}.json"

    def record(self, result: BatchResult) -> None:
        """Keep a finished batch; it is on disk when this returns."""
        self.results[result.number] = result
        for count, failure in enumerate(result.failures):
            suffix = f"_{count + 1}" if count else ""
            path = self.folder / "failures" / f"failure_{result.number:05}{suffix}.py"
            write_text(path, failure.script)
        self._append("batches.jsonl", asdict(result))

    def record_death(self, death: Death) -> None:
        """Keep the death of a worker; it is on disk when this returns."""
        self.deaths.append(death)
        self._append("deaths.jsonl", asdict(death))

    def fatal(self) -> dict[str, Death]:
        """The cases on which ``DEATHS`` workers died, with the death that decided it."""
        count: Counter[str] = Counter()
        decided = {}
        for death in self.deaths:
            count[death.key] += 1
            if count[death.key] == DEATHS:
                decided[death.key] = death
        return decided

    @property
    def programs(self) -> int:
        """How many programs have been examined."""
        return sum(result.programs for result in self.results.values())

    @property
    def failures(self) -> list[Failure]:
        """All failures, in the order of batches."""
        return [f for number in sorted(self.results) for f in self.results[number].failures]

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


def _result(failures: list[dict[str, str]], **others: Any) -> BatchResult:
    """A result from its entry in the log.

    Raises:
        TypeError: it is none.
    """
    result = BatchResult(**others, failures=tuple(Failure(**failure) for failure in failures))
    texts = [text for failure in result.failures for text in asdict(failure).values()]
    counts = result.counts
    right = (
        _is_count(result.number)
        and _is_count(result.programs)
        and isinstance(counts, dict)
        and all(isinstance(key, str) and _is_count(count) for key, count in counts.items())
        and isinstance(result.seconds, int | float)
        and all(isinstance(text, str) for text in texts)
    )
    if not right:
        raise TypeError("a field of another type")
    return result


def _death(**entry: Any) -> Death:
    """A death from its entry in the log.

    Raises:
        TypeError: it is none.
    """
    death = Death(**entry)
    texts = (death.key, death.message, death.script)
    if not _is_count(death.batch) or not all(isinstance(text, str) for text in texts):
        raise TypeError("a field of another type")
    return death


def _is_count(number: object) -> bool:
    return type(number) is int and 0 <= number < 2**31
