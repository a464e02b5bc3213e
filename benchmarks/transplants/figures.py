"""What was measured, as rows of a table with means and spread."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from benchmarks.transplants.measuring import Measured
from benchmarks.transplants.relearning import LEARNERS
from benchmarks.transplants.replacing import REPLACEMENTS

HEAD = ("half-layer", "replaced by", "read", "written", "before", "at once", "fine-tuned")
"""Accuracies of the host, and how well the part's maps fit."""

NAMES = ("half-layer", "replaced by", "learnt anew")
FITS = ("read", "written")
"""Columns of words, and those that a narrow terminal can do without."""

HEAD_OF_RELEARNING = ("learnt anew", "at first", "half-way", "at the end", "best seed")
"""Accuracies of the compiled model."""


def rows(measured: Sequence[Measured]) -> list[tuple[str, ...]]:
    """A row for each replacement."""
    found = []
    for number, (half_layer, what, _) in enumerate(REPLACEMENTS):
        each = [one.replaced[number] for one in measured]
        cells = (
            [one.read for one in each],
            [one.written for one in each],
            [one.host for one in measured],
            [one.at_once for one in each],
            [one.tuned for one in each],
        )
        found.append((_name(half_layer), what, *map(spread, cells)))
    return found


def rows_of_relearning(measured: Sequence[Measured]) -> list[tuple[str, ...]]:
    """A row for each learner in the compiled model."""
    found = []
    for name in LEARNERS:
        each = [one.relearnt[name] for one in measured]
        stages = ([one[0] for one in each], [one[len(one) // 2] for one in each])
        last = [one[-1] for one in each]
        found.append((name, *map(spread, stages), spread(last), spread([max(last)])))
    return found


def hosts_in_words(measured: Sequence[Measured]) -> str:
    """How many hosts there are, and how many were trained for them."""
    return (
        f"Hosts that were measured: {len(measured)}; that were trained for them: "
        f"{sum(one.attempts for one in measured)}, since some do not learn to count."
    )


def spread(shares: Sequence[float | None]) -> str:
    """The mean, and the standard deviation over seeds where there are several."""
    known = [100 * share for share in shares if share is not None]
    if not known:
        return "-"
    text = f"{mean(known):.1f}"
    return text if len(known) < 2 else f"{text} ± {stdev(known):.1f}"


def _name(half_layer: str) -> str:
    return {"mlp": "MLP"}.get(half_layer, half_layer)
