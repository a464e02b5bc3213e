"""Which value is in which residual columns when: what pictures of allocations are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from shoal.atlas.atlas import Atlas
from shoal.atlas.basis import require_columns
from shoal_analysis.pictures.solutions import require_solution
from shoal_solvers import (
    ALTERNATING,
    Allocation,
    AllocationProblem,
    Result,
    lifetimes_in,
    measure,
)


@dataclass(frozen=True)
class Bar:
    """A value in the residual stream.

    Attributes:
        name: of the value.
        columns: the residual columns that it occupies; none for what is always None.
        first: the first state in which it is there.
        last: the last one.
        erased: whether the half-layer after that state clears its columns.
        words: how it is held, for people; "" if that is not known.
    """

    name: str
    columns: tuple[int, ...]
    first: int
    last: int
    erased: bool
    words: str = ""

    @property
    def runs(self) -> list[range]:
        """Its columns as ranges of neighbours."""
        each = sorted(self.columns)
        groups = groupby(enumerate(each), key=lambda pair: pair[1] - pair[0])
        runs = [[column for _, column in group] for _, group in groups]
        return [range(run[0], run[-1] + 1) for run in runs]


@dataclass(frozen=True)
class Bars:
    """All values of an allocation.

    Attributes:
        bars: in the order in which they are coloured.
        states: how many states the stream has: one more than there are half-layers.
        width: residual columns.
        bound: no allocation that is as shallow has fewer columns; None if nothing is proven.
    """

    bars: tuple[Bar, ...]
    states: int
    width: int
    bound: int | None = None

    @cached_property
    def occupancy(self) -> tuple[int, ...]:
        """How many columns are in use in every state."""
        return tuple(
            sum(len(bar.columns) for bar in self.bars if bar.first <= state <= bar.last)
            for state in range(self.states)
        )

    @property
    def full(self) -> tuple[int, ...]:
        """The states that use as many columns as there are: they are why it is not narrower."""
        return tuple(s for s, used in enumerate(self.occupancy) if used >= self.width > 0)

    @property
    def proof(self) -> str:
        """What is proven about the width, in words."""
        if self.bound is None:
            return "nothing proven"
        return "proven least" if self.bound >= self.width else f"at least {self.bound} proven"


def bars_of_atlas(atlas: Atlas, num_layers: int, d_model: int) -> Bars:
    """The bars of a compiled model.

    Args:
        atlas: of the model.
        num_layers: of the model.
        d_model: columns.

    Raises:
        InvalidInputError: the stream was rotated, so that no value has columns.
    """
    require_columns(atlas, "a picture of columns")
    erased = {name for part in atlas.parts if part.kind == "erasure" for name in part.writes}
    return Bars(
        tuple(
            Bar(p.name, p.columns, p.first, p.last, p.name in erased, p.words)
            for p in atlas.places.values()
        ),
        ALTERNATING.last_state(num_layers) + 1,
        d_model,
        next((_proven(p.value, p.bound) for p in atlas.proofs if p.objective == "width"), None),
    )


def bars_of_allocation(
    problem: AllocationProblem, allocation: Allocation, bound: int | None = None
) -> Bars:
    """The bars of an allocation.

    Args:
        problem: that it solves.
        allocation: of the problem.
        bound: what is proven about its width.

    Raises:
        InvalidInputError: something else is given.
        InvalidAllocationError: the allocation is not one of the problem.
    """
    require_solution(problem, allocation)
    return Bars(
        tuple(
            Bar(name, allocation.columns[name], life.first, life.last, name in allocation.erasures)
            for name, life in lifetimes_in(problem, allocation).items()
        ),
        ALTERNATING.last_state(allocation.num_layers) + 1,
        measure(problem, allocation).width,
        bound,
    )


def bars_of_result(problem: AllocationProblem, result: Result) -> Bars:
    """The bars of what a solver returned, with what it has proven about the width.

    Raises:
        InvalidInputError: something else is given.
        InvalidAllocationError: the allocation is not one of the problem.
    """
    objectives = result.objectives
    bound = next((_proven(o.value, o.bound) for o in objectives if o.name == "width"), None)
    return bars_of_allocation(problem, result.allocation, bound)


def _proven(width: int, bound: int) -> int | None:
    """A bound; None for one that says nothing, as every width is at least 0."""
    return bound if bound > 0 or width == 0 else None


def state_name(state: int) -> str:
    """What was added to the stream last before a state."""
    if state == 0:
        return "embedding"
    return ALTERNATING.name(state - 1)
