from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.craft.affine import AffineMap
from shoal.craft.bases import Space, join, numbered_space
from shoal.craft.components import BOS_SPACE, MLP, Head, erasure, merge_heads, pin_to_bos
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


Z, W = numbered_space("z", 1), numbered_space("w", 2)
WIDE = join(BOS_SPACE, X, W, Y, Z)


def two_heads(generator: np.random.Generator) -> tuple[Head, Head]:
    """Heads that attend alike, with values from and to different spaces."""
    query, key = affine(generator, X, SCORES), affine(generator, X, SCORES)
    at_bos = [generator.normal(size=size) for size in (2, 2, 2, 1)]
    first = Head("y", query, key, affine(generator, X, Y), *at_bos[:3])
    value = affine(generator, join(W, numbered_space("x", 1)), Z)
    return first, replace(first, name="z", value=value, value_at_bos=at_bos[3])


@given(SEEDS, st.booleans())
def test_merged_heads_do_what_they_did_apart(seed: int, causal: bool) -> None:
    generator = np.random.default_rng(seed)
    heads = two_heads(generator)
    stream = generator.normal(size=(4, len(WIDE)))
    stream[:, 0] = [1.0, 0.0, 0.0, 0.0]
    merged = merge_heads(heads)
    assert (merged.name, merged.target, merged.size) == ("y, z", join(Y, Z), 1)
    apart = [
        run_component(pin_to_bos(head, WIDE, stream[0]), WIDE, stream, causal) for head in heads
    ]
    together = run_component(pin_to_bos(merged, WIDE, stream[0]), WIDE, stream, causal)
    assert np.allclose(together, np.hstack(apart))


@pytest.mark.parametrize("part", ["query", "key", "query_at_bos", "key_at_bos"])
def test_heads_that_attend_differently_are_not_merged(part: str) -> None:
    generator = np.random.default_rng(0)
    first, second = two_heads(generator)
    other = affine(generator, X, SCORES) if "bos" not in part else np.ones(2)
    for changed in (other, None) if "bos" in part else (other,):
        with pytest.raises(ValueError, match="'y' and 'z' attend differently"):
            merge_heads([first, replace(second, **{part: changed})])


def test_heads_are_merged_only_if_bos_is_set_for_all_values_or_for_none() -> None:
    first, second = two_heads(np.random.default_rng(0))
    with pytest.raises(ValueError, match="of some heads are set at BOS"):
        merge_heads([first, replace(second, value_at_bos=None)])
    free = [replace(head, value_at_bos=None) for head in (first, second)]
    assert merge_heads(free).value_at_bos is None
