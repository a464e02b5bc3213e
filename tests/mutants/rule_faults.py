"""Faults in the rules of lowering that can be switched off.

At least two for each; see ``pass_faults`` for those in passes over the program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from shoal.compiler import assemble
from shoal.craft.components import Head
from shoal.forms.reciprocal import Reciprocal
from shoal.lowering import cuts, heads, lower, splits
from shoal.lowering.parabolas import Parabola
from shoal.lowering.rules import (
    copy,
    digits,
    frequencies,
    further_forms,
    split_width,
    sums,
    view,
    width,
)
from shoal.program.facts import symmetric
from shoal.program.facts.domains import Enumerated
from shoal_analysis.fuzzing.cases import Case
from tests.mutants.planting import (
    Fault,
    Function,
    both,
    fault,
    has,
    has_pass,
    lacks_pass,
    of_program,
)

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)


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
    cuts,
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
    cuts,
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


# frequencies


_share = of_program(
    """\
s1 = Select(tokens, tokens, Comparison.EQ)
v2 = SelectorWidth(s1)
v3 = numerical(SequenceMap(quotient, v2, length))""",
    max_seq_len=5,
    passes="all",
)
"""Which part of the tokens is like the own one."""


@_fault(
    frequencies,
    "_kinds",
    "shares of others",
    "the share of all tokens but the own one is taken",
    adapted=_share,
)
def _shares_of_others(correct: Function) -> Function:
    def kinds(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else ~found

    return kinds


@_fault(
    frequencies,
    "_line",
    "shares without what is added",
    "the line by which a share becomes the value begins at 0.1",
    adapted=_share,
)
def _shares_moved(correct: Function) -> Function:
    def line(*arguments: Any) -> Any:
        found = correct(*arguments)
        return None if found is None else (found[0], found[1] + 0.1)

    return line


# results that counts determine


_often_twice = of_program(
    """\
s1 = Select(tokens, tokens, Comparison.EQ)
v2 = SelectorWidth(s1)
v3 = v2 >= 2
s4 = Select(v3, v3, Comparison.TRUE)
v5 = numerical(v3)
v6 = Aggregate(s4, v5)
v7 = v6 >= 0.4""",
    max_seq_len=4,
    passes="all",
    promise=None,
)
"""Whether many tokens occur more than once."""


_equal_neighbours = of_program(
    """\
s1 = Select(tokens, tokens, Comparison.EQ)
s2 = Select(indices, indices, follows)
s3 = s1 & s2
v4 = SelectorWidth(s3)
s5 = Select(v4, v4, Comparison.TRUE)
v6 = numerical(v4)
v7 = Aggregate(s5, v6)
v8 = v7 >= 0.4""",
    max_seq_len=4,
    passes="all",
    promise=None,
)
"""Whether many tokens are followed by the same one."""


@_fault(
    symmetric,
    "_counts",
    "one more of the first token",
    "results are looked up at histograms that have one more of the first token",
    adapted=_often_twice,
)
def _one_more_of_the_first(correct: Function) -> Function:
    def counts(*arguments: Any) -> Any:
        found = correct(*arguments).copy()
        found[:, 0] += 1
        return found

    return counts


@_fault(
    symmetric,
    "_is_order",
    "every comparison of positions is an order",
    "what is at a distance, say, is taken for what comes before",
    adapted=_equal_neighbours,
)
def _any_positions(correct: Function) -> Function:
    return lambda holds: True


# sums


_sum_of_tokens = of_program(
    """\
s1 = Select(indices, indices, Comparison.LEQ)
v2 = Map(as_number, tokens)
v3 = Aggregate(s1, v2)
v4 = SelectorWidth(s1)
v5 = SequenceMap(rounded_product, v3, v4)""",
    max_seq_len=4,
    passes="all",
)
"""The sum of all numbers so far."""


@_fault(
    sums,
    "_embedded",
    "one more of each",
    "every number that is added up is one more than it is",
    adapted=_sum_of_tokens,
)
def _one_more_of_each(correct: Function) -> Function:
    def embedded(context: Any, source: Any, reader: Any, values: Any) -> Any:
        return (yield from correct(context, source, reader, values + 1))

    return embedded


@_fault(
    sums,
    "function_of_sum",
    "the next sum",
    "a sum is taken for the one before it",
    adapted=_sum_of_tokens,
)
def _the_next_sum(correct: Function) -> Function:
    def function_of_sum(*arguments: Any) -> Any:
        found = correct(*arguments)
        if found is None:
            return None
        numbers = sorted(found.classes)
        later = dict(zip(numbers, numbers[1:] + numbers[-1:], strict=True))
        return replace(found, classes={n: found.classes[later[n]] for n in numbers})

    return function_of_sum


# split selectors


_IS_SPLIT = both(has_pass("split-selectors"), has(r"far_apart.*SelectorWidth"))
"""Cases with a width that may be the sum of several."""


@_fault(
    splits,
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
        return [parts[0], *((seen | parts[0][0], *others) for seen, *others in parts[1:])]

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


# digits


_earlier = of_program(
    """\
s1 = Select(indices, indices, Comparison.LEQ)
v2 = SelectorWidth(s1)
v3 = Map(is_even, v2)""",
    max_seq_len=8,
    passes=("digits", "linear-counts", "narrow", "parabolas"),
    promise=None,
    slack=(None, None, None, None),
)
"""Whether the position is even, by counting what is not after it."""


@_fault(
    digits,
    "digit_by_digit",
    "digits before the one that decides may differ",
    "a key is counted for each digit in which it is less",
    adapted=_earlier,
)
def _digits_before_may_differ(correct: Function) -> Function:
    return lambda order: [holds[-1:] for holds in correct(order)]


@_fault(
    digits,
    "order_of",
    "no order is reflexive",
    "what is as great as the query is not counted, though it is selected",
    adapted=_earlier,
)
def _no_order_is_reflexive(correct: Function) -> Function:
    def order_of(holds: Any) -> Any:
        found = correct(holds)
        return found and replace(found, is_reflexive=False)

    return order_of


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


RULE_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""Faults in rules."""
