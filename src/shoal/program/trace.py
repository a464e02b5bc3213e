"""From an expression to a graph of nodes, in a few basic kinds of operation."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from shoal.errors import ProgramError, Refusal, UnsupportedProgramError
from shoal.program.ir import ELEMENTWISE, Node, Op, Program, build_program
from shoal.rasp.annotations import get_encoding, is_numerical, is_unique
from shoal.rasp.expressions import (
    Aggregate,
    ConstantSelector,
    ConstantSOp,
    Full,
    IndicesType,
    LengthType,
    LinearSequenceMap,
    Map,
    RASPExpr,
    Select,
    SelectorAnd,
    SelectorNot,
    SelectorOr,
    SelectorWidth,
    SequenceMap,
    SOp,
    TokensType,
    indices,
)
from shoal.rasp.functions import Comparison, Element, OfOneOperand
from shoal.rasp.positions import Position, refusals_at
from shoal.rasp.traversal import postorder
from shoal.rasp.values import Value, normalise, show_value

RESULT = "result"
"""The name of a program's output where it has one."""


@dataclass(frozen=True)
class PositionTable:
    """The element of a ``ConstantSOp`` at an index."""

    values: tuple[Value, ...]

    def __call__(self, index: int) -> Value:
        """Look the element up; an index beyond the constant is an error, as in RASP."""
        return self.values[index]


@dataclass(frozen=True)
class PositionMatrix:
    """Whether a ``ConstantSelector`` selects a key index for a query index."""

    rows: tuple[tuple[bool, ...], ...]

    def __call__(self, key: int, query: int) -> bool:
        """Look the entry up; an index beyond the constant is an error, as in RASP."""
        return self.rows[query][key]


@dataclass(frozen=True)
class Traced:
    """A program, and where its nodes come from.

    Attributes:
        program: the graph.
        expressions: for each node the expression that it stands for, by node id.
        numbers: for each part of the program its node's id, by ``id``.
    """

    program: Program
    expressions: dict[int, RASPExpr]
    numbers: dict[int, int]


def trace(program: Any, *, causal: bool) -> Program:
    """The graph of everything that a program needs.

    Inputs (tokens, indices) are one node for each encoding, however often they are written.
    Constants over positions become maps and selects of the indices, ``length`` becomes a
    selector width, and a function of one operand twice a map, so that later stages know fewer
    kinds of operation.

    Raises:
        ProgramError: ``program`` is not an s-op.
    """
    return trace_with_expressions(program, causal=causal).program


def trace_with_expressions(program: Any, *, causal: bool) -> Traced:
    """The same, for those who compare nodes with what the interpreter says of expressions."""
    if not isinstance(program, SOp):
        hint = "; wrap it in SelectorWidth or Aggregate" if isinstance(program, RASPExpr) else ""
        raise ProgramError(f"a program is an s-op, but this is {show_value(program)}{hint}")
    nodes: list[Node] = []
    expressions: dict[int, RASPExpr] = {}
    ids: dict[int, int] = {}
    inputs: dict[tuple[type, str], int] = {}
    labels = _Labels(program)
    alive: list[RASPExpr] = []  # an id is that of another expression once the first is gone
    for original in postorder(program):
        with _refusals_of(original):
            expression = _in_basic_terms(original)
        alive.append(expression)
        for part in postorder(expression) if expression is not original else [original]:
            if id(part) in ids:
                continue
            key = _input_key(part)
            if key in inputs:
                ids[id(part)] = inputs[key]
                continue
            source = original if part is expression else part
            label, aliases = labels.of(source)
            operands = tuple(ids[id(child)] for child in part.children)
            with _refusals_of(source):
                node = _node(len(nodes), part, operands, label, aliases, source.position)
            nodes.append(node)
            expressions[node.id] = source
            ids[id(part)] = node.id
            if key is not None:
                inputs[key] = node.id
        ids[id(original)] = ids[id(expression)]
    numbers = {id(part): ids[id(part)] for part in postorder(program) if id(part) in ids}
    return Traced(build_program(nodes, {RESULT: ids[id(program)]}, causal), expressions, numbers)


def _refusals_of(expression: RASPExpr) -> AbstractContextManager[None]:
    """Let refusals say where an expression was written."""
    return refusals_at(lambda label: expression.position)


