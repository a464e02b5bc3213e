"""Frequencies: how many tokens of a kind there are, divided by how many there are at all.

A count divided by the length is a mean of what is counted: it takes no count, no length, and no
table of all pairs of these. A head averages each kind of token, and neurons take the mean of those
that the own token asks for.
"""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Bool, Float, Int
from shoal.contract import COLDNESS, ROUNDING, TABLE_TOLERANCE
from shoal.craft.fitting import fit_affine
from shoal.forms.scalar import Scalar
from shoal.lowering.context import Context
from shoal.lowering.cuts import class_table
from shoal.lowering.heads import IF_NOTHING_ELSE, head, selects_all
from shoal.lowering.held import Errors, Held, stored, variables_of
from shoal.lowering.offers import Offer, Offers
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.synthesis.tables import Layer, as_mlp
from shoal.program.facts.combinations import classes_by_place, parts_of, selected
from shoal.program.facts.domains import Enumerated, Interval
from shoal.program.ir import ELEMENTWISE, Node, Op

FREQUENCIES = "frequencies"
"""The name of the rule."""

_MOST_KINDS = 64
"""Kinds of tokens, each of which takes a column and up to a neuron."""


def frequency(context: Context, node: Node) -> Offers[None]:
    """A number that is an affine function of a width of tokens divided by the length."""
    ways = context.ways(node.id) if node.id in context.held else ()
    lines = [
        way for way in ways if way.own is not None and way.width == 1 and way.codes is not None
    ]
    found = _width_and_length(context, node) if lines else None
    if found is None:
        return
    held = lines[0]
    width, length = found
    source = context.only_tokens
    kinds = None if source is None else _kinds(context, source, width)
    line = _line(context, node, held, width, length)
    if source is None or kinds is None or line is None:
        return
    token = yield from one_hot(context, source.id, node.label)
    rows, which = np.unique(kinds, axis=0, return_inverse=True)
    counted = np.flatnonzero(rows.any(axis=0))
    means = []
    for kind in counted.tolist():
        means.append((yield _mean(context, node, token, kind)))
    made = _gated(context, node, held, (token, means), (rows[:, counted], which), line)
    if made.errors.largest <= max(context.borne(node, held.form), TABLE_TOLERANCE):
        yield made


def _width_and_length(context: Context, node: Node) -> tuple[Node, Node] | None:
    """The width and the length that an elementwise s-op is computed from, if it is."""
    agenda, leaves = [node], dict[int, Node]()
    while agenda:
        part = agenda.pop()
        if part.op in ELEMENTWISE:
            agenda += [context.node(number) for number in part.inputs]
        else:
            leaves[part.id] = part
        if len(leaves) > 2:
            return None
    if len(leaves) != 2:
        return None
    for width, length in (tuple(leaves.values()), tuple(leaves.values())[::-1]):
        if width.op is Op.WIDTH and _is_number_of_keys(context, length):
            return width, length
    return None


def _is_number_of_keys(context: Context, node: Node) -> bool:
    """Whether an s-op counts all keys that there are, or is the index, which does so if causal."""
    if node.op is not Op.WIDTH:
        return node.is_plain_index and context.inferred.program.causal
    selector = context.node(node.inputs[0])
    predicate = context.inferred.predicates.get(selector.id)
    return predicate is not None and predicate.size > 0 and bool((predicate == 1).all())


def _kinds(context: Context, source: Node, width: Node) -> Bool[Array, "queries kinds"] | None:
    """For the own token of each kind, whether tokens of each kind are counted; None if unclear."""
    facts = context.inferred
    tokens = facts.sops[source.id].local
    parts = parts_of(facts, context.node(width.inputs[0]))
    if parts is None or tokens is None:
        return None
    grids = classes_by_place(facts, parts)
    if grids is None or any((grid != grid[:, :1]).any() for grid in grids.values()):
        return None
    columns = {number: grid[:, 0] for number, grid in grids.items()}
    holds = selected(facts, parts, columns, columns)
    kind = tokens[:, 0].astype(int)
    count = int(kind.max()) + 1
    if holds is None or count > _MOST_KINDS:
        return None
    found = np.zeros((count, count), dtype=bool)
    found[kind[:, None], kind] = holds
    return found if np.array_equal(found[kind[:, None], kind], holds) else None


