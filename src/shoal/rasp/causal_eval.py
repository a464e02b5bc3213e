"""Causal evaluation, under Tracr's names.

>>> from shoal.rasp import Comparison, Select, SelectorWidth, causal_eval, tokens
>>> causal_eval.evaluate(SelectorWidth(Select(tokens, tokens, Comparison.EQ)), ["a", "b", "a"])
[1, 1, 2]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.rasp.evaluators import CausalEvaluator
from shoal.rasp.expressions import RASPExpr
from shoal.rasp.values import Value

__all__ = ["CausalEvaluator", "evaluate"]


def evaluate(expr: RASPExpr, xs: Sequence[Value]) -> list[Any]:
    """The value of an expression where queries see keys at their own and earlier positions."""
    return CausalEvaluator().evaluate(expr, xs)
