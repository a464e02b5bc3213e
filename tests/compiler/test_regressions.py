"""Small programs that were once miscompiled, or brought the compiler down."""

from __future__ import annotations

import re
from collections import namedtuple
from dataclasses import replace
from enum import IntEnum

import numpy as np
import pytest

import shoal
from shoal import Model, UnsupportedProgramError
from shoal.compiler import pipeline
from shoal.errors import Refusal
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
    ConstantSOp,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    SelectorNot,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    keep,
    length,
    listing,
    numerical,
    tokens,
)
from tests.support import BY_RULES, agree, interpreted, refused, right

EVERYTHING = Select(tokens, tokens, Comparison.TRUE)
EARLIER = Select(indices, indices, Comparison.LT)
SAME = Select(tokens, tokens, Comparison.EQ)
AB = ("a", "b")
SHARE = SequenceMap(lambda x, y: x / y, SelectorWidth(SAME), length)


def check(program: SOp, vocab: tuple[object, ...] = AB, longest: int = 3) -> Model:
    """The program is compiled rightly."""
    return right(program, vocab=vocab, max_seq_len=longest)


def text_of_both(first: SOp, second: SOp) -> SOp:
    return SequenceMap(lambda x, y: f"{x} {y}", first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (tokens * 1, tokens * 1.0),
        (ConstantSOp([1, 0, 1], False), ConstantSOp([True, False, True], False)),
        (LinearSequenceMap(tokens, tokens, 1, 1), LinearSequenceMap(tokens, tokens, 1.0, 1.0)),
    ],
)
def test_equal_constants_of_different_types_are_not_one_expression(first: SOp, second: SOp) -> None:
    check(text_of_both(first.named("first"), second.named("second")), vocab=(1, 2))


def test_none_is_none_even_where_the_function_would_raise() -> None:
    three = Aggregate(EARLIER, Full(3))
    half = numerical(Map(lambda index: index / 2, indices))
    check(SequenceMap(lambda x, y: x / y, three, half), longest=3)
    for f in (
        lambda x, y: x / y,
        lambda x, y: 1 if 2 / y > 1 else 0,
        lambda x, y: [9, 8][int(2 * y)],
    ):
        check(SequenceMap(f, three, half))
        check(SequenceMap(lambda y, x, f=f: f(x, y), half, three))


@pytest.mark.parametrize("count", [length, SelectorWidth(EVERYTHING), SelectorWidth(EARLIER)])
@pytest.mark.parametrize("longest", [10, 30, 60])
def test_numerical_widths_are_close(count: SOp, longest: int) -> None:
    program = numerical(count)
    model = shoal.compile(program, vocab=AB, max_seq_len=longest)
    for n in range(1, longest + 1):
        assert agree(program, program(["a"] * n), model.run(["a"] * n)), n


def test_numerical_mean_of_decoded_numbers_is_close() -> None:
    program = numerical(
        SelectorWidth(Select(*[numerical(2 * indices - tokens)] * 2, Comparison.LEQ))
    )
    check(program, vocab=(0.1, 0.2, 0.7), longest=3)
    mean = Aggregate(Select(tokens, indices, Comparison.GEQ), tokens)
    square = SequenceMap(lambda x, y: x * y, mean, mean)
    mean_square = numerical(Aggregate(EARLIER, square, default=-1))  # squares up to 3600
    refused(
        Refusal.TOO_INEXACT, mean_square, vocab=(0, 1, 60), max_seq_len=4, expression="aggregate_2"
    )


def test_a_select_may_raise_where_it_never_selects() -> None:
    check(SelectorWidth(Select(tokens, tokens, lambda key, query: 1 / key > 0)), vocab=(0, 1, 2))
    check(
        SelectorWidth(Select(tokens, tokens, lambda key, query: 1 / key > 0) & EARLIER),
        vocab=(0, 1, 2),
    )
    check(SelectorWidth(Select(tokens, tokens, lambda key, query: key < query)), vocab=("x", 1))