def _line(
    context: Context, node: Node, held: Held, width: Node, length: Node
) -> tuple[float, float] | None:
    """What width / length is multiplied by, and what is added, to be what is held."""
    widths, lengths = context.domain(width.id), context.domain(length.id)
    if not isinstance(widths, Enumerated) or not isinstance(lengths, Enumerated):
        return None
    if widths.nullable or lengths.nullable:
        return None
    classes = class_table(context, node, [width.id, length.id]).ravel()
    first = int(length.is_plain_index)  # of one key at index 0
    each = [np.array(domain.values, dtype=float) for domain in (widths, lengths)]
    pairs = np.stack(np.meshgrid(each[0], each[1] + first, indexing="ij"), axis=-1).reshape(-1, 2)
    there = (pairs[:, 0] <= pairs[:, 1]) & (pairs[:, 1] > 0)
    classes, pairs = classes[there], pairs[there]
    if (classes < 0).any() or len(pairs) < 2:
        return None
    ratios = pairs[:, :1] / pairs[:, 1:]
    fitted = fit_affine(ratios, held.points(classes))
    if fitted is None or not fitted[0].any():
        return None
    return float(fitted[0][0, 0]), float(fitted[1][0])


def _mean(context: Context, node: Node, token: Held, kind: int) -> Offer:
    """A head that writes which part of the tokens is of a kind."""
    name = context.fresh_name(f"{node.label}.share")
    held = stored(Scalar(), name, Interval(0.0, 1.0), None)
    value = token.coordinates.into(held.coordinates.source, np.eye(token.width)[:, kind : kind + 1])
    terms, work = [selects_all()], context.inferred.work
    made = head(name, terms, value, np.zeros(1), IF_NOTHING_ELSE, work)
    sharing = "shares of tokens" if "shared-heads" in context.passes else None
    errors = Errors(apart=_error_of_mean(context))
    return Offer(held, made, token.variables, errors, sharing=sharing)


def _error_of_mean(context: Context) -> float:
    """How far off a share may be, the weight of BOS included."""
    return 4 * ROUNDING + float(np.exp(-COLDNESS / 2))


def _gated(
    context: Context,
    node: Node,
    held: Held,
    operands: tuple[Held, list[Held]],
    kinds: tuple[Bool[Array, "gates kinds"], Int[Array, " tokens"]],
    line: tuple[float, float],
) -> Offer:
    """Neurons, one for each set of kinds: the sum of their shares where the own token asks for it.

    Args:
        context: what is held.
        node: the s-op.
        held: how it is held.
        operands: the own token, and the shares of kinds.
        kinds: the sets, and which of them each token asks for.
        line: what the sum is multiplied by, and what is added.
    """
    (token, means), (sets, which), (slope, bias) = operands, kinds, line
    gates = (which[:, None] == np.arange(len(sets))).astype(float)
    used = np.flatnonzero(sets.any(axis=1))
    into: Float[Array, "coordinates neurons"] = np.vstack([gates, sets.T.astype(float)])[:, used]
    layer = Layer(into, -np.ones(len(used)), np.full((len(used), 1), slope), np.array([bias]))
    off = (len(used) + 1) * len(means) * _error_of_mean(context)
    errors = Errors(apart=abs(slope) * (off + 8 * ROUNDING) + ROUNDING * abs(bias))
    assert held.own is not None
    every = [token, *means]
    made = as_mlp(held.variables[0], every, layer, held.own.space)
    return Offer(held, made, variables_of(every), errors, node.label)
