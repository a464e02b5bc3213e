"""Sums: a function of a mean and of how many are averaged, that depends on their product alone.

RASP has no sum but the mean times the width of its selector. Tables over both are large, since
there are many means, and these are close to each other. But a head can write the sum itself, as it
writes a count: of numbers that are 0 at the BOS position, which has nearly all the weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Float
from shoal.craft.affine import AffineMap, concatenate
from shoal.craft.bases import numbered_space
from shoal.craft.components import MLP
from shoal.forms.scalar import Scalar
from shoal.lowering.context import Context
from shoal.lowering.cuts import count_of, further_tables, raw_classes
from shoal.lowering.held import Errors, Held, stored
from shoal.lowering.making import Recipe, decoding, make_well_enough, must_make, offer_others
from shoal.lowering.offers import LeftOut, Offer, Offers
from shoal.lowering.radii import projected_errors
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.rules.embedding import by_class
from shoal.lowering.rules.table import recipe_over
from shoal.lowering.rules.width import (
    as_code,
    countable_terms,
    counted_values,
    counts_of,
    mark_of_tokens,
)
from shoal.lowering.selectors import terms_of
from shoal.program.facts.by_length import grid_of, selections
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.rasp.values import Value, canonical_key, is_number

SUMS = "sums"
"""The name of the rule."""

MOST_SUMS = 2**12
"""Sums that differ."""

_WHOLE = 1e-6
"""A mean times a width is a whole number if it is no farther from one, relative to its size."""


@dataclass(frozen=True, eq=False)
class FunctionOfSum:
    """An s-op as a function of the sum of what an aggregate averages.

    Attributes:
        aggregate: which averages whole numbers.
        classes: by sum the class of the function.
        largest: the sum of as many of the largest numbers as can be averaged, signs apart.
    """

    aggregate: Node
    classes: Mapping[int, int]
    largest: int


def sums(context: Context, node: Node) -> Offers[None]:
    """A function of a mean and a width, by a head that writes the sum."""
    found = None if node.id in context.held else function_of_sum(context, node)
    if found is None:
        return
    terms = yield from terms_of(context, context.node(found.aggregate.inputs[0]))
    countable = countable_terms(context, terms, domain_of([[0], [found.largest]]))
    if countable is None:
        return
    summed = yield from _summed(context, context.node(found.aggregate.inputs[1]))
    if summed is None:
        return
    numbers, values = summed
    is_the_sum = _is_the_sum(context, node, found)
    if is_the_sum:
        domain = counts_of(context, node)
    else:
        domain = domain_of([[number] for number in sorted(found.classes)])
    name = context.fresh_name(f"{node.label}.sum")
    made = counted_values(context, name, countable, domain, numbers, values)
    off = projected_errors(numbers, context.variables, values[:, None]).max(initial=0.0)
    error = made.errors.largest + float(off) * context.inferred.max_seq_len
    offer = replace(made, errors=Errors(np.array([[error]])))
    if is_the_sum:
        yield from _as_it_is(context, node, replace(offer, raw_of=node.id), error)
    else:
        yield from _decoded(context, node, (yield offer), found)


def _is_the_sum(context: Context, node: Node, found: FunctionOfSum) -> bool:
    """Whether an s-op is the sum itself, though readers may not tell some sums apart."""
    domain = context.inferred.listed(node, node.label)
    if not all(type(value) is int for group in domain.classes for value in group):
        return False
    class_of = domain.class_of
    return all(class_of.get(canonical_key(total)) == n for total, n in found.classes.items())


def _as_it_is(context: Context, node: Node, offer: Offer, error: float) -> Offers[None]:
    """The sum as a head has written it, for those who read it so, and decoded for others.

    Raises:
        UnsupportedProgramError: it cannot be decoded.
    """
    total = yield offer
    coded = as_code(context, node, total, error)
    if coded is not None:
        yield Offer(replace(coded, own=None), view_of=node.id)
        return
    held = stored(context.form_of(node), node.label, context.domain(node.id), node.id)
    recipe = decoding(total, held, raw_classes(context, node.id))
    borne = context.borne(node, held.form)
    yield must_make(context, replace(recipe, borne=borne), node.label)


def _decoded(context: Context, node: Node, total: Held, found: FunctionOfSum) -> Offers[None]:
    """A function of a sum, by a table."""
    domain = context.inferred.listed(node, node.label)
    held = stored(context.form_of(node), node.label, domain, node.id)
    classes = np.array([found.classes[value] for value in sorted(found.classes)], dtype=int)
    rows = np.arange(len(classes))[:, None]
    offer = make_well_enough(
        context, Recipe(held, [total], rows, classes, context.borne(node, held.form))
    )
    if offer is not None:
        yield offer


def function_of_sum(context: Context, node: Node) -> FunctionOfSum | None:
    """An s-op of a mean and of what says how many are averaged that their product decides.

    None if it is none, or if the mean has a name: nothing else would tell what it was.
    """
    entries = context.inferred.sops[node.id].table
    if entries is None or len(node.inputs) != 2:
        return None
    for table, operands in (
        (entries.entries, node.inputs),
        (entries.entries.T, node.inputs[::-1]),
    ):
        aggregate, width = (context.node(number) for number in operands)
        if aggregate.op is not Op.AGGREGATE or aggregate.is_named or aggregate.is_kept:
            continue
        counts = _counts(context, width, aggregate.inputs[0])
        if counts is not None:
            return _of_product(context, aggregate, counts, table)
    return None


def _counts(context: Context, node: Node, selector: int) -> list[int] | None:
    """For each class of an s-op how many keys a selector selects there; None if it does not say."""
    domain = context.domain(node.id)
    if not isinstance(domain, Enumerated) or domain.nullable:
        return None
    if node.op is Op.WIDTH and node.inputs[0] == selector:
        is_one = all(len(group) == 1 for group in domain.classes)
        return [int(group[0]) for group in domain.classes] if is_one else None  # type: ignore[call-overload]
    grid = grid_of(context.inferred, node.id)
    selected = None if grid is None else selections(context.inferred, context.node(selector))
    if grid is None or selected is None:
        return None
    found: dict[int, int] = {}
    for row, chosen in zip(grid.tolist(), selected, strict=True):
        for number, count in zip(row[: len(chosen)], chosen.sum(axis=1).tolist(), strict=True):
            if found.setdefault(number, count) != count:
                return None
    return [found.get(number, 0) for number in range(len(domain))]


def _of_product(
    context: Context, aggregate: Node, counts: Sequence[int], table: npt.NDArray[np.int32]
) -> FunctionOfSum | None:
    """The function that a table [means, counts] is of their product; None if it is none."""
    means, numbers = context.domain(aggregate.id), context.domain(aggregate.inputs[1])
    if not isinstance(means, Enumerated) or not isinstance(numbers, Enumerated):
        return None
    if means.nullable or numbers.nullable:
        return None
    if not all(is_number(v) and v == int(v) for group in numbers.classes for v in group):
        return None
    if not means.are_numbers:
        return None
    default = context.default_of(aggregate)
    classes: dict[int, int] = {}
    for (mean, number), result in np.ndenumerate(table):
        if result == UNDEFINED:
            continue
        for total in _totals(means.classes[mean], counts[number], numbers, default):
            if result == NONE or classes.setdefault(total, int(result)) != result:
                return None
    largest = int(max(counts, default=0) * max(map(abs, numbers.bounds)))
    return FunctionOfSum(aggregate, classes, largest) if 0 < len(classes) <= MOST_SUMS else None


def _totals(
    means: Sequence[Value], count: int, numbers: Enumerated, default: Value
) -> Iterator[int]:
    """What so many whole numbers may add up to, if their mean is one of some that look alike."""
    low, high = numbers.bounds
    for value in means:
        assert isinstance(value, int | float)
        product = value * count
        total = round(product)
        is_whole = abs(product - total) <= _WHOLE * max(1.0, abs(product))
        if is_whole and count * low <= total <= count * high and (count or value == default):
            yield total


_Numbers = tuple[Held, Float[Array, " coordinates"]]
"""What is held, 0 at the BOS position, and what each coordinate of it adds to a number."""


def _summed(context: Context, node: Node) -> Offers[_Numbers | None]:
    """Numbers to be added up, from the embedding or by an MLP; None if they cannot be had so."""
    domain, local = context.domain(node.id), context.inferred.sops[node.id].local
    assert isinstance(domain, Enumerated)
    numbers = np.array([float(value) for value in domain.values])  # type: ignore[arg-type]
    if local is not None and (local >= 0).all():
        for op, grid in ((Op.TOKENS, local), (Op.INDICES, local.T)):
            known = (n for n in context.inferred.program if n.op is op and not n.is_numerical)
            source = next((n for n in known if n.function is None and n.id in context.held), None)
            if source is not None and (grid == grid[:, :1]).all():
                return (yield from _embedded(context, source, node, numbers[grid[:, 0]]))
    return (yield from _made(context, node))


def _made(context: Context, node: Node) -> Offers[_Numbers | None]:
    """Numbers by MLPs, over all cuts, that are 0 at the BOS position."""
    name = context.fresh_name(f"{node.label}.summed")
    tables = _tables(context, node, name)
    mark = yield from mark_of_tokens(context)
    made = None
    for offer in offer_others(context, tables):
        if isinstance(offer, LeftOut):
            yield offer
        else:
            assert isinstance(offer.component, MLP)
            assert offer.held.own is not None
            held = replace(offer.held, own=replace(offer.held.own, node=None))
            mlp = _zero_at_bos(offer.component, mark)
            made = yield Offer(held, mlp, (*offer.reads, *mark.variables), offer.errors)
    return None if made is None else (made, np.ones(1))


def _tables(context: Context, node: Node, name: str) -> Sequence[Recipe | LeftOut]:
    """The tables of a number: of a function over its cuts, and of what attends over itself."""
    if node.op in ELEMENTWISE:
        operands = [context.first(number) for number in node.inputs]
        has_table = context.inferred.sops[node.id].table is not None
        if not has_table or any(operand.codes is None for operand in operands):
            return ()
        first = recipe_over(context, node, Scalar(), name, operands)
        return (first, *further_tables(context, node, first.held))
    held = stored(Scalar(), name, context.domain(node.id), node.id)
    count = count_of(context, node.id)
    if count is not None:
        return (decoding(count, held),)
    known = context.first(node.id)
    return () if known.codes is None else (decoding(known, held),)


def _embedded(
    context: Context, source: Node, reader: Node, values: Float[Array, " inputs"]
) -> Offers[_Numbers | None]:
    """Numbers by token, or by position, as the embedding provides these."""
    held = yield from one_hot(context, source.id, reader.label)
    if not {*held.variables} <= {table.variable for table in context.inputs}:
        return None
    return held, by_class(context, source, values)


def _zero_at_bos(mlp: MLP, mark: Held) -> MLP:
    """An MLP whose bias is added by a neuron that is on at tokens alone."""
    count = len(mlp.hidden.target)
    neurons = numbered_space(mlp.name, count + 1)
    on = mark.coordinates.into(numbered_space(mlp.name, 1), np.eye(1))
    hidden = concatenate([mlp.hidden, on], neurons)
    out = np.vstack([mlp.output.matrix, mlp.output.bias])
    output = AffineMap(neurons, mlp.output.target, out, np.zeros(len(mlp.output.bias)))
    return replace(mlp, hidden=hidden, output=output)
