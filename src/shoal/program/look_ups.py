"""Look-ups: what no rule can compute is looked up by the whole input, where inputs are few.

With a head for each position and a large enough table, any program takes one layer. A head fetches
the token of each position; two maps tell what the first half of the input is, and the second; a
table of these, and of the own position where that matters, holds what the interpreter says on every
input. It is a program as users could write it, and is compiled as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias, cast

import networkx as nx

from shoal.errors import EvaluationError
from shoal.program.ir import SELECTORS, Node, Op, Program, build_program
from shoal.program.passes import Optimised
from shoal.program.rewriting import Saving, fresh_id
from shoal.program.trace import Traced
from shoal.rasp.expressions import SOp
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import Key, Value, canonical_key
from shoal.shown import shown_fields

LOOK_UPS = "look-ups"
"""The name of the pass."""

Table: TypeAlias = Mapping[tuple[Key, ...], Value]

Row: TypeAlias = tuple[Sequence[Value], Mapping[int, list[Value]]]
"""An input, and what nodes are on it."""


@dataclass(frozen=True)
class Interpreted:
    """What the interpreter says of a program on all inputs.

    Attributes:
        program: the graph.
        rows: the inputs that it is defined on, and what each s-op is.
        undefined: the other inputs.
    """

    __repr__ = shown_fields

    program: Program
    rows: tuple[Row, ...]
    undefined: tuple[tuple[Value, ...], ...]

    @property
    def inputs(self) -> tuple[Sequence[Value], ...]:
        """All inputs."""
        return (*(xs for xs, _ in self.rows), *self.undefined)


@dataclass(frozen=True)
class LookUps:
    """A program of which some s-ops are looked up by the whole input.

    Attributes:
        program: the graph.
        labels: what is looked up.
        behind: the s-ops that it is computed from in the program as it was written. Tokens are none
            of them if there is but one s-op of tokens, which the tables follow.
        known: what the program is on all inputs.
    """

    program: Program
    labels: tuple[str, ...]
    behind: frozenset[str]
    known: Interpreted


@dataclass(frozen=True)
class AtPosition:
    """Whether a key is at a position."""

    position: int

    def __call__(self, key: int, query: int) -> bool:
        """Ask."""
        return key == self.position


@dataclass(frozen=True)
class TokensInPlaces:
    """The tokens at some positions as one value, fillers left out."""

    filler: Value

    def __call__(self, *tokens: Value) -> Value:
        """All of them in a tuple; the filler follows the last token of an input."""
        return tuple(x for x in tokens if canonical_key(x) != canonical_key(self.filler))


@dataclass(frozen=True, eq=False)
class LookedUp:
    """What an s-op is, by what the input is; inputs that the program is not defined on raise."""

    table: Table

    def __repr__(self) -> str:
        return f"a table of {len(self.table):,} rows"

    def __call__(self, *operands: Value) -> Value:
        """Look it up."""
        return self.table[_keys(operands)]


def nodes_to_look_up(program: Program, label: str) -> frozenset[int]:
    """What is to be looked up if a node is in the way.

    That is an s-op itself, and the s-ops that read a selector; the result where nothing has the
    label, or an input has.
    """
    found = [node for node in program if node.label == label]
    agenda = [node.id for node in found if not node.is_input]
    sops: set[int] = set()
    while agenda:
        number = agenda.pop()
        if program.node(number).op in SELECTORS:
            agenda.extend(program.graph.successors(number))
        else:
            sops.add(number)
    return frozenset(sops) or frozenset((program.root,))


def with_savings(
    optimised: Optimised, look_ups: LookUps | None, passes: Collection[str]
) -> Optimised:
    """What the passes made of a program, with how many s-ops were looked up before."""
    if LOOK_UPS not in passes:
        return optimised
    count = 0 if look_ups is None else len(look_ups.labels)
    saving = Saving(LOOK_UPS, count, "s-ops that no rule computes looked up")
    return replace(optimised, savings=(saving, *optimised.savings))


def interpreted(traced: Traced, program: SOp, inputs: Sequence[Sequence[Value]]) -> Interpreted:
    """What the interpreter says of every s-op of a program, inputs left out, on every input.

    Args:
        traced: the program.
        program: the same as an expression.
        inputs: all that there are.
    """
    sops = [node.id for node in traced.program if node.is_sop and not node.is_input]
    rows: list[Row] = []
    undefined: list[Sequence[Value]] = []
    for xs in inputs:
        try:
            every = evaluate_all(program, xs, causal=traced.program.causal)
        except EvaluationError:
            undefined.append(xs)
            continue
        row = {n: cast(list[Value], every[id(traced.expressions[n])]) for n in sops}
        rows.append((xs, row))
    return Interpreted(traced.program, tuple(rows), tuple(map(tuple, undefined)))


def with_look_ups(
    known: Interpreted, numbers: Collection[int], filler: Value, passes: Collection[str]
) -> LookUps:
    """A program of which some s-ops are looked up by the whole input.

    Args:
        known: the program, and what it is on all inputs, at least one.
        numbers: the nodes to look up.
        filler: what stands for a token where there is none; no token.
        passes: those that are switched on. Named s-ops that nothing reads any more are looked up
            as well, so that they can be read, if dead code is dropped.
    """
    before, rows = known.program, known.rows
    alive = _alive(before, numbers)
    keeps_names = "dead-code" in passes
    wanted = [n for n in before if n.id in numbers or (keeps_names and _is_lost(n, alive))]
    longest = max(len(xs) for xs in known.inputs)
    ends = sorted({(longest + 1) // 2, longest})
    added = _Added(before)
    places = [added.token_at(place, filler) for place in range(longest)]
    halves = [
        added.tokens_in(range(start, end), places[start:end], filler)
        for start, end in pairwise((0, *ends))
    ]
    looked_up: dict[int, Node] = {}
    for node in wanted:
        by_index = not before.causal and any(_varies(row[node.id]) for _, row in rows)
        operands = (*halves, added.indices.id) if by_index else tuple(halves)
        table = _table(rows, node.id, ends, before.causal, by_index)
        looked_up[node.id] = replace(
            node, op=Op.MAP, inputs=operands, function=LookedUp(table), value=None, factors=()
        )
    there = {*alive, *looked_up, *(n.id for n in before if n.is_input and n.is_named)}
    rest = [looked_up.get(n.id, n) for n in before if n.id in there]
    own = {node.id for node in added.nodes}
    nodes = [*added.nodes, *(node for node in rest if node.id not in own)]
    return LookUps(
        build_program(nodes, before.outputs, before.causal),
        tuple(node.label for node in wanted if node.id in numbers),
        _behind(before, wanted, added.tokens),
        known,
    )


def _behind(program: Program, wanted: Sequence[Node], tokens: Node) -> frozenset[str]:
    """What some s-ops are computed from as they are written, and the tokens that tables read.

    But for these if they are the only ones: whoever reads tokens follows them then.
    """
    numbers = {number for node in wanted for number in nx.ancestors(program.graph, node.id)}
    behind = {node for node in program if node.is_sop and node.id in numbers} | {tokens}
    if all(node.id == tokens.id for node in program if node.op is Op.TOKENS):
        behind.remove(tokens)
    return frozenset(node.label for node in behind)


def _alive(program: Program, numbers: Collection[int]) -> set[int]:
    """The nodes that are computed from others where some are looked up."""
    agenda, alive = list(program.ends), set[int]()
    while agenda:
        number = agenda.pop()
        if number not in alive and number not in numbers:
            alive.add(number)
            agenda.extend(program.node(number).inputs)
    return alive


def _is_lost(node: Node, alive: Collection[int]) -> bool:
    """Whether an s-op with a name would no longer be there."""
    return node.is_sop and node.is_named and node.id not in alive and not node.is_input


def _varies(values: Sequence[Value]) -> bool:
    return len(set(map(canonical_key, values))) > 1


def _table(
    rows: Iterable[Row], number: int, ends: Sequence[int], causal: bool, by_index: bool
) -> Table:
    """What a node is by the tokens in each part of the places and, if asked for, the index.

    Args:
        rows: what it is on each input.
        number: the node.
        ends: of each part the first place behind it.
        causal: whether later tokens are not seen.
        by_index: whether the index is asked for.
    """
    parts = [slice(start, end) for start, end in pairwise((0, *ends))]
    found: dict[tuple[Key, ...], Value] = {}
    for xs, row in rows:
        for index, value in enumerate(row[number]):
            seen = tuple(xs[: index + 1] if causal else xs)
            told = tuple(seen[part] for part in parts)
            found[_keys((*told, index) if by_index else told)] = value
    return found


def _keys(operands: Iterable[Value]) -> tuple[Key, ...]:
    return tuple(map(canonical_key, operands))


class _Added:
    """The nodes that say what the whole input is, inputs first."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._next = fresh_id(program)
        self._labels = {node.label for node in program}
        self.tokens = self._input(lambda node: node.is_plain_token, Op.TOKENS)
        self.indices = self._input(lambda node: node.is_plain_index, Op.INDICES)
        self.nodes = [self.tokens, self.indices]

    def token_at(self, place: int, filler: Value) -> int:
        """A node that is the token at a place at every position; the filler if there is none."""
        indices = self.indices.id
        at = self._add(Op.SELECT, f"place_{place}", (indices, indices), function=AtPosition(place))
        return self._add(Op.AGGREGATE, f"token_{place}", (at, self.tokens.id), value=filler)

    def tokens_in(self, places: range, fetched: Sequence[int], filler: Value) -> int:
        """A node that is what the tokens at several places are together."""
        label = f"tokens_{places[0]}_to_{places[-1]}"
        return self._add(Op.MAP, label, tuple(fetched), function=TokensInPlaces(filler))

    def _add(self, op: Op, label: str, inputs: tuple[int, ...], **further: Any) -> int:
        node = Node(self._next, op, inputs, self._fresh(label), **further)
        self._next -= 1
        self.nodes.append(node)
        return node.id

    def _input(self, is_plain: Callable[[Node], bool], op: Op) -> Node:
        """The input as it is, which the program may have already."""
        found = next((node for node in self._program if is_plain(node)), None)
        if found is None:
            found = Node(self._next, op, (), self._fresh(str(op)))
            self._next -= 1
        return found

    def _fresh(self, label: str) -> str:
        while label in self._labels:
            label += "_"
        self._labels.add(label)
        return label
