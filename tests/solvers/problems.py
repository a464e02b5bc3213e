"""Hypothesis strategies for small allocation problems, and a few made by hand."""

from __future__ import annotations

from hypothesis import strategies as st

from shoal_solvers import AllocationProblem, Alternative, Budgets, Kind, Operation, Variable


@st.composite
def problems(
    draw: st.DrawFn, most_operations: int = 5, most_erasable: int = 4
) -> AllocationProblem:
    """Problems with alternatives, optional operations, double writes and dear or no erasure."""
    count = draw(st.integers(1, most_operations))
    inputs = [f"in{i}" for i in range(draw(st.integers(0, 2)))]
    known = list(inputs)
    operations = []
    for i in range(count):
        writes = tuple(f"v{i}{c}" for c in "ab"[: draw(st.sampled_from([1, 1, 1, 2]))])
        alternatives = []
        for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
            reads = st.lists(st.sampled_from(known), max_size=3, unique=True) if known else None
            chosen = tuple(draw(reads)) if reads is not None else ()
            alternatives.append(Alternative(chosen, draw(st.integers(0, 4))))
        kind = draw(st.sampled_from(list(Kind)))
        operations.append(Operation(f"op{i}", kind, writes, tuple(alternatives)))
        known += writes
    last = operations[-1].writes[0]
    erasable = draw(st.lists(st.sampled_from(known), max_size=most_erasable, unique=True))
    variables = tuple(
        Variable(
            name,
            width=draw(st.integers(0, 5)),
            is_input=name in inputs,
            is_output=name == last or draw(st.integers(0, 9)) == 0,
            erase_neurons=draw(st.integers(0, 3)) if name in erasable else None,
        )
        for name in known
    )
    return AllocationProblem(variables, tuple(operations))


def budgets() -> st.SearchStrategy[Budgets]:
    """Budgets that are sometimes loose, sometimes tight, sometimes impossible."""
    return st.builds(
        Budgets,
        max_layers=st.none() | st.integers(1, 4),
        max_width=st.none() | st.integers(3, 20),
        max_neurons=st.none() | st.integers(2, 12),
        max_heads=st.none() | st.integers(2, 10),
    )


def chain(budgets: Budgets | None = None) -> AllocationProblem:
    """Input ``x`` -> attention ``a`` -> MLP ``b`` -> MLP ``c``, the output."""
    return AllocationProblem(
        variables=(
            Variable("x", 2, is_input=True, erase_neurons=2),
            Variable("a", 3, erase_neurons=3),
            Variable("b", 4),
            Variable("c", 1, is_output=True),
        ),
        operations=(
            Operation("make_a", Kind.ATTENTION, ("a",), (Alternative(("x",), 1),)),
            Operation("make_b", Kind.MLP, ("b",), (Alternative(("a",), 5),)),
            Operation("make_c", Kind.MLP, ("c",), (Alternative(("b",), 2), Alternative(("a",), 9))),
        ),
        budgets=budgets or Budgets(),
        name="chain",
    )
