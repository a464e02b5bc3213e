from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.craft.affine import AffineMap
from shoal.craft.bases import Space, join, numbered_space
from shoal.craft.components import BOS_SPACE, MLP, Head, erasure, pin_to_bos
from shoal.craft.model import run_component

SEEDS = st.integers(0, 2**32 - 1)
X, SCORES, Y = numbered_space("x", 3), numbered_space("scores", 2), numbered_space("y", 2)
STREAM = join(BOS_SPACE, X, Y)


def affine(generator: np.random.Generator, source: Space, target: Space) -> AffineMap:
    matrix = generator.normal(size=(len(source), len(target)))
    return AffineMap(source, target, matrix, generator.normal(size=len(target)))


def stream_with_bos(generator: np.random.Generator, positions: int) -> np.ndarray:
    stream = generator.normal(size=(1 + positions, len(STREAM)))
    stream[:, 0] = 0.0
    stream[0, 0] = 1.0
    return stream


@given(st.lists(st.tuples(st.floats(-50, 50, width=32), st.booleans()), min_size=1, max_size=4))
def test_an_erasure_clears_exactly_in_single_precision(dimensions: list) -> None:
    values = np.array([abs(v) if not s else v for v, s in dimensions], dtype=np.float32)
    signed = np.array([s for _, s in dimensions])
    space = numbered_space("x", len(values))
    mlp = erasure("x", space, signed)
    assert mlp.size == len(values) + signed.sum()
    hidden = np.maximum(values @ mlp.hidden.matrix.astype(np.float32), 0)
    assert (values + hidden @ mlp.output.matrix.astype(np.float32) == 0).all()


@given(SEEDS)
def test_a_pinned_head_has_the_wanted_values_at_bos_and_no_others_elsewhere(seed: int) -> None:
    generator = np.random.default_rng(seed)
    wanted = [generator.normal(size=2) for _ in range(3)]
    head = Head(
        "y",
        affine(generator, X, SCORES),
        affine(generator, X, SCORES),
        affine(generator, X, Y),
        *wanted,
    )
    stream = stream_with_bos(generator, 2)
    pinned = pin_to_bos(head, STREAM, stream[0])
    assert isinstance(pinned, Head)
    before = (head.query, head.key, head.value)
    after = (pinned.query, pinned.key, pinned.value)
    for plain, part, value in zip(before, after, wanted, strict=True):
        result = part.read_from(STREAM, stream)
        assert np.allclose(result[0], value)
        assert np.allclose(result[1:], plain.read_from(STREAM, stream)[1:])


def test_a_head_without_wishes_stays_as_it_is() -> None:
    generator = np.random.default_rng(0)
    head = Head("y", *(affine(generator, X, s) for s in (SCORES, SCORES, Y)))
    pinned = pin_to_bos(head, STREAM, stream_with_bos(generator, 1)[0])
    assert pinned.source == X


@given(SEEDS, st.integers(0, 5))
def test_neurons_pinned_to_bos_are_off_there_and_unchanged_elsewhere(
    seed: int, neurons: int
) -> None:
    generator = np.random.default_rng(seed)
    hidden = numbered_space("hidden", neurons)
    mlp = MLP("y", affine(generator, X, hidden), affine(generator, hidden, Y))
    stream = stream_with_bos(generator, 3)
    pinned = pin_to_bos(mlp, STREAM, stream[0])
    update = run_component(pinned, STREAM, stream, causal=False)
    assert np.allclose(update[0], mlp.output.bias)
    assert np.allclose(update[1:], run_component(mlp, STREAM, stream, causal=False)[1:])


def test_an_erasure_also_clears_bos() -> None:
    mlp = erasure("x", X, np.array([False, True, True]))
    assert pin_to_bos(mlp, STREAM, np.ones(len(STREAM))) is mlp


@pytest.mark.parametrize("kind", ["source", "target", "size"])
def test_components_say_what_they_read_and_write(kind: str) -> None:
    generator = np.random.default_rng(0)
    head = Head("y", affine(generator, X, SCORES), affine(generator, BOS_SPACE, SCORES),
                affine(generator, X, Y))  # fmt: skip
    mlp = erasure("x", X, np.array([False, True, True]))
    expected = {
        "source": (join(X, BOS_SPACE), X),
        "target": (Y, X),
        "size": (1, 5),
    }
    assert (getattr(head, kind), getattr(mlp, kind)) == expected[kind]
