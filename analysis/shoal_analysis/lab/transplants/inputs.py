"""Inputs of a part: variables that a host provides.

A part is a compiled program whose tokens are tuples with one element for each input. Its embedding
is a sum of what each element gives, so that it is linear in the elements' coordinates: what a host
says of each input by itself is all that the part needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from shoal.arrays import Array, Float
from shoal.errors import InvalidInputError
from shoal.rasp.annotations import numerical
from shoal.rasp.expressions import SOp, TokensType
from shoal.rasp.values import (
    Value,
    canonical_order,
    is_number,
    normalise,
    show_value,
    why_unusable,
)
from shoal_analysis.lab.transplants.coordinates import Coordinates

MOST_TOKENS = 2_000
"""The combinations of inputs' values, each of which is a token of the part."""

_ADDITIVE = 1e-4
"""How far the embedding may be off the sum of its parts, relative to its greatest entry."""


@dataclass(frozen=True)
class Numbers:
    """Values of an input that a host provides as one number, instead of one-hot.

    Attributes:
        values: which numbers there are.
    """

    values: Iterable[int | float]


@dataclass(frozen=True, eq=False)
class InputVariable:
    """A variable that a host provides.

    Attributes:
        coordinates: what is provided of it, at each position.
        embedding: [coordinates, d_model], what each of them adds to the part's stream.
    """

    coordinates: Coordinates
    embedding: Float[Array, "coordinates d_model"]

    def of(self, values: Sequence[Value]) -> Float[Array, "rows coordinates"]:
        """The coordinates [rows, coordinates] of values, for fitting maps.

        Raises:
            InvalidInputError: a value is none of the input's.
        """
        return self.coordinates.of(values)


def declared(inputs: Mapping[str, Iterable[Value] | Numbers]) -> tuple[Coordinates, ...]:
    """What inputs there are.

    Raises:
        InvalidInputError: there are none or too many, or a name or a value is unusable.
    """
    if not isinstance(inputs, Mapping) or not inputs:
        raise InvalidInputError(
            f"inputs are {show_value(inputs)}; name at least one, with its values: "
            "inputs={'token': 'abc'}"
        )
    found = tuple(_declared(name, values) for name, values in inputs.items())
    count = prod(len(one.classes) for one in found)
    if count > MOST_TOKENS:
        sizes = " x ".join(f"{len(one.classes):,}" for one in found)
        raise InvalidInputError(
            f"the inputs {', '.join(inputs)} have {sizes} = {count:,} combinations of values, and "
            f"a part has a token for each, at most {MOST_TOKENS:,}; give fewer values, or make two "
            "parts of it"
        )
    return found


def _declared(name: str, given: Iterable[Value] | Numbers) -> Coordinates:
    if not isinstance(name, str) or not name.isidentifier():
        raise InvalidInputError(
            f"an input is named {show_value(name)}; give it a name that an argument can have"
        )
    values = given.values if isinstance(given, Numbers) else given
    try:
        listed = [normalise(value) for value in values]
    except TypeError:
        raise InvalidInputError(
            f"the values of the input {name!r} are {show_value(values)}; give a list of them"
        ) from None
    for value in listed:
        reason = "stands for no value" if value is None else why_unusable(value)
        if reason is None and isinstance(given, Numbers) and not is_number(value):
            reason = "is no finite number in float32; list it as one of several categories"
        if reason is not None:
            raise InvalidInputError(
                f"the input {name!r} has the value {show_value(value)}, which {reason}"
            )
    if not listed:
        raise InvalidInputError(f"the input {name!r} has no values; give at least one")
    classes = tuple((value,) for value in canonical_order(listed))
    return Coordinates(name, classes, None if isinstance(given, Numbers) else np.eye(len(classes)))


def s_ops(inputs: Sequence[Coordinates]) -> dict[str, SOp]:
    """The inputs as s-ops, by name: the tokens, or one element of each where there are several."""
    found: dict[str, SOp] = {}
    for number, one in enumerate(inputs):
        sop: SOp = TokensType() if len(inputs) == 1 else TokensType(number)
        object.__setattr__(sop, "_position", None)  # nobody wrote it, so no refusal points there
        found[one.name] = (numerical(sop) if one.codes is None else sop).named(one.name)
    return found


def tokens_of(inputs: Sequence[Coordinates]) -> list[Value]:
    """All tokens of a part: the values of its input, or tuples of those of its inputs."""
    if len(inputs) == 1:
        return list(inputs[0].values)
    return list(product(*(one.values for one in inputs)))


def embedded(
    inputs: Sequence[Coordinates],
    tokens: Sequence[Value],
    embedding: Float[Array, "numbers d_model"],
) -> tuple[tuple[InputVariable, ...], Float[Array, " d_model"]]:
    """What each input adds to the stream, and what is added whatever they are.

    Args:
        inputs: of the part.
        tokens: its vocab, in order.
        embedding: its rows, those of the tokens first.

    Raises:
        InvalidInputError: the embedding is no such sum.
    """
    rows = embedding[: len(tokens)].astype(float)
    elements: list[Any] = [tokens] if len(inputs) == 1 else list(zip(*tokens, strict=True))
    columns = np.hstack([one.of(e) for one, e in zip(inputs, elements, strict=True)])
    # centred, so that what several inputs could add alike belongs to none of them
    centre = columns.mean(axis=0)
    weights = np.linalg.lstsq(columns - centre, rows - rows.mean(axis=0), rcond=1e-9)[0]
    bias = rows.mean(axis=0) - centre @ weights
    off = float(np.abs(columns @ weights + bias - rows).max(initial=0.0))
    if off > _ADDITIVE * max(1.0, float(np.abs(rows).max(initial=0.0))):
        names = ", ".join(one.name for one in inputs)
        raise InvalidInputError(
            f"the part's embedding is no sum over its inputs ({names}; it is off by {off:.2g}): it "
            "holds a function of them that a host does not provide; take rasp.keep and wishes for "
            "forms away from what the inputs alone determine, or give Numbers as categories"
        )
    ends = np.cumsum([one.size for one in inputs])[:-1]
    parts = np.split(weights, ends)
    return tuple(InputVariable(one, part) for one, part in zip(inputs, parts, strict=True)), bias
