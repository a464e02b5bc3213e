"""A result that only the decoder reads is one number for each value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shoal
from shoal.errors import InvalidOptionError
from shoal.forms.code import LARGEST, Code
from shoal.limits import Limits
from shoal.program.facts.domains import domain_of
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    indices,
    keep,
    numerical,
    tokens,
)
from tests.support import right

PREVIOUS = Aggregate(Select(indices, indices, lambda key, query: key == query - 1), tokens)
EARLIER = Select(indices, indices, Comparison.LEQ)
ABC = ("a", "b", "c")

VALUES = st.sets(st.integers(-900, 900) | st.fractions(-3, 3).map(float) | st.text(max_size=2))


@given(VALUES, st.booleans())
def test_nearest_codes_are_found_in_float32(values: set[object], nullable: bool) -> None:
    domain = domain_of(([v] for v in values), nullable)
    form = Code()
    if form.misfit(domain, Limits()) is not None or not len(domain):
        return
    codes = form.codes(domain)[:, 0]
    every = np.append(codes, 0.0) if nullable else codes
    assert len(np.unique(every)) == len(every)
    single = every.astype(np.float32)
    logits = 2 * single[:, None] * single - single**2
    assert (logits.argmax(axis=1) == np.arange(len(every))).all()


def test_numbers_are_their_own_codes_unless_they_are_too_close() -> None:
    assert codes_of(1, 3, 7) == [1, 3, 7]
    assert codes_of(1, 3, 7, None) == [1, 3, 7]
    assert codes_of(-1, 0, None) == [1, 2]
    assert codes_of(1.0, 1.001, 2.0) == [-1, 0, 1]
    assert codes_of("x", "y", None) == [1, 2]


def codes_of(*values: object) -> list[float]:
    """The codes of values, None not counted."""
    domain = domain_of(([v] for v in values if v is not None), None in values)
    return Code().codes(domain).ravel().tolist()


def test_results_take_one_column_where_nothing_reads_them() -> None:
    for passes, columns in (("all", 1), ("none", 3)):
        model = right(PREVIOUS.named("previous"), vocab=ABC, max_seq_len=4, passes=passes)
        assert len(model.variables["previous"].columns) == columns
    assert model.read("previous", "ab") == [None, "a"]
    kept = shoal.compile(keep(PREVIOUS.named("previous")), vocab=ABC, max_seq_len=4)
    assert len(kept.variables["previous"].columns) == 3


def test_one_hot_results_can_be_asked_for() -> None:
    model = shoal.compile(PREVIOUS.named("p"), vocab=ABC, max_seq_len=4, result="one-hot")
    assert model.variables["p"].labels == ("p:a", "p:b", "p:c")
    with pytest.raises(InvalidOptionError, match="result is 'wide'; give one of code, one-hot"):
        shoal.compile(PREVIOUS, vocab=ABC, max_seq_len=4, result="wide")


def test_coded_results_are_read_and_patched() -> None:
    model = shoal.compile(PREVIOUS.named("p"), vocab=ABC, max_seq_len=4)
    assert model.read("p", "abca") == [None, "a", "b", "c"]
    assert model.write("p", ["a", "b"], ["c", None]) == ["c", None]


def test_affine_results_need_no_layer() -> None:
    model = right(tokens + indices, vocab=(0, 1, 5), max_seq_len=4)
    assert model.num_layers == 0
    parity = Map(lambda total: total % 2, tokens + indices)
    assert right(parity, vocab=(0, 1, 5), max_seq_len=4).num_layers == 1


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("default", [None, 2, -1])
def test_means_are_decoded_from_one_number(causal: bool, default: int | None) -> None:
    others = Select(tokens, tokens, Comparison.LT)
    for selector in (EARLIER, others):
        mean = Aggregate(selector, tokens, default=default).named("mean")
        model = right(mean, vocab=(-2, 0, 3), max_seq_len=4, causal=causal)
        assert len(model.variables["mean"].columns) == 1
        assert model.variables["mean"].encoding == "a number for each value"


def test_counts_are_decoded_into_one_number() -> None:
    hist = SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("hist")
    model = right(hist, vocab=ABC, max_seq_len=5)
    assert len(model.variables["hist"].columns) == 1


def test_a_code_is_no_reason_for_another_layer() -> None:
    same = Select(tokens, tokens, Comparison.EQ)
    follows = Select(tokens, tokens, lambda key, query: key == query + 1)
    average = Aggregate((same & follows) | ~same, tokens)
    program = SequenceMap(lambda a, b: a - b, average, Aggregate((same & follows) | ~same, tokens))
    for passes in ("none", ("result-codes",)):
        model = right(program, vocab=(0, 1, 2, 3), max_seq_len=3, passes=passes)
        assert model.num_layers == 1


def test_values_that_are_too_many_for_one_number_are_two() -> None:
    many = range(2 * int(LARGEST) + 2)
    first = Select(indices, Map(lambda i: 0, indices), Comparison.EQ)
    program = Aggregate(first, Map(str, tokens)).named("first")
    model = shoal.compile(program, vocab=many, max_seq_len=2, limits=Limits(one_hot_values=2_000))
    assert model.run([5, 1025]) == ["5", "5"]
    assert model.variables["first"].encoding == "2 numbers for each value"
    assert len(model.variables["first"].columns) == 2


def test_values_that_something_reads_stay_as_they_are() -> None:
    first = Map(lambda x: x in "ab", PREVIOUS).named("first")
    program = SequenceMap(lambda x, y: (x, y), first, first)
    right(program, vocab=ABC, max_seq_len=3)
    model = shoal.compile(numerical(tokens), vocab=(1, 2), max_seq_len=3)
    assert model.variables["tokens"].encoding != "a number for each value"


def test_results_that_can_be_read_off_wide_values_are_coded_nevertheless() -> None:
    """The pair of token and index is one-hot for its reader, and that is all but the result."""
    where = SequenceMap(lambda t, i: (t, i), tokens, indices)
    program = SequenceMap(lambda x, i: (x, i), where, indices)
    model = right(program, vocab=range(4), max_seq_len=4)
    assert model.d_model <= 4
    one_hot = right(program, vocab=range(4), max_seq_len=4, result="one-hot")
    assert one_hot.d_model >= 16


@pytest.mark.parametrize("values", [(1e-60, 0), (1e-30, 2e-30), (1e30, -1e30), (-1e-20, 1.0)])
def test_numbers_whose_squares_float32_does_not_hold_are_told_apart(
    values: tuple[float, float],
) -> None:
    program = Map(lambda t: values[t], tokens)
    first = Aggregate(Select(indices, Map(lambda i: 0, indices), Comparison.EQ), program)
    for one in (program, first):
        model = shoal.compile(one, vocab=[0, 1], max_seq_len=3)
        assert model.run([1, 0]) == one([1, 0])
