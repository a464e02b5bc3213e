"""Synthesised MLPs give every row of their table, in float32 and with noise on the operands."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shoal import UnsupportedProgramError
from shoal.contract import TABLE_TOLERANCE
from shoal.craft.affine import linear
from shoal.craft.bases import Direction, Space, join, numbered_space
from shoal.craft.components import MLP
from shoal.forms.one_hot import OneHot
from shoal.forms.scalar import Scalar
from shoal.lowering.held import Held
from shoal.lowering.synthesis.affine import affine_layer
from shoal.lowering.synthesis.choose import synthesise
from shoal.lowering.synthesis.tables import Table
from shoal.program.facts.domains import Domain, Enumerated, Interval

SCALARS = [-2.0, -1.0, -0.5, 0.0, 1 / 3, 0.5, 1.0, 1.5, 3.0, 10.0]


def leaf_of(space: Space, one_hot: bool, nullable: bool) -> Held:
    """An operand that is read as it lies in a space."""
    classes = tuple((number,) for number in range(len(space)))
    domain: Domain = Enumerated(classes, nullable) if one_hot else Interval(-9.0, 9.0, nullable)
    coordinates = linear(space, space, np.eye(len(space)))
    return Held(OneHot() if one_hot else Scalar(), domain, (), coordinates)


def synthesised(
    leaves: list[Held],
    points: np.ndarray,
    results: np.ndarray,
    most_weights: int = 10**6,
    error: float = 0.0,
) -> MLP | None:
    target = numbered_space("result", results.shape[1])
    table = Table("result", leaves, np.full(points.shape[1], error), points, results)
    made = synthesise(table, target, most_weights)
    return made and made[0]


@st.composite
def operands(draw: st.DrawFn, name: str) -> tuple[Held, np.ndarray]:
    """A leaf, and the coordinates of its classes (without None)."""
    nullable = draw(st.booleans())
    if draw(st.booleans()):
        size = draw(st.integers(1, 4))
        space = numbered_space(name, size)
        return leaf_of(space, True, nullable), np.eye(size)
    numbers = draw(st.lists(st.sampled_from(SCALARS), min_size=1, max_size=5, unique=True))
    codes = np.array(numbers)[:, None]
    space = Space((Direction(name), *([Direction(name, "present")] if nullable else [])))
    if nullable:
        codes = np.hstack([codes, np.ones_like(codes)])
    return leaf_of(space, False, nullable), codes


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Held], np.ndarray, np.ndarray]:
    """Leaves, points, and one-hot, scalar or arbitrary results for a part of all joint values."""
    parts = [draw(operands(name)) for name in "abc"[: draw(st.integers(1, 3))]]
    rows = np.indices([len(codes) for _, codes in parts]).reshape(len(parts), -1).T
    rows = rows[draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))]
    assume(len(rows))
    points = np.hstack([codes[rows[:, i]] for i, (_, codes) in enumerate(parts)])
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        results = np.eye(3)[generator.integers(3, size=len(rows))]
    else:
        results = generator.choice([-3.0, 0.0, 0.25, 2.0, 7.0], size=(len(rows), 1))
    return [leaf for leaf, _ in parts], points, results


def with_none(
    leaves: list[Held], points: np.ndarray, results: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The table, and each row again with every set of nullable operands that has a None."""
    all_points, all_results = [points], [results]
    starts = np.cumsum([0, *(len(leaf.coordinates.target) for leaf in leaves)])
    for mask in np.ndindex(*(2 if leaf.domain.nullable else 1 for leaf in leaves)):
        if any(mask):
            copy = points.copy()
            for i in np.flatnonzero(mask):
                copy[:, starts[i] : starts[i + 1]] = 0.0
            all_points.append(copy)
            all_results.append(np.zeros_like(results))
    return np.vstack(all_points), np.vstack(all_results)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1))
