"""Faults in the passes, at least two for each.

They sit in the functions that passes are made of; see ``faults`` for those elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from shoal.compiler import assemble
from shoal.craft.components import Head
from shoal.forms.code import Code
from shoal.forms.reciprocal import Reciprocal
from shoal.lowering import heads, lower
from shoal.lowering.parabolas import Parabola
from shoal.lowering.rules import cone, copy, further_forms, mean, priority, split_width, view, width
from shoal.narrowing import narrow
from shoal.narrowing.narrow import Narrowed
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.lookup import Lookup
from shoal.program.ir import Op
from shoal.program.passes import (
    booleans_as_sums,
    common_subexpressions,
    constants,
    dead_code,
    merged_values,
    positions,
    selectors,
)
from shoal_analysis.fuzzing.cases import Case
from tests.mutants.planting import (
    Fault,
    Function,
    both,
    fault,
    has,
    has_pass,
    lacks_pass,
    uses_pass,
)

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)


_MAP_AND_ANOTHER = (
    r"\bMap\(\w+, (\w+)\)"
    r".*(?:Map\(\w+, \1\)|Select\((?:\w+, )?\1|SequenceMap\(\w+, (?:\w+, )?\1)"
)
"""An s-op that a map reads, which may merge its values, and something else as well."""


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


# views


@_fault(
    view,
    "view_of",
    "view without its constant",
    "a value that is affine in others is read without its constant term",
    can_show=has_pass("views"),
)
def _view_without_its_constant(correct: Function) -> Function:
    def view_of(*arguments: Any) -> Any:
        held = correct(*arguments)
        if held is None:
            return None
        linear_part = replace(held.coordinates, bias=np.zeros_like(held.coordinates.bias))
        return replace(held, coordinates=linear_part)

    return view_of


@_fault(
    view,
    "linear_combination",
    "factors swapped in a view",
    "a linear combination that is a view takes each operand with the other one's factor",
    can_show=has(r"LinearSequenceMap\("),
)
def _factors_swapped_in_a_view(correct: Function) -> Function:
    def linear_combination(context: Any, node: Any) -> Any:
        return correct(context, replace(node, factors=node.factors[::-1]))

    return linear_combination


# cones


@_fault(
    cone,
    "cut_table",
    "fused table shifted",
    "where several elementwise steps are fused into one table, its results are one row off",
    can_show=has_pass("cones"),
)
def _fused_table_shifted(correct: Function) -> Function:
    def cut_table(*arguments: Any) -> Any:
        made = correct(*arguments)
        return made and replace(made, classes=np.roll(made.classes, 1))

    return cut_table


class _OffByOne(Reciprocal):
    def codes(self, domain: Enumerated) -> Any:
        return 1 / np.maximum(1 / super().codes(domain) - 1, 0.5)


@_fault(
    cone,
    "cut_table",
    "undecoded width off by one",
    "where a width is read undecoded, 1 / width is expected instead of 1 / (1 + width)",
    can_show=both(has_pass("cones"), lacks_pass("linear-counts"), has(r"SelectorWidth|length")),
)
def _undecoded_width_off_by_one(correct: Function) -> Function:
    def cut_table(*arguments: Any) -> Any:
        made = correct(*arguments)
        raw = made.operands if made else ()
        operands = [replace(o, form=_OffByOne()) if o.form == Reciprocal() else o for o in raw]
        return made and replace(made, operands=operands)

    return cut_table


# split selectors


_IS_SPLIT = both(has_pass("split-selectors"), has(r"far_apart.*SelectorWidth"))
"""Cases with a width that may be the sum of several."""


@_fault(
    split_width,
    "disjoint_products",
    "parts overlap",
    "where a selector is split in two, what one part selects is selected by the other one, too",
    can_show=_IS_SPLIT,
)
def _parts_overlap(correct: Function) -> Function:
    def split(holds: Any) -> Any:
        parts = correct(holds)
        if parts is None or len(parts) < 2:
            return parts
        return [parts[0], *((rows | parts[0][0], columns) for rows, columns in parts[1:])]

    return split


@_fault(
    split_width,
    "split_selector",
    "half a match is enough",
    "a part of a selector selects what one of its two pairs matches",
    can_show=_IS_SPLIT,
)
def _half_a_match_is_enough(correct: Function) -> Function:
    def split_selector(*arguments: Any) -> Any:
        made = correct(*arguments)
        return made and [
            terms[:1] if len(terms) == 1 else [replace(terms[0], scores=2 * terms[0].scores)]
            for terms in made
        ]

    return split_selector


# shared heads


def _shares_heads(pattern: str) -> Callable[[Case], bool]:
    """Cases whose source matches a pattern, and whose heads are shared where they can be."""
    return both(has_pass("shared-heads"), has(pattern))


@_fault(
    lower,
    "LoweredOperation",
    "heads of any selector shared",
    "heads are shared by all aggregates of a half-layer, whatever their selectors",
    can_show=_shares_heads(
        r"Aggregate\((s\d+), (?:tokens|indices).*Aggregate\((?!\1\b)s\d+, (?:tokens|indices)"
    ),
)
def _heads_of_any_selector_shared(correct: Function) -> Function:
    def operation(*arguments: Any) -> Any:
        *others, sharing = arguments
        return correct(*others, sharing and "any selector")

    return operation


@_fault(
    assemble,
    "merge_heads",
    "default of another value",
    "where aggregates share a head, all take the default of the first one",
    can_show=_shares_heads(
        r"Aggregate\((s\d+), (?:tokens|indices), default=.*Aggregate\(\1, (?:tokens|indices)"
    ),
)
def _default_of_another_value(correct: Function) -> Function:
    def merge_heads(heads: Any) -> Head:
        merged = correct(heads)
        return replace(merged, value_at_bos=np.resize(heads[0].value_at_bos, len(merged.target)))

    return merge_heads


# binary


@_fault(
    copy,
    "code_rows",
    "wrong digits copied",
    "where a value is copied in binary digits, the lowest digit is wrong",
    can_show=both(has_pass("binary"), has("Aggregate")),
)
def _wrong_digits_copied(correct: Function) -> Function:
    def code_rows(held: Any) -> Any:
        flipped = np.eye(1, held.width)[0] * (held.form.name == "binary")
        return {key: np.abs(row - flipped) for key, row in correct(held).items()}

    return code_rows


@_fault(
    further_forms,
    "recipe_over",
    "digits of the next row",
    "where a value is computed in binary digits, the results of its table are one row off",
    can_show=both(has_pass("binary"), has(r"Map\(")),
)
def _digits_of_the_next_row(correct: Function) -> Function:
    def recipe_over(*arguments: Any) -> Any:
        recipe = correct(*arguments)
        return replace(recipe, classes=np.roll(recipe.classes, 1))

    return recipe_over


# linear counts


def _spoiled_count(correct: Function, spoil: Callable[[Head], Head]) -> Function:
    """With another head where one writes a count itself."""

    def linear_count(*arguments: Any) -> Any:
        offer = yield from correct(*arguments)
        return offer and replace(offer, component=spoil(offer.component))

    return linear_count


_COUNTS = both(has_pass("linear-counts"), has("SelectorWidth|length"))


@_fault(
    width,
    "linear_count",
    "BOS too heavy",
    "counts that heads write themselves are three quarters of what they should be",
    can_show=_COUNTS,
)
def _bos_too_heavy(correct: Function) -> Function:
    def spoil(head: Head) -> Head:
        return replace(head, value=replace(head.value, matrix=head.value.matrix * 0.75))

    return _spoiled_count(correct, spoil)


@_fault(
    width,
    "linear_count",
    "BOS counted",
    "counts that heads write themselves have BOS among the keys",
    can_show=_COUNTS,
)
def _bos_counted(correct: Function) -> Function:
    return _spoiled_count(correct, lambda head: replace(head, value_at_bos=np.ones(1)))


# parabolas


_EQUALITIES = both(
    has_pass("parabolas"), has(r"Select\(\w+, \w+, (?:Comparison\.EQ|follows|precedes)")
)


@_fault(
    heads,
    "parabola_of",
    "keys with one number",
    "the two largest keys of a parabola have the same number",
    can_show=_EQUALITIES,
)
def _keys_with_one_number(correct: Function) -> Function:
    def parabola_of(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and replace(found, keys=np.minimum(found.keys, np.sort(found.keys)[-2]))

    return parabola_of


@_fault(
    Parabola,
    "for_bos",
    "BOS without its square",
    "what depends on the query alone is left out of the score of BOS",
    can_show=_EQUALITIES,
)
def _bos_without_its_square(correct: Any) -> Any:
    return property(lambda parabola: np.zeros(len(parabola.queries)))


# narrow variables


@_fault(
    narrow,
    "read_through",
    "constants forgotten",
    "readers of what is stored do not add what is left out",
    can_show=has_pass("narrow"),
)
def _constants_forgotten(correct: Function) -> Function:
    def read_through(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and (found[0], np.zeros_like(found[1]))

    return read_through


@_fault(
    Narrowed,
    "input",
    "columns exchanged",
    "the embedding stores functionals in another order than readers read them",
    can_show=has_pass("narrow"),
)
def _columns_exchanged(correct: Function) -> Function:
    def exchanged(table: Any) -> Any:
        return None if table is None else table[:, ::-1]

    def input_(self: Any, table: Any) -> Any:
        found = correct(self, table)
        if table.variable not in self.stored:
            return found
        parts = {name: exchanged(getattr(found, name)) for name in ("by_token", "by_position")}
        return replace(found, **parts)

    return input_


# priorities


_PICKS = both(
    has_pass("priorities"), has(r"(s\d+) = Select\(indices, .*Aggregate\(\1, (?:tokens|indices)")
)
"""Cases in which an input is averaged over positions."""


def _of_the_last(case: Case) -> Case:
    """The case in which the first selector of positions picks the last one."""
    sources = [re.sub(r"Select\(indices, .*\)$", _LAST, line.source) for line in case.lines]
    lines = zip(case.lines, sources, strict=True)
    return replace(case, lines=tuple(replace(line, source=source) for line, source in lines))


_LAST = "Select(indices, length - 1, Comparison.EQ)"


@_fault(
    priority,
    "_ranks",
    "the first that is there",
    "positions are ranked the other way round",
    can_show=_PICKS,
    adapted=_of_the_last,
)
def _first_that_is_there(correct: Function) -> Function:
    def ranks(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else found.max() + 1 - found

    return ranks


@_fault(
    priority,
    "_by_class",
    "positions of one rank",
    "the two best positions have the same rank",
    can_show=_PICKS,
    adapted=_of_the_last,
)
def _positions_of_one_rank(correct: Function) -> Function:
    def by_class(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else np.minimum(found, found.max() - 1)

    return by_class


# result codes


@_fault(
    Code,
    "codes",
    "codes that meet",
    "the two largest codes of a result are the same",
    can_show=has_pass("result-codes"),
)
def _codes_that_meet(correct: Function) -> Function:
    def codes(form: Any, domain: Any) -> Any:
        found = correct(form, domain)
        return np.minimum(found, np.sort(found[:, 0])[-2:].min(initial=np.inf))

    return codes


@_fault(
    mean,
    "_averaged",
    "numbers not moved",
    "a mean that can be None is not moved away from 0, as its code is",
    can_show=both(has_pass("result-codes"), has("Aggregate")),
)
def _numbers_not_moved(correct: Function) -> Function:
    def averaged(*arguments: Any, shift: float = 0.0) -> Any:
        return correct(*arguments)

    return averaged


PASS_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""Faults in passes, in the order in which passes run."""
