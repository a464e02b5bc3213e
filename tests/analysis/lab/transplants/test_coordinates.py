"""Values and coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from shoal.errors import InvalidInputError
from shoal_analysis.lab.transplants.coordinates import Coordinates

KINDS = Coordinates("kind", ((1,), (1.0, 2.0), (True,)), np.eye(3))
NUMBER = Coordinates("number", (), None)


def test_values_of_other_types_are_other_values() -> None:
    assert KINDS.of([True, 1, 1.0, 2.0, None]).tolist() == [
        [0, 0, 1],
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
        [0, 0, 0],
    ]
    assert KINDS.values == (1, 1.0, True)


def test_numbers_are_their_own_coordinate() -> None:
    assert NUMBER.of([np.float32(0.5), 3, None]).tolist() == [[0.5], [3.0], [0.0]]


@pytest.mark.parametrize(
    ("coordinates", "value", "says"),
    [
        (KINDS, "1", "'kind' is never '1' .a str.; its values are 1, 1.0, True"),
        (NUMBER, "1", "'number' is a number, and '1' is none"),
        (NUMBER, float("inf"), "and inf is none"),
    ],
)
def test_values_that_there_are_not_are_refused(
    coordinates: Coordinates, value: object, says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        coordinates.of([value])
