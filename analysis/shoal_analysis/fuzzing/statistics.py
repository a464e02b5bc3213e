"""What a campaign's programs look like."""

from __future__ import annotations

import re
from collections import Counter

from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import Verdict

KINDS = (
    "Map",
    "SequenceMap",
    "LinearSequenceMap",
    "Select",
    "SelectorWidth",
    "Aggregate",
    "Full",
    "numerical",
    "categorical",
    "keep",
    "default=",
)
"""Words counted in programs."""


def tally(case: Case, verdict: object) -> Counter[str]:
    """Counts for one case, under keys such as "outcome agrees" and "layers 2"."""
    assert isinstance(verdict, Verdict)
    source = case.source()
    counts = Counter({f"outcome {verdict.outcome}": 1})
    counts["inputs compared"] = verdict.inputs
    counts["programs on Haiku"] = int(verdict.haiku)
    if verdict.kind:
        counts[f"refused {verdict.kind}"] += 1
    if verdict.outcome == "agrees":
        counts[f"layers {verdict.layers}"] += 1
        counts[f"operations {_bucket(verdict.operations)}"] += 1
    counts[f"allocator {case.options.allocator}"] += 1
    if case.options.promise is not None:
        counts["promised inputs"] += 1
    counts[f"attention {'causal' if case.options.causal else 'bidirectional'}"] += 1
    for kind in KINDS:
        if re.search(rf"\b{re.escape(kind)}", source):
            counts[f"uses {kind}"] += 1
    if re.search(r"= ~?s\d+( [&|] s\d+)?$", source, flags=re.MULTILINE):
        counts["uses selector algebra"] += 1
    if re.search(r"= .*\bv\d+ (\+|-|\*|<|>=|==|!=) |= .* (\+|-|\*) v\d+$", source, re.MULTILINE):
        counts["uses operators"] += 1
    return counts


def _bucket(count: int) -> str:
    return str(count) if count < 10 else f"{count // 5 * 5}-{count // 5 * 5 + 4}"
