"""Outputs of a part: named values that a host reads, linear in the part's stream at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoal.arrays import Array, Float
from shoal.atlas.atlas import Atlas, NamedValue, Reading
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.values import Value
from shoal_analysis.lab.transplants.coordinates import Coordinates

RESULT = "result"
"""What the program's result is called where the program gives it no name."""


@dataclass(frozen=True, eq=False)
class OutputVariable:
    """A value that a host reads.

    Attributes:
        coordinates: what is read of it, at each position.
        matrix: [d_model, coordinates], from the part's stream at its end.
        bias: [coordinates].
    """

    coordinates: Coordinates
    matrix: Float[Array, "d_model coordinates"]
    bias: Float[Array, " coordinates"]

    def of(self, values: Sequence[Value]) -> Float[Array, "rows coordinates"]:
        """The coordinates [rows, coordinates] of values, for fitting maps.

        Raises:
            InvalidInputError: a value is none of the output's.
        """
        return self.coordinates.of(values)


def outputs_of(model: Model) -> dict[str, OutputVariable]:
    """The result of a part, and what it keeps, by name; the result comes first.

    Raises:
        InvalidInputError: one of them cannot be read from the stream at its end.
    """
    atlas = model.atlas
    result = atlas.named(atlas.output)
    kept = [v for v in atlas.values.values() if v.is_kept and v.label != result.label]
    is_free = RESULT not in [value.label for value in kept]
    name = RESULT if is_free and not result.is_named else result.label
    found = {name: _output(name, result, atlas.result, model)}
    for value in kept:
        found[value.label] = _output(value.label, value, _reading(value, atlas, model), model)
    return found


def _reading(value: NamedValue, atlas: Atlas, model: Model) -> Reading:
    """How a kept value is read at the end."""
    end = 2 * model.num_layers
    for reading in value.readings:
        if all(atlas.places[name].last >= end for name in reading.variables):
            return reading
    raise InvalidInputError(
        f"the part keeps {value.label!r}, but nothing at the end of its stream says what it is; "
        "drop rasp.keep, or a wish for a form"
    )


def _output(name: str, value: NamedValue, reading: Reading, model: Model) -> OutputVariable:
    if reading.is_number:
        coordinates = Coordinates(name, (), None)
    elif value.classes is not None and reading.codes is not None:
        coordinates = Coordinates(name, value.classes, reading.codes)
    else:
        raise InvalidInputError(
            f"{name!r} has too many values to list, and is held in the form {reading.form!r}; wrap "
            "it in rasp.numerical"
        )
    if not coordinates.size:
        raise InvalidInputError(
            f"{name!r} is None on every input, so that nothing can be read; let it have a value"
        )
    columns = [c for n in reading.variables for c in model.atlas.places[n].columns]
    matrix = np.zeros((model.d_model, coordinates.size))
    matrix[columns] = reading.matrix[:, : coordinates.size]
    return OutputVariable(coordinates, matrix, reading.bias[: coordinates.size])
