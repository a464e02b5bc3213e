"""Joint values and tables, against their definitions by trying everything."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shoal.program.facts.joint import Choices, TooManyRowsError, joint
from shoal.program.facts.lookup import NONE, UNDEFINED, Lookup

GRID = arrays(np.int32, (2, 3), elements=st.integers(UNDEFINED, 2))
CHOICES = st.builds(Choices, st.just(3), st.booleans(), st.none() | GRID)


@given(st.lists(CHOICES, min_size=1, max_size=3))
def test_joint_values_are_all_that_can_meet(operands: list[Choices]) -> None:
    expected = set()
    free = [
        [*range(o.size), *([NONE] if o.nullable else [])] if o.local is None else [None]
        for o in operands
    ]
    for token, position in product(range(2), range(3)):
        for picked in product(*free):
            row = tuple(
                pick if o.local is None else int(o.local[token, position])
                for pick, o in zip(picked, operands, strict=True)
            )
            if UNDEFINED not in row:
                expected.add(row)
    rows = joint(operands, most_rows=10_000)
    found = [tuple(map(int, row)) for row in rows]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_too_many_joint_values_are_counted_and_not_made() -> None:
    with pytest.raises(TooManyRowsError) as caught:
        joint([Choices(10**9, True)] * 9, most_rows=100)
    assert caught.value.rows == (10**9 + 1) ** 9


TABLE = arrays(np.int32, (2, 3), elements=st.integers(UNDEFINED, 4))
CLASS = st.integers(UNDEFINED, 1), st.integers(UNDEFINED, 2)


@given(TABLE, st.lists(st.tuples(*CLASS), min_size=1))
def test_none_flows_through_and_what_is_undefined_stays_so(
    entries: np.ndarray, rows: list[tuple[int, int]]
) -> None:
    found = Lookup(entries)(np.array(rows).T)
    for row, result in zip(rows, found, strict=True):
        if UNDEFINED in row:
            assert result == UNDEFINED
        elif NONE in row:
            assert result == NONE
        else:
            assert result == entries[row]


@given(TABLE)
def test_tables_of_fewer_operands_and_other_classes(entries: np.ndarray) -> None:
    table = Lookup(entries)
    assert {tuple(row) for row in table.rows} == {
        row for row in product(range(2), range(3)) if entries[row] != UNDEFINED
    }
    assert Lookup(entries[:, :2]).of_equal_operands().entries.tolist() == [
        entries[0, 0],
        entries[1, 1],
    ]
    thrice = Lookup(np.stack([entries[:, :2], entries[:, 1:]]))
    assert thrice.of_equal_operands().entries.tolist() == [entries[0, 0], entries[1, 2]]
    assert (table.without(1, 2).entries == entries[:, 2]).all()
    assert (table.of_first_classes({1: np.array([0, 2])}).entries == entries[:, [0, 2]]).all()
    new = np.array([7, 6, 5, 4, 3])
    for old, renamed in zip(entries.ravel(), table.renamed(new).entries.ravel(), strict=True):
        assert renamed == (new[old] if old >= 0 else old)
