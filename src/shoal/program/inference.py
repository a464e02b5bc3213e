"""Value inference: for each s-op the finite set of values that it can take.

Elementwise s-ops get a table from the classes of their operands to their own, so that later
stages never call a user's function again. Where a value depends on the token and the index at
its own position alone, it is known for each pair of them (``SOpFacts.local``); joint values of
such s-ops are exact, and it can be proven that a selector selects at most one position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.errors import UnsupportedProgramError
from shoal.limits import Limits
from shoal.program.graph import Node, Program
from shoal.program.selector_widths import WidthBounds, width_bounds
from shoal.program.value_sets import (
    ValueRange,
    Values,
    ValueSet,
    group_close,
    group_equal,
    means,
    number_bounds,
    value_set,
)
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
from shoal.rasp.functions import Comparison, show_function
from shoal.rasp.values import Value, canonical_key, is_number, normalise

NONE = -1
"""In a table: the result is None."""
UNDEFINED = -2
"""In a table: the operands never meet, or the function raises on them."""

Table = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SOpFacts:
    """What is known about one s-op.

    Attributes:
        values: what it can be.
        table: for elementwise s-ops, the class of the result (or NONE, UNDEFINED) for the
            classes of the operands; one axis for each operand.
        local: [tokens, positions], the class of the value at a position that holds a token;
            None if it depends on more than that.
        mixture: for aggregates, whether several different numbers can be averaged.
    """

    values: Values
    table: Table | None = None
    local: Table | None = None
    mixture: bool = False


@dataclass(frozen=True)
class Inferred:
    """A program with the facts about its nodes.

    Attributes:
        program: the program.
        vocab: the tokens in canonical order.
        max_seq_len: the greatest number of tokens.
        limits: what a compilation may take.
        sops: facts by node id.
        predicates: for each ``Select`` by node id, whether it holds for the classes of
            [query, key]; UNDEFINED where the predicate raises.
        widths: for each selector by node id, how many keys a query can select.
    """

    program: Program
    vocab: tuple[Value, ...]
    max_seq_len: int
    limits: Limits
    sops: Mapping[int, SOpFacts] = field(default_factory=dict)
    predicates: Mapping[int, Table] = field(default_factory=dict)
    widths: Mapping[int, WidthBounds] = field(default_factory=dict)

    def value_set(self, node: Node, reader: str) -> ValueSet:
        """The values of a node, which a reader needs as a finite set.

        Raises:
            UnsupportedProgramError: there are too many to list.
        """
        values = self.sops[node.id].values
        if isinstance(values, ValueRange):
            raise UnsupportedProgramError(
                f"{reader}: reads {node.label!r}, which takes too many different values to list "
                f"(between {values.low:g} and {values.high:g}); only linear readers and "
                "aggregates can use it. Use a shorter max_seq_len or round the values earlier"
            )
        return values


def infer(
    program: Program,
    vocab: Sequence[Value],
    max_seq_len: int,
    limits: Limits | None = None,
) -> Inferred:
    """Infer the facts about every node.

    Args:
        program: a traced program.
        vocab: the tokens in canonical order.
        max_seq_len: the greatest number of tokens.
        limits: on tables and value sets; lowering keeps to them as well.

    Raises:
        UnsupportedProgramError: a function raises on all its values, a numerical s-op has
            values that are no numbers, a value is not hashable, or a limit is exceeded.
    """
    limits = limits or Limits()
    if len(vocab) * max_seq_len > max(limits.table_entries, 10_000):
        raise UnsupportedProgramError(
            f"a vocab of {len(vocab):,} tokens and max_seq_len = {max_seq_len:,} make "
            f"{len(vocab) * max_seq_len:,} pairs of token and position; the limit is "
            f"{limits.table_entries:,}"
        )
    sops: dict[int, SOpFacts] = {}
    predicates: dict[int, Table] = {}
    widths: dict[int, WidthBounds] = {}
    facts = Inferred(program, tuple(vocab), max_seq_len, limits, sops, predicates, widths)
    for node in program:
        if node.is_sop:
            sops[node.id] = _infer_sop(facts, node)
        else:
            if isinstance(node.expression, Select):
                predicates[node.id] = _infer_predicate(facts, node)
            widths[node.id] = width_bounds(
                node,
                program,
                predicates,
                {i: f.local for i, f in sops.items()},
                widths,
                max_seq_len,
            )
    return facts


def _infer_sop(facts: Inferred, node: Node) -> SOpFacts:
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
            return _infer_elementwise(facts, node)
        case SelectorWidth():
            bounds = facts.widths[node.inputs[0]]
            return SOpFacts(value_set([n] for n in range(bounds.low, bounds.high + 1)))
        case Aggregate():
            return _infer_aggregate(facts, node)
    raise UnsupportedProgramError(f"{node.label}: {type(node.expression).__name__} is not known")


def _infer_tokens(facts: Inferred, node: Node) -> SOpFacts:
    values = _encoded(node, [[token] for token in facts.vocab], nullable=False)
    column = np.array([values.class_of[canonical_key(t)] for t in facts.vocab], dtype=np.int32)
    return SOpFacts(values, local=np.repeat(column[:, None], facts.max_seq_len, axis=1))


def _infer_indices(facts: Inferred, node: Node) -> SOpFacts:
    row = np.arange(facts.max_seq_len, dtype=np.int32)
    values = value_set([index] for index in range(facts.max_seq_len))
    return SOpFacts(values, local=np.repeat(row[None, :], len(facts.vocab), axis=0))


def _infer_constant(facts: Inferred, node: Node, fill: Value) -> SOpFacts:
    values = ValueSet((), True) if fill is None else _encoded(node, [[fill]], nullable=False)
    return constant_facts(facts, values)


def constant_facts(facts: Inferred, values: ValueSet) -> SOpFacts:
    """The facts about an s-op without operands that is always the same; ``values.is_constant``."""
    number = NONE if values.nullable else 0
    shape = (len(facts.vocab), facts.max_seq_len)
    return SOpFacts(values, np.array(number, np.int32), np.full(shape, number, np.int32))


def _encoded(node: Node, groups: list[list[Value]], nullable: bool) -> ValueSet:
    """The value set in the node's encoding: one scalar cannot tell 1 from True or 1.0."""
    if is_numerical(node.expression):  # type: ignore[arg-type]
        values = [value for group in groups for value in group]
        wrong = [value for value in values if not is_number(value)]
        if wrong:
            raise UnsupportedProgramError(
                f"{node.label}: is annotated as numerical, but can be {wrong[0]!r}, which is no "
                "finite number; drop rasp.numerical, or map the values to numbers"
            )
        groups = groups + group_close(values)
    return value_set(groups, nullable)


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
            f"{node.label}: takes too many different values for a categorical s-op; annotate it "
            "with rasp.numerical"
        )
    low = high = 0.0
    nullable = False
    factors = (expression.fst_fac, expression.snd_fac)
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
            f"{node.label}: combines {facts.program.node(operand).label!r} linearly, which can be "
            f"{wrong!r}, no finite number; map it to numbers first"
        )


