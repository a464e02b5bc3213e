"""Value inference: for each s-op the finite set of values that it can take.

Elementwise s-ops get a table from the classes of their operands to their own, so that later
stages never call a user's function again. Where a value depends on the token and the index at
its own position alone, it is known for each pair of them (``SOpFacts.local``); joint values of
such s-ops are exact, and it can be proven that a selector selects at most one position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Limits, Work
from shoal.program.averages import infer_aggregate
from shoal.program.facts import (
    NONE,
    UNDEFINED,
    Inferred,
    Raises,
    SOpFacts,
    Table,
    constant_facts,
    encoded,
    local_result,
)
from shoal.program.graph import Node, Program
from shoal.program.selector_widths import WidthBounds, width_bounds
from shoal.program.tabulating import tabulate
from shoal.program.value_sets import ValueRange, ValueSet, number_bounds, value_set
from shoal.rasp.expressions import (
    Aggregate,
    Full,
    IndicesType,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    TokensType,
    is_numerical,
)
from shoal.rasp.functions import Comparison
from shoal.rasp.values import Value, canonical_key, is_number, normalise, show_value


def infer(
    program: Program,
    vocab: Sequence[Value],
    max_seq_len: int,
    limits: Limits | None = None,
    work: Work | None = None,
) -> Inferred:
    """Infer the facts about every node.

    Args:
        program: a traced program.
        vocab: the tokens in canonical order.
        max_seq_len: the greatest number of tokens.
        limits: on tables and value sets; lowering keeps to them as well.
        work: counts what is done here and later; one that knows no limit if it is not given.

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
    predicates: dict[int, Table] = {}
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
    )
    for node in program:
        if node.is_sop:
            sops[node.id] = _infer_sop(facts, node, raises)
        else:
            if isinstance(node.expression, Select):
                predicates[node.id] = _infer_predicate(facts, node, raises)
            facts.work.spend(_entries(predicates.get(node.id)) / 50, node.label)
            widths[node.id] = width_bounds(
                node,
                program,
                predicates,
                {i: f.local for i, f in sops.items()},
                widths,
                max_seq_len,
            )
    return facts


def _entries(table: Table | None) -> int:
    return 1 if table is None else table.size


def _infer_sop(facts: Inferred, node: Node, raises: dict[int, Raises]) -> SOpFacts:
    match node.expression:
        case TokensType():
            return _infer_tokens(facts, node)
        case IndicesType():
            return _infer_indices(facts, node)
        case Full(fill=fill):
            return _infer_constant(facts, node, normalise(fill))
        case LinearSequenceMap() if _is_too_large(facts, node):
            return _infer_linear_range(facts, node)
        case Map() | SequenceMap():
            return _infer_elementwise(facts, node, raises)
        case SelectorWidth():
            bounds = facts.widths[node.inputs[0]]
            return SOpFacts(value_set([n] for n in range(bounds.low, bounds.high + 1)))
        case Aggregate():
            return infer_aggregate(facts, node)
    raise UnsupportedProgramError(
        Refusal.UNKNOWN_EXPRESSION,
        node.label,
        f"{type(node.expression).__name__} is not known",
        "express it by Map, SequenceMap, Aggregate or SelectorWidth",
    )


def _infer_tokens(facts: Inferred, node: Node) -> SOpFacts:
    values = encoded(node, [[token] for token in facts.vocab], nullable=False)
    column = np.array([values.class_of[canonical_key(t)] for t in facts.vocab], dtype=np.int32)
    return SOpFacts(values, local=np.repeat(column[:, None], facts.max_seq_len, axis=1))


def _infer_indices(facts: Inferred, node: Node) -> SOpFacts:
    row = np.arange(facts.max_seq_len, dtype=np.int32)
    values = value_set([index] for index in range(facts.max_seq_len))
    return SOpFacts(values, local=np.repeat(row[None, :], len(facts.vocab), axis=0))


def _infer_constant(facts: Inferred, node: Node, fill: Value) -> SOpFacts:
    values = ValueSet((), True) if fill is None else encoded(node, [[fill]], nullable=False)
    return constant_facts(facts, values)


def _is_too_large(facts: Inferred, node: Node) -> bool:
    """Whether a linear map has to do without a table, which it can."""
    sizes = []
    for operand in node.inputs:
        values = facts.sops[operand].values
        if isinstance(values, ValueRange):
            return True
        sizes.append(len(values))
    return is_numerical(node.expression) and int(np.prod(sizes)) > facts.limits.table_entries  # type: ignore[arg-type]


