"""How narrow the stream of the chosen components could be at best.

Every reader of the stream is linear, so what it holds before a half-layer takes at least as many
columns as there are different functionals that are read of it from then on, up to constants, which
are biases. Attention only adds to what is there; so after it, there is at least what was there
before it, and what is read of what it has written. Both are ranks of the states on some inputs,
and no other input can make a rank smaller: the bound holds for whoever keeps these components.
What is to be kept as it is takes all of its columns besides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from shoal.arrays import Array, Bool
from shoal.craft.affine import AffineMap, Matrix
from shoal.craft.components import MLP, Component
from shoal.craft.fitting import NOISE
from shoal.craft.model import CraftModel, run_craft
from shoal.narrowing.basis import orthonormal
from shoal.narrowing.chosen import reads_of
from shoal_solvers import Lifetime

MOST_INPUTS = 60
"""On which states are looked at: all there are, or so many at random, and so many of few tokens."""

MOST_NUMBERS = 2**17
"""In one state on all inputs together; of larger models there is no bound."""

_DEPENDENT = 1e-7
"""Of the largest singular value: what is smaller is rounding."""


@dataclass(frozen=True)
class RankBound:
    """How narrow the stream of some components could be.

    Attributes:
        width: no fewer columns hold what is read.
        spare: by variable, how many of its columns nothing needs where the stream is widest: what
            cannot be erased, or read off fewer columns precisely enough.
    """

    width: int
    spare: Mapping[str, int]


def rank_bound(
    craft: CraftModel,
    result: AffineMap,
    lives: Mapping[str, Lifetime],
    promised: Sequence[Sequence[int]] | None = None,
    named: Collection[str] = (),
    whole: Collection[str] = (),
) -> RankBound | None:
    """The fewest columns that could hold what is read, for these components; None if unknown.

    Args:
        craft: the components in their half-layers.
        result: how the result is read of the last state.
        lives: when each variable is in the stream.
        promised: the inputs that there are, as numbers of tokens; None if there may be any.
        named: variables of one column each that names are read from, in the state in which they
            are first there.
        whole: variables of which all columns are to be there as long as they are.
    """
    if promised is not None:
        inputs = _some(promised)
    else:
        inputs = _inputs(len(craft.embedding.tokens) - 1, len(craft.embedding.positions) - 1)
    positions = sum(len(ids) + 1 for ids in inputs)
    if positions * len(craft.space) > MOST_NUMBERS:
        return None
    runs = [run_craft(craft, ids) for ids in inputs]
    states = [np.vstack(state) for state in zip(*runs, strict=True)]
    reads = [_reads(craft, components) for components in craft.half_layers]
    reads.append(_rows(craft, result))
    bound = before = widest = 0
    spare: dict[str, int] = {}
    names = [direction.variable for direction in craft.space.directions]
    there = [lives[name] for name in names]
    read_by_name = np.array([name in named for name in names], dtype=bool)
    as_it_is = np.array([name in whole for name in names], dtype=bool)
    for number, state in enumerate(states):
        begin = np.array([life.first == number for life in there], dtype=bool)
        by_name = np.eye(len(names))[:, begin & read_by_name]
        later = np.hstack([*reads[number:], by_name])
        alive = np.array([life.first <= number <= life.last for life in there], dtype=bool)
        own = _columns(state, later, alive, alive & as_it_is)
        if number % 2:
            own = max(own, before + _columns(state, later, begin, begin & as_it_is))
        before, bound = own, max(bound, own)
        if alive.sum() > widest:
            widest = int(alive.sum())
            may_share = alive & ~as_it_is
            own_names = [n if there else "" for n, there in zip(names, may_share, strict=True)]
            spare = _spare(state, later, own_names)
    return RankBound(bound, spare)


def _columns(
    state: Matrix,
    later: Matrix,
    there: Bool[Array, " space"],
    whole: Bool[Array, " space"],
) -> int:
    """The fewest columns for functionals of what is there, if some columns stay as they are."""
    kept = np.eye(len(whole))[:, whole]
    read = np.hstack([later * there[:, None], kept])
    return int(whole.sum()) + _rank(state, read) - _rank(state, kept)


def _spare(state: Matrix, later: Matrix, names: Sequence[str]) -> dict[str, int]:
    """By variable, its columns less the functionals that are read of it later, where more.

    Args:
        state: [positions, columns].
        later: [columns, functionals], what is read from then on.
        names: of the variable that holds each column; "" for none.
    """
    found = {}
    for name in dict.fromkeys(filter(None, names)):
        own = np.array([other == name for other in names])
        more = int(own.sum()) - _rank(state, later * own[:, None])
        if more > 0:
            found[name] = more
    return found


def _inputs(tokens: int, longest: int) -> Sequence[Sequence[int]]:
    """All inputs if they are few; else some at random, always the same; half with repetitions."""
    count = sum(tokens**n for n in range(1, longest + 1)) if longest <= 16 else MOST_INPUTS + 1
    if count <= MOST_INPUTS:
        lengths = range(1, longest + 1)
        return [ids for n in lengths for ids in product(range(tokens), repeat=n)]
    random = np.random.default_rng(0)
    drawn = random.integers(1, longest + 1, MOST_INPUTS)
    found = [random.integers(0, tokens, n).tolist() for n in drawn]
    for number in range(MOST_INPUTS):  # else counts would hardly ever be large
        rest = random.integers(0, tokens, longest)
        alike = 1 + number * longest // MOST_INPUTS
        rest[:alike] = rest[0]
        found.append(random.permutation(rest).tolist() if number % 2 else rest.tolist())
    return found


def _some(promised: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    """All promised inputs if they are few; else some at random, the same every time."""
    if len(promised) <= MOST_INPUTS:
        return promised
    drawn = np.random.default_rng(0).choice(len(promised), MOST_INPUTS, replace=False)
    return [promised[number] for number in sorted(drawn)]


def _reads(craft: CraftModel, components: Sequence[Component]) -> Matrix:
    """[space, functionals] that components read, but for erasures, which read what nobody needs."""
    needed = [c for c in components if not isinstance(c, MLP) or c.off_at_bos]
    maps = [read.map for component in needed for read in reads_of(component).values()]
    return np.hstack([np.zeros((len(craft.space), 0)), *(_rows(craft, part) for part in maps)])


def _rows(craft: CraftModel, part: AffineMap) -> Matrix:
    rows = np.zeros((len(craft.space), len(part.target)))
    rows[craft.space.positions(part.source)] = part.matrix
    return rows


def _rank(state: Matrix, functionals: Matrix) -> int:
    """Of functionals [space, functionals] on a state [positions, space], up to constants.

    What is no more than rounding beside the rest counts as 0, what varies no more as a constant.
    """
    sizes = np.abs(state).max(axis=0, initial=0.0)
    there = sizes > NOISE * max(1.0, float(sizes.max(initial=0.0)))
    read = _alike(functionals[there] * sizes[there, None])
    values = (state[:, there] / sizes[there]) @ orthonormal(read, _DEPENDENT)
    varying = _alike(values - values.mean(axis=0), _DEPENDENT)
    return int(orthonormal(varying, _DEPENDENT).shape[1])


def _alike(columns: Matrix, least: float = 0.0) -> Matrix:
    """The columns of which an entry exceeds the least, so that the largest of each is 1."""
    sizes = np.abs(columns).max(axis=0, initial=0.0)
    return np.asarray(columns[:, sizes > least] / sizes[sizes > least])
