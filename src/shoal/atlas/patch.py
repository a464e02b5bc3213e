"""What is to stand in the place of a named value while a model runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shoal.errors import InvalidInputError
from shoal.rasp.values import Value, normalise, show_value


class Source(StrEnum):
    """Where the new value comes from."""

    VALUE = "value"
    VALUES = "values"
    LIKE = "like"
    MEAN = "mean"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Patch:
    """A named s-op that is replaced while a model runs.

    Made by ``Patch.value``, ``values``, ``like``, ``mean`` and ``nothing``, all of which take

    * ``positions``: of the tokens, from 0, at which it is replaced; all if it is None;
    * ``readers``: the names of the s-ops that see the new value, ``Patch.RESULT`` for the result
      itself, while all others see what is computed; everybody if it is None.

    Attributes:
        name: the s-op.
        source: where the new value comes from.
        content: a value, values, an input, or inputs.
        positions: where it is replaced.
        readers: who sees it.
        by_position: whether a mean is taken at each position by itself.
    """

    name: str
    source: Source
    content: Any = None
    positions: tuple[int, ...] | None = None
    readers: tuple[str, ...] | None = None
    by_position: bool = False

    RESULT = "the result"
    """Among ``readers``: the result, where it is the s-op itself."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InvalidInputError(f"the name of an s-op is a text, not {show_value(self.name)}")
        for what, given in (("positions", self.positions), ("readers", self.readers)):
            if given is not None:
                object.__setattr__(self, what, tuple(_sequence(given, f"the {what} of a patch")))
        if not isinstance(self.source, Source):
            raise InvalidInputError(
                "make patches by Patch.value, values, like, mean or nothing; "
                f"{show_value(self.source)} is no source of values"
            )
        if self.positions is not None:
            object.__setattr__(self, "positions", tuple(map(_position, self.positions)))
        for reader in self.readers or ():
            if not isinstance(reader, str):
                raise InvalidInputError(
                    f"readers are names of s-ops, and {show_value(reader)} is no text"
                )

    @classmethod
    def value(cls, name: str, value: Value, **where: Any) -> Patch:
        """One value at all positions."""
        return cls(name, Source.VALUE, normalise(value), **where)

    @classmethod
    def values(cls, name: str, values: Sequence[Value], **where: Any) -> Patch:
        """One value for each position of the input."""
        each = tuple(map(normalise, _sequence(values, "the values of a patch")))
        return cls(name, Source.VALUES, each, **where)

    @classmethod
    def like(cls, name: str, tokens: Sequence[Value], **where: Any) -> Patch:
        """What it is on another input of the same length: an interchange intervention."""
        return cls(name, Source.LIKE, tuple(_sequence(tokens, "an input")), **where)

    @classmethod
    def mean(
        cls,
        name: str,
        inputs: Sequence[Sequence[Value]],
        by_position: bool = False,
        **where: Any,
    ) -> Patch:
        """The mean of its coordinates over several inputs: mean ablation.

        Args:
            name: the s-op.
            inputs: over which the mean is taken.
            by_position: whether at each position by itself, over the inputs that are long enough;
                else over all positions of all inputs.
            where: ``positions`` and ``readers``.
        """
        content = tuple(
            tuple(_sequence(tokens, "an input")) for tokens in _sequence(inputs, "a list of inputs")
        )
        if not any(content):
            raise InvalidInputError("a mean is taken over at least one input with a token")
        return cls(name, Source.MEAN, content, by_position=by_position, **where)

    @classmethod
    def nothing(cls, name: str, **where: Any) -> Patch:
        """Zero in all its columns: zero ablation. Of classes that is None, of numbers 0."""
        return cls(name, Source.NOTHING, **where)


def _position(given: Any) -> int:
    position = normalise(given)
    if isinstance(position, bool) or not isinstance(position, int) or position < 0:
        raise InvalidInputError(
            f"positions are counted from 0, the first token; {show_value(position)} is none"
        )
    return position


def _sequence(given: Any, what: str) -> list[Any]:
    if isinstance(given, str | bytes | Set | Mapping):
        raise InvalidInputError(f"{what} must be a list, not {show_value(given)}")
    try:
        return list(given)
    except TypeError:
        raise InvalidInputError(f"{what} must be a list, not {show_value(given)}") from None