def test_selects_that_raise_everywhere_together_are_no_crash() -> None:
    first = Select(tokens, tokens, lambda key, query: 1 / key > 0)
    second = Select(tokens, tokens, lambda key, query: 1 / (key - 1) > 0)
    for program in (
        SelectorWidth(first & second),
        Aggregate(Select(Full(None), tokens, Comparison.EQ), tokens),
    ):
        shoal.compile(program, vocab=(0, 1), max_seq_len=3)
        assert interpreted(program, [[0, 1], [1, 0]]) == []  # so that nothing is promised


@pytest.mark.parametrize("name", ["BOS", "width.reciprocal", "width.one_hot", "operands of width"])
def test_users_may_give_any_name(name: str) -> None:
    width = SelectorWidth(SAME).named("width")
    check(SelectorWidth(SAME).named(name))
    check(SequenceMap(max, width, (tokens == "a").named(name)))
    check(SequenceMap(max, width, numerical(tokens == "a").named(name)))
    check(SequenceMap(max, numerical(width), numerical(Aggregate(SAME, indices)).named(name)))


def test_infinite_numbers_are_not_averaged() -> None:
    infinite = Map(lambda t: float("inf") if t == "a" else 1, tokens)
    error = refused(Refusal.NO_NUMBER, Aggregate(EVERYTHING, infinite), vocab=AB)
    assert error.outside_float32
    check(infinite)
    check(Aggregate(SAME, infinite))  # the mean of equal values is that value


def test_numbers_beyond_floats_are_right_as_values_and_refused_as_numbers() -> None:
    large = Map(lambda t: 10**400 if t == "a" else 1, tokens)
    check(large)
    check(Aggregate(Select(indices, indices, Comparison.EQ), large))
    assert refused(Refusal.NO_NUMBER, numerical(large), vocab=AB).outside_float32
    program = numerical(Aggregate(EARLIER, numerical(Map(lambda t: 1e20 * (t == "a"), tokens)), 0))
    refused(Refusal.TOO_INEXACT, program, vocab=AB)


def test_the_two_zeros_differ() -> None:
    zero = Map(lambda t: 0.0 if t == "a" else -0.0, tokens)
    check(Map(str, zero.named("zero")))


def test_tuples_of_different_types_differ() -> None:
    left, right = namedtuple("Left", "x"), namedtuple("Right", "x")
    pair = Map(lambda t: left(1) if t == "a" else right(1), tokens)
    check(Map(lambda p: type(p).__name__, pair.named("pair")))


class Labelled:
    """Two of these can look the same."""

    def __init__(self, content: object) -> None:
        self.content = content

    def __repr__(self) -> str:
        return "labelled"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labelled) and self.content == other.content

    def __hash__(self) -> int:
        return hash(self.content)


def test_values_that_print_alike_are_refused() -> None:
    wrapped = Map(Labelled, tokens).named("wrapped")
    program = Map(lambda value: value.content, wrapped)
    error = refused(Refusal.UNUSABLE_VALUE, program, vocab=AB, expression="wrapped")
    assert "labelled" in error.reason


def many_means(default: object = None) -> SOp:
    numbers = numerical(Map(lambda t: t * 0.37 + t * t * 0.011, tokens))
    return numerical(Aggregate(EARLIER, numbers, default))


def test_linear_maps_of_too_many_values_need_no_table() -> None:
    program = numerical(LinearSequenceMap(many_means(), many_means(), 1, 2))
    model = shoal.compile(program, vocab=range(40), max_seq_len=12)
    for xs in ([5], [7, 8], [4, 5, 6, 7]):
        assert agree(program, program(xs), model.run(xs))


def test_linear_maps_of_what_is_no_number_are_refused() -> None:
    texts = Map(lambda t: t if t > 3 else "x", tokens)
    program = numerical(LinearSequenceMap(many_means(0), texts, 1, 2))
    refused(Refusal.NO_NUMBER, program, vocab=range(40), max_seq_len=12)


def test_a_default_that_is_no_number_is_refused_for_a_numerical_aggregate() -> None:
    numbers = Map(lambda t: t * 0.37 + t * t * 0.011, tokens)
    program = numerical(Aggregate(EARLIER, numbers, default="none"))
    with pytest.raises(UnsupportedProgramError, match="'none'"):
        shoal.compile(program, vocab=range(40), max_seq_len=12)


