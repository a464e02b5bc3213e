"""Tokens, indices, and what either determines alone: the embedding puts them into the stream."""

from __future__ import annotations

import numpy as np

from shoal.arrays import Array, Float
from shoal.forms.form import Form
from shoal.forms.scalar import Scalar
from shoal.lowering.context import PLACE_OF_TOKENS, Context
from shoal.lowering.held import Held, seen_errors, stored
from shoal.lowering.offers import InputTable, Offer, Offers
from shoal.program.facts.domains import domain_of
from shoal.program.facts.lookup import NONE
from shoal.program.ir import Node, Op


def embed_input(context: Context, node: Node) -> Offers[None]:
    """The input variable of a tokens or indices node."""
    yield from embedded(context, node, context.form_of(node), node.label)


def embed_kept(context: Context, node: Node) -> Offers[None]:
    """An s-op that is to be kept, and that the token alone, or the index alone, determines."""
    if node.is_kept and node.id not in context.held:
        yield from embedded(context, node, context.form_of(node), node.label)


def embedded(context: Context, node: Node, form: Form, name: str) -> Offers[None]:
    """An input variable, 0 at the BOS position; nothing if several of the inputs matter."""
    grid = context.inferred.sops[node.id].local
    if grid is None:
        return
    by_token = bool((grid == grid[:, :1]).all()) and node.op is not Op.INDICES
    if not by_token and not (grid == grid[:1]).all():
        return
    if by_token and _has_to_be_computed(context, node):
        return
    held = stored(form, name, context.domain(node.id), node.id)
    rows = held.points(np.maximum(grid[:, 0] if by_token else grid[0], NONE))
    at_bos = np.zeros((1, rows.shape[1]))
    tables = (np.vstack([rows, at_bos]), None) if by_token else (None, np.vstack([at_bos, rows]))
    errors = seen_errors(rows.astype(np.float32) - rows)
    yield Offer(held, errors=errors, table=InputTable(name, *tables))


def _has_to_be_computed(context: Context, node: Node) -> bool:
    """Whether it is no linear function of inputs, where elements of tokens are these.

    Several elements add up, and one that is a number is that number alone.
    """
    sources = [part for part in context.upstream(node, lambda part: False) if part.op is Op.TOKENS]
    reads_number = any(part.function is not None and part.is_numerical for part in sources)
    return len({part.function for part in sources}) > 1 or (reads_number and node not in sources)


def place_of_tokens(context: Context) -> Offers[Held]:
    """A number that is 1 at the first token, 2 at the next and so on, if no s-op says where."""
    if PLACE_OF_TOKENS in context.helpers:
        return context.helpers[PLACE_OF_TOKENS]
    places = domain_of([place] for place in range(1, context.inferred.max_seq_len + 1))
    held = stored(Scalar(), context.fresh_name("place"), places, None)
    table = InputTable(held.variables[0], None, np.arange(len(places) + 1.0)[:, None])
    return (yield Offer(held, purpose=PLACE_OF_TOKENS, table=table))


def by_class(
    context: Context, node: Node, values: Float[Array, " inputs"]
) -> Float[Array, " classes"]:
    """Values of tokens, or of positions, by the class of each; those of one class are the same."""
    grid = context.inferred.sops[node.id].local
    assert grid is not None
    found = np.zeros(int(grid.max()) + 1)
    classes = grid[:, 0] if node.op is Op.TOKENS else grid[0]
    found[classes] = values
    assert np.array_equal(found[classes], values)
    return found
