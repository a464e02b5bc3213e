"""Faults in the passes over the program, at least two for each.

They sit in the functions that passes are made of; see ``faults`` for those elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from shoal.program import look_ups
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.lookup import Lookup
from shoal.program.ir import Op
from shoal.program.passes import (
    booleans_as_sums,
    common_subexpressions,
    constants,
    dead_code,
    gathers,
    identities,
    merged_values,
    orders,
    positions,
    selectors,
)
from tests.mutants.planting import (
    Fault,
    Function,
    both,
    fault,
    has,
    has_pass,
    of_program,
    uses_pass,
)

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)


_MAP_AND_ANOTHER = (
    r"\bMap\(\w+, (\w+)\)"
    r".*(?:Map\(\w+, \1\)|Select\((?:\w+, )?\1|SequenceMap\(\w+, (?:\w+, )?\1)"
)
"""An s-op that a map reads, which may merge its values, and something else as well."""


_FETCHES = r"one_before|half_way|opposite|one_after|length - 1"
"""Places that indices and the length determine, from which something may be fetched."""


# look-ups


_kind_of_mean = of_program(
    """\
s1 = Select(tokens, tokens, Comparison.LEQ)
v2 = Aggregate(s1, tokens)
v3 = Map(kind_of, v2)""",
    max_seq_len=3,
    passes="all",
)
"""What tells 1.0 from 1."""


@_fault(
    look_ups,
    "_varies",
    "alike everywhere",
    "what is looked up is taken to be the same at all positions",
    adapted=_kind_of_mean,
)
def _alike_everywhere(correct: Function) -> Function:
    return lambda values: False


@_fault(
    look_ups.AtPosition,
    "__call__",
    "the token behind",
    "the token of a position is fetched from the one behind it",
    adapted=_kind_of_mean,
)
def _the_token_behind(correct: Function) -> Function:
    return lambda self, key, query: key == self.position + 1


# common subexpressions


@_fault(
    common_subexpressions,
    "_parameters",
    "different functions merged",
    "expressions that differ in their function or predicate alone are taken for the same",
    can_show=has(r"\bMap\(\w+, (\w+)\).*\bMap\(\w+, \1\)|Select\((\w+, \w+), .*Select\(\2, "),
)
def _different_functions_merged(correct: Function) -> Function:
    def parameters(node: Any) -> Any:
        return None if node.op in (Op.MAP, Op.LINEAR, Op.SELECT) else correct(node)

    return parameters


@_fault(
    common_subexpressions,
    "_value",
    "tables not compared",
    "functions and predicates of the same operands are the same if they give as many values",
    can_show=both(
        has_pass("common-subexpressions"),
        has(r"\bMap\(\w+, (\w+)\).*\bMap\(\w+, \1\)|Select\((\w+, \w+), .*Select\(\2, "),
    ),
)
def _tables_not_compared(correct: Function) -> Function:
    def without_tables(key: Any) -> Any:
        if isinstance(key, tuple):
            return tuple(map(without_tables, key))
        return b"" if isinstance(key, bytes) else key

    return lambda inferred, node: without_tables(correct(inferred, node))


# positions


@_fault(
    positions,
    "_by_class",
    "position of a neighbour",
    "what is looked up by the index is that of the position before",
    can_show=uses_pass("positions"),
)
def _position_of_a_neighbour(correct: Function) -> Function:
    return lambda row, indices: correct(np.roll(row, 1), indices)


@_fault(
    positions,
    "_row",
    "None at no position",
    "what is None at some positions is looked up there as its first value",
    can_show=both(uses_pass("positions"), has("Aggregate")),
)
def _none_at_no_position(correct: Function) -> Function:
    def row(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else np.maximum(found, 0)

    return row


# identities


@_fault(
    identities,
    "_is_alike_where",
    "alike wherever anything is selected",
    "an average over keys that a select joins is taken for what is at the own position",
    can_show=both(has_pass("identities"), has(r"Select\(\w+, \w+, Comparison.EQ.*Aggregate")),
)
def _alike_wherever_anything_is_selected(correct: Function) -> Function:
    return lambda inferred, select, value: select.inputs[0] == select.inputs[1]


@_fault(
    identities,
    "_of_query",
    "value of the next query",
    "what a query determines is what the next one does",
    can_show=both(has(r"Comparison.EQ.*Aggregate"), uses_pass("identities")),
)
def _value_of_the_next_query(correct: Function) -> Function:
    def of_query(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and Lookup(np.roll(found.entries, 1))

    return of_query


# gathers


@_fault(
    gathers,
    "_through",
    "fetched in the wrong order",
    "what is fetched twice is fetched from where the outer gather takes the inner one's place",
    can_show=both(has(_FETCHES), uses_pass("gathers")),
)
def _fetched_in_the_wrong_order(correct: Function) -> Function:
    return lambda inner, outer: correct(outer, inner)


@_fault(
    gathers,
    "_told",
    "place of a neighbour",
    "a query is sent to the place of the one before it",
    can_show=both(has(_FETCHES), uses_pass("gathers")),
)
def _place_of_a_neighbour(correct: Function) -> Function:
    def told(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else np.roll(found, 1)

    return told


# constants


@_fault(
    constants,
    "_is_constant",
    "None forgotten in constants",
    "what is either None or one value is folded to that value",
    can_show=has_pass("constants"),
)
def _none_forgotten_in_constants(correct: Function) -> Function:
    return lambda domain: isinstance(domain, Enumerated) and len(domain) == 1


@_fault(
    constants,
    "_without_constant_operand",
    "wrong operand dropped",
    "a function of a constant and another operand becomes a map of the first one it has",
    can_show=has_pass("constants"),
)
def _wrong_operand_dropped(correct: Function) -> Function:
    def without(inferred: Any, node: Any) -> Any:
        made = correct(inferred, node)
        if made is None:
            return None
        mapped, facts = made
        entries = facts.table.entries
        entries = np.roll(entries, 1) if mapped.inputs == node.inputs[1:] else entries
        return mapped, replace(facts, table=Lookup(entries))

    return without


# selectors


@_fault(
    selectors,
    "_combine",
    "either for both",
    "combinations of selects over the same keys and queries take & for |",
    can_show=both(has_pass("selectors"), has(r"Select\((\w+, \w+), .*Select\(\1, .*= s\d+ & s\d+")),
)
def _either_for_both(correct: Function) -> Function:
    def combine(state: Any, node: Any) -> None:
        correct(state, replace(node, op=Op.OR) if node.op is Op.AND else node)

    return combine


@_fault(
    selectors,
    "_drop_operands",
    "queries dropped",
    "a select over more than one query is taken to ignore its queries",
    can_show=has(r"Select\("),
)
def _queries_dropped(correct: Function) -> Function:
    def drop(state: Any, number: int, constant: Any) -> None:
        table = state.table(number)
        if table is not None and len(table) > 1:
            state.predicates[number] = np.repeat(table[:1], len(table), axis=0)
        correct(state, number, constant)

    return drop


# merged values


@_fault(
    merged_values,
    "_refine",
    "merged by the first reader",
    "values that the first reader takes for the same are merged, whatever later readers do",
    can_show=both(has_pass("merged-values"), has(_MAP_AND_ANOTHER)),
)
def _merged_by_the_first_reader(correct: Function) -> Function:
    def refine(partitions: Any, number: int, seen: Any) -> None:
        if not partitions[number].max(initial=0):
            correct(partitions, number, seen)

    return refine


@_fault(
    merged_values,
    "_can_merge",
    "averages merged",
    "values that are averaged are merged although their mean tells them apart",
    can_show=both(has_pass("merged-values"), has("Aggregate")),
)
def _averages_merged(correct: Function) -> Function:
    def can_merge(inferred: Any, node: Any) -> bool:
        is_listed = isinstance(inferred.domain(node.id), Enumerated)
        return bool(correct(inferred, node)) or (node.op is Op.AGGREGATE and is_listed)

    return can_merge


# booleans as sums


_IS_COUNTED = both(
    has_pass("booleans-as-sums"),
    has(r"(v\d+) = [^\n]*v\d+ [&|] v\d+.*Aggregate\(s\d+, \1"),
)
"""Cases in which a boolean of two others is averaged."""


@_fault(
    booleans_as_sums,
    "_rewritten",
    "a part not counted",
    "of the parts that make a boolean so the first one is left out",
    can_show=_IS_COUNTED,
)
def _part_not_counted(correct: Function) -> Function:
    def rewritten(*arguments: Any) -> Any:
        *others, parts, readers = arguments
        return correct(*others, dict(list(parts.items())[1:]), readers)

    return rewritten


@_fault(
    booleans_as_sums,
    "_as_asked",
    "readers not asked",
    "who reads a share gets a count, though it asks for more than whether that is all or nothing",
    can_show=_IS_COUNTED,
)
def _readers_not_asked(correct: Function) -> Function:
    def as_asked(table: Lookup, axis: int, one: int) -> Lookup:
        others = np.delete(table.entries, one, axis=axis)
        first = [table.entries.take([one], axis=axis), others.take([-1], axis=axis)]
        return Lookup(np.concatenate(first, axis=axis))

    return as_asked


# dead code


@_fault(
    dead_code,
    "rewritten",
    "wrong root",
    "where dead code is dropped, the program results in its last but one s-op",
    can_show=has_pass("dead-code"),
)
def _wrong_root(correct: Function) -> Function:
    def rewritten(inferred: Any, nodes: Any) -> Any:
        root = inferred.program.root
        s_ops = [node.id for node in nodes if node.is_sop and node.id <= root]
        return correct(inferred, nodes, replaced={root: s_ops[-2] if len(s_ops) > 1 else root})

    return rewritten


@_fault(
    dead_code,
    "rewritten",
    "kept values are dead",
    "where dead code is dropped, kept values that nothing reads are dropped as well",
    can_show=both(
        has_pass("dead-code"), lambda case: "read" in case.options.checks, has(r"keep\(")
    ),
)
def _kept_values_are_dead(correct: Function) -> Function:
    def rewritten(inferred: Any, nodes: Any) -> Any:
        read = {operand for node in nodes for operand in node.inputs} | {inferred.program.root}
        return correct(inferred, [node for node in nodes if node.id in read])

    return rewritten


# orders


_ranked_by_combination = of_program(
    """\
v1 = Map(as_number, tokens)
s2 = Select(v1, v1, Comparison.LT)
s3 = Select(v1, v1, Comparison.EQ)
s4 = Select(indices, indices, Comparison.LT)
s5 = s3 & s4
s6 = s2 | s5
v7 = SelectorWidth(s6)""",
    max_seq_len=3,
    passes="all",
)
"""How many tokens come before each in the order of their numbers, equal ones as they come."""


@_fault(
    orders,
    "order_of",
    "orders the other way round",
    "pairs are compared as if the order were the opposite one",
    adapted=_ranked_by_combination,
)
def _orders_the_other_way_round(correct: Function) -> Function:
    def order_of(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and replace(found, holds=found.holds.T)

    return order_of


PASS_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""Faults in passes, in the order in which passes run."""
