"""Value inference: for each s-op the finite set of values that it can take.

Elementwise s-ops get a table from the classes of their operands to their own, so that later
stages never call a user's function again. Where a value depends on the token and the index at
its own position alone, it is known for each pair of them (``SOpFacts.local``); joint values of
such s-ops are exact, and it can be proven that a selector selects at most one position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Limits, Work
from shoal.program.facts.argmax import picks_one
from shoal.program.facts.averages import infer_aggregate
from shoal.program.facts.by_length import (
    facts_by_length,
    widths_by_length,
    with_places,
)
from shoal.program.facts.distinct import with_positions
from shoal.program.facts.domains import Enumerated, Interval, domain_of
from shoal.program.facts.inferred import (
    Inferred,
    Predicate,
    Raises,
    SOpFacts,
    choices,
    constant_facts,
    encoded,
)
from shoal.program.facts.joint import Choices, TooManyRowsError, joint
from shoal.program.facts.lookup import NONE, UNDEFINED, Lookup
from shoal.program.facts.occurrences import selects_one, with_occurrences
from shoal.program.facts.promised import (
    restricted,
    restricted_predicate,
    restricted_widths,
    seen_on,
)
from shoal.program.facts.tabulate import compared, tabulate
from shoal.program.facts.together import that_can_meet
from shoal.program.facts.width_bounds import WidthBounds, tighter
from shoal.program.facts.widths import width_bounds
from shoal.program.ir import Node, Op, Program
from shoal.rasp.functions import Comparison
from shoal.rasp.values import Value, canonical_key, is_number, normalise, show_value


def infer(
    program: Program,
    vocab: Sequence[Value],
    max_seq_len: int,
    limits: Limits | None = None,
    work: Work | None = None,
    inputs: Sequence[Sequence[int]] | None = None,
) -> Inferred:
    """Infer the facts about every node.

    Args:
        program: a traced program.
        vocab: the tokens in canonical order.
        max_seq_len: the greatest number of tokens.
        limits: on tables and value sets; lowering keeps to them as well.
        work: counts what is done here and later; one that knows no limit if it is not given.
        inputs: those that are promised, as numbers of tokens; None if there may be any.

    Raises:
        UnsupportedProgramError: a function raises on all its values or is no function, a numerical
            s-op has values that are no numbers, a value is not hashable, or a limit is exceeded.
    """
    limits = limits or Limits()
    if len(vocab) * max_seq_len > limits.most_pairs:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            "",
            f"a vocab of {len(vocab):,} tokens and max_seq_len = {max_seq_len:,} make "
            f"{len(vocab) * max_seq_len:,} pairs of token and position; the limit is "
            f"{limits.table_entries:,}",
            "use a smaller vocab or max_seq_len",
        )
    sops: dict[int, SOpFacts] = {}
    predicates: dict[int, Predicate] = {}
    widths: dict[int, WidthBounds] = {}
    raises: dict[int, Raises] = {}
    facts = Inferred(
        program,
        tuple(vocab),
        max_seq_len,
        limits,
        sops,
        predicates,
        widths,
        raises,
        work or Work(),
        inputs,
    )
    seen = None if inputs is None else seen_on(inputs)
    for node in program:
        if seen is not None:
            facts.work.spend(seen.tokens.size * seen.tokens.shape[1] / 50, node.label)
        if node.is_sop:
            known = infer_sop(facts, node, raises)
            sops[node.id] = known if seen is None else restricted(facts, node, known, seen)
            continue
        if node.op is Op.SELECT:
            predicate = _infer_predicate(facts, node, raises)
            if seen is not None:
                predicate = restricted_predicate(predicate, node, seen)
            predicates[node.id] = predicate
        facts.work.spend(_entries(predicates.get(node.id)) / 50, node.label)
        bounds = width_bounds(node, program, predicates, sops, widths, max_seq_len)
        exact = widths_by_length(facts, node)
        bounds = bounds if exact is None else tighter(bounds, exact)
        if selects_one(facts, node) or picks_one(facts, node):
            bounds = replace(bounds, high=min(bounds.high, 1))
        widths[node.id] = (
            bounds if seen is None else restricted_widths(node, bounds, program.causal, seen)
        )
    if seen is None or inputs is None or seen.alive.all():
        return facts
    # what was inferred before the interpreter raised is about inputs of which nothing is promised
    left = [numbers for numbers, alive in zip(inputs, seen.alive, strict=True) if alive]
    facts = infer(program, vocab, max_seq_len, limits, facts.work, left or None)
    return replace(facts, inputs=inputs)


def infer_sop(facts: Inferred, node: Node, raises: dict[int, Raises]) -> SOpFacts:
    """The facts about one s-op, from those about its operands.

    Args:
        facts: the program so far.
        node: the s-op.
        raises: is told if its function raises on some values.

    Raises:
        UnsupportedProgramError: as of ``infer``.
    """
    known = with_positions(facts, node, _infer_sop(facts, node, raises))
    return with_occurrences(facts, node, known)


def _entries(table: Predicate | None) -> int:
    return 1 if table is None else table.size


def _infer_sop(facts: Inferred, node: Node, raises: dict[int, Raises]) -> SOpFacts:
    match node.op:
        case Op.TOKENS:
            return _infer_tokens(facts, node)
        case Op.INDICES:
            return _infer_indices(facts, node)
        case Op.CONSTANT:
            return _infer_constant(facts, node)
        case Op.LINEAR if _is_too_large(facts, node):
            return _infer_interval(facts, node)
        case Op.MAP | Op.LINEAR:
            return _infer_elementwise(facts, node, raises)
        case Op.WIDTH | Op.AGGREGATE if (known := facts_by_length(facts, node)) is not None:
            return known
        case Op.WIDTH:
            bounds = facts.widths[node.inputs[0]]
            return SOpFacts(domain_of([n] for n in range(bounds.low, bounds.high + 1)))
        case Op.AGGREGATE:
            return infer_aggregate(facts, node)
    raise UnsupportedProgramError(
        Refusal.UNKNOWN_EXPRESSION,
        node.label,
        f"{node.op} is no s-op",
        "express it by Map, SequenceMap, Aggregate or SelectorWidth",
    )


def _infer_tokens(facts: Inferred, node: Node) -> SOpFacts:
    tokens = [t if node.function is None else _element(node, t) for t in facts.vocab]
    values = encoded(node, [[token] for token in tokens], nullable=False)
    column = np.array([values.class_of[canonical_key(t)] for t in tokens], dtype=np.int32)
    return SOpFacts(values, local=np.repeat(column[:, None], facts.max_seq_len, axis=1))


def _element(node: Node, token: Value) -> Value:
    """The element of a token that a node is."""
    assert node.function is not None
    try:
        element = normalise(node.function(token)) if isinstance(token, tuple) else None
    except IndexError:
        element = None
    if element is None:
        raise UnsupportedProgramError(
            Refusal.UNUSABLE_VALUE,
            node.label,
            f"is an element of each token, and the token {show_value(token)} has no value there",
            "give tokens that are tuples of values, all of one length",
        )
    return element


def _infer_indices(facts: Inferred, node: Node) -> SOpFacts:
    row = np.arange(facts.max_seq_len, dtype=np.int32)
    values = domain_of([index] for index in range(facts.max_seq_len))
    return SOpFacts(values, local=np.repeat(row[None, :], len(facts.vocab), axis=0))


def _infer_constant(facts: Inferred, node: Node) -> SOpFacts:
    if node.value is None:
        return constant_facts(facts, Enumerated((), True))
    return constant_facts(facts, encoded(node, [[node.value]], nullable=False))


def _is_too_large(facts: Inferred, node: Node) -> bool:
    """Whether a linear map has to do without a table, which it can."""
    sizes = []
    for operand in node.inputs:
        domain = facts.domain(operand)
        if not isinstance(domain, Enumerated):
            return True
        sizes.append(len(domain))
    return node.is_numerical and int(np.prod(sizes, dtype=object)) > facts.limits.table_entries


def _infer_interval(facts: Inferred, node: Node) -> SOpFacts:
    if not node.is_numerical:
        raise UnsupportedProgramError(
            Refusal.TOO_MANY_VALUES,
            node.label,
            "takes too many different values for a categorical s-op",
            "annotate it with rasp.numerical",
        )
    low = high = 0.0
    nullable = False
    wrong = [factor for factor in node.factors if not is_number(factor)]
    if wrong:
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"has the factor {show_value(wrong[0])}, which is no finite number in float32",
            "use a finite factor",
            outside_float32=True,
        )
    for factor, operand in zip(node.factors, node.inputs, strict=True):
        domain = facts.domain(operand)
        _require_numbers(facts, node, operand)
        ends = sorted(factor * bound for bound in domain.bounds)
        low, high = low + ends[0], high + ends[1]
        nullable = nullable or domain.nullable
    return SOpFacts(Interval(low, high, nullable))


def _require_numbers(facts: Inferred, node: Node, operand: int) -> None:
    domain = facts.domain(operand)
    if isinstance(domain, Enumerated) and not domain.are_numbers:
        wrong = next(value for value in domain.values if not is_number(value))
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"combines {facts.program.node(operand).label!r} linearly, which can be "
            f"{show_value(wrong)}, no finite number in float32",
            "map it to numbers first",
            outside_float32=isinstance(wrong, int | float),
        )


def _infer_elementwise(facts: Inferred, node: Node, raises: dict[int, Raises]) -> SOpFacts:
    domains = [facts.listed(facts.program.node(i), node.label) for i in node.inputs]
    shape = tuple(len(domain) for domain in domains)
    rows = _reachable(facts, node, shape)
    assert node.function is not None
    found = tabulate(node, node.function, [d.classes for d in domains], rows, facts.work)
    if found.raises is not None:
        raises[node.id] = found.raises
    results = {index: result for index, result in found.results.items() if result}
    groups = [result for result in results.values() if result[0] is not None]
    nullable = any(d.nullable for d in domains) or len(groups) < len(results)
    domain = encoded(node, groups, nullable)
    entries = np.full(shape, UNDEFINED, dtype=np.int32)
    for index, result in results.items():
        entries[index] = NONE if result[0] is None else domain.class_of[canonical_key(result[0])]
    return with_places(facts, node, SOpFacts(domain, Lookup(entries)))


def _reachable(facts: Inferred, node: Node, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The joint classes of the operands that can occur at one position (or more than those)."""
    operands = [replace(choices(facts, number), nullable=False) for number in node.inputs]
    try:
        rows = joint(operands, facts.limits.table_entries)
    except TooManyRowsError as error:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            node.label,
            f"its table would have {' x '.join(f'{n:,}' for n in shape)} = {error.rows:,} entries; "
            f"the limit is {facts.limits.table_entries:,}",
            "use a smaller vocab or max_seq_len, or map the operands to fewer values first",
        ) from None
    facts.work.spend(_pairs(operands) / 10, node.label)
    rows = that_can_meet(facts, node.inputs, rows[(rows >= 0).all(axis=1)])
    return [tuple(row) for row in rows.tolist()]


