"""The traced program: a graph of expressions, children before parents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx

from shoal.rasp.expressions import RASPExpr, SOp


@dataclass(frozen=True)
class Node:
    """One expression of a traced program.

    Attributes:
        id: its number; inputs have smaller numbers.
        expression: what it computes. Its operands are given by ``inputs``, not by the
            expression's own children, since passes rewire nodes.
        inputs: the ids of its operands, in order.
        label: a unique name; compiled values are found by it.
        aliases: further names that the user gave to the same value.
    """

    id: int
    expression: RASPExpr
    inputs: tuple[int, ...]
    label: str
    aliases: tuple[str, ...] = ()

    @property
    def is_sop(self) -> bool:
        """Whether it is an s-op (and not a selector)."""
        return isinstance(self.expression, SOp)

    @property
    def is_named(self) -> bool:
        """Whether the user gave it a name, or one to something that it stands for."""
        return self.expression.is_named or bool(self.aliases)

    @property
    def is_kept(self) -> bool:
        """Whether the user asked for it to be materialised and kept."""
        return bool(self.expression.annotations.get("keep", False))


@dataclass(frozen=True)
class Program:
    """A traced program.

    Attributes:
        graph: a directed acyclic graph over node ids, edges from operand to reader; the
            node attribute ``node`` holds the ``Node``.
        root: the id of the s-op that the program computes.
        causal: whether queries see only earlier keys.
    """

    graph: nx.DiGraph
    root: int
    causal: bool

    def node(self, number: int) -> Node:
        """A node by id."""
        node: Node = self.graph.nodes[number]["node"]
        return node

    def __iter__(self) -> Iterator[Node]:
        """All nodes, operands first."""
        return (self.node(number) for number in sorted(self.graph.nodes))

    @property
    def outputs(self) -> tuple[int, ...]:
        """The ids of what must be there at the end: kept values, and the root."""
        kept = [node.id for node in self if node.is_kept and node.id != self.root]
        return (*kept, self.root)


def build_program(nodes: list[Node], root: int, causal: bool) -> Program:
    """A program from nodes whose inputs come before them."""
    graph = nx.DiGraph()
    for node in nodes:
        graph.add_node(node.id, node=node)
        graph.add_edges_from((operand, node.id) for operand in node.inputs)
    return Program(graph, root, causal)