def test_every_row_is_exact_also_in_float32_and_with_noise(
    table: tuple[list[Held], np.ndarray, np.ndarray], seed: int
) -> None:
    leaves, points, results = table
    every_point, wanted = with_none(leaves, points, results)
    mlp = synthesised(leaves, every_point, wanted, error=1e-6)
    if mlp is None:
        assert not all(leaf.form.picks_one for leaf in leaves)
        return
    source = join(*(leaf.coordinates.source for leaf in leaves))
    assert mlp.source == source
    noise = np.random.default_rng(seed).uniform(-1e-6, 1e-6, every_point.shape)

    def run(x: np.ndarray, kind: type) -> np.ndarray:
        parts = (mlp.hidden.matrix, mlp.hidden.bias, mlp.output.matrix, mlp.output.bias)
        into, threshold, out, bias = (part.astype(kind) for part in parts)
        return np.maximum(x.astype(kind) @ into + threshold, 0) @ out + bias

    assert np.allclose(run(every_point, np.float64), wanted, rtol=1e-9, atol=1e-9)
    assert np.allclose(
        run(every_point, np.float32), wanted, rtol=TABLE_TOLERANCE, atol=TABLE_TOLERANCE
    )
    assert np.allclose(run(every_point + noise, np.float32), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("longest", [2, 10, 30])
@pytest.mark.parametrize("one_hot", [False, True])
def test_reciprocals_of_widths_are_decoded_in_spite_of_rounding(
    longest: int, one_hot: bool
) -> None:
    space = numbered_space("reciprocal", 1)
    leaf = leaf_of(space, False, False)
    widths = np.arange(longest + 1.0)
    points = (1 / (1 + widths))[:, None]
    results = np.eye(len(widths)) if one_hot else widths[:, None]
    mlp = synthesised([leaf], points, results)
    assert mlp is not None
    into, threshold = mlp.hidden.matrix.astype(np.float32), mlp.hidden.bias.astype(np.float32)
    out, bias = mlp.output.matrix.astype(np.float32), mlp.output.bias.astype(np.float32)
    # libraries add up in different orders; scores are scaled before the softmax, so one-hot
    # values have to be sharp
    tolerance = 1e-7 * (longest + 10) if one_hot else 1e-4
    for ulps, seed in product(range(-2, 3), range(5)):
        order = np.random.default_rng(seed).permutation(mlp.size)
        x = (points * (1 + ulps * 2.0**-23)).astype(np.float32)
        hidden = np.maximum(x @ into + threshold, 0)[:, order]
        terms = hidden[:, :, None] * out[order]
        computed = np.add.accumulate(terms, axis=1)[:, -1] + bias
        assert (np.abs(computed - results) <= tolerance * np.maximum(1, results)).all()


def one_hot_leaf(size: int, nullable: bool = False) -> Held:
    return leaf_of(numbered_space("a", size), True, nullable)


def test_a_table_of_one_result_needs_no_neuron() -> None:
    mlp = synthesised([one_hot_leaf(3)], np.eye(3), np.full((3, 1), 5.0))
    assert mlp is not None
    assert mlp.size == 0


def test_a_comparison_of_two_numbers_needs_one_step() -> None:
    leaves, columns = [], []
    for name in "ab":
        space = numbered_space(name, 1)
        leaves.append(leaf_of(space, False, False))
    a, b = np.indices((20, 20)).reshape(2, -1)
    columns = np.stack([a, b], axis=1).astype(float)
    results = (a < b)[:, None].astype(float)
    mlp = synthesised(leaves, columns, results)
    assert mlp is not None
    assert mlp.size == 2


def test_the_most_frequent_result_of_a_look_up_is_free() -> None:
    b = leaf_of(numbered_space("b", 4), True, False)
    rows = np.indices((4, 4)).reshape(2, -1).T
    points = np.hstack([np.eye(4)[rows[:, 0]], np.eye(4)[rows[:, 1]]])
    results = np.eye(2)[(rows[:, 0] == rows[:, 1]).astype(int)]
    mlp = synthesised([one_hot_leaf(4), b], points, results)
    assert mlp is not None
    assert mlp.size <= 4


def test_numbers_too_close_to_tell_apart_are_refused() -> None:
    space = numbered_space("a", 1)
    leaf = leaf_of(space, False, False)
    points = np.array([[1000.0], [1000.0001]])
    assert synthesised([leaf], points, np.eye(2)) is None


def test_large_tables_are_refused_with_their_size() -> None:
    b = leaf_of(numbered_space("b", 4), True, False)
    rows = np.indices((4, 4)).reshape(2, -1).T
    points = np.hstack([np.eye(4)[rows[:, 0]], np.eye(4)[rows[:, 1]]])
    with pytest.raises(UnsupportedProgramError, match=r"15 neurons") as caught:
        synthesised([one_hot_leaf(4), b], points, np.eye(16), most_weights=100)
    needed = re.search(r"mlp_weights=(\d+)", str(caught.value))
    assert needed is not None  # and it would do
    assert synthesised([one_hot_leaf(4), b], points, np.eye(16), int(needed[1])) is not None


def test_hinges_take_one_neuron_for_each_change_of_slope() -> None:
    space = numbered_space("a", 1)
    points = np.array([[-2.0], [0.0], [0.5], [1.0], [3.0]])
    results = np.eye(5)
    exact = leaf_of(space, False, False)
    mlp = synthesised([exact], points, results)
    assert mlp is not None
    assert mlp.size == 4
    # what is not exact must not be passed on
    mlp = synthesised([exact], points, results, error=1e-5)
    assert mlp is not None
    assert mlp.size == 8


@pytest.mark.parametrize("one_hot", [0, 1, 2])
def test_three_operands_share_one_line(one_hot: int) -> None:
    leaves, codes = [], []
    for number, name in enumerate("abc"):
        size = 3 if number < one_hot else 1
        space = numbered_space(name, size)
        leaves.append(leaf_of(space, number < one_hot, False))
        codes.append(np.eye(3) if number < one_hot else np.arange(3.0)[:, None])
    rows = np.indices((3, 3, 3)).reshape(3, -1).T
    points = np.hstack([codes[i][rows[:, i]] for i in range(3)])
    total = rows.sum(axis=1)
    mlp = synthesised(leaves, points, np.eye(7)[total])
    assert mlp is not None
    assert mlp.size <= 12  # not one for each of the 27 rows


def test_each_gate_has_a_line_of_its_own() -> None:
    """ "x if low else y + z", one-hot: two steps for each value, for each gate."""
    gate = leaf_of(numbered_space("low", 2), True, False)
    leaves = [gate, *(leaf_of(Space((Direction(n),)), False, False) for n in "xyz")]
    rows = np.indices((2, 4, 4, 4)).reshape(4, -1).T
    points = np.hstack([np.eye(2)[rows[:, 0]], rows[:, 1:].astype(float)])
    chosen = np.where(rows[:, 0] == 1, rows[:, 1], rows[:, 2] + rows[:, 3])
    mlp = synthesised(leaves, points, np.eye(7)[chosen], error=1e-5)
    assert mlp is not None
    assert mlp.size <= 2 * 3 + 2 * 6 + 2  # and one for each gate where nothing has been passed


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(1, 3))
def test_affine_layers_are_affine(seed: int, inputs: int, outputs: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(inputs, outputs))
    bias, points = generator.normal(size=outputs), generator.normal(size=(5, inputs))
    layer = affine_layer(matrix, bias, np.ones(outputs, dtype=bool))
    assert np.allclose(layer(points), points @ matrix + bias)


