"""Hypothesis strategies for small programs and their inputs."""

from __future__ import annotations

from hypothesis import strategies as st

from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    Map,
    Select,
    Selector,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    tokens,
)

VOCAB = (0, 1, 3)
LONGEST = 3

MAPS = (
    lambda x: x + 1,
    lambda x: x % 2,
    lambda x: None if x == 1 else x,
    lambda x: x > 1,
    lambda x: 6 / x,
)
PAIR_MAPS = (
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: max(x, y),
    lambda x, y: x / y,
    lambda x, y: None if x < y else y,
)
PREDICATES = (
    *Comparison,
    lambda key, query: key == 1,
    lambda key, query: query == 1,
    lambda key, query: key + 1 == query,
    lambda key, query: 1 / key > query,
)


def local_s_ops() -> st.SearchStrategy[SOp]:
    """S-ops that depend on the token and the index at their position alone."""
    return st.recursive(
        st.sampled_from([tokens, indices, Full(1)]),
        lambda inner: (
            st.builds(Map, st.sampled_from(MAPS), inner)
            | st.builds(SequenceMap, st.sampled_from(PAIR_MAPS), inner, inner)
        ),
        max_leaves=3,
    )


def selectors(s_ops: st.SearchStrategy[SOp]) -> st.SearchStrategy[Selector]:
    """Selects and boolean combinations of them."""
    return st.recursive(
        st.builds(Select, s_ops, s_ops, st.sampled_from(PREDICATES)),
        lambda inner: (
            st.builds(lambda a, b: a & b, inner, inner)
            | st.builds(lambda a, b: a | b, inner, inner)
            | st.builds(lambda a: ~a, inner)
        ),
        max_leaves=3,
    )


def s_ops() -> st.SearchStrategy[SOp]:
    """S-ops of all kinds."""
    local = local_s_ops()
    attention = st.builds(SelectorWidth, selectors(local)) | st.builds(
        Aggregate, selectors(local), local, st.sampled_from([None, 0, 2.5])
    )
    return st.recursive(
        local | attention,
        lambda inner: (
            st.builds(Map, st.sampled_from(MAPS), inner)
            | st.builds(SequenceMap, st.sampled_from(PAIR_MAPS), inner, inner)
            | st.builds(Aggregate, selectors(inner), inner, st.sampled_from([None, 1]))
        ),
        max_leaves=3,
    )
