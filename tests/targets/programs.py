"""Programs for clients of Tracr, beyond the stock ones: None, several kinds of values, names."""

from __future__ import annotations

from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    tokens,
)


def previous() -> SOp:
    """The token before, None at the first."""
    before = Select(indices, indices, lambda key, query: key == query - 1)
    return Aggregate(before, tokens).named("previous")


def clients_programs() -> dict[str, SOp]:
    same = Select(tokens, tokens, Comparison.EQ)
    earlier = Select(indices, indices, Comparison.LT)
    return {
        "previous": previous(),
        "none through maps": Map(lambda t: f"{t}!", previous()).named("shouted"),
        "always none": Aggregate(Select(tokens, tokens, Comparison.FALSE), tokens).named("nothing"),
        "booleans": (SelectorWidth(same) > 1).named("twice"),
        "pairs of kinds": SequenceMap(lambda t, i: i if t == "a" else t, tokens, indices),
        "means": Aggregate(earlier, indices).named("mean_before"),
    }
