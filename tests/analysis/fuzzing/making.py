"""Cases written by hand."""

from __future__ import annotations

from typing import Any

from shoal_analysis.fuzzing.cases import Case, CaseOptions, Line

PROGRAM = """
s0 = Select(tokens, tokens, Comparison.EQ)
v1 = SelectorWidth(s0)
v2 = v1 + indices
"""


def make_case(program: str = PROGRAM, vocab: tuple[Any, ...] = ("a", "b"), **changes: Any) -> Case:
    """A case with plain options, changed as told."""
    options: dict[str, Any] = {
        "max_seq_len": 3,
        "causal": False,
        "passes": "all",
        "allocator": "cp-sat",
        "reuse": True,
        "slack": (None, None, None, None),
        "checks": (),
    }
    return Case(Line.parse(program), vocab, CaseOptions(**{**options, **changes}), seed=0)
