"""From an expression to a graph of its parts, in a few basic kinds of expression."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from shoal.errors import ProgramError, Refusal, UnsupportedProgramError
from shoal.program.graph import Node, Program, build_program
from shoal.rasp.expressions import (
    ConstantSelector,
    ConstantSOp,
    IndicesType,
    LengthType,
    Map,
    RASPExpr,
    Select,
    SelectorWidth,
    SOp,
    TokensType,
    get_encoding,
    indices,
)
from shoal.rasp.functions import Comparison
from shoal.rasp.traversal import postorder
from shoal.rasp.values import Value, show_value


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


def trace(program: Any, *, causal: bool) -> Program:
    """The graph of everything that a program needs.

    Inputs (tokens, indices) are one node for each encoding, however often they are written.
    Constants over positions become maps and selects of the indices, and ``length`` becomes a
    selector width, so that later stages know fewer kinds of expression.

    Raises:
        ProgramError: ``program`` is not an s-op.
        UnsupportedProgramError: ``length`` is used under a causal mask.
    """
    if not isinstance(program, SOp):
        hint = "; wrap it in SelectorWidth or Aggregate" if isinstance(program, RASPExpr) else ""
        raise ProgramError(f"a program is an s-op, but this is {show_value(program)}{hint}")
    nodes: list[Node] = []
    ids: dict[int, int] = {}
    inputs: dict[tuple[type, str], int] = {}
    labels = _Labels(program)
    for original in postorder(program):
        expression = _in_basic_terms(original, causal)
        for part in postorder(expression) if expression is not original else [original]:
            if id(part) in ids:
                continue
            key = _input_key(part)
            if key in inputs:
                ids[id(part)] = inputs[key]
                continue
            label, aliases = labels.of(original if part is expression else part)
            inputs_of_part = tuple(ids[id(child)] for child in part.children)
            node = Node(len(nodes), part, inputs_of_part, label, aliases)
            nodes.append(node)
            ids[id(part)] = node.id
            if key is not None:
                inputs[key] = node.id
        ids[id(original)] = ids[id(expression)]
    return build_program(nodes, ids[id(program)], causal)


def _input_key(expression: RASPExpr) -> tuple[type, str] | None:
    """What tells inputs apart; kept inputs are nodes of their own."""
    if isinstance(expression, TokensType | IndicesType) and not expression.is_named:
        kept = "kept" if expression.annotations.get("keep") else ""
        return type(expression), get_encoding(expression).value + kept
    return None


def _in_basic_terms(expression: RASPExpr, causal: bool) -> RASPExpr:
    annotations = expression.annotations
    match expression:
        case LengthType():
            if causal:
                raise UnsupportedProgramError(
                    Refusal.LENGTH_UNDER_MASK,
                    "length",
                    "under a causal mask no position knows how many tokens follow it",
                    "compile with causal=False, or count the tokens so far with "
                    "SelectorWidth(Select(tokens, tokens, Comparison.TRUE))",
                )
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