def _infer_elementwise(facts: Inferred, node: Node) -> SOpFacts:
    expression = node.expression
    assert isinstance(expression, Map | SequenceMap)
    operands = [facts.program.node(i) for i in node.inputs]
    sets = [facts.value_set(operand, node.label) for operand in operands]
    shape = tuple(len(s) for s in sets)
    joint = _reachable(facts, operands, shape, node)
    results: dict[tuple[int, ...], list[Value]] = {}
    failure: Exception | None = None
    for index in joint:
        members = [s.classes[i] for s, i in zip(sets, index, strict=True)]
        results[index], error = _apply_to_class(node, expression.f, members)
        failure = failure or error
    if failure is not None and not any(results.values()):
        raise UnsupportedProgramError(
            f"{node.label}: {show_function(expression.f)} raises on every value, for example "
            f"{type(failure).__name__}: {failure}"
        )
    groups = [r for r in results.values() if r and r[0] is not None]
    nullable = any(s.nullable for s in sets) or any(r and r[0] is None for r in results.values())
    values = _encoded(node, groups, nullable)
    table = np.full(shape, UNDEFINED, dtype=np.int32)
    for index, result in results.items():
        if result:
            table[index] = NONE if result[0] is None else values.class_of[canonical_key(result[0])]
    return SOpFacts(values, table, _local_result(facts, node, table))


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
        return [tuple(map(int, row)) for row in np.unique(stacked, axis=0)]
    if len({operand.id for operand in operands}) == 1:
        return [(i,) * len(operands) for i in range(shape[0])]
    if int(np.prod(shape)) > facts.limits.table_entries:
        raise UnsupportedProgramError(
            f"{node.label}: its table would have {' x '.join(f'{n:,}' for n in shape)} = "
            f"{int(np.prod(shape)):,} entries; the limit is {facts.limits.table_entries:,}. Use a "
            "smaller vocab or max_seq_len, or map the operands to fewer values first"
        )
    return product(*(range(n) for n in shape))


