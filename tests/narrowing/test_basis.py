"""A basis of what is read: as small as can be, and all that is read follows from it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoal.narrowing.basis import ReadThrough, chosen_basis, size_of_basis

Matrix = np.ndarray


@st.composite
def matrices(draw: st.DrawFn, rows: int, most_columns: int) -> Matrix:
    columns = draw(st.integers(0, most_columns))
    entries = st.integers(-3, 3)
    numbers = draw(st.lists(entries, min_size=rows * columns, max_size=rows * columns))
    return np.array(numbers, dtype=float).reshape(rows, columns)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Points, one-hot or not; what BOS holds; functionals wanted exactly, and up to constants."""
    size = draw(st.integers(1, 5))
    points = draw(matrices(size, 6)).T
    if draw(st.booleans()):
        points = np.eye(size)
    points = points if len(points) else np.zeros((1, size))
    at_bos = draw(matrices(size, 1)).sum(axis=1)
    return points, at_bos, draw(matrices(size, 3)), draw(matrices(size, 4))


def rank_up_to_constants(rows: Matrix, constants: Matrix) -> int:
    together = np.hstack([rows, constants])
    return int(np.linalg.matrix_rank(together) - np.linalg.matrix_rank(constants))


@given(cases())
def test_all_that_is_wanted_follows(case: tuple[Matrix, Matrix, Matrix, Matrix]) -> None:
    points, at_bos, exact, free = case
    basis = chosen_basis(points, at_bos, exact, free)
    found = ReadThrough(basis, points, at_bos)(exact)
    assert found is not None
    everywhere = np.vstack([points, at_bos])
    assert np.allclose(everywhere @ basis @ found[0], everywhere @ exact)
    assert not found[1].any()
    found = ReadThrough(basis, points)(free)
    assert found is not None
    assert np.allclose(points @ basis @ found[0] + found[1], points @ free)


@given(cases())
def test_no_smaller_basis_would_do(case: tuple[Matrix, Matrix, Matrix, Matrix]) -> None:
    points, at_bos, exact, free = case
    basis = chosen_basis(points, at_bos, exact, free)
    everywhere = np.vstack([points, at_bos])
    needed = np.linalg.matrix_rank(everywhere @ exact)
    # up to constants and to what is wanted exactly
    ones = np.ones((len(points), 1))
    more = rank_up_to_constants(points @ free, np.hstack([points @ exact, ones]))
    assert basis.shape[1] == needed + more


@given(cases())
def test_its_size_is_known_without_it(case: tuple[Matrix, Matrix, Matrix, Matrix]) -> None:
    assert size_of_basis(*case) == chosen_basis(*case).shape[1]


def test_single_dimensions_are_kept_as_they_are() -> None:
    points = np.eye(4)
    basis = chosen_basis(points, np.zeros(4), np.zeros((4, 0)), np.eye(4))
    assert np.array_equal(basis, np.eye(4)[:, :3])
    assert np.array_equal(
        chosen_basis(points, np.zeros(4), np.zeros((4, 0)), np.eye(4)[:, [2]]), np.eye(4)[:, [2]]
    )


def test_what_is_stored_is_whole_and_not_negative_where_it_can_be() -> None:
    numbers = np.array([-40.0, 0.0, 40.0, 80.0])[:, None]
    basis = chosen_basis(np.eye(4), np.zeros(4), np.zeros((4, 0)), numbers)
    assert np.array_equal(basis[:, 0], [0, 1, 2, 3])


def test_none_of_a_constant_is_stored() -> None:
    constant = np.ones((3, 1))
    nothing = np.zeros((3, 0))
    assert chosen_basis(np.eye(3), np.zeros(3), nothing, constant).shape == (3, 0)
    # one that is 0 at the BOS position cannot be added by a reader that is not corrected there
    assert chosen_basis(np.eye(3), np.zeros(3), constant, nothing).shape == (3, 1)


def test_what_does_not_follow_is_not_read() -> None:
    assert ReadThrough(np.eye(3)[:, :1], np.eye(3))(np.eye(3)[:, [1]]) is None


def test_large_and_small_functionals_are_read_side_by_side() -> None:
    wanted = np.array([[2.0**30, 0.3], [2.0**30, 0.7], [0.0, 0.1]])
    basis = chosen_basis(np.eye(3), np.zeros(3), wanted, np.zeros((3, 0)))
    found = ReadThrough(basis, np.eye(3), np.zeros(3))(wanted)
    assert found is not None
    assert np.allclose(basis @ found[0] / wanted.max(axis=0), wanted / wanted.max(axis=0))