@pytest.mark.parametrize(
    "program",
    [
        Aggregate(EVERYTHING, Map(lambda t: 0.1 if t == "a" else 0.2, tokens)),
        Map(
            lambda x: round(x, 3),
            Aggregate(EVERYTHING, Map(lambda t: 1 / 3 + (t == "a"), tokens)),
        ),
        Map(
            lambda x: x > 0.5,
numerical(Aggregate(EVERYTHING, SHARE)),
        ),
    ],
)  # fmt: skip
def test_means_of_a_few_fractions_are_few(program: SOp) -> None:
    check(program, longest=4)


def test_deep_programs_compile() -> None:
    chain = tokens
    for _ in range(1500):
        chain = Map(lambda x: 1 - x, chain)
    selector = EVERYTHING
    for _ in range(1200):
        selector = SelectorNot(selector)
    check(chain, vocab=(0, 1), longest=2)
    check(SelectorWidth(selector), longest=2)
    deep = tokens
    for _ in range(1500):
        deep = SequenceMap(max, deep, indices)
    assert listing(deep).count("\n") < 10


def test_a_sum_that_cancels_too_much_is_refused() -> None:
    for program, vocab in (
        (numerical(Aggregate(EVERYTHING, tokens)), (1e6, -1e6, 1)),
        (numerical(LinearSequenceMap(*[numerical(Aggregate(some, numerical(tokens + 0.001)))
                                       for some in (EVERYTHING, SAME)], 1e6, -1e6)), (0, 1, 2)),
    ):  # fmt: skip
        refused(Refusal.TOO_INEXACT, program, vocab=vocab, max_seq_len=5)


def test_absurd_lengths_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(shoal.ShoalError, match=r"max_seq_len"):
        shoal.compile(Aggregate(EVERYTHING, indices), vocab=AB, max_seq_len=10**12)


@pytest.mark.slow
def test_large_tables_are_refused_before_memory_is_taken() -> None:
    mean = numerical(Aggregate(EVERYTHING, SelectorWidth(Select(indices, tokens, Comparison.LEQ))))
    program = numerical(SequenceMap(lambda x, y: hash((x, y)) % 97, indices, mean))
    refused(Refusal.TOO_MANY_VALUES, program, vocab=range(30), max_seq_len=30)


def test_a_selector_is_no_operand_on_either_side() -> None:
    with pytest.raises(shoal.ProgramError):
        EVERYTHING + tokens  # type: ignore[operator]


def test_a_value_that_is_negative_at_bos_alone_is_erased_there_too() -> None:
    before = numerical(numerical(tokens + 2) - 1)
    check(Aggregate(Select(before, tokens, Comparison.EQ), tokens), vocab=(0, 1, 2, 3), longest=2)


def test_many_steps_are_not_trusted_beyond_what_float32_can_add_up() -> None:
    earlier = Select(tokens, tokens, Comparison.LT)
    program = numerical(Map(lambda x: x * x, Aggregate(earlier, SelectorWidth(earlier))))
    # [3, 0, 2, 3] was off by 1.03e-4; from farther down it is not
    check(program, (0, 1, 2, 3), 7)


def test_what_may_be_far_off_is_not_cleared() -> None:
    """Numbers that have a little of large ones in them would take with them what is written."""
    nothing = Select(tokens, tokens, Comparison.FALSE)
    default = numerical(Aggregate(nothing, tokens, default=0))
    all_but = Select(indices, tokens, Comparison.NEQ)
    both = Aggregate(all_but, indices), Aggregate(all_but, default)
    program = SequenceMap(lambda x, y: (x, int(y)), *both)
    right(program, vocab=(2**53 + 1, 3, 7), max_seq_len=2, passes="none")


