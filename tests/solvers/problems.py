"""Hypothesis strategies for small allocation problems, and a few made by hand."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from shoal_solvers import (
    AllocationProblem,
    Alternative,
    Budgets,
    Kind,
    Operation,
    OutputChoice,
    Variable,
)


@st.composite
def problems(
    draw: st.DrawFn, most_operations: int = 5, most_erasable: int = 4
) -> AllocationProblem:
    """Problems with alternatives, double writes, shared heads, and dear or no erasure."""
    count = draw(st.integers(1, most_operations))
    inputs = [f"in{i}" for i in range(draw(st.integers(0, 2)))]
    known = list(inputs)
    operations = []
    heads = {"s": draw(st.integers(0, 4)), "t": draw(st.integers(1, 2))}
    for i in range(count):
        writes = tuple(f"v{i}{c}" for c in "ab"[: draw(st.sampled_from([1, 1, 1, 2]))])
        kind = draw(st.sampled_from(list(Kind)))
        sharing = draw(st.sampled_from([None, "s", "s", "t"])) if kind is Kind.ATTENTION else None
        sizes = st.just(heads[sharing]) if sharing is not None else st.integers(0, 4)
        alternatives = []
        for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
            reads = st.lists(st.sampled_from(known), max_size=3, unique=True) if known else None
            chosen = tuple(draw(reads)) if reads is not None else ()
            alternatives.append(Alternative(chosen, draw(sizes)))
        operations.append(Operation(f"op{i}", kind, writes, tuple(alternatives), sharing=sharing))
        known += writes
    last = operations[-1].writes[0]
    if inputs and draw(st.integers(0, 4)) == 0:  # all that is wanted may be there from the start
        last = draw(st.sampled_from(inputs))
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
    options = st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True).map(tuple)
    count = draw(st.sampled_from([0, 0, 1, 2]))
    choices = tuple(
        OutputChoice(f"choice{i}", tuple(draw(st.lists(options, min_size=1, max_size=3))))
        for i in range(count)
    )
    if choices and draw(st.booleans()):  # nothing is wanted for sure
        variables = tuple(replace(variable, is_output=False) for variable in variables)
    return AllocationProblem(variables, tuple(operations), choices=choices)


def budgets() -> st.SearchStrategy[Budgets]:
    """Budgets that are sometimes loose, sometimes tight, sometimes impossible."""
    return st.builds(
        Budgets,
        max_layers=st.none() | st.integers(1, 4),
        max_width=st.none() | st.integers(1, 20),
        max_neurons=st.none() | st.integers(2, 12),
        max_heads=st.none() | st.integers(2, 10),
    )


def fan(budgets: Budgets | None = None, sharing: str | None = "selector") -> AllocationProblem:
    """Three attention operations of two heads each that read ``x``; one MLP reads two results."""
    reads = (Alternative(("x",), 2),)
    return AllocationProblem(
        variables=(
            Variable("x", 1, is_input=True),
            *(Variable(name, 1, is_output=name == "c") for name in "abc"),
            Variable("d", 1, is_output=True),
        ),
        operations=(
            *(
                Operation(f"make_{name}", Kind.ATTENTION, (name,), reads, sharing=sharing)
                for name in "abc"
            ),
            Operation("make_d", Kind.MLP, ("d",), (Alternative(("a", "b"), 1),)),
        ),
        budgets=budgets or Budgets(),
        name="fan",
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
