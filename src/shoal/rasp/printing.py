"""Expressions as text that reads like the program."""

from __future__ import annotations

from shoal.rasp.annotations import is_numerical, is_unique
from shoal.rasp.expressions import (
    Aggregate,
    ConstantSelector,
    ConstantSOp,
    Full,
    LinearSequenceMap,
    Map,
    RASPExpr,
    Select,
    Selector,
    SelectorAnd,
    SelectorNot,
    SelectorOr,
    SelectorWidth,
    SequenceMap,
    SOp,
    TokensType,
)
from shoal.rasp.functions import BinaryOperator, ConstantOperator, UnaryOperator, show_function
from shoal.rasp.traversal import postorder
from shoal.rasp.values import show_value

_DEPTH_SHOWN = 6
_DEPTH_LISTED = 60


def show(expression: RASPExpr) -> str:
    """One expression on one line; named parts by their names, deep parts as '...'."""
    return _show(expression, _DEPTH_SHOWN)


def listing(program: RASPExpr) -> str:
    """A whole program, one assignment for every s-op that is named or used more than once."""
    order = postorder(program)
    uses: dict[int, int] = {}
    for expression in order:
        for child in expression.children:
            uses[id(child)] = uses.get(id(child), 0) + 1
    names: dict[int, str] = {}
    taken: set[str] = set()
    lines = []
    for expression in order:
        shared = uses.get(id(expression), 0) > 1 and bool(expression.children)
        if expression is not program and not expression.is_named and not shared:
            continue
        if not expression.children and not expression.is_named and expression is not program:
            continue
        name = expression.name
        number = 1
        while name in taken:
            number += 1
            name = f"{expression.name}_{number}"
        taken.add(name)
        lines.append(f"{name} = {_body(expression, _DEPTH_LISTED, names)}")
        names[id(expression)] = name
    return "\n".join(lines)


def _show(expression: RASPExpr, depth: int, names: dict[int, str] | None = None) -> str:
    text = _body(expression, depth, names or {})
    if not expression.is_named:
        return text
    bare = _is_operator(expression) and not _is_wrapped(expression)
    return f"({text}).named({expression.name!r})" if bare else f"{text}.named({expression.name!r})"


def _part(expression: RASPExpr, depth: int, names: dict[int, str], inside_operator: bool) -> str:
    if id(expression) in names:
        return names[id(expression)]
    if expression.is_named:
        return expression.name
    if depth <= 0:
        return "..."
    text = _body(expression, depth - 1, names)
    bare = _is_operator(expression) and not _is_wrapped(expression)
    return f"({text})" if inside_operator and bare else text


def _is_operator(expression: RASPExpr) -> bool:
    """Whether it is written with an operator between or before its operands."""
    if isinstance(expression, Map):
        return isinstance(expression.f, ConstantOperator | UnaryOperator)
    if isinstance(expression, SequenceMap):
        return isinstance(expression.f, BinaryOperator)
    return isinstance(expression, SelectorAnd | SelectorOr | SelectorNot)


def _is_wrapped(expression: RASPExpr) -> bool:
    """Whether it is written inside ``numerical(...)``, ``keep(...)`` or ``unique(...)``."""
    is_number = isinstance(expression, SOp) and is_numerical(expression)
    return is_number or bool(expression.annotations.get("keep")) or is_unique(expression)


def _body(expression: RASPExpr, depth: int, names: dict[int, str]) -> str:
    inside = _is_operator(expression)
    parts = [_part(child, depth, names, inside) for child in expression.children]
    text = _applied(expression, parts)
    if isinstance(expression, SOp) and is_numerical(expression):
        text = f"numerical({text})"
    if is_unique(expression):
        text = f"unique({text})"
    return f"keep({text})" if expression.annotations.get("keep") else text


def _applied(expression: RASPExpr, parts: list[str]) -> str:
    match expression:
        case Map(f=ConstantOperator() | UnaryOperator() as function):
            return function.show(parts[0])
        case Map(f=function):
            return f"Map({show_function(function)}, {parts[0]})"
        case LinearSequenceMap(fst_fac=first, snd_fac=second):
            return f"LinearSequenceMap({parts[0]}, {parts[1]}, {first!r}, {second!r})"
        case SequenceMap(f=BinaryOperator(symbol=symbol)):
            return f"{parts[0]} {symbol} {parts[1]}"
        case SequenceMap(f=function):
            return f"SequenceMap({show_function(function)}, {parts[0]}, {parts[1]})"
        case Full(fill=fill):
            return f"Full({show_value(fill)})"
        case ConstantSOp(value=value):
            return f"ConstantSOp({show_value(list(value))})"
        case SelectorWidth():
            return f"SelectorWidth({parts[0]})"
        case Aggregate(default=default):
            suffix = "" if default is None else f", default={show_value(default)}"
            return f"Aggregate({parts[0]}, {parts[1]}{suffix})"
        case Select(predicate=predicate):
            return f"Select({parts[0]}, {parts[1]}, {show_function(predicate)})"
        case ConstantSelector(value=value):
            return f"ConstantSelector({[list(row) for row in value]!r})"
        case SelectorAnd():
            return f"{parts[0]} & {parts[1]}"
        case SelectorOr():
            return f"{parts[0]} | {parts[1]}"
        case SelectorNot():
            return f"~{parts[0]}"
        case TokensType(element=int() as number):
            return f"TokensType({number})"
        case Selector() | SOp():
            return expression.default_name
    return expression.default_name
