"""Reading JSON strictly: fields by type, versions, and errors that say where something stands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.problem import is_whole, shown
from shoal_solvers.words import brief, listed

_MISSING = object()

_KINDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


@dataclass(frozen=True)
class FileFormat:
    """What a JSON text says that it is; texts that say nothing are older than that, and are read.

    Attributes:
        name: the field ``format``.
        what: words for it in errors.
        reader: the function that reads it.
        version: the field ``version``; a reader knows this one and all before it.
    """

    name: str
    what: str
    reader: str
    version: int = 1

    def header(self) -> dict[str, object]:
        """The fields that a text begins with."""
        return {"format": self.name, "version": self.version}


PROBLEM = FileFormat("shoal allocation problem", "the problem", "problem_from_json")
ALLOCATION = FileFormat("shoal allocation", "the allocation", "allocation_from_json")
RESULT = FileFormat("shoal allocation result", "the result", "result_from_json")

FORMATS = (PROBLEM, ALLOCATION, RESULT)


class JsonFields:
    """A JSON object whose fields are taken out one by one, with errors that say where.

    Args:
        data: what was read.
        where: words for it.
        known: the fields that it may have; None if any.
    """

    def __init__(self, data: object, where: str, known: tuple[str, ...] | None) -> None:
        if not isinstance(data, dict):
            fields = f" with the fields {', '.join(known)}" if known else ""
            raise InvalidProblemError(f"{where} should be an object{fields}, but is {_kind(data)}")
        unknown = [] if known is None else sorted(set(data) - set(known))
        if unknown:
            raise InvalidProblemError(
                f"{where} has unknown fields: {listed(unknown)}; known: {', '.join(known or ())}"
            )
        self._data: Mapping[str, object] = data
        self.where = where

    def get(
        self, name: str, kind: type | tuple[type, ...], default: object = _MISSING
    ) -> Any:  # the caller names the type that comes out
        """The value of a field of the given JSON type."""
        value = self._data.get(name, default)
        if value is _MISSING:
            raise InvalidProblemError(f"{self.where} lacks the field {name!r}; add it")
        kinds = kind if isinstance(kind, tuple) else (kind,)
        right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if value is not default and not right:
            wanted = " or ".join(_KINDS[k] for k in kinds)
            raise InvalidProblemError(
                f"field '{brief(name)}' of {self.where} should be {wanted}, but is {_kind(value)}"
            )
        return value

    def items(self, name: str, default: object = _MISSING) -> list[tuple[object, str]]:
        """The items of a list with words for where each stands."""
        values = self.get(name, list, default)
        return [(value, f"item {i} of {name!r} of {self.where}") for i, value in enumerate(values)]

    def whole_numbers(self, name: str, default: object = _MISSING) -> dict[str, int]:
        """An object of whole numbers by any names."""
        data = self.get(name, dict, default)
        numbers = JsonFields(data, f"{name!r} of {self.where}", None)
        return {key: numbers.get(key, int) for key in data}

    def seconds(self) -> float:
        """The field ``seconds``."""
        number = self.get("seconds", (int, float))
        if not 0 <= number < float("inf"):
            raise InvalidProblemError(f"field 'seconds' of {self.where} is no number of seconds")
        try:
            return float(number)
        except OverflowError:
            raise InvalidProblemError(
                f"field 'seconds' of {self.where} is more than a float holds"
            ) from None

    def words(self, name: str) -> tuple[str, ...]:
        """A list of names."""
        values = self.get(name, list)
        if not all(isinstance(value, str) for value in values):
            raise InvalidProblemError(f"field {name!r} of {self.where} should be a list of names")
        return tuple(values)


def opened(data: object, kind: FileFormat, known: tuple[str, ...]) -> JsonFields:
    """The fields of what should be of a format, without those that only say so.

    Raises:
        InvalidProblemError: it is of another format or of a version that is not known here, or
            has fields that are not known.
    """
    if not isinstance(data, dict) or not {"format", "version"} & set(data):
        return JsonFields(data, kind.what, known)
    header = JsonFields(data, kind.what, None)
    _require_format(header.get("format", str), kind)
    version = header.get("version", int)
    if not is_whole(version) or version < 1:
        raise InvalidProblemError(
            f"{kind.what} is of version {shown(version)}; versions are whole numbers from 1 on"
        )
    if version > kind.version:
        raise InvalidProblemError(
            f"{kind.what} is of version {shown(version)}, but this version of Shoal reads "
            f"{kind.name!r} up to version {kind.version}; take a newer Shoal, or have it written "
            "by this one"
        )
    rest = {name: value for name, value in data.items() if name not in ("format", "version")}
    return JsonFields(rest, kind.what, known)


def _require_format(name: str, kind: FileFormat) -> None:
    if name == kind.name:
        return
    readers = [other.reader for other in FORMATS if other.name == name]
    way = f"read it by {readers[0]}" if readers else f"give what is of format {kind.name!r}"
    raise InvalidProblemError(
        f"{kind.what} is of format '{brief(name)}', but should be of format {kind.name!r}; {way}"
    )


def loaded(text: str) -> object:
    """The value that JSON text describes, if each field stands in it once.

    Raises:
        InvalidProblemError: it is no text, or no JSON.
    """
    if not isinstance(text, str | bytes | bytearray):
        raise InvalidProblemError(f"this is no JSON text, but {type(text).__name__}")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InvalidProblemError(
            f"this is no valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise InvalidProblemError("this JSON is nested too deeply; no instance is") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise InvalidProblemError(f"this JSON cannot be read: {error}") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidProblemError(
            f"this JSON has an object with the field '{brief(twice)}' twice; keep one of them"
        )
    return data


def _no_constant(name: str) -> NoReturn:
    raise InvalidProblemError(f"this is no valid JSON: it has no {name}; give a finite number")


def _kind(value: object) -> str:
    if isinstance(value, list | dict):
        return f"{_KINDS[type(value)]} of {len(value):,} items"
    short = value[:40] if isinstance(value, str) else value
    return f"{_KINDS[type(value)]} ({json.dumps(short)[:40]})"
