"""Length gates: what is at a position that depends on the length, without knowing it before.

A head of the first layer cannot know the length of the input. But heads can fetch all positions
that may be asked for, and neurons after them pass on the one that is. Where position i of inputs of
n tokens asks for the position p(i, n), the neuron relu(x - M ((i - a)^2 + (n - m)^2)) passes on the
number x that was fetched from p(a, m) if i = a and n = m, and is off elsewhere. Its gates are
affine in i, i^2, n and n^2; a head that attends to the last position fetches the latter. Where
p(a, m) = p(a, m + 1), (n - m) (n - m - 1) is a gate for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shoal.arrays import Array, Float, Int
from shoal.contract import COLDNESS, ROUNDING, TABLE_TOLERANCE
from shoal.craft.fitting import power_of_two_above
from shoal.forms.one_hot import OneHot
from shoal.lowering.context import Context
from shoal.lowering.heads import IF_NOTHING_ELSE, NEVER, Term, always, head, terms_read
from shoal.lowering.held import Errors, Held, stored, variables_of
from shoal.lowering.offers import LeftOut, Offer, Offers
from shoal.lowering.radii import projected_errors
from shoal.lowering.rules.copy import code_rows, fitted_to
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.synthesis.tables import Layer, as_mlp
from shoal.program.facts.by_length import selections
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.ir import Node
from shoal.rasp.values import canonical_key

LENGTH_GATES = "length-gates"
"""The name of the rule."""

NOTHING = -1
"""In place of a position, where nothing is selected."""

BEYOND = -2
"""In place of a position, where the input is too short to have the query."""

Positions = Int[Array, "lengths positions"]
"""The position that each query asks for, or NOTHING, or BEYOND."""


@dataclass(frozen=True)
class Gate:
    """A neuron for each coordinate that passes on what was fetched.

    Attributes:
        query: the position at which it is open.
        lengths: at which it is open: one, two neighbours, or none for all.
        source: the position that it passes on, or NOTHING for the default.
    """

    query: int
    lengths: tuple[int, ...]
    source: int


def length_gates(context: Context, node: Node) -> Offers[None]:
    """An aggregate that fetches from a position that position and length say, by neurons."""
    is_listed = isinstance(context.domain(node.id), Enumerated)
    positions = asked_for(context, node) if node.id in context.held and is_listed else None
    indices = next((n for n in context.inferred.program if n.is_plain_index), None)
    if positions is None or indices is None or not _has_all(context, indices, len(positions)):
        return
    gates = list(gates_for(positions))
    held = stored(
        context.form_of(node),
        context.fresh_name(f"{node.label}.passed on"),
        context.domain(node.id),
        node.id,
    )
    neurons = len(gates) * held.width
    if neurons > context.inferred.limits.fused_neurons:
        yield LeftOut(f"{node.label} would take {neurons:,} neurons")
        return
    index = yield from one_hot(context, indices.id, node.label)
    length = yield _length(context, node, index)
    sources = heads_for(positions)
    fetched = yield from _fetched(context, node, held, index, sources)
    made = _passed_on(context, node, held, gates, index, length, sources, fetched)
    if made is not None:
        yield made


def asked_for(context: Context, node: Node) -> Positions | None:
    """The position that each query asks for at each length; None if that is no such aggregate.

    Nor if it depends on the position alone: one head does then.
    """
    if context.inferred.program.causal or context.inferred.sops[node.id].mixture:
        return None
    selected = selections(context.inferred, context.node(node.inputs[0]))
    if selected is None or any((chosen.sum(axis=1) > 1).any() for chosen in selected):
        return None
    positions = np.full((len(selected), len(selected)), BEYOND)
    for number, chosen in enumerate(selected):
        found = np.where(chosen.any(axis=1), chosen.argmax(axis=1), NOTHING)
        positions[number, : number + 1] = found
    columns = (set(column.tolist()) - {BEYOND} for column in positions.T)
    return None if all(len(column) == 1 for column in columns) else positions


def _has_all(context: Context, indices: Node, longest: int) -> bool:
    """Whether each position is a class of its own."""
    local = context.inferred.sops[indices.id].local
    return local is not None and np.array_equal(local[0], np.arange(longest))


def gates_for(positions: Positions) -> Iterator[Gate]:
    """Gates of which one is open at each position of each input."""
    for query, column in enumerate(positions.T.tolist()):
        there = [(n + 1, source) for n, source in enumerate(column) if source != BEYOND]
        if len({source for _, source in there}) == 1:
            yield Gate(query, (), there[0][1])
            continue
        while there:
            length, source = there.pop(0)
            is_alike = bool(there) and there[0][1] == source
            lengths = (length, there.pop(0)[0]) if is_alike else (length,)
            yield Gate(query, lengths, source)


def heads_for(positions: Positions) -> Sequence[Mapping[int, int]]:
    """For each head the position that it fetches, by query; all that are asked for.

    The same for all queries, if that takes no more heads.
    """
    asked = [sorted({*column} - {BEYOND, NOTHING}) for column in positions.T.tolist()]
    fewest = max(map(len, asked))
    different = sorted({source for each in asked for source in each})
    if len(different) == fewest:
        return [dict.fromkeys(range(len(asked)), source) for source in different]
    return [
        {query: each[number] for query, each in enumerate(asked) if number < len(each)}
        for number in range(fewest)
    ]


def _length(context: Context, node: Node, index: Held) -> Offer:
    """A head that fetches the last position, as one-hot, and so the length."""
    longest = index.width
    lengths = domain_of([length] for length in range(1, longest + 1))
    held = stored(OneHot(), context.fresh_name(f"{node.label}.length"), lengths, None)
    ranks = np.arange(1.0, longest + 1)[None, :]
    terms = [Term(always(), index, ranks, is_ranked=True)]
    assert held.own is not None
    value = index.coordinates.into(held.own.space, np.eye(longest), np.zeros(longest))
    made = head(held.variables[0], terms, value, np.zeros(longest), NEVER, context.inferred.work)
    errors = Errors(apart=float(longest * np.exp(-COLDNESS)))
    return Offer(held, made, (*terms_read(terms), *index.variables), errors)


def _fetched(
    context: Context,
    node: Node,
    held: Held,
    index: Held,
    sources: Sequence[Mapping[int, int]],
) -> Offers[list[Held]]:
    """What is held, as heads fetch it; of positions that are not there it is 0."""
    rows, operand = code_rows(held), context.first(node.inputs[1])
    fitted = None if operand.codes is None else fitted_to(held, rows, operand)
    if fitted is None:
        operand = yield from one_hot(context, node.inputs[1], node.label)
        fitted = fitted_to(held, rows, operand)
    assert fitted is not None  # what is one-hot can be copied to anything
    off = projected_errors(operand, context.variables, fitted[0])
    off = off + 2 * _size(held) * index.width * np.exp(-COLDNESS / 2)  # BOS keeps some weight
    found = []
    for number, by_query in enumerate(sources):
        name = context.fresh_name(f"{node.label}.fetched {number + 1}")
        part = stored(held.form, name, held.domain, None)
        assert part.own is not None
        terms = [_picked(index, by_query)]
        value = operand.coordinates.into(part.own.space, *fitted)
        at_bos = np.zeros(part.width)
        made = head(name, terms, value, at_bos, IF_NOTHING_ELSE, context.inferred.work)
        reads = (*terms_read(terms), *operand.variables)
        found.append((yield Offer(part, made, reads, Errors(apart=off))))
    return found


def _picked(index: Held, by_query: Mapping[int, int]) -> Term:
    """The selector of one position for each query."""
    picked = np.array([by_query.get(query, NOTHING) for query in range(index.width)])
    if (picked == picked[0]).all():
        return Term(always(), index, np.eye(index.width)[picked[:1]])
    return Term(index, index, (picked[:, None] == np.arange(index.width)).astype(float))


def _size(held: Held) -> float:
    """The largest coordinate of what can be fetched."""
    assert held.codes is not None
    return float(np.abs(held.codes).max(initial=0.0))


def _passed_on(
    context: Context,
    node: Node,
    held: Held,
    gates: Sequence[Gate],
    index: Held,
    length: Held,
    sources: Sequence[Mapping[int, int]],
    fetched: Sequence[Held],
) -> Offer | None:
    """The neurons that pass on what was fetched; None if that is too inexact."""
    assert held.codes is not None
    assert held.own is not None
    shift = -held.codes.min(axis=0, initial=0.0)  # neurons pass on what is not negative
    most = power_of_two_above(np.asarray(2 * _size(held) + 1))
    operands = [index, length, *fetched]
    columns = [
        _neuron(gate, index.width, float(most), coordinate, held.width, sources)
        for gate in gates
        for coordinate in range(held.width)
    ]
    default = context.default_of(node)
    empty = np.zeros(held.width) if default is None else code_rows(held)[canonical_key(default)]
    added = [empty if gate.source == NOTHING else np.zeros(held.width) for gate in gates]
    layer = Layer(
        np.array(columns).T,
        np.concatenate([shift + more for more in added]),
        np.tile(np.eye(held.width), (len(gates), 1)),
        -shift,
    )
    off = [projected_errors(each, context.variables, np.eye(each.width)) for each in fetched]
    gated = context.variables[length.variables[0]].errors.largest * most * index.width**3
    errors = np.max(off, axis=0) + gated + 4 * ROUNDING * (_size(held) + shift)
    borne = max(context.borne(node, held.form), min(held.form.most_error, TABLE_TOLERANCE))
    if errors.max(initial=0.0) > borne:
        return None
    made = as_mlp(held.variables[0], operands, layer, held.own.space)
    return Offer(held, made, variables_of(operands), Errors(apart=errors))


def _neuron(
    gate: Gate,
    longest: int,
    most: float,
    coordinate: int,
    width: int,
    sources: Sequence[Mapping[int, int]],
) -> Float[Array, " operands"]:
    """What a neuron reads of the index, the length, and what each head fetched.

    Args:
        gate: which neuron it is.
        longest: how many positions there may be.
        most: more than any number that it might pass on.
        coordinate: which one of a source it passes on.
        width: coordinates of a source.
        sources: what each head fetches, by query.
    """
    lengths = np.arange(1.0, longest + 1)
    first, last = (gate.lengths[0], gate.lengths[-1]) if gate.lengths else (lengths, lengths)
    is_wrong = (lengths - first) * (lengths - last)
    passed = np.zeros((len(sources), width))
    for number, by_query in enumerate(sources):
        if by_query.get(gate.query) == gate.source:
            passed[number, coordinate] = 1.0
    query = (np.arange(0.0, longest) - gate.query) ** 2
    return np.concatenate([-most * query, -most * is_wrong, passed.ravel()])
