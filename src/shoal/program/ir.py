"""The intermediate representation: a graph of nodes, operands before readers.

Expressions of the language end where a program is traced into this; passes and lowering know
nodes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import networkx as nx

from shoal.rasp.positions import Position
from shoal.rasp.values import Value
from shoal.shown import shown_fields


class Op(StrEnum):
    """What a node does with its inputs."""

    TOKENS = "tokens"
    """The token, or the node's ``function`` of it, which is then an input of its own."""
    INDICES = "indices"
    CONSTANT = "constant"
    """The node's ``value`` at every position."""
    MAP = "map"
    """The node's ``function`` of its inputs at the same position; None if one of them is None."""
    LINEAR = "linear"
    """The sum of the inputs, each times the node's factor for it; None if one of them is None."""
    WIDTH = "selector_width"
    """How many keys the selector, its input, selects."""
    AGGREGATE = "aggregate"
    """The mean of the second input where the selector, its first, selects; else ``value``."""
    SELECT = "select"
    """A selector: whether ``function(key, query)`` holds; the inputs are keys and queries."""
    AND = "selector_and"
    OR = "selector_or"
    NOT = "selector_not"


SELECTORS = frozenset({Op.SELECT, Op.AND, Op.OR, Op.NOT})
"""What makes a matrix, and no sequence."""

ELEMENTWISE = frozenset({Op.MAP, Op.LINEAR})
"""What depends on inputs at the same position alone."""


@dataclass(frozen=True)
class Node:
    """One s-op or selector of a program.

    Attributes:
        id: its number. Passes keep it, and give others to what they add.
        op: what it does.
        inputs: the numbers of its operands, in order.
        label: a unique name; compiled values are found by it.
        aliases: further names that the user gave to the same value.
        name: what the user called it, which may be an alias; None if it has no name of its own.
        is_numerical: whether the user wishes it to be held as a number, and its results to be
            numbers up to the tolerance; else its values are classes.
        is_kept: whether it is to be materialised and kept.
        is_unique: whether it is promised of a selector that every query selects one key at most.
        form: the name of the form in which the user wishes it to be held; None leaves it open.
        function: of maps and selects, None where a pass has left only its table; of tokens, which
            element of them it is, None for the token itself.
        value: of constants, and the default of aggregates.
        factors: of linear nodes, one for each input.
        position: where it was written, if that is known.
    """

    id: int
    op: Op
    inputs: tuple[int, ...]
    label: str
    aliases: tuple[str, ...] = ()
    name: str | None = None
    is_numerical: bool = False
    is_kept: bool = False
    is_unique: bool = False
    form: str | None = None
    function: Callable[..., Any] | None = None
    value: Value = None
    factors: tuple[float, ...] = ()
    position: Position | None = None

    @property
    def is_named(self) -> bool:
        """Whether the user gave it a name, or one to something that it stands for."""
        return self.name is not None or bool(self.aliases)

    @property
    def is_input(self) -> bool:
        """Whether it is computed from no other node."""
        return self.op in (Op.TOKENS, Op.INDICES, Op.CONSTANT)

    @property
    def is_plain_index(self) -> bool:
        """Whether it is the indices in the usual form, which has a class for each."""
        return self.op is Op.INDICES and not self.is_numerical and self.form is None

    @property
    def is_plain_token(self) -> bool:
        """Whether it is the tokens as they are."""
        is_usual = not self.is_numerical and self.form is None
        return self.op is Op.TOKENS and self.function is None and is_usual

    @property
    def is_sop(self) -> bool:
        """Whether it is an s-op (and not a selector)."""
        return self.op not in SELECTORS


@dataclass(frozen=True)
class Program:
    """A program as a graph.

    Attributes:
        graph: a directed acyclic graph over node ids, operands first, edges from operand to
            reader; the node attribute ``node`` holds the ``Node``.
        outputs: by name, the s-ops that the program computes; one today.
        causal: whether queries see only earlier keys.
    """

    __repr__ = shown_fields

    graph: nx.DiGraph
    outputs: Mapping[str, int] = field(default_factory=dict)
    causal: bool = False

    def node(self, number: int) -> Node:
        """A node by id."""
        return self._nodes[number]

    def __iter__(self) -> Iterator[Node]:
        """All nodes, operands first."""
        return iter(self._nodes.values())

    @cached_property
    def _nodes(self) -> Mapping[int, Node]:
        return dict(self.graph.nodes(data="node"))

    def position_of(self, label: str) -> Position | None:
        """Where the expression of a label was written; None if that is not known."""
        return next((node.position for node in self if node.label == label), None)

    @property
    def root(self) -> int:
        """The id of the one s-op that the program computes."""
        (root,) = self.outputs.values()
        return root

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The ids of what must be there at the end: kept values, and then the outputs."""
        outputs = tuple(self.outputs.values())
        kept = [node.id for node in self if node.is_kept and node.id not in outputs]
        return (*kept, *outputs)


def build_program(nodes: list[Node], outputs: Mapping[str, int], causal: bool) -> Program:
    """A program from nodes whose inputs come before them."""
    graph = nx.DiGraph()
    for node in nodes:
        graph.add_node(node.id, node=node)
        graph.add_edges_from((operand, node.id) for operand in node.inputs)
    return Program(graph, dict(outputs), causal)