def test_rounding_in_views_is_counted() -> None:
    near = Map(lambda token: {"a": 1e6 + 0.02, "b": 1e6 + 0.04}[token], tokens)
    far = Map(lambda index: 1e6 + index / 100, indices)
    difference = numerical(LinearSequenceMap(near, far, 1, -1))
    inexact = numerical(LinearSequenceMap(numerical(tokens), numerical(indices), 1e5, -1e4))
    near_each_other = Select(difference, difference, lambda k, q: abs(k - q) < 0.005)
    for because, program, vocab in (
        (Refusal.TOO_INEXACT, difference, AB),
        (Refusal.TOO_CLOSE, SelectorWidth(near_each_other), AB),
        (Refusal.TOO_INEXACT, SequenceMap(lambda x, y: y, keep(difference), indices), AB),
        (Refusal.TOO_INEXACT, inexact, (0.1, 0.3)),
    ):
        for passes in (BY_RULES, "none"):
            refused(because, program, vocab=vocab, max_seq_len=4, passes=passes)
    check(Map(lambda v: round(v, 3), difference), AB, 4)  # looked up by token and index


def test_exact_sums_of_large_numbers_are_not_refused() -> None:
    program = numerical(LinearSequenceMap(numerical(tokens), numerical(indices), 1, 1))
    check(program, vocab=(0, 10_000, 123_456))
    check(numerical(tokens), vocab=(0, 0.1, 1e7))


def test_texts_that_cannot_be_told_apart_are_numbered() -> None:
    class Text(str):
        pass

    program = keep(Map(lambda token: Text("q") if token == "a" else "q", tokens).named("text"))
    model = shoal.compile(program, vocab=AB, max_seq_len=2)
    assert len(set(model.variables["text"].labels)) == 2


def test_values_without_a_repr_have_no_order() -> None:
    class Thing:
        pass

    things = {"a": Thing(), "b": Thing()}
    with pytest.raises(UnsupportedProgramError, match="repr that differs from run to run"):
        shoal.compile(Map(things.__getitem__, tokens), vocab=AB, max_seq_len=2)


N = 2**53 + 1


@pytest.mark.parametrize("large", [N, 10**30, -N])
def test_a_mean_of_equal_ints_is_that_int_and_no_float(large: int) -> None:
    own = Aggregate(SAME, tokens)
    check(Map(lambda x: x % 2, own), vocab=(large, 3), longest=4)
    check(own, vocab=(large, 3), longest=4)
    assert own([large, large]) == [large, large]
    assert type(own([large, large])[0]) is int


def test_a_mean_that_only_equals_an_int_is_still_a_float() -> None:
    mean = Aggregate(EVERYTHING, tokens)
    check(Map(lambda x: round(x, 2), mean), vocab=(1, 2, 3), longest=4)
    assert repr(mean([1, 3])) == "[2.0, 2.0]"
    assert repr(mean([2, 2])) == "[2, 2]"
    # 2 and 2.0 are one in the stream, so what tells them apart is refused
    refused(Refusal.INDISTINGUISHABLE, Map(str, mean), vocab=(1, 2, 3))


def test_equal_texts_have_a_mean() -> None:
    model = check(Aggregate(SAME, tokens), longest=4)
    assert model.run("aba") == ["a", "b", "a"]
    check(Aggregate(SAME, Map(lambda t: (t, 1), tokens)))


def test_ints_that_float32_rounds_to_one_are_refused_as_numbers_alone() -> None:
    vocab = (2**53, 2**53 + 1)
    check(tokens, vocab=vocab)
    check(Map(lambda t: t % 2, tokens), vocab=vocab)
    error = refused(Refusal.INDISTINGUISHABLE, Map(lambda t: t % 2, numerical(tokens)), vocab=vocab)
    assert error.outside_float32


SETS = (frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 2}))


@pytest.mark.parametrize("comparison", list(Comparison))
@pytest.mark.parametrize("passes", ["all", "none"])
def test_the_complement_of_a_partial_order(comparison: Comparison, passes: str) -> None:
    selector = Select(tokens, tokens, comparison)
    program = SelectorWidth(~selector)
    right(program, vocab=SETS, passes=passes)
    for xs in ([SETS[1], SETS[2]], [SETS[1], SETS[3]]):
        assert program(xs) == SelectorWidth(SelectorNot(selector))(xs)


