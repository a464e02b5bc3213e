from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.craft.affine import AffineMap, concatenate, constant, linear
from shoal.craft.bases import Direction, Space, join, numbered_space

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(0, 4)


def random_map(generator: np.random.Generator, source: Space, target: Space) -> AffineMap:
    matrix = generator.normal(size=(len(source), len(target)))
    return AffineMap(source, target, matrix, generator.normal(size=len(target)))


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b)


@given(SEEDS, SIZES, SIZES, SIZES)
def test_then_is_composition(seed: int, m: int, n: int, k: int) -> None:
    generator = np.random.default_rng(seed)
    x, y, z = (numbered_space(name, size) for name, size in zip("xyz", (m, n, k), strict=True))
    first, second = random_map(generator, x, y), random_map(generator, y, z)
    points = generator.normal(size=(3, m))
    assert close(first.then(second)(points), second(first(points)))


@given(SEEDS, SIZES, SIZES, SIZES, SIZES)
def test_concatenated_maps_stack_their_results(
    seed: int, shared: int, own: int, m: int, n: int
) -> None:
    generator = np.random.default_rng(seed)
    both, extra = numbered_space("both", shared), numbered_space("extra", own)
    left = random_map(generator, both, numbered_space("l", m))
    right = random_map(generator, join(extra, both), numbered_space("r", n))
    joined = concatenate([left, right], numbered_space("t", m + n))
    source = join(both, extra)
    assert joined.source == source
    points = generator.normal(size=(3, shared + own))
    apart = [left.read_from(source, points), right.read_from(source, points)]
    assert close(joined(points), np.hstack(apart))


@given(SEEDS, st.permutations(range(4)))
def test_a_map_reads_its_directions_wherever_they_are(seed: int, order: list[int]) -> None:
    generator = np.random.default_rng(seed)
    source = numbered_space("x", 3)
    affine = random_map(generator, source, numbered_space("y", 2))
    directions = (*source.directions, Direction("other"))
    stream = Space(tuple(directions[i] for i in order))
    values = generator.normal(size=4)
    shuffled = values[list(order)]
    assert close(affine.read_from(stream, shuffled), affine(values[:3]))


def test_sums_read_what_either_reads() -> None:
    target = numbered_space("y", 2)
    affine = linear(numbered_space("x", 1), target, [[1, 2]])
    other = linear(Space((Direction("x", "0"), Direction("mark"))), target, [[1, 1], [10, 20]])
    assert affine.plus(other)(np.array([3.0, 1.0])).tolist() == [16, 29]
    assert np.array_equal(affine.plus(constant(target, np.ones(2))).bias, [1, 1])


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="2"):
        AffineMap(numbered_space("x", 1), numbered_space("y", 2), np.zeros((2, 2)), np.zeros(2))