@pytest.mark.parametrize(("left", "right"), [(3, 7), (7, 3), (5, 5)])
def test_any_function_of_two_classes_takes_a_neuron_for_each_of_one(left: int, right: int) -> None:
    rows = np.array(list(product(range(left), range(right))))
    points = np.hstack([np.eye(left)[rows[:, 0]], np.eye(right)[rows[:, 1]]])
    results = np.random.default_rng(1).permutation(len(rows)).astype(float)[:, None]
    spaces = numbered_space("a", left), numbered_space("b", right)
    mlp = synthesised([leaf_of(space, True, False) for space in spaces], points, results)
    assert mlp is not None
    assert mlp.size <= 2 * min(left, right)


def test_a_product_of_a_class_and_a_number_takes_a_neuron_for_each_class() -> None:
    numbers = np.arange(200) / 8
    rows = np.array(list(product(range(10), range(len(numbers)))))
    points = np.hstack([np.eye(10)[rows[:, 0]], numbers[rows[:, 1:]]])
    results = (rows[:, :1] * numbers[rows[:, 1:]]).astype(float)
    leaves = [
        leaf_of(numbered_space("a", 10), True, False),
        leaf_of(Space((Direction("b"),)), False, False),
    ]
    mlp = synthesised(leaves, points, results)
    assert mlp is not None
    assert mlp.size <= 10


def test_neurons_that_take_large_sums_may_not_take_them_alike() -> None:
    """Two neurons of a step that read the same large sum, which a library adds up in two orders."""
    spaces = [numbered_space("a", 4), numbered_space("b", 3), numbered_space("c", 1)]
    kinds = [(True, False), (True, True), (False, False)]
    leaves = [leaf_of(space, *kind) for space, kind in zip(spaces, kinds, strict=True)]
    rows = [(0, 0, 1), (0, 1, 1), (0, 2, 0), (1, 0, 1), (1, 2, 1), (2, 0, 1), (2, 1, 0), (2, 2, 0)]
    rows += [(3, 0, 28), (3, 1, 0), (3, 2, 8)]
    points = np.array([[*np.eye(4)[a], *np.eye(3)[b], -2.0] for a, b, _ in rows])
    results = np.array([[result / 4] for *_, result in rows])
    every_point, wanted = with_none(leaves, points, results)
    mlp = synthesised(leaves, every_point, wanted, error=1e-6)
    assert mlp is not None
    parts = (mlp.hidden.matrix, mlp.hidden.bias, mlp.output.matrix, mlp.output.bias)
    into, threshold, out, bias = (part.astype(np.float32) for part in parts)
    for seed in range(30):
        noise = np.random.default_rng(seed).uniform(-1e-6, 1e-6, every_point.shape)
        x = (every_point + noise).astype(np.float32)
        found = np.maximum(x @ into + threshold, 0) @ out + bias
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)