def test_a_complement_does_not_hide_what_it_negates() -> None:
    named = Select(tokens, tokens, Comparison.LT).named("less")
    program = SequenceMap(lambda x, y: x - y, SelectorWidth(named), SelectorWidth(~named))
    labels = [node.label for node in check(program, vocab=(1, 2)).optimised.original.program]
    assert "less" in labels


def test_floats_that_rounding_alone_tells_apart_are_one_result() -> None:
    thirds = Map(lambda t: {"a": 0.1, "b": 0.2, "c": 0.3}[t], tokens)
    total = SequenceMap(lambda x, y: x + y, thirds, Aggregate(EARLIER, thirds, default=0.0))
    program = Aggregate(EVERYTHING, numerical(total))
    right(program, vocab=("a", "b", "c"), max_seq_len=3)


def test_many_nodes_of_one_name_are_named_soon() -> None:
    chain = tokens
    for _ in range(4_000):
        chain = Map(lambda x: 1 - x, chain, simplify=False)
    graph = trace(chain, causal=False)
    assert graph.node(graph.root).label == "map_4000"


def test_names_that_look_like_default_names_are_kept() -> None:
    first = Map(lambda x: 1 - x, tokens)
    second = Map(lambda x: x + 1, first, simplify=False).named("map")
    third = Map(lambda x: x + 2, second, simplify=False)
    fourth = Map(lambda x: x + 3, third, simplify=False).named("map_3")
    fifth = Map(lambda x: x + 4, fourth, simplify=False)
    labels = [node.label for node in trace(fifth, causal=False)]
    assert labels == ["tokens", "map_2", "map", "map_4", "map_3", "map_5"]


def test_answers_without_layers_are_held_to_the_width() -> None:
    for result, width in (("one-hot", 5), ("code", 1)):
        options = {"vocab": AB, "max_seq_len": 5, "result": result}
        assert shoal.compile(indices, **options).num_layers == 0
        enough = shoal.compile(indices, **options, budget=shoal.Budgets(max_width=width))
        assert enough.d_model == width
    message = "max_width=2 is in the way: the smallest value that works is 5"
    with pytest.raises(shoal.BudgetError, match=message):
        shoal.compile(
            indices, vocab=AB, max_seq_len=5, result="one-hot", budget=shoal.Budgets(max_width=2)
        )


def test_printed_weights_have_the_promised_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    correct = pipeline.print_weights

    def print_weights(*arguments: object) -> object:
        printed = correct(*arguments)
        return replace(printed, sizes=replace(printed.sizes, d_model=printed.sizes.d_model + 1))

    monkeypatch.setattr(pipeline, "print_weights", print_weights)
    with pytest.raises(AssertionError, match="the allocation promised"):
        shoal.compile(tokens, vocab=AB, max_seq_len=2)


def test_a_default_that_is_no_number_and_never_used_is_no_mean() -> None:
    first = Aggregate(Select(tokens, indices, Comparison.EQ), indices, default=0)
    width = SelectorWidth(SAME)
    everything = Select(width, width, Comparison.EQ) | Select(width, width, Comparison.NEQ)
    check(Aggregate(everything, first, default="a"), vocab=(0, 1, "b"), longest=2)


@pytest.mark.parametrize("default", [10**5, 10**6, 10**9, 1e38])
def test_a_large_default_leaves_some_weight_beside_a_selected_key(default: float) -> None:
    """e**-20 of it; at 10**5 the result was off by twice what is allowed."""
    previous = Select(indices, indices, lambda key, query: key == query - 1)
    program = numerical(Aggregate(previous, tokens, default=default) + 1)
    refused(Refusal.TOO_INEXACT, program, vocab=(0, 1, 2), max_seq_len=4)
    check(Aggregate(previous, tokens, default=default), vocab=(0, 1, 2), longest=4)
    check(numerical(Aggregate(previous, tokens, default=10**4) + 1), vocab=(0, 1, 2), longest=4)


def test_keys_that_are_not_selected_leave_some_weight_of_huge_values() -> None:
    previous = Select(indices, indices, lambda key, query: key == query - 1)
    copied = Aggregate(previous, tokens)
    refused(Refusal.TOO_INEXACT, numerical(copied + 1), vocab=(1e30, 2, -1e30), max_seq_len=4)
    check(copied, vocab=(1e30, 2, -1e30), longest=4)


