"""Allocation problems with solutions that are written out, so that no solver can change them."""

from __future__ import annotations

from itertools import pairwise

from shoal_solvers import (
    ALTERNATING,
    Allocation,
    AllocationProblem,
    Alternative,
    Kind,
    ObjectiveResult,
    Operation,
    Placement,
    Result,
    Status,
    Variable,
    measure,
)

PROBLEM = AllocationProblem(
    (
        Variable("tokens", 3, is_input=True, erase_neurons=3),
        Variable("here", 1, erase_neurons=1),
        Variable("there", 2),
        Variable("sum", 2, erase_neurons=2),
        Variable("copy", 2),
        Variable("never", 0, is_output=True),
        Variable("result", 4, is_output=True),
    ),
    (
        Operation(
            "look here", Kind.ATTENTION, ("here",), (Alternative(("tokens",), 1),), None, "s"
        ),
        Operation(
            "look there", Kind.ATTENTION, ("there",), (Alternative(("tokens",), 1),), None, "s"
        ),
        Operation(
            "add", Kind.MLP, ("sum",), (Alternative(("here",), 6), Alternative(("tokens",), 9))
        ),
        Operation("copy $x_1$", Kind.ATTENTION, ("copy",), (Alternative(("there",), 2),)),
        Operation("never", Kind.MLP, ("never",), (Alternative(("here",), 1),)),
        Operation("finish", Kind.MLP, ("result",), (Alternative(("sum", "copy"), 12),)),
    ),
    name="busy",
)
"""Two layers with room: an operation that could run later, one by its second way, shared heads."""

ALLOCATION = Allocation(
    2,
    {
        "look here": Placement(0, 0),
        "look there": Placement(0, 0),
        "add": Placement(1, 1),
        "never": Placement(1, 0),
        "copy $x_1$": Placement(2, 0),
        "finish": Placement(3, 0),
    },
    {"tokens": 1, "here": 1, "sum": 3},
    {
        "tokens": (0, 1, 2),
        "here": (3,),
        "there": (4, 5),
        "sum": (0, 1),
        "copy": (2, 3),
        "never": (),
        "result": (0, 1, 6, 7),
    },
)

RESULT = Result(
    "by hand",
    ALLOCATION,
    measure(PROBLEM, ALLOCATION),
    (
        ObjectiveResult("layers", 2, 2, Status.OPTIMAL, 0.0),
        ObjectiveResult("width", 8, 6, Status.FEASIBLE, 0.0),
    ),
    0.0,
)


def wide(count: int, prefix: str = "v") -> tuple[AllocationProblem, Allocation]:
    """So many operations that read one input and write 0 to 2 columns, in three half-layers."""
    widths = [i % 3 for i in range(count)]
    names = [f"{prefix}{i}" for i in range(count)]
    kinds = [Kind.MLP if i % 5 else Kind.ATTENTION for i in range(count)]
    starts = [sum(widths[:i]) for i in range(count)]
    columns = {n: tuple(range(s, s + w)) for n, s, w in zip(names, starts, widths, strict=True)}
    problem = AllocationProblem(
        (
            Variable("x", 1, is_input=True),
            *(Variable(n, w, is_output=True) for n, w in zip(names, widths, strict=True)),
        ),
        tuple(
            Operation(n, kind, (n,), (Alternative(("x",), 1),))
            for n, kind in zip(names, kinds, strict=True)
        ),
    )
    late = {n for i, n in enumerate(names) if kinds[i] is Kind.MLP and i % 7 == 0}
    placements = {
        n: Placement(ALTERNATING.half_layer(int(n in late), kind), 0)
        for n, kind in zip(names, kinds, strict=True)
    }
    return problem, Allocation(2, placements, {}, {"x": (sum(widths),), **columns})


def deep(count: int) -> tuple[AllocationProblem, Allocation]:
    """A chain of so many MLPs, of which each erases what it has read."""
    names = [f"v{i}" for i in range(count + 1)]
    problem = AllocationProblem(
        tuple(
            Variable(n, 1, i == 0, i == count, None if i == count else 1)
            for i, n in enumerate(names)
        ),
        tuple(
            Operation(after, Kind.MLP, (after,), (Alternative((before,), 1),))
            for before, after in pairwise(names)
        ),
    )
    return problem, Allocation(
        count,
        {n: Placement(2 * i + 1, 0) for i, n in enumerate(names[1:])},
        {n: 2 * i + 1 for i, n in enumerate(names[:-1])},
        dict.fromkeys(names, (0,)),
    )