def _infer_linear_range(facts: Inferred, node: Node) -> SOpFacts:
    expression = node.expression
    assert isinstance(expression, LinearSequenceMap)
    if not is_numerical(expression):
        raise UnsupportedProgramError(
            Refusal.TOO_MANY_VALUES,
            node.label,
            "takes too many different values for a categorical s-op",
            "annotate it with rasp.numerical",
        )
    low = high = 0.0
    nullable = False
    factors = (expression.fst_fac, expression.snd_fac)
    wrong = [factor for factor in factors if not is_number(factor)]
    if wrong:
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"has the factor {show_value(wrong[0])}, which is no finite number in float32",
            "use a finite factor",
            outside_float32=True,
        )
    for factor, operand in zip(factors, node.inputs, strict=True):
        values = facts.sops[operand].values
        _require_numbers(facts, node, operand)
        ends = sorted(factor * bound for bound in number_bounds(values))
        low, high = low + ends[0], high + ends[1]
        nullable = nullable or values.nullable
    return SOpFacts(ValueRange(low, high, nullable))


def _require_numbers(facts: Inferred, node: Node, operand: int) -> None:
    values = facts.sops[operand].values
    if isinstance(values, ValueSet) and not all(map(is_number, values.values)):
        wrong = next(value for value in values.values if not is_number(value))
        raise UnsupportedProgramError(
            Refusal.NO_NUMBER,
            node.label,
            f"combines {facts.program.node(operand).label!r} linearly, which can be "
            f"{show_value(wrong)}, no finite number in float32",
            "map it to numbers first",
            outside_float32=isinstance(wrong, int | float),
        )


def _infer_elementwise(facts: Inferred, node: Node, raises: dict[int, Raises]) -> SOpFacts:
    expression = node.expression
    assert isinstance(expression, Map | SequenceMap)
    operands = [facts.program.node(i) for i in node.inputs]
    sets = [facts.value_set(operand, node.label) for operand in operands]
    shape = tuple(len(s) for s in sets)
    joint = _reachable(facts, operands, shape, node)
    found = tabulate(node, expression.f, [s.classes for s in sets], joint, facts.work)
    if found.raises is not None:
        raises[node.id] = found.raises
    results = {index: result for index, result in found.results.items() if result}
    groups = [result for result in results.values() if result[0] is not None]
    nullable = any(s.nullable for s in sets) or len(groups) < len(results)
    values = encoded(node, groups, nullable)
    table = np.full(shape, UNDEFINED, dtype=np.int32)
    for index, result in results.items():
        table[index] = NONE if result[0] is None else values.class_of[canonical_key(result[0])]
    return SOpFacts(values, table, local_result(facts, node, table))


def _reachable(
    facts: Inferred,
    operands: list[Node],
    shape: tuple[int, ...],
    node: Node,
) -> Iterator[tuple[int, ...]] | list[tuple[int, ...]]:
    """The joint classes of the operands that can occur at one position (or more than those)."""
    local = [facts.sops[operand.id].local for operand in operands]
    if all(grid is not None for grid in local):
        stacked = np.stack([grid.ravel() for grid in local if grid is not None], axis=1)
        stacked = stacked[(stacked >= 0).all(axis=1)]
        facts.work.spend(stacked.size / 10, node.label)
        return [tuple(map(int, row)) for row in np.unique(stacked, axis=0)]
    if len({operand.id for operand in operands}) == 1:
        return [(i,) * len(operands) for i in range(shape[0])]
    if int(np.prod(shape)) > facts.limits.table_entries:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            node.label,
            f"its table would have {' x '.join(f'{n:,}' for n in shape)} = "
            f"{int(np.prod(shape)):,} entries; the limit is {facts.limits.table_entries:,}",
            "use a smaller vocab or max_seq_len, or map the operands to fewer values first",
        )
    return product(*(range(n) for n in shape))


def _infer_predicate(facts: Inferred, node: Node, raises: dict[int, Raises]) -> Table:
    """Whether the predicate holds, for classes of [query, key]."""
    expression = node.expression
    assert isinstance(expression, Select)
    keys, queries = (
        facts.value_set(facts.program.node(operand), node.label) for operand in node.inputs
    )
    shape = (len(queries), len(keys))
    if expression.predicate in (Comparison.TRUE, Comparison.FALSE):
        return np.full(shape, int(expression.predicate is Comparison.TRUE), dtype=np.int32)
    if int(np.prod(shape)) > facts.limits.table_entries:
        raise UnsupportedProgramError(
            Refusal.TABLE_TOO_LARGE,
            node.label,
            f"its predicate would be tabulated for {shape[0]:,} x {shape[1]:,} = "
            f"{int(np.prod(shape)):,} pairs of query and key; the limit is "
            f"{facts.limits.table_entries:,}",
            "use a smaller vocab or max_seq_len",
        )
    pairs = product(range(shape[1]), range(shape[0]))
    found = tabulate(
        node, expression.predicate, [keys.classes, queries.classes], pairs, facts.work, made=bool
    )
    if found.raises is not None:
        raises[node.id] = found.raises
    table = np.full(shape, UNDEFINED, dtype=np.int32)
    for (key, query), result in found.results.items():
        if result:
            table[query, key] = int(bool(result[0]))
    return table
