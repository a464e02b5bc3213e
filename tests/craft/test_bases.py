from __future__ import annotations

import pytest

from shoal.craft.bases import Direction, Space, join, numbered_space

A, B, C = Direction("x", "a"), Direction("x", "b"), Direction("y")


def test_labels_name_the_variable_and_its_part() -> None:
    assert (A.label, C.label) == ("x:a", "y")


def test_positions_are_those_of_the_part_in_its_order() -> None:
    space = Space((A, B, C))
    assert len(space) == 3
    assert space.positions(Space((C, A))) == [2, 0]
    with pytest.raises(KeyError):
        Space((A,)).positions(space)


def test_directions_differ() -> None:
    with pytest.raises(ValueError, match="differ"):
        Space((A, B, A))


def test_join_takes_each_direction_once_in_order() -> None:
    assert join(Space((A, B)), Space((C, A))) == Space((A, B, C))
    assert join() == Space(())


def test_numbered_spaces() -> None:
    assert [d.label for d in numbered_space("n", 2).directions] == ["n:0", "n:1"]
