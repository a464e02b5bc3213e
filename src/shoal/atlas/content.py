"""What a patch makes of a named s-op: classes if it has any, and coordinates of its readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import NamedValue, Reading
from shoal.atlas.patch import Patch, Source
from shoal.atlas.reading import Reader
from shoal.errors import InvalidInputError, UnreadableError, UnwritableError
from shoal.forms.form import with_none
from shoal.program.facts.lookup import NONE
from shoal.rasp.values import Value, canonical_key, show_value, show_values

Coordinates = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int_]

TOLERANCE = 1e-6
"""How far a reading may be off what it is to become."""

_SHOWN = 8
"""How many values a message lists."""


@dataclass(frozen=True, eq=False)
class Content:
    """What an s-op becomes.

    Attributes:
        coordinates: [positions, coordinates] of a reading of it.
        dimensions: [positions, dimensions] of the variable of a reading that has one alone.
        classes: [positions], where it becomes classes, NONE for None; else None.
        mask: [positions], where it becomes that.
    """

    coordinates: Callable[[Reading], Coordinates]
    dimensions: Callable[[Reading], Coordinates]
    classes: Classes | None
    mask: npt.NDArray[np.bool_]

    def over(self, other: Content) -> Content:
        """This where it is, and the other elsewhere."""
        mask = self.mask[:, None]
        classes = None
        if self.classes is not None and other.classes is not None:
            classes = np.where(self.mask, self.classes, other.classes)
        return Content(
            lambda r: np.where(mask, self.coordinates(r), other.coordinates(r)),
            lambda r: np.where(mask, self.dimensions(r), other.dimensions(r)),
            classes,
            self.mask | other.mask,
        )

    def without(self, mask: npt.NDArray[np.bool_]) -> Content:
        """This where a mask is not."""
        return replace(self, mask=self.mask & ~mask)


def content_of(
    value: NamedValue,
    tokens: Sequence[Value],
    patch: Patch,
    run: Callable[[Sequence[Value]], Reader],
) -> Content:
    """What a patch makes of an s-op on an input.

    Args:
        value: the s-op.
        tokens: the input.
        patch: of that s-op.
        run: another input, without any patch.

    Raises:
        InvalidInputError: it does not fit the s-op or the input.
    """
    mask = _mask(patch, len(tokens))
    match patch.source:
        case Source.VALUE | Source.VALUES:
            each = [patch.content] * len(tokens)
            if patch.source is Source.VALUES:
                each = list(patch.content)
                if len(each) != len(tokens):
                    raise InvalidInputError(
                        f"{len(each)} values are given for {value.label!r}, and the input has "
                        f"{len(tokens)} tokens"
                    )
            return _of_values(value, each, mask)
        case Source.LIKE:
            if len(patch.content) != len(tokens):
                raise InvalidInputError(
                    f"the other input has {len(patch.content)} tokens, and this one "
                    f"{len(tokens)}; values are replaced position by position"
                )
            other = run(patch.content)
            try:
                classes = None if value.classes is None else other.classes(value.label)
            except UnreadableError:
                classes = None
            return Content(other.coordinates, other.dimensions, classes, mask)
        case Source.MEAN:
            runs = [run(one) for one in patch.content if one]

            def mean(found: list[Coordinates]) -> Coordinates:
                return _mean(found, mask, patch.by_position)

            return Content(
                lambda reading: mean([run.coordinates(reading) for run in runs]),
                lambda reading: mean([run.dimensions(reading) for run in runs]),
                None,
                mask,
            )
        case Source.NOTHING:
            return Content(
                lambda reading: np.zeros((len(tokens), len(reading.bias))),
                lambda reading: np.zeros((len(tokens), len(reading.matrix))),
                np.full(len(tokens), NONE),
                mask,
            )


def _of_values(value: NamedValue, each: list[Value], mask: npt.NDArray[np.bool_]) -> Content:
    if value.classes is None:

        def numbers(reading: Reading) -> Coordinates:
            return _numbers(value, each, mask, reading)

        return Content(numbers, lambda r: dimensions(value, r, numbers(r)), None, mask)
    classes = np.full(len(each), NONE)
    for position, one in enumerate(each):
        if mask[position] and one is not None:
            number = value.class_of.get(canonical_key(one))
            if number is None:
                raise InvalidInputError(_no_value(value, one))
            classes[position] = number
    return content_of_classes(value, classes, mask)


def content_of_classes(value: NamedValue, classes: Classes, mask: npt.NDArray[np.bool_]) -> Content:
    """The content of classes [positions], NONE for None."""
    block_of = np.array([*(value.blocks or range(len(value.classes or ()))), NONE])

    def coordinates(reading: Reading) -> Coordinates:
        if reading.codes is None:
            return _numbers(value, value.values_of(classes), mask, reading)
        numbers = block_of[classes] if reading is value.of_blocks else classes
        if reading.examples is not None:
            return reading.examples[numbers]
        return np.asarray(with_none(reading.codes)[numbers])

    def own(reading: Reading) -> Coordinates:
        there = (classes != NONE)[:, None]
        return np.where(there, dimensions(value, reading, coordinates(reading), classes), 0.0)

    return Content(coordinates, own, classes, mask)


def points_of(
    reading: Reading, coordinates: Coordinates, mask: npt.NDArray[np.bool_]
) -> Coordinates | None:
    """[positions, dimensions], one dimension each that reads so by itself, if there is one.

    It is what the variables look like on some input, and it reads exactly so.
    """
    alone = with_none(reading.matrix) + reading.bias
    same = (coordinates[:, None] == alone).all(axis=2)
    if not same[mask].any(axis=1).all():
        return None
    return np.asarray(with_none(np.eye(len(reading.matrix)))[same.argmax(axis=1)])


def dimensions(
    value: NamedValue, reading: Reading, coordinates: Coordinates, classes: Classes | None = None
) -> Coordinates:
    """[positions, dimensions] of a variable that reads as given.

    The dimensions of an average are shares of values: the two values next to it have a share, so
    that none is negative.

    Raises:
        UnwritableError: no point of the variable reads so.
    """
    matrix, bias = reading.matrix, reading.bias
    found: Coordinates = (coordinates - bias) @ reading.inverse
    if matrix.shape[0] > matrix.shape[1]:
        order = np.argsort(matrix[:, 0])
        numbers = matrix[order, 0]
        above = np.searchsorted(numbers, coordinates[:, 0] - bias[0]).clip(1, len(numbers) - 1)
        low, high = numbers[above - 1], numbers[above]
        share = (coordinates[:, 0] - bias[0] - low) / np.where(high > low, high - low, 1.0)
        rows = np.arange(len(coordinates))
        found = np.zeros((len(coordinates), len(matrix)))
        found[rows, order[above - 1]], found[rows, order[above]] = 1 - share, share
    there = slice(None) if classes is None else classes != NONE
    _require_same(value, reading, (found @ matrix + bias)[there], coordinates[there])
    return found


def require_reachable(value: NamedValue, reading: Reading, coordinates: Coordinates) -> None:
    """Refuse what no state of the variables reads as."""
    back = (coordinates - reading.bias) @ reading.inverse
    _require_same(value, reading, back @ reading.matrix + reading.bias, coordinates)


def _require_same(
    value: NamedValue, reading: Reading, found: Coordinates, wanted: Coordinates
) -> None:
    if (np.abs(found - wanted) > TOLERANCE * np.maximum(1.0, np.abs(wanted))).any():
        held = ", ".join(reading.variables) or "nothing"
        raise UnwritableError(
            value.label, f"it is read from {held}, and nothing that can be there reads so"
        )


def _mask(patch: Patch, length: int) -> npt.NDArray[np.bool_]:
    if patch.positions is None:
        return np.ones(length, dtype=bool)
    mask = np.zeros(length, dtype=bool)
    for position in patch.positions:
        if position >= length:
            raise InvalidInputError(
                f"there is no position {position} to patch: the input has {length} tokens, counted "
                "from 0"
            )
        mask[position] = True
    return mask


def _mean(found: list[Coordinates], mask: npt.NDArray[np.bool_], by_position: bool) -> Coordinates:
    length = len(mask)
    if not by_position:
        return np.tile(np.vstack(found).mean(axis=0), (length, 1))
    rows = []
    for position in range(length):
        there = [coordinates[position] for coordinates in found if position < len(coordinates)]
        if not there and not mask[position]:
            there = [np.zeros(found[0].shape[1])]
        if not there:
            raise InvalidInputError(
                f"none of the inputs of the mean has a token at position {position}"
            )
        rows.append(np.mean(there, axis=0))
    return np.reshape(rows, (length, found[0].shape[1]))


def _numbers(
    value: NamedValue, each: list[Value], mask: npt.NDArray[np.bool_], reading: Reading
) -> Coordinates:
    """[positions, number (, presence)]."""
    if not reading.is_number:
        raise UnwritableError(
            value.label, f"{value.label!r} is held as {reading.form}, which takes no single number"
        )
    found = np.zeros((len(each), len(reading.bias)))
    for position in np.flatnonzero(mask):
        one = each[position]
        if one is None:
            continue
        low, high = value.bounds
        if isinstance(one, bool) or not isinstance(one, int | float) or not low <= one <= high:
            raise InvalidInputError(_no_value(value, one))
        found[position] = [float(one), 1.0][: len(reading.bias)]
    return found


def _no_value(value: NamedValue, given: Value) -> str:
    if value.classes is None:
        low, high = value.bounds
        return (
            f"{show_value(given)} is no value of {value.label!r}, which is a number from {low:.6g} "
            f"to {high:.6g}"
        )
    shown = show_values([group[0] for group in value.classes], _SHOWN)
    return f"{show_value(given)} is no value of {value.label!r}; its values are: {shown}"
