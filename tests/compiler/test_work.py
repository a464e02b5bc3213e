"""Compilation ends: every stage counts what it does, and says so when it has done too much."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info

import shoal
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Limits, Work
from shoal.rasp import Map, Select, SelectorWidth, SequenceMap, indices, keep, numerical, tokens
from shoal.rasp.library import make_reverse
from shoal.rasp.stock import STOCK
from tests.support import agree, random_sequences, refused, right

DEEP = ("dyck2_ptf", "shuffle_dyck3")


def compiled(name: str, **options: object) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len, **options)


def spent(model: shoal.Model) -> float:
    return model.optimised.inferred.work.spent


@pytest.mark.slow
@pytest.mark.parametrize("name", STOCK)
def test_work_is_the_same_on_every_machine(name: str) -> None:
    first, second = compiled(name), compiled(name)
    assert spent(first) == spent(second) > 0


@pytest.mark.parametrize("name", STOCK)
def test_no_stock_program_comes_near_the_limit(name: str) -> None:
    assert spent(compiled(name)) < Limits().work / 100


def test_too_much_work_is_refused_with_the_expression_and_what_would_do() -> None:
    error = refused(
        Refusal.TOO_MUCH_WORK,
        SelectorWidth(Select(tokens, tokens, lambda key, query: key < query)).named("less"),
        vocab=range(100),
        limits=Limits(work=10_000),
    )
    assert error.expression == "select"
    assert "limits=shoal.Limits(work=100000)" in error.advice


@pytest.mark.parametrize("name", DEEP)
def test_what_is_only_offered_is_left_out_before_anything_is_refused(name: str) -> None:
    """With less work fewer cuts are looked at, so that the model is deeper, but there is one."""
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    model, scarce = compiled(name), compiled(name, limits=Limits(work=50_000))
    assert spent(scarce) <= 50_000
    assert scarce.num_layers > model.num_layers
    assert "would take too much work" in scarce.report().replace("\n" + " " * 39, " ")
    for xs in random_sequences(stock.vocab, 1, stock.max_seq_len, 20):
        assert agree(program, program(xs), scarce.run(xs))


def test_optional_work_stops_at_half() -> None:
    work = Work(100)
    work.spend(40, "")
    with work.optional() as part:
        part.spend(10, "")
        with pytest.raises(UnsupportedProgramError):
            part.spend(1, "")
    assert work.spent == 51
    work.spend(49, "")
    with pytest.raises(UnsupportedProgramError):
        work.spend(1, "")


@pytest.mark.slow
@pytest.mark.parametrize("passes", ["all", "none"])
def test_comparisons_of_one_hot_operands_take_steps(passes: str) -> None:
    """As many neurons as there are lines along which the result changes, and not as pairs."""
    less = SequenceMap(lambda x, y: x < y, tokens, indices)
    model = right(keep(less), vocab=tuple(range(8)), max_seq_len=8, passes=passes, reuse=False)
    assert model.mlp_hidden_size == 2


def test_reverse_does_not_explode() -> None:
    model = shoal.compile(make_reverse(tokens), vocab=list("abcd"), max_seq_len=80)
    assert model.num_parameters < 400_000
    assert spent(model) < 1_000_000
    xs = list("abcd" * 20)
    assert model.run(xs) == xs[::-1]


def test_forms_that_are_far_dearer_than_one_in_hand_are_not_looked_at() -> None:
    mean = numerical(Map(lambda t: t / 7, tokens))
    program = SequenceMap(lambda x, y: round(x * y, 2), mean, numerical(indices))
    model = shoal.compile(program, vocab=tuple(range(20)), max_seq_len=12)
    assert spent(model) < 100_000
    for xs in random_sequences(tuple(range(20)), 1, 12, 50):
        assert agree(program, program(xs), model.run(xs))


def test_linear_algebra_has_one_thread_while_compiling_and_all_of_them_after_it() -> None:
    before = threads()
    during: list[list[int]] = []

    def function(x: object) -> object:
        during.append(threads())
        return x

    shoal.compile(Map(function, tokens), vocab={1, 2}, max_seq_len=2)
    assert during
    assert all(count == 1 for counts in during for count in counts)
    assert threads() == before


def threads() -> list[int]:
    """Of the BLAS that NumPy brings along; others may be loaded after the compiler has looked."""
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    own = [info["num_threads"] for info in found if "numpy" in info["filepath"]]
    return own or [info["num_threads"] for info in found]
