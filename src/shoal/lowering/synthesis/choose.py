"""From a table to the cheapest MLP with one hidden layer that is exact on every row.

Each file beside this one has a form that such an MLP can take. Source: section 5 of the design.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from shoal.contract import SHARP
from shoal.craft.affine import Matrix
from shoal.craft.bases import Space
from shoal.craft.components import MLP
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.lowering.held import Errors, seen_errors
from shoal.lowering.synthesis.affine import affine
from shoal.lowering.synthesis.constant import constant
from shoal.lowering.synthesis.gated import gated_steps
from shoal.lowering.synthesis.gated_rows import gated_rows
from shoal.lowering.synthesis.hinges import hinges
from shoal.lowering.synthesis.in_order import product_in_order
from shoal.lowering.synthesis.lines import joined_lines
from shoal.lowering.synthesis.look_up import look_up
from shoal.lowering.synthesis.steps import steps
from shoal.lowering.synthesis.tables import Candidate, Layer, Table, as_mlp

FEW = 2
"""Neurons that no form with gates does without; if so few are exact, gates are not looked at."""

FAR_DEARER = 8
"""A form that would be sharper is not looked at if it takes this many times more neurons."""

_ALL_SIGNS = 3
"""Of so many coordinates errors are tried with all signs."""

_FLOPS = 20_000
"""Multiplications of a matrix product in a unit of work."""

_OVERHEAD = 20
"""What is done besides with each hidden value, in multiplications."""

_ROUNDING = 2.0**-25
"""Half a unit in the last place of a float32, relative to its size."""

_LARGEST_BLOCK = 2**22
"""Hidden values that are computed at once when a layer is checked."""


class TooManyNeuronsError(UnsupportedProgramError):
    """A table needs more neurons than the limit allows.

    Attributes:
        neurons: how many it needs.
    """

    def __init__(self, neurons: int, table: Table, most_weights: int) -> None:
        self.neurons = neurons
        weights = neurons * table.width
        super().__init__(
            Refusal.TABLE_TOO_LARGE,
            table.name,
            f"its table needs {neurons:,} neurons with {table.points.shape[1]:,} inputs and "
            f"{table.results.shape[1]:,} outputs, {weights:,} weights; the limit is "
            f"{most_weights:,}",
            "use a smaller vocab or max_seq_len, map the operands to fewer values first, or allow "
            f"it by limits=shoal.Limits(mlp_weights={weights})",
        )


def synthesise(
    table: Table,
    target: Space,
    most_weights: int,
    tolerance: float = 0.0,
    at_worst: float = 0.0,
) -> tuple[MLP, Errors] | None:
    """The cheapest exact MLP, and the errors it was seen to make; None if none is exact in float32.

    Args:
        table: what it computes, rows for None operands included.
        target: the directions of the result.
        most_weights: greatest number of matrix entries.
        tolerance: an error that is accepted of any form, where readers bear more than usual,
            whatever the size of the result.
        at_worst: an error that is accepted if all forms that are more exact are far dearer.

    Raises:
        TooManyNeuronsError: every exact form that might do exceeds ``most_weights``.
        UnsupportedProgramError: it takes more work than there is left.
    """
    if not len(table.points):  # the operands never meet
        points, results = (np.zeros((1, array.shape[1])) for array in (table.points, table.results))
        table = replace(table, points=points, results=results)
    lines = joined_lines(table, range(len(table.operands)))
    ungated = [candidate for form in (constant, affine, look_up) for candidate in form(table)]
    ungated += [candidate for form in (steps, hinges) for candidate in form(table, lines)]
    found = _first_exact(table, target, ungated, most_weights, tolerance, at_worst, FEW)
    if found is not None:
        return found
    gated = [candidate for form in (gated_steps, gated_rows) for candidate in form(table)]
    return _first_exact(table, target, [*ungated, *gated], most_weights, tolerance, at_worst)


def _first_exact(
    table: Table,
    target: Space,
    candidates: Sequence[Candidate],
    most_weights: int,
    tolerance: float,
    at_worst: float,
    most_neurons: int | None = None,
) -> tuple[MLP, Errors] | None:
    """The cheapest candidate that is exact; see ``synthesise``.

    Args:
        most_neurons: what is larger is not looked at, and what is not so exact is none; None for
            all, and then the most exact one that is found.
    """

    def made(layer: Layer, seen: Matrix) -> tuple[MLP, Errors]:
        errors = seen_errors(seen)
        return as_mlp(table.name, table.operands, layer, target), errors

    allowed = np.maximum(1, np.abs(table.results))
    good_enough: tuple[MLP, Errors] | None = None
    at_least: tuple[MLP, Errors] | None = None
    for candidate in sorted(candidates, key=lambda c: c.neurons):
        if most_neurons is not None and candidate.neurons > most_neurons:
            return None
        found = good_enough or at_least
        if found and candidate.neurons > FAR_DEARER * (1 + found[0].size):
            break
        if candidate.neurons * table.width > most_weights:
            if found:
                break
            raise TooManyNeuronsError(candidate.neurons, table, most_weights)
        layer = candidate.build()
        likely, rounding = rounding_of(layer, table)
        in_any_order = 0.0 if candidate.exact else float((rounding / allowed).max(initial=0.0))
        off = 0.0 if candidate.exact else float(rounding.max(initial=0.0))
        if in_any_order > max(candidate.tolerance, at_worst) and off > tolerance:
            continue
        seen = errors_of(layer, table, likely)
        error = float((np.abs(seen) / allowed).max(initial=0.0))
        largest = max(error, in_any_order)
        off = max(off, float(np.abs(seen).max(initial=0.0)))
        is_borne = largest <= candidate.tolerance or off <= tolerance
        if is_borne and (error <= SHARP or not good_enough):
            good_enough = made(layer, seen)
            if error <= SHARP or off <= tolerance:
                return good_enough
        elif largest <= at_worst and not at_least:
            at_least = made(layer, seen)
    return None if most_neurons is not None else good_enough or at_least


def _signs(size: int) -> Matrix:
    """[patterns, size]: all patterns of signs if they are few, else both alike and some others."""
    if size <= _ALL_SIGNS:
        return np.array(list(product([1.0, -1.0], repeat=size)))
    others = np.random.default_rng(0).choice([-1.0, 1.0], (4, size))
    return np.vstack([np.ones(size), -np.ones(size), others])


def errors_of(layer: Layer, table: Table, likely: Matrix) -> Matrix:
    """[rows, results], the greatest errors in float32, also with operands a little off.

    Args:
        layer: that computes the table.
        table: what is wanted, and how far off operands may be.
        likely: [rows, results], errors that count in any case, as of ``rounding_of``.
    """
    errors = table.errors
    patterns = [np.zeros(len(errors))]
    if errors.any():
        patterns += list(_signs(len(errors)) * errors)
        _spend(layer, table, 6)
    worst = np.zeros(table.results.shape)
    single = layer.in_float32()
    for block in _blocks(layer, table):
        for pattern in patterns:
            points = (table.points[block] + pattern).astype(np.float32)
            off = single.summed_in_order(points).astype(np.float64) - table.results[block]
            worst[block] = np.where(np.abs(off) > np.abs(worst[block]), off, worst[block])
    return np.where(likely > np.abs(worst), likely, worst)


def rounding_of(layer: Layer, table: Table) -> tuple[Matrix, Matrix]:
    """[rows, results], what rounding is likely to make of the sums, and what it makes at most.

    The latter in whatever order a library adds up. Rounding errors of both signs make an error of
    about sqrt(n) units in the last place of the sum of all absolute values, and not n as in the
    worst case (Higham and Mary, A New Approach to Probabilistic Rounding Error Analysis, 2019);
    half of that is the bound. Where operands are off, so are the sums that neurons take, and not
    alike for all neurons.
    """
    _spend(layer, table, 1)
    sizes, bound = np.zeros(table.results.shape), np.zeros(table.results.shape)
    is_added = (layer.out != 0).astype(float)
    is_read = (layer.into != 0).astype(float)
    for block in _blocks(layer, table):
        points = table.points[block]
        hidden = layer.hidden(points)
        is_on = (hidden > 0).astype(float)
        sizes[block] = _ROUNDING * product_in_order(hidden, np.abs(layer.out))
        bound[block] = np.sqrt(product_in_order(is_on, is_added)) * sizes[block]
        if table.errors.any() and points.shape[1] > 1:
            terms = (points != 0).astype(float) @ is_read
            taken = _ROUNDING * (np.abs(points) @ np.abs(layer.into)) * is_on
            passed = product_in_order(np.where(terms > 1, terms * taken**2, 0.0), layer.out**2)
            bound[block] = np.maximum(bound[block], np.sqrt(passed))
    return sizes / 2, bound


def _spend(layer: Layer, table: Table, times: int) -> None:
    """Count that a layer is computed so many times for all rows."""
    flops = len(table.points) * len(layer.threshold) * (table.width + _OVERHEAD)
    table.work.spend(times * flops / _FLOPS, table.name)


def _blocks(layer: Layer, table: Table) -> Iterator[slice]:
    """The rows, so many at once that their hidden values are not too many."""
    rows = max(1, _LARGEST_BLOCK // max(1, len(layer.threshold)))
    for start in range(0, len(table.points), rows):
        yield slice(start, start + rows)
