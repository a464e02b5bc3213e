"""What is known since only some inputs are promised: what occurs on those, and nothing else.

All of them are run at once, by the facts that hold on every input: s-ops as classes, selectors as
matrices. An input on which the interpreter raises is left out from there on, since nothing is
promised then. What token and position, or length and position, determine stays as it is: it is
looked up in embeddings, which have a row for everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from shoal.arrays import Array, Bool, Float, Int
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred, SOpFacts
from shoal.program.facts.lookup import NONE, UNDEFINED, Classes, Lookup
from shoal.program.facts.width_bounds import WidthBounds, tighter
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.rasp.functions import Comparison
from shoal.rasp.values import Value, canonical_key, is_number, mean
from shoal.rows import different_rows

Matrices = npt.NDArray[np.bool_]
"""[inputs, queries, keys], whether a selector selects."""


@dataclass(eq=False)
class Seen:
    """What occurs on the inputs that are promised.

    Attributes:
        tokens: [inputs, positions], the number of each token; UNDEFINED beyond the end.
        alive: [inputs], whether the interpreter raises on none of what has been seen.
        classes: by node id, [inputs, positions] of what is listed; UNDEFINED beyond the end.
        selected: by node id of selectors, whether they select, under the mask.
    """

    tokens: npt.NDArray[np.int32]
    alive: npt.NDArray[np.bool_]
    classes: dict[int, npt.NDArray[np.int32]] = field(default_factory=dict)
    selected: dict[int, Matrices] = field(default_factory=dict)

    @property
    def there(self) -> npt.NDArray[np.bool_]:
        """[inputs, positions], where there are tokens of inputs that something is promised of."""
        return np.asarray((self.tokens != UNDEFINED) & self.alive[:, None])


def seen_on(inputs: Sequence[Sequence[int]]) -> Seen:
    """Nothing yet, on inputs as numbers of tokens."""
    tokens = np.full((len(inputs), max(map(len, inputs))), UNDEFINED, dtype=np.int32)
    for row, numbers in zip(tokens, inputs, strict=True):
        row[: len(numbers)] = numbers
    return Seen(tokens, np.ones(len(inputs), dtype=bool))


def run_all(facts: Inferred, seen: Seen) -> Seen:
    """Run all of a program that is listed, as it is known on every input."""
    for node in facts.program:
        if node.op is Op.SELECT:
            restricted_predicate(facts.predicates[node.id], node, seen)
        if not node.is_sop:
            restricted_widths(node, facts.widths[node.id], facts.program.causal, seen)
            continue
        occurring = _occurring(facts, node, facts.sops[node.id], seen)
        if occurring is not None:
            seen.classes[node.id] = occurring
    return seen


def restricted(facts: Inferred, node: Node, known: SOpFacts, seen: Seen) -> SOpFacts:
    """What is known about an s-op on the promised inputs.

    Args:
        facts: about its operands, on these inputs.
        node: the s-op.
        known: about itself, on inputs that its operands allow.
        seen: of its operands; the s-op is added.
    """
    occurring = _occurring(facts, node, known, seen)
    if occurring is None or not seen.alive.any():
        return known
    if known.local is None and known.by_length is None:
        known, occurring = _of_what_occurs(node, known, occurring, seen)
    seen.classes[node.id] = occurring
    return _with_places(known, occurring, seen)


def restricted_predicate(
    predicate: npt.NDArray[np.int32], node: Node, seen: Seen
) -> npt.NDArray[np.int32]:
    """A predicate [queries, keys], undefined for what never meets; the selector is added."""
    key, query = (seen.classes.get(operand) for operand in node.inputs)
    if key is None or query is None or not predicate.size:
        return predicate
    seen.alive &= ~(seen.there & ((key < 0) | (query < 0))).any(axis=1)  # None is not compared
    keys, queries = np.maximum(key, 0)[:, None, :], np.maximum(query, 0)[:, :, None]
    found = predicate[queries, keys]
    seen.alive &= ~((found == UNDEFINED) & _pairs(seen)).any(axis=(1, 2))
    pairs = _pairs(seen)
    seen.selected[node.id] = (found == 1) & pairs
    if node.function in (Comparison.TRUE, Comparison.FALSE):
        return predicate  # patches make anything meet there
    met = np.zeros(predicate.shape, dtype=bool)
    queries, keys = np.broadcast_arrays(queries, keys)
    met[queries[pairs], keys[pairs]] = True
    return np.where(met, predicate, UNDEFINED).astype(np.int32)


def restricted_widths(node: Node, known: WidthBounds, causal: bool, seen: Seen) -> WidthBounds:
    """How many keys a selector selects on the promised inputs; the selector is added."""
    if node.op is not Op.SELECT:
        parts = [seen.selected.get(operand) for operand in node.inputs]
        matrices = [part for part in parts if part is not None]
        if len(matrices) < len(parts):
            return known
        seen.selected[node.id] = _combined(node.op, matrices) & _pairs(seen)
    selected = seen.selected.get(node.id)
    if selected is None or not seen.alive.any():
        return known
    pairs = _pairs(seen)
    pairs = np.tril(pairs) if causal else pairs
    seen.selected[node.id] = selected = selected & pairs
    low, high, own = _widths(selected, seen)
    other_low, other_high, other_own = _widths(pairs & ~selected, seen)
    return tighter(known, WidthBounds(low, high, other_low, other_high, own, other_own))


def _pairs(seen: Seen) -> Matrices:
    """Pairs of query and key in promised inputs."""
    there = seen.there
    return np.asarray(there[:, :, None] & there[:, None, :])


def _combined(op: Op, parts: Sequence[Matrices]) -> Matrices:
    if op is Op.NOT:
        return ~parts[0]
    combine = np.logical_and if op is Op.AND else np.logical_or
    return np.asarray(combine(*parts))


def _widths(selected: Matrices, seen: Seen) -> tuple[int, int, bool]:
    """The least width (0 or 1), the greatest, and whether all queries select themselves."""
    there = seen.there
    widths = selected.sum(axis=2)[there]
    own = np.diagonal(selected, axis1=1, axis2=2)[there]
    return int(widths.min(initial=1) > 0), int(widths.max(initial=0)), bool(own.all())


def _occurring(
    facts: Inferred, node: Node, known: SOpFacts, seen: Seen
) -> npt.NDArray[np.int32] | None:
    """[inputs, positions], the class of an s-op, UNDEFINED beyond the end; None if it is not told.

    Inputs on which it raises are left out from there on.
    """
    classes = _classes(facts, node, known, seen)
    if classes is None:
        return None
    occurring = np.where(seen.tokens == UNDEFINED, UNDEFINED, classes).astype(np.int32)
    seen.alive &= ~((occurring == UNDEFINED) & (seen.tokens != UNDEFINED)).any(axis=1)
    return occurring


def _classes(facts: Inferred, node: Node, known: SOpFacts, seen: Seen) -> Classes | None:
    """[inputs, positions], the class of an s-op; None if it cannot be told."""
    if not isinstance(known.domain, Enumerated):
        return None
    if known.local is not None:
        positions = np.arange(seen.tokens.shape[1])
        return known.local[np.maximum(seen.tokens, 0), positions]
    if node.op in ELEMENTWISE and known.table is not None:
        operands = [seen.classes.get(operand) for operand in node.inputs]
        given = [operand for operand in operands if operand is not None]
        return known.table(given) if len(given) == len(operands) else None
    selected = seen.selected.get(node.inputs[0]) if node.inputs else None
    if selected is None:
        return None
    if node.op is Op.WIDTH:
        class_of = known.domain.class_of
        of_width = [class_of.get(canonical_key(n), UNDEFINED) for n in range(len(selected[0]) + 1)]
        return np.asarray(np.array(of_width)[selected.sum(axis=2)])
    values = seen.classes.get(node.inputs[1])
    operand = facts.domain(node.inputs[1])
    if values is None or not isinstance(operand, Enumerated):
        return None
    return _averages(node, known.domain, operand, values, selected)


def _averages(
    node: Node, domain: Enumerated, operand: Enumerated, values: Classes, selected: Matrices
) -> Classes:
    """The class of an aggregate: of what is alike, of a mean, or of its default."""
    widths = selected.sum(axis=2)
    shape = selected.shape
    chosen = np.where(selected, np.broadcast_to(values[:, None, :], shape), UNDEFINED)
    most = chosen.max(axis=2)
    least = np.where(selected, chosen, len(operand)).min(axis=2)
    of_class = [domain.class_of.get(canonical_key(value), UNDEFINED) for value in operand.values]
    found = np.array([*of_class, UNDEFINED, NONE])[most]  # the last two by -2 and -1
    differ = (least != most) & (widths > 0)
    found[differ] = _nearest(domain, _means(operand.values, chosen[differ], selected[differ]))
    default = NONE if node.value is None else domain.class_of.get(canonical_key(node.value))
    found[widths == 0] = UNDEFINED if default is None else default
    return np.asarray(found)


def _means(
    values: Sequence[Value], chosen: Int[Array, "rows keys"], selected: Bool[Array, "rows keys"]
) -> Float[Array, " rows"]:
    """The mean of what each row selects, as the interpreter says; NaN where that is no number.

    Args:
        values: what is averaged.
        chosen: which of them each key has, negative where it has none.
        selected: the keys whose values are averaged, at least one.
    """
    are_numbers = np.array([*map(is_number, values), False])[chosen.clip(-1)]
    found = np.full(len(chosen), np.nan)
    defined = (are_numbers | ~selected).all(axis=1)
    nothing = len(values)
    rows = np.sort(np.where(selected, chosen, nothing)[defined], axis=1)
    first, which = different_rows(rows)
    each = [mean([values[c] for c in row if c != nothing]) for row in rows[first].tolist()]
    found[defined] = np.array(each, dtype=float)[which]
    return found


def _nearest(domain: Enumerated, numbers: npt.NDArray[np.float64]) -> Classes:
    """The classes of numbers that a domain has, up to rounding; NaN is UNDEFINED."""
    listed = [
        (float(v), c) for c, members in enumerate(domain.classes) for v in members if is_number(v)
    ]
    if not listed:
        return np.full(numbers.shape, UNDEFINED)
    known, classes = map(np.array, zip(*sorted(listed), strict=True))
    after = np.searchsorted(known, np.nan_to_num(numbers)).clip(1, max(1, len(known) - 1))
    before = after - 1
    after = np.minimum(after, len(known) - 1)
    closer = np.abs(known[before] - numbers) <= np.abs(known[after] - numbers)
    return np.where(np.isnan(numbers), UNDEFINED, classes[np.where(closer, before, after)])


def _of_what_occurs(
    node: Node, known: SOpFacts, classes: npt.NDArray[np.int32], seen: Seen
) -> tuple[SOpFacts, npt.NDArray[np.int32]]:
    """Facts whose domain and table have what occurs alone, and the classes by their new numbers."""
    assert isinstance(known.domain, Enumerated)
    there = seen.there
    occurring = np.unique(classes[there & (classes >= 0)])
    number = np.full(len(known.domain) + 2, UNDEFINED, dtype=np.int32)
    number[NONE] = NONE
    number[occurring] = np.arange(len(occurring))
    members = tuple(known.domain.classes[c] for c in occurring)
    domain = Enumerated(members, bool((classes[there] == NONE).any()))
    table = known.table
    if table is not None and node.op in ELEMENTWISE:
        met = np.zeros(table.entries.shape, dtype=bool)
        operands = [seen.classes[operand][there] for operand in node.inputs]
        defined = np.all([operand >= 0 for operand in operands], axis=0)
        met[tuple(operand[defined] for operand in operands)] = True
        table = Lookup(np.where(met, number[table.entries], UNDEFINED).astype(np.int32))
    return replace(known, domain=domain, table=table), number[classes]


def _with_places(known: SOpFacts, classes: npt.NDArray[np.int32], seen: Seen) -> SOpFacts:
    """How values at different positions of one input differ."""
    assert isinstance(known.domain, Enumerated)
    there = seen.there
    size = len(known.domain)
    counts = np.zeros((len(classes), size + 2), dtype=int)
    rows = np.broadcast_to(np.arange(len(classes))[:, None], classes.shape)
    np.add.at(counts, (rows[there], classes[there]), 1)
    has_none = bool(counts[:, NONE].any())
    occurs = counts[:, :size].max(axis=0, initial=0)
    distinct = not has_none and bool((occurs <= 1).all())
    start = _ranks_from(known.domain, classes, seen) if distinct else None
    return replace(known, distinct=distinct, occurs=occurs, ranks_from=start)


def _ranks_from(domain: Enumerated, classes: npt.NDArray[np.int32], seen: Seen) -> int | None:
    """The least value, if on every input the values are whole numbers in a row from there on."""
    values = domain.values
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return None
    there = seen.there
    numbers = np.array(values, dtype=float)[np.maximum(classes, 0)]
    lengths = there.sum(axis=1)[seen.alive]
    low = np.where(there, numbers, np.inf).min(axis=1)[seen.alive]
    high = np.where(there, numbers, -np.inf).max(axis=1)[seen.alive]
    in_a_row = (high - low + 1 == lengths).all() and (low == low[0]).all()
    return int(low[0]) if in_a_row else None
