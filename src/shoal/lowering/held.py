"""What is held: s-ops in forms, and the variables of the stream that they lie in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shoal.arrays import Array, Bool, Float, Int
from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.bases import Direction, Space, numbered_space
from shoal.forms.form import Affine, Form, Ranges, with_none
from shoal.forms.one_hot import OneHot
from shoal.forms.scalar import Scalar
from shoal.program.facts.domains import Domain, Enumerated
from shoal.shown import shown_fields

LARGEST_UNNOTICED = 1e-3
"""Who clears a dimension that is never negative leaves what it is below 0; not more than this."""

AND = " and "
"""Between the names of variables that are one."""

MOST_SAMPLES = 64
"""Errors that occur together of which so many are kept, those with the largest entries."""


@dataclass(frozen=True, eq=False)
class Errors:
    """How far float32 may take the dimensions of a variable off.

    Attributes:
        together: [samples, dimensions], errors that occur together, seen or estimated.
        apart: [dimensions], how far each may be off, one at a time.
    """

    together: Matrix | None = None
    apart: Matrix | float = 0.0

    @cached_property
    def are_apart(self) -> bool:
        """Whether any dimension may be off by itself."""
        return bool(np.any(self.apart))

    @cached_property
    def largest(self) -> float:
        """How far a dimension may be off."""
        errors = [e for e in (self.together, self.apart) if e is not None]
        return max(float(np.abs(e).max(initial=0.0)) for e in errors)

    def and_also(self, other: Errors) -> Errors:
        """Either of both errors."""
        together = [e for e in (self.together, other.together) if e is not None]
        apart = np.maximum(self.apart, other.apart)
        return Errors(np.vstack(together) if together else None, apart)

    def of(self, dimensions: slice) -> Errors:
        """Those of some dimensions."""
        together = None if self.together is None else self.together[:, dimensions]
        is_alike = np.ndim(self.apart) == 0
        return Errors(together, self.apart if is_alike else np.asarray(self.apart)[dimensions])

    def projected(self, matrix: Float[Array, "dimensions results"]) -> Float[Array, " results"]:
        """[results], how far ``dimensions @ matrix`` may be off."""
        total: Array = np.zeros(matrix.shape[1])
        if self.are_apart:
            total = (np.reshape(self.apart, (-1, 1)) * np.abs(matrix)).max(axis=0, initial=0.0)
        if self.together is not None:
            total = total + np.abs(self.together @ matrix).max(axis=0, initial=0.0)
        return total


EXACT = Errors()
"""No error at all."""


def seen_errors(samples: Float[Array, "samples dimensions"]) -> Errors:
    """Errors that were seen [samples, dimensions], the largest of them."""
    size = np.abs(samples).max(axis=1, initial=0.0)
    if not size.any():
        return EXACT
    return Errors(samples[np.argsort(-size, kind="stable")[:MOST_SAMPLES]])


@dataclass(frozen=True, eq=False)
class StreamVariable:
    """A value that lives in the residual stream.

    Attributes:
        name: unique.
        space: its directions.
        ranges: what its dimensions can be, at the BOS position included.
        node: the s-op that it belongs to, if any.
        words: how it holds the value, in words.
        errors: how far its dimensions may be off.
        of: the variables whose dimensions it has, if it stands for several.
    """

    __repr__ = shown_fields

    name: str
    space: Space
    ranges: Ranges
    node: int | None
    words: str
    errors: Errors = EXACT
    of: tuple[StreamVariable, ...] = ()

    @property
    def can_be_negative(self) -> Bool[Array, " dimensions"]:
        """[dimensions], whether each can be below 0, since its value is or since it is far off."""
        return self.ranges.signed | (self.errors.largest > LARGEST_UNNOTICED)


@dataclass(frozen=True, eq=False)
class Held:
    """An s-op in a form: what can be read, as an affine function of variables in the stream.

    Attributes:
        form: how the values lie in the coordinates.
        domain: what the values are.
        variables: the names of the variables that are read.
        coordinates: from the variables' directions to the coordinates.
        own: the variable that is there for it alone, as first proposed; None for a view of others.
        examples: [classes, and None if it can be; coordinates], what is read for each on some
            input, if that is not the code.
    """

    __repr__ = shown_fields

    form: Form
    domain: Domain
    variables: tuple[str, ...]
    coordinates: AffineMap
    own: StreamVariable | None = None
    examples: Matrix | None = None

    @cached_property
    def codes(self) -> Matrix | None:
        """[classes, coordinates], None where the domain is no list."""
        return self.form.codes(self.domain) if isinstance(self.domain, Enumerated) else None

    @property
    def width(self) -> int:
        """How many coordinates there are."""
        return len(self.coordinates.target)

    @cached_property
    def as_indicators(self) -> Held | None:
        """The same value, read as one coordinate for each class; None if no reading gives that."""
        if self.form.picks_one:
            return self
        return self._read(OneHot(), self.form.indicators(self.domain))

    @cached_property
    def as_number(self) -> Held | None:
        """The same value, read as [number (, presence)]; None if no reading gives that."""
        if not self.domain.are_numbers:
            return None
        return self._read(Scalar(), self.form.numbers(self.domain))

    def _read(self, form: Form, reading: Affine | None) -> Held | None:
        if reading is None:
            return None
        coordinates = self.coordinates.into(numbered_space("reading", len(reading[1])), *reading)
        return Held(form, self.domain, self.variables, coordinates)

    def points(self, classes: Int[Array, " rows"]) -> Float[Array, "rows coordinates"]:
        """[rows, coordinates] of classes; NONE is the zero vector."""
        assert self.codes is not None
        return np.asarray(with_none(self.codes)[classes])


def points_of(
    operands: Sequence[Held], rows: Int[Array, "rows operands"]
) -> Float[Array, "rows coordinates"]:
    """[rows, coordinates of all operands] of the operands' classes; NONE is the zero vector."""
    points = [operand.points(rows[:, i]) for i, operand in enumerate(operands)]
    return np.hstack([np.zeros((len(rows), 0)), *points])


def variables_of(operands: Iterable[Held]) -> tuple[str, ...]:
    """The names of all variables that are read."""
    return tuple(dict.fromkeys(name for operand in operands for name in operand.variables))


def stored(form: Form, name: str, domain: Domain, node: int | None) -> Held:
    """A value, of an s-op or of none, as it is held by a variable of its own of that name."""
    space = Space(tuple(Direction(name, part) for part in form.parts(domain)))
    variable = StreamVariable(name, space, form.ranges(domain), node, form.words(domain))
    matrix, bias = form.coordinates(domain)
    coordinates = AffineMap(space, numbered_space(name, len(bias)), matrix, bias)
    return Held(form, domain, (name,), coordinates, variable)