def _apply_to_class(
    node: Node, function: Callable[..., Any], members: list[tuple[Value, ...]]
) -> tuple[list[Value], Exception | None]:
    """The results on one joint class, which must be the same for all its members."""
    results: list[Value] = []
    failure: Exception | None = None
    for arguments in product(*members):
        try:
            result = normalise(function(*arguments))
        except Exception as error:  # noqa: BLE001 - users' functions may raise anything
            failure = error
            continue
        _require_usable(node, result)
        results.append(result)
    if any(result != results[0] for result in results):
        raise UnsupportedProgramError(
            f"{node.label}: {show_function(function)} gives {results[0]!r} and "
            f"{next(r for r in results if r != results[0])!r} on values that are one and the same "
            f"in the residual stream ({', '.join(map(repr, members))}); make it treat equal or "
            "nearly equal numbers alike, for example by rounding"
        )
    return results, failure


def _require_usable(node: Node, result: Value) -> None:
    try:
        equal = hash(result) is not None and result == result
    except TypeError:
        raise UnsupportedProgramError(
            f"{node.label}: its function returns {result!r}, which is not hashable; return a "
            "tuple instead of a list"
        ) from None
    if type(result).__repr__ is object.__repr__:
        raise UnsupportedProgramError(
            f"{node.label}: its function returns {result!r}, whose repr differs from run to run, "
            "so that values have no canonical order; give its type a repr of its own"
        )
    if not equal:
        raise UnsupportedProgramError(
            f"{node.label}: its function returns {result!r}, which is not equal to itself; "
            "return None where there is no value"
        )


def _local_result(facts: Inferred, node: Node, table: Table) -> Table | None:
    grids = [facts.sops[operand].local for operand in node.inputs]
    if any(grid is None for grid in grids):
        return None
    stacked = np.stack([grid for grid in grids if grid is not None])
    known = (stacked >= 0).all(axis=0)
    result = np.where((stacked == UNDEFINED).any(axis=0), UNDEFINED, NONE).astype(np.int32)
    result[known] = table[tuple(grid[known] for grid in stacked)]
    return result


def _infer_aggregate(facts: Inferred, node: Node) -> SOpFacts:
    expression = node.expression
    assert isinstance(expression, Aggregate)
    bounds = facts.widths[node.inputs[0]]
    operand = facts.program.node(node.inputs[1])
    values = facts.sops[operand.id].values
    default = normalise(expression.default)
    uses_default = bounds.low == 0
    extra = [default] if uses_default and default is not None else []
    if bounds.high == 0:  # nothing is ever selected
        return SOpFacts(_encoded(node, [[value] for value in extra], default is None))
    nullable = values.nullable or (uses_default and default is None)
    if isinstance(values, ValueRange):
        return _aggregate_range(node, values, extra, nullable)
    found = _averages(facts, node, values, bounds)
    if found is None:
        return _aggregate_range(node, ValueRange(*number_bounds(values)), extra, nullable)
    averages, mixture = found
    members = [v for group in values.classes for v in group]
    groups = [list(group) for group in values.classes]
    groups += [[value] for value in extra]
    if mixture:  # readers see the mean as a number, whatever it is the mean of
        groups += group_close([*members, *averages, *extra])
    elif averages:
        groups += group_equal([*members, *averages])
    return SOpFacts(_encoded(node, groups, nullable), mixture=mixture)