def _input_key(expression: RASPExpr) -> tuple[type, str] | None:
    """What tells inputs apart; kept inputs are nodes of their own."""
    if isinstance(expression, TokensType | IndicesType) and not expression.is_named:
        kept = "kept" if expression.annotations.get("keep") else ""
        form = str(expression.annotations.get("form", ""))
        element = str(getattr(expression, "element", ""))
        return type(expression), get_encoding(expression).value + kept + form + element
    return None


def _node(
    number: int,
    part: RASPExpr,
    inputs: tuple[int, ...],
    label: str,
    aliases: tuple[str, ...],
    position: Position | None,
) -> Node:
    """The node of an expression in basic terms."""
    known: dict[str, Any] = {"name": part.name if part.is_named else None}
    if isinstance(part, SOp):
        form = part.annotations.get("form")
        if form is not None and not isinstance(form, str):
            raise ProgramError(f"the form of {label!r} is {show_value(form)}; give its name")
        known["is_numerical"] = is_numerical(part)
        known["is_kept"] = bool(part.annotations.get("keep", False))
        known["form"] = form
    known["is_unique"] = is_unique(part)
    op, further = _operation(part, label)
    return of_one_operand(
        Node(number, op, inputs, label, aliases, position=position, **known, **further)
    )


def _operation(part: RASPExpr, label: str) -> tuple[Op, dict[str, Any]]:
    """What a node does, and what it does it with."""
    match part:
        case TokensType(element=element):
            return Op.TOKENS, {} if element is None else {"function": Element(element)}
        case IndicesType():
            return Op.INDICES, {}
        case Full(fill=fill):
            return Op.CONSTANT, {"value": normalise(fill)}
        case LinearSequenceMap(f=f, fst_fac=first, snd_fac=second):
            return Op.LINEAR, {"function": f, "factors": (first, second)}
        case SequenceMap(f=f) | Map(f=f):
            return Op.MAP, {"function": f}
        case SelectorWidth():
            return Op.WIDTH, {}
        case Aggregate(default=default):
            return Op.AGGREGATE, {"value": normalise(default)}
        case Select(predicate=predicate):
            return Op.SELECT, {"function": predicate}
        case SelectorAnd():
            return Op.AND, {}
        case SelectorOr():
            return Op.OR, {}
        case SelectorNot():
            return Op.NOT, {}
    raise UnsupportedProgramError(
        Refusal.UNKNOWN_EXPRESSION,
        label,
        f"{type(part).__name__} cannot be compiled",
        "express it by Map, SequenceMap, Aggregate, SelectorWidth, Select, &, | and ~",
    )


def of_one_operand(node: Node) -> Node:
    """A function of one operand twice as a function of that operand."""
    if node.op not in ELEMENTWISE or len(node.inputs) < 2 or len(set(node.inputs)) > 1:
        return node
    assert node.function is not None
    return replace(
        node,
        inputs=node.inputs[:1],
        function=OfOneOperand(node.function),
        factors=(sum(node.factors),) if node.factors else (),
    )


def _in_basic_terms(expression: RASPExpr) -> RASPExpr:
    annotations = expression.annotations
    match expression:
        case LengthType():
            width = SelectorWidth(Select(indices, indices, Comparison.TRUE))
            return width.annotated(**annotations)
        case ConstantSOp(value=value):
            table = Map(PositionTable(tuple(value)), indices)
            return table.annotated(**annotations)
        case ConstantSelector(value=matrix):
            rows = tuple(map(tuple, matrix))
            return replace(Select(indices, indices, PositionMatrix(rows)), annotations=annotations)
    return expression


class _Labels:
    """Hands out unique labels: the names that users gave, and numbers after what is doubled."""

    def __init__(self, program: RASPExpr) -> None:
        self._wanted = {part.name for part in postorder(program) if part.is_named}
        self._taken = {"BOS"}  # the input that marks the BOS position
        self._next: dict[str, int] = {}  # for names that were taken, the number to try first

    def of(self, expression: RASPExpr) -> tuple[str, tuple[str, ...]]:
        """The label, and the name as an alias where it could not be had as a label."""
        name = expression.name
        if expression.is_named and name not in self._taken:
            label = name
        else:
            number = self._next.get(name, 1)
            label = name if number == 1 else f"{name}_{number}"
            while label in self._taken or label in self._wanted:
                number += 1
                label = f"{name}_{number}"
            self._next[name] = number + 1
        self._taken.add(label)
        return label, (name,) if expression.is_named and label != name else ()