@pytest.mark.parametrize("factor", [float("inf"), float("nan"), 10**400], ids=["inf", "nan", "int"])
def test_linear_maps_of_ranges_have_finite_factors(factor: float) -> None:
    program = numerical(LinearSequenceMap(many_means(0), indices, 1, factor))
    refused(Refusal.NO_NUMBER, program, vocab=range(40), max_seq_len=12)


def test_types_that_cannot_be_told_apart_by_name_are_refused() -> None:
    def make() -> type[IntEnum]:
        return IntEnum("Number", "ONE")

    first, second = make()(1), make()(1)
    with pytest.raises(shoal.InvalidOptionError, match="two different tokens both read"):
        shoal.compile(tokens, vocab=[first, second], max_seq_len=1)
    program = Map(lambda t: first if t == "a" else second, tokens)
    refused(Refusal.UNUSABLE_VALUE, program, vocab=AB)


def test_bos_and_pad_may_be_numpy_scalars() -> None:
    model = shoal.compile(tokens, vocab=[2], max_seq_len=2, bos=np.int64(1), pad=np.str_("p"))
    assert model.apply([1, 2, "p"]).decoded == model.apply([np.int64(1), 2, "p"]).decoded


def test_the_size_of_values_counts_as_work() -> None:
    program = Map(len, Map(lambda x: tuple(range(x, x + 20_000)), tokens), simplify=False)
    refused(
        Refusal.TOO_MUCH_WORK,
        program,
        vocab=range(50),
        passes="none",
        limits=shoal.Limits(work=200_000),
    )


def test_averages_of_many_values_count_the_error_of_each() -> None:
    """Not only of as many as there are rows of errors; the last one is the largest here."""
    mean = Aggregate(EVERYTHING, tokens)
    program = numerical(mean + 0.0)
    vocab = [*range(90), 10**4]
    error = refused(Refusal.TOO_INEXACT, program, vocab=vocab)
    assert float(re.findall(r"off by ([\d.e-]+)", error.reason)[0]) > 10**4 * 2.0**-22


def test_where_nothing_is_selected_all_keys_have_some_weight() -> None:
    """e**-20 each, which is 10**7 of a huge value; and the columns are not used again after it."""
    other = Aggregate(Select(tokens, tokens, Comparison.NEQ), tokens)
    never = Select(tokens, indices, Comparison.EQ)
    program = LinearSequenceMap(indices, Aggregate(never, other, default=0), 1, 1)
    for passes in ("none", "all"):
        right(program, vocab=(2**53 + 1, 3, 7), max_seq_len=2, passes=passes)
    number = numerical(Aggregate(EARLIER, numerical(Map(lambda t: 1e9 * t, tokens)), default=0))
    refused(Refusal.TOO_INEXACT, number, vocab=(0, 1), max_seq_len=4)


def test_codes_that_are_large_are_no_less_exact_than_small_ones() -> None:
    """Of 301 results the 268th was off by half a code, which was little beside 268."""
    mean = Aggregate(~SAME, indices, default=0)
    check(SequenceMap(lambda x, y: (x, y), Aggregate(~SAME, tokens), mean), (False, True), 6)


def test_a_gate_opens_as_wide_as_the_presence_of_a_number_is_off() -> None:
    """The gate of a sum is larger than all that is added up, and so is what its error makes."""
    before = Select(indices, indices, lambda key, query: key + 1 == query)
    mean = Aggregate(~before, tokens, default=False)
    there = Map(lambda x: None if x < 0 else x, mean * -1)
    check(numerical(LinearSequenceMap(there, indices, 2, 3)), (0.5, 1.5, -1.0), 6)


def test_a_mean_of_one_value_is_any_member_of_its_class() -> None:
    """1, 1.0 and True are one number, which the index does not tell from each other."""
    both = SAME & Select(tokens, tokens, Comparison.EQ)
    for selector in (SAME, both):
        refused(
            Refusal.INDISTINGUISHABLE,
            Map(str, Aggregate(selector, numerical(tokens))),
            vocab=(1, 1.0, True),
            max_seq_len=1,
        )
