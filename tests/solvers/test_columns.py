"""Columns attain the width that the lifetimes need."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shoal_solvers import AllocationProblem, Lifetime, Variable
from shoal_solvers.columns import assign_columns

lives = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda ends: Lifetime(*sorted(ends)))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), lives), max_size=10))
def test_columns_attain_the_width(drawn: list[tuple[int, Lifetime]]) -> None:
    variables = tuple(Variable(f"v{i}", width, is_input=True) for i, (width, _) in enumerate(drawn))
    lifetimes = {f"v{i}": life for i, (_, life) in enumerate(drawn)}
    columns = assign_columns(AllocationProblem(variables, ()), lifetimes)
    width = 0
    for state in range(9):
        there = [v for v, life in lifetimes.items() if life.first <= state <= life.last]
        used = [c for v in there for c in columns[v]]
        assert len(used) == len(set(used))
        width = max(width, len(used))
    assert max((c + 1 for cs in columns.values() for c in cs), default=0) == width
    assert all(len(columns[v.name]) == v.width for v in variables)
