"""Tracr's public names, tried on Tracr and on Shoal: the same, or a difference that is meant."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from shoal import rasp

# Each is an expression in Tracr's names, ``rasp`` being the module; evaluated on "abca".
TRIED = (
    "rasp.tokens",
    "rasp.indices",
    "rasp.length",
    "rasp.Full('x')",
    "rasp.Map(lambda t: t * 2, rasp.tokens)",
    "rasp.Map(lambda i: i + 1, rasp.Map(lambda i: i * 2, rasp.indices))",
    "rasp.SequenceMap(lambda a, b: a * b, rasp.tokens, rasp.indices)",
    "rasp.LinearSequenceMap(rasp.indices, rasp.length, 2, -1)",
    "rasp.ConstantSOp([1, 2, 3, 4])",
    "rasp.ConstantSOp([1, 2], check_length=False)",
    "rasp.ConstantSOp([1, 2], check_length=False) + rasp.indices",
    "rasp.ConstantSOp([1, 2, 3, 4, 5], check_length=False)",
    "rasp.ConstantSOp([1, 2])",
    "rasp.ConstantSelector([[True] * 4] * 4)",
    "rasp.ConstantSelector([[True]])",
    "rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)",
    "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)",
    "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)",
    "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.GT)",
    "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.GEQ)",
    "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.NEQ)",
    "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE)",
    "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.FALSE)",
    "rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == query - 1)",
    "rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))",
    "~rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)",
    "rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)"
    " & rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)",
    "rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)"
    " | rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)",
    "rasp.selector_not(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))",
    "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.EQ), rasp.tokens)",
    "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ), rasp.indices)",
    "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT), rasp.indices)",
    "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT), rasp.indices, 7)",
    "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT), rasp.tokens)",
    "rasp.indices + 1",
    "1 + rasp.indices",
    "rasp.indices - 1",
    "1 - rasp.indices",
    "rasp.indices * rasp.indices",
    "rasp.indices / 2",
    "2 / (rasp.indices + 1)",
    "-rasp.indices",
    "rasp.indices // 2",
    "rasp.indices % 2",
    "rasp.indices ** 2",
    "rasp.indices == 1",
    "rasp.indices != 1",
    "rasp.indices < 2",
    "rasp.indices <= 2",
    "rasp.indices > 2",
    "rasp.indices >= 2",
    "2 > rasp.indices",
    "~(rasp.indices == 1)",
    "rasp.sop_not(rasp.indices == 1)",
    "(rasp.indices == 1) & (rasp.indices < 3)",
    "(rasp.indices == 1) | (rasp.indices < 1)",
    "(rasp.indices > 0) and (rasp.indices < 2)",
    "rasp.tokens + rasp.tokens",
    "rasp.numerical(rasp.indices) * 0.5",
    "rasp.categorical(rasp.indices)",
    "rasp.annotate(rasp.indices, anything=1)",
    "rasp.tokens.named('t').name",
    "rasp.tokens.label",
    "rasp.tokens.name",
    "(rasp.indices + 1).name",
    "rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)).name",
    "rasp.is_numerical(rasp.numerical(rasp.indices))",
    "rasp.is_categorical(rasp.indices)",
    "rasp.get_encoding(rasp.numerical(rasp.indices)).value",
    "rasp.default_name(rasp.tokens)",
    "rasp.default_encoding(rasp.tokens).value",
    "sorted(rasp.DEFAULT_ANNOTATORS)",
    "rasp.evaluate(rasp.indices, 'ab')",
    "rasp.DefaultRASPEvaluator().evaluate(rasp.indices, 'ab')",
    "rasp.Map(lambda x: x, rasp.indices, simplify=False)",
    "len((rasp.indices + 1).children)",
)

MEANT = {
    "rasp.ConstantSOp([1, 2, 3, 4, 5], check_length=False)": "a sequence is as long as the input",
    "(rasp.indices > 0) and (rasp.indices < 2)": "it would be its second operand, without a word",
    "-rasp.indices": "more operators than Tracr has",
    "rasp.indices // 2": "more operators than Tracr has",
    "rasp.indices % 2": "more operators than Tracr has",
    "rasp.indices ** 2": "more operators than Tracr has",
}
"""What differs, and why."""


def outcome(source: str, module: Any) -> Any:
    """What an expression is on an input; for errors that it is one."""
    try:
        made = eval(source, {"rasp": module})
        found = made(list("abca")) if isinstance(made, module.RASPExpr) else made
    except Exception as error:  # noqa: BLE001 - of either side
        return type(error).__name__ if type(error) is TypeError else "an error"
    if hasattr(found, "tolist"):
        found = found.tolist()
    if not isinstance(found, list):
        return found
    rows = [list(row) if hasattr(row, "__len__") else row for row in found]
    return found if all(isinstance(row, str) for row in found) else rows


@pytest.mark.parametrize("source", TRIED)
def test_it_is_as_in_tracr_or_meant_to_differ(source: str) -> None:
    tracr = pytest.importorskip("tracr.rasp.rasp")
    theirs, ours = outcome(source, tracr), outcome(source, rasp)
    same = repr(theirs) == repr(ours)
    assert same != (source in MEANT), (theirs, ours)


def test_every_public_name_is_there() -> None:
    tracr = pytest.importorskip("tracr.rasp.rasp")
    made_there = {
        name
        for name, thing in vars(tracr).items()
        if not name.startswith("_")
        and getattr(thing, "__module__", "") == tracr.__name__
        and not isinstance(thing, TypeVar)
    }
    assert len(made_there) > 30
    assert sorted(name for name in made_there if not hasattr(rasp, name)) == []
