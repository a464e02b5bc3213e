"""The folder of a long run: what it is of, its logs, its lock, and notes of what is under way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from shoal.errors import InvalidOptionError
from shoal.files import write_text
from shoal_analysis.engine.failures import Death, Failure, death_from_json, fatal
from shoal_analysis.engine.logs import append_to_log, read_log


@dataclass(frozen=True)
class Kind:
    """What a folder is for.

    Attributes:
        noun: "campaign" or "corpus"; the description is in ``NOUN.json``.
        packages: of which another version gives other results.
        inside: the folder within, for what is of use only while it runs; "" for the folder itself.
        facts: what the description says besides, such as the version of a schema.
    """

    noun: str
    packages: tuple[str, ...]
    inside: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    def versions(self) -> dict[str, str]:
        """The versions of the packages, here and now."""
        return {name: version(name) for name in self.packages}


class Folder:
    """A folder, which can be read while the run goes on.

    Attributes:
        path: where it is.
        kind: what it is for.
        deaths: of workers, in their order.
        warnings: what could not be read, in words.

    Raises:
        InvalidOptionError: the folder cannot be one, or holds another run, or one of other
            versions.
    """

    def __init__(self, path: Path, kind: Kind, options: Mapping[str, Any]) -> None:
        self.path = path
        self.kind = kind
        self.warnings: list[str] = []
        self._work = path / kind.inside
        try:
            (self._work / "under way").mkdir(parents=True, exist_ok=True)
            (path / "failures").mkdir(exist_ok=True)
        except OSError as error:
            raise InvalidOptionError(
                f"{path} cannot be a {kind.noun}'s folder: {error.strerror}; choose another"
            ) from error
        # as JSON has it: tuples are lists there
        self._require_same(json.loads(json.dumps(dict(options))))
        deaths = read_log(self._work / "deaths.jsonl", death_from_json, self.warnings)
        self.deaths = list(deaths)

    def _require_same(self, options: dict[str, Any]) -> None:
        stored = self.path / f"{self.kind.noun}.json"
        content = {
            **dict(self.kind.facts),
            "options": options,
            "versions": self.kind.versions(),
        }
        if not stored.exists():
            write_text(stored, json.dumps(content, indent=2) + "\n")
            return
        noun = self.kind.noun
        known = read_description(stored, noun)
        if known["options"] != content["options"]:
            raise InvalidOptionError(
                f"{self.path} holds a {noun} with other options, {known['options']}; resume it "
                "with those, or choose another folder"
            )
        if known["versions"] != content["versions"]:
            raise InvalidOptionError(
                f"{self.path} holds a {noun} of other versions, {known['versions']}, which "
                f"draw other programs than {content['versions']}; choose another folder"
            )
        for name, fact in self.kind.facts:
            if known.get(name) != fact:
                raise InvalidOptionError(
                    f"{self.path} holds a {noun} whose {name} is {known.get(name)!r} and not "
                    f"{fact!r}; choose another folder"
                )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else works in the folder.

        Raises:
            InvalidOptionError: somebody does.
        """
        try:
            with FileLock(self._work / "lock", timeout=0):
                for left_over in (self._work / "under way").iterdir():
                    left_over.unlink(missing_ok=True)
                yield
        except Timeout:
            raise InvalidOptionError(
                f"another {self.kind.noun} is running in {self.path}; wait for it, or choose "
                "another folder"
            ) from None

    def new_note(self, number: int) -> Path:
        """The file in which a batch says what is under way.

        Each submission has one of its own: an earlier one may still run where nobody can end it.
        """
        return self._work / "under way" / f"batch_{number:05}_{uuid4().hex}.json"

    def keep_failures(self, number: int, failures: Iterable[Failure]) -> None:
        """Write the files that show the failures of a batch."""
        for count, failure in enumerate(failures):
            suffix = f"_{count + 1}" if count else ""
            path = self.path / "failures" / f"failure_{number:05}{suffix}.py"
            write_text(path, failure.script)

    def record_death(self, death: Death) -> None:
        """Keep the death of a worker; it is on disk when this returns."""
        self.deaths.append(death)
        append_to_log(self._work / "deaths.jsonl", asdict(death))

    def fatal(self) -> dict[str, Death]:
        """The cases on which too many workers died, with the death that decided it."""
        return fatal(self.deaths)


def read_description(path: Path, noun: str) -> dict[str, Any]:
    """What a folder says it is of.

    Raises:
        InvalidOptionError: the file says nothing of the kind.
    """
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(known["options"], dict) or not isinstance(known["versions"], dict):
            raise TypeError("it has other fields")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidOptionError(
            f"{path} is no description of a {noun} ({type(error).__name__}: {error}); "
            "remove it, or choose another folder"
        ) from error
    return known
