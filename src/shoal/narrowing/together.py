"""Inputs that are looked at as one variable: a token and its position may share columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from shoal.arrays import Array, Float
from shoal.craft.affine import Matrix
from shoal.craft.bases import join
from shoal.forms.form import ranges_of
from shoal.lowering.held import Errors, StreamVariable
from shoal.lowering.lower import BOS_VARIABLE
from shoal.narrowing.chosen import Chosen

_MOST_NUMBERS = 2**18
"""In the list of all that inputs can be together; they stay apart where there are more."""


@dataclass(frozen=True, eq=False)
class JoinedInputs:
    """Inputs as one variable.

    Attributes:
        variable: with the dimensions of all of them.
        of: the dimensions of each.
        points: [points, dimensions], what they can be together at tokens.
        at_bos: [dimensions], what they are at the BOS position.
    """

    variable: StreamVariable
    of: Mapping[str, slice]
    points: Float[Array, "points dimensions"]
    at_bos: Float[Array, " dimensions"]

    def rows(self, given: Mapping[str, Matrix]) -> Float[Array, "dimensions functionals"]:
        """Functionals of some inputs, [dimensions, functionals] each, as those of all inputs."""
        (size,) = {part.shape[1] for part in given.values()}
        rows = np.zeros((len(self.at_bos), size))
        for name, part in given.items():
            rows[self.of[name]] = part
        return rows


def joined_inputs(chosen: Chosen) -> JoinedInputs | None:
    """The inputs that may share columns, as one variable; None if there are fewer than two.

    At tokens they can be whatever a token and a position make them.
    """
    apart = {BOS_VARIABLE, *chosen.lowered.marks, *chosen.whole}
    tables = [table for table in chosen.inputs if table.variable not in apart]
    if len(tables) < 2:
        return None
    before = [chosen.lowered.variables[table.variable] for table in tables]
    sizes = [len(variable.space) for variable in before]
    tokens = _side_by_side([table.by_token for table in tables], sizes)
    positions = _side_by_side([table.by_position for table in tables], sizes)
    if len(tokens) * len(positions) * sum(sizes) > _MOST_NUMBERS:
        return None
    points = (tokens[:-1, None] + positions[None, 1:]).reshape(-1, sum(sizes))
    at_bos = tokens[-1] + positions[0]
    joint = StreamVariable(
        " and ".join(variable.name for variable in before),
        join(*(variable.space for variable in before)),
        ranges_of(np.vstack([points, at_bos])),
        None,
        " and ".join(f"{variable.name} {variable.words}" for variable in before),
        _errors(before, sizes),
    )
    of = {v.name: part for v, part in zip(before, _parts(sizes), strict=True)}
    return JoinedInputs(joint, of, points, at_bos)


def _side_by_side(tables: Sequence[Matrix | None], sizes: Sequence[int]) -> Matrix:
    """What an embedding puts into all inputs; zeros into those that it knows nothing of."""
    rows = max((len(table) for table in tables if table is not None), default=2)
    each = zip(tables, sizes, strict=True)
    return np.hstack([np.zeros((rows, n)) if table is None else table for table, n in each])


def _parts(sizes: Sequence[int]) -> Iterator[slice]:
    """The dimensions of each variable among those of all."""
    return (slice(*ends) for ends in pairwise(accumulate(sizes, initial=0)))


def _errors(variables: Sequence[StreamVariable], sizes: Sequence[int]) -> Errors:
    """How far off the dimensions of all may be, each of the variables by itself."""
    apart = [np.broadcast_to(v.errors.apart, (n,)) for v, n in zip(variables, sizes, strict=True)]
    together = [np.zeros((0, sum(sizes)))]
    for variable, part in zip(variables, _parts(sizes), strict=True):
        samples = variable.errors.together
        if samples is not None:
            together.append(np.zeros((len(samples), sum(sizes))))
            together[-1][:, part] = samples
    samples = np.vstack(together)
    return Errors(samples if len(samples) else None, np.concatenate(apart))