def _pairs(operands: list[Choices]) -> int:
    """Entries of the grids that are looked at."""
    return sum(operand.local.size for operand in operands if operand.local is not None)


def _infer_predicate(facts: Inferred, node: Node, raises: dict[int, Raises]) -> Predicate:
    """Whether the predicate holds, for classes of [query, key]."""
    predicate = node.function
    assert predicate is not None
    keys, queries = (
        facts.listed(facts.program.node(operand), node.label) for operand in node.inputs
    )
    shape = (len(queries), len(keys))
    if predicate in (Comparison.TRUE, Comparison.FALSE):
        return np.full(shape, int(predicate is Comparison.TRUE), dtype=np.int32)
    if int(np.prod(shape)) > facts.limits.table_entries:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            node.label,
            f"its predicate would be tabulated for {shape[0]:,} x {shape[1]:,} = "
            f"{int(np.prod(shape)):,} pairs of query and key; the limit is "
            f"{facts.limits.table_entries:,}",
            "use a smaller vocab or max_seq_len",
        )
    if isinstance(predicate, Comparison):
        at_once = compared(predicate, keys.classes, queries.classes, facts.work, node.label)
        if at_once is not None:
            return at_once.astype(np.int32)
    pairs = product(range(shape[1]), range(shape[0]))
    found = tabulate(node, predicate, [keys.classes, queries.classes], pairs, facts.work, made=bool)
    if found.raises is not None:
        raises[node.id] = found.raises
    table = np.full(shape, UNDEFINED, dtype=np.int32)
    for (key, query), result in found.results.items():
        if result:
            table[query, key] = int(bool(result[0]))
    return table