def _averages(
    facts: Inferred, node: Node, values: ValueSet, bounds: WidthBounds
) -> tuple[list[float], bool] | None:
    """The means of several values, and whether different values can be averaged.

    None if they are too many to list.
    """
    if bounds.high <= 1:
        return [], False
    members = [v for group in values.classes for v in group if isinstance(v, int | float)]
    beyond = [value for value in members if not is_number(value)]
    if beyond:
        raise UnsupportedProgramError(
            f"{node.label}: may average {beyond[0]!r} with other values, which a transformer "
            "cannot; map it to a finite number or a string first"
        )
    alone = [float(v) for v in values.values if isinstance(v, int | float)]
    if len(alone) <= 1 or _selects_equal_values(facts, node):
        return alone, False
    found = means(members, bounds.high, facts.limits.averages)
    return None if found is None else (found, True)


def _selects_equal_values(facts: Inferred, node: Node) -> bool:
    """Whether all positions that one query selects hold the same value, where that is local."""
    selector = facts.program.node(node.inputs[0])
    if not isinstance(selector.expression, Select):
        return False
    keys = facts.sops[selector.inputs[0]].local
    values = facts.sops[node.inputs[1]].local
    if keys is None or values is None:
        return False
    together = (keys >= 0) & (values >= 0)
    holds = facts.predicates[selector.id] == 1
    meets = np.zeros((holds.shape[1], int(values.max(initial=0)) + 1), dtype=bool)
    meets[keys[together], values[together]] = True
    return bool(((holds.astype(int) @ meets.astype(int)) > 0).sum(axis=1).max(initial=0) <= 1)


def _aggregate_range(
    node: Node, values: ValueRange, extra: list[Value], nullable: bool
) -> SOpFacts:
    wrong = [value for value in extra if not is_number(value)]
    if wrong:
        raise UnsupportedProgramError(
            f"{node.label}: averages numbers, but its default is {wrong[0]!r}; use a number or None"
        )
    if not is_numerical(node.expression):  # type: ignore[arg-type]
        raise UnsupportedProgramError(
            f"{node.label}: averages {values.low:g} .. {values.high:g} to too many different "
            "values for a categorical s-op; annotate it with rasp.numerical"
        )
    numbers = [*(float(v) for v in extra if isinstance(v, int | float)), values.low, values.high]
    return SOpFacts(replace(values, low=min(numbers), high=max(numbers), nullable=nullable))


def _infer_predicate(facts: Inferred, node: Node) -> Table:
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
            f"{node.label}: its predicate would be tabulated for {shape[0]:,} x {shape[1]:,} = "
            f"{int(np.prod(shape)):,} pairs of query and key; the limit is "
            f"{facts.limits.table_entries:,}. Use a smaller vocab or max_seq_len"
        )
    table = np.full(shape, UNDEFINED, dtype=np.int32)
    failure: Exception | None = None

    def predicate(key: Value, query: Value) -> bool:
        return bool(expression.predicate(key, query))

    for query, key in product(range(shape[0]), range(shape[1])):
        members = [keys.classes[key], queries.classes[query]]
        results, error = _apply_to_class(node, predicate, members)
        failure = failure or error
        if results:
            table[query, key] = int(bool(results[0]))
    if failure is not None and (table == UNDEFINED).all():
        raise UnsupportedProgramError(
            f"{node.label}: {show_function(expression.predicate)} raises on every pair of key and "
            f"query, for example {type(failure).__name__}: {failure}"
        )
    return table
