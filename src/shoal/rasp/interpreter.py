"""The interpreter: what a program means. A compiled model must agree with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.errors import EvaluationError, ProgramError, comes_from_outside
from shoal.rasp.annotations import is_unique
from shoal.rasp.expressions import (
    Aggregate,
    ConstantSelector,
    ConstantSOp,
    Full,
    IndicesType,
    LengthType,
    Map,
    RASPExpr,
    Select,
    Selector,
    SelectorAnd,
    SelectorNot,
    SelectorOr,
    SelectorWidth,
    SequenceMap,
    TokensType,
)
from shoal.rasp.functions import Comparison, Element, show_function
from shoal.rasp.printing import show
from shoal.rasp.promised_inputs import promise_of
from shoal.rasp.traversal import postorder
from shoal.rasp.values import Value, mean, normalise, show_error, show_value

SelectorValue = npt.NDArray[np.bool_]
"""Rows are queries, columns are keys."""


def evaluate(
    expr: RASPExpr, xs: Sequence[Value], *, causal: bool = False, inputs: object = None
) -> list[Any]:
    """The value of an expression on an input.

    Args:
        expr: an s-op or a selector.
        xs: the tokens, without BOS.
        causal: whether queries see only keys at their own or earlier positions.
        inputs: which inputs there are: a predicate of lists of tokens, or a collection of them;
            None for all.

    Returns:
        For an s-op one value for each token; for a selector one row for each query.

    Raises:
        EvaluationError: a function raises, a key or query is None, several values are
            selected that have no mean, or a constant does not fit the length.
        InvalidInputError: this is none of the inputs.
    """
    promise = promise_of(inputs)
    if promise is not None:
        promise.require(xs)
    values = evaluate_all(expr, xs, causal=causal)
    value = values[id(expr)]
    return value.tolist() if isinstance(value, np.ndarray) else list(value)


def evaluate_all(
    expr: RASPExpr,
    xs: Sequence[Value],
    *,
    causal: bool = False,
    replaced: Mapping[int, Sequence[Value]] | None = None,
) -> dict[int, list[Value] | SelectorValue]:
    """The values of an expression and of all its parts, by ``id``. See ``evaluate``.

    Args:
        expr: an s-op or a selector.
        xs: the tokens, without BOS.
        causal: whether queries see only keys at their own or earlier positions.
        replaced: by ``id``, values that parts have in place of their own; what patching a compiled
            model is to agree with.
    """
    if not isinstance(expr, RASPExpr):
        raise ProgramError(f"can evaluate s-ops and selectors only, not {show_value(expr)}")
    inputs = [normalise(x) for x in xs]
    values: dict[int, Any] = {}
    for part in postorder(expr):
        if replaced is not None and id(part) in replaced:
            values[id(part)] = [normalise(value) for value in replaced[id(part)]]
            continue
        children = [values[id(child)] for child in part.children]
        values[id(part)] = _evaluate(part, children, inputs, causal)
        if causal and isinstance(part, Selector):
            values[id(part)] = np.tril(values[id(part)])
        if is_unique(part):
            _require_unique(part, values[id(part)], inputs)
    return values


def _require_unique(expr: RASPExpr, selected: SelectorValue, xs: list[Value]) -> None:
    """Raise where a query selects several keys, though it is promised that none does."""
    widths = selected.sum(axis=1)
    if widths.max(initial=0) > 1:
        query = int(widths.argmax())
        keys = ", ".join(map(str, np.flatnonzero(selected[query])))
        raise EvaluationError(
            f"{show(expr)}: unique(...) promises that every query selects one key at most, but on "
            f"{show_value(xs)} position {query} selects {keys}"
        )


def _evaluate(expr: RASPExpr, children: list[Any], xs: list[Value], causal: bool) -> Any:
    n = len(xs)
    match expr:
        case TokensType(element=None):
            return xs
        case TokensType(element=int() as number):
            return [_call(expr, Element(number), x) for x in xs]
        case IndicesType():
            return list(range(n))
        case LengthType():
            return [*range(1, n + 1)] if causal else [n] * n  # the tokens that a position sees
        case Full(fill=fill):
            return [normalise(fill)] * n
        case ConstantSOp(value=value, check_length=check_length):
            if check_length:
                _check_length(expr, len(value), n, exact=True)
            return [normalise(v) for v in value[:n]]
        case Map(f=f):
            return [None if x is None else _call(expr, f, x) for x in children[0]]
        case SequenceMap(f=f):
            return [
                None if x is None or y is None else _call(expr, f, x, y)
                for x, y in zip(*children, strict=False)  # constants may be too short
            ]
        case SelectorWidth():
            return [int(width) for width in children[0].sum(axis=1)]
        case Aggregate(default=default):
            _check_length(expr, len(children[1]), n, exact=True)
            return _aggregate(expr, children[0], children[1], normalise(default))
        case Select(predicate=predicate):
            for operand in children:
                _check_length(expr, len(operand), n, exact=True)
            return _select(expr, children[0], children[1], predicate)
        case ConstantSelector(value=matrix, check_length=check_length):
            _check_length(expr, len(matrix), n, check_length)
            return np.array(matrix, dtype=bool).reshape(len(matrix), -1)[:n, :n]
        case SelectorAnd():
            return children[0] & children[1]
        case SelectorOr():
            return children[0] | children[1]
        case SelectorNot():
            return ~children[0]
    raise ProgramError(f"the interpreter does not know {type(expr).__name__}")


def _call(
    expr: RASPExpr,
    function: Callable[..., Any],
    *arguments: Value,
    made: Callable[[Any], Any] = normalise,
) -> Any:
    """What ``made`` makes of the function's result."""
    try:
        return made(function(*arguments))
    except Exception as error:
        if comes_from_outside(error):
            raise
        shown = ", ".join(map(show_value, arguments))
        raise EvaluationError(
            f"{show(expr)}: {show_function(function)} raises {show_error(error)} on {shown}"
        ) from error


def _check_length(expr: RASPExpr, given: int, needed: int, exact: bool) -> None:
    if given < needed or (exact and given != needed):
        raise EvaluationError(
            f"{expr.name} is given for {given} positions, but the input has {needed} tokens"
            if not expr.children
            else f"{show(expr)}: an operand has {given} values, and the input {needed} tokens"
        )


def _select(
    expr: RASPExpr, keys: list[Value], queries: list[Value], predicate: Callable[[Any, Any], Any]
) -> SelectorValue:
    for what, values in (("key", keys), ("query", queries)):
        if any(value is None for value in values):
            raise EvaluationError(
                f"{show(expr)}: a {what} is None, and predicates compare values only; give the "
                "aggregate that it comes from a default"
            )
    if predicate is Comparison.TRUE or predicate is Comparison.FALSE:
        return np.full((len(queries), len(keys)), predicate is Comparison.TRUE)
    return np.array(
        [[_call(expr, predicate, key, query, made=bool) for key in keys] for query in queries],
        dtype=bool,
    ).reshape(len(queries), len(keys))


def _aggregate(
    expr: RASPExpr, selected: SelectorValue, values: list[Value], default: Value
) -> list[Value]:
    results = []
    for row in selected:
        chosen = [values[position] for position in np.flatnonzero(row)]
        try:
            results.append(mean(chosen) if chosen else default)
        except EvaluationError as error:
            raise EvaluationError(f"{show(expr)}: {error}") from error
    return results
