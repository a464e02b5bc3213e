"""Programs that are compiled for some inputs alone, because others are promised away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import shoal
from shoal.errors import EvaluationError, InvalidInputError, InvalidOptionError
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer
from shoal.program.trace import trace
from shoal.rasp import (
    Aggregate,
    Comparison,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    categorical,
    evaluate,
    indices,
    tokens,
)
from shoal.rasp.stock import STOCK
from shoal.rasp.values import canonical_key
from shoal_analysis.circuits.checking import check_circuit
from shoal_analysis.lab.realism.samples import sampled
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import accepted, agree, all_sequences, defined, interpreted, right

SAME = Select(tokens, tokens, Comparison.EQ)
FORMER = Aggregate(Select(indices, indices, lambda k, q: k == q - 1), tokens)


def no_repeats(xs: list[Any]) -> bool:
    return len(set(xs)) == len(xs)


def compiled(program: SOp, inputs: Any = no_repeats, **options: Any) -> shoal.Model:
    return shoal.compile(program, vocab=(1, 2, 3, 4), max_seq_len=4, inputs=inputs, **options)


def test_what_is_promised_is_right_and_smaller() -> None:
    for name in ("hist", "sort", "most_freq"):
        stock = STOCK[name]
        program = stock.make(4)
        free, promised = compiled(program, None), compiled(program)
        saved = 0 if name == "sort" else 1  # which counts tokens, repeated or not
        assert promised.num_parameters <= free.num_parameters - saved
        known = interpreted(
            program, [xs for xs in all_sequences((1, 2, 3, 4), 4) if no_repeats(xs)]
        )
        assert len(known) == 64
        for xs, wanted in known:
            assert agree(program, wanted, promised.run(xs)), (name, xs)


def test_other_inputs_are_refused_by_interpreter_and_model() -> None:
    message = r"inputs=no_repeats promises which inputs there are, and \[1, 2, 1\] is none of them"
    for run in (
        lambda xs: FORMER(xs, inputs=no_repeats),
        lambda xs: evaluate(SAME, xs, inputs=no_repeats),
        compiled(FORMER).run,
        lambda xs: compiled(FORMER).run_batch([[1], xs]),
        lambda xs: compiled(FORMER).patch([1, 2, 3], shoal.Patch.like("tokens", xs)),
    ):
        with pytest.raises(InvalidInputError, match=message):
            run([1, 2, 1])
    assert FORMER([2, 1], inputs=no_repeats) == compiled(FORMER).run([2, 1]) == [None, 2]


def test_inputs_may_be_listed() -> None:
    listed = [list(xs) for n in (1, 2, 3, 4) for xs in permutations((1, 2, 3, 4), n)]
    by_list, by_rule = compiled(STOCK["sort"].make(4), listed), compiled(STOCK["sort"].make(4))
    assert by_list.num_parameters == by_rule.num_parameters
    one = compiled(SelectorWidth(SAME), [[1, 1, 2]])
    assert one.run([1, 1, 2]) == [2, 2, 1]
    with pytest.raises(InvalidInputError, match=r"inputs=\[1 inputs\] promises"):
        one.run([1])


def test_numbers_and_truths_are_told_apart() -> None:
    promised = [[True, 1]]
    program = Map(lambda x: x is True, tokens)
    model = shoal.compile(program, vocab=[True, 1], max_seq_len=2, inputs=promised)
    assert model.run([True, 1]) == [True, False]
    for xs in ([1, True], [True, True], [True]):
        with pytest.raises(InvalidInputError, match="promises"):
            model.run(xs)
        with pytest.raises(InvalidInputError, match="promises"):
            program(xs, inputs=promised)


@pytest.mark.parametrize("vocab", [(1, True), (1.0, 1), (0.0, -0.0), ((1,), (True,))])
def test_listed_inputs_are_told_apart_as_programs_tell_values_apart(vocab: tuple[Any, ...]) -> None:
    promised = [[token] for token in vocab]
    program = Map(repr, tokens)
    model = shoal.compile(program, vocab=vocab, max_seq_len=2, inputs=promised)
    wanted = interpreted(program, promised)
    assert [model.run(xs) for xs in promised] == [result for _, result in wanted]
    assert [program(xs, inputs=promised) for xs in promised] == [result for _, result in wanted]


def test_few_short_inputs_may_be_promised_of_a_model_for_long_ones() -> None:
    program = Map(repr, tokens)
    model = shoal.compile(program, vocab=(1, 2), max_seq_len=9_000, inputs=[[1, 2]])
    assert model.run([1, 2]) == ["1", "2"]
    message = r"about more than \d+,\d+ sequences of up to 9000"
    with pytest.raises(InvalidOptionError, match=message):
        shoal.compile(program, vocab=(1, 2), max_seq_len=9_000, inputs=no_repeats)


def test_promises_are_saved(tmp_path: Path) -> None:
    model = compiled(FORMER)
    for name in ("model.safetensors", "model.npz"):
        model.save(str(tmp_path / name))
        again = shoal.load(str(tmp_path / name))
        assert again.input_encoder.promised == model.input_encoder.promised
        assert again.run([3, 1]) == [None, 3]
        with pytest.raises(InvalidInputError, match=r"no_repeats promises .* \[1, 1\]"):
            again.run([1, 1])
    assert "promised by inputs=no_repeats" in model.report()


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (lambda xs: False, "promises that there is no input at all"),
        ([], "promises that there is no input at all"),
        (3, "inputs is 3; give a function"),
        ("abc", "inputs is 'abc'; give a function"),
        ([3], "inputs has 3, which is no input"),
        (["ab"], "inputs has 'ab', which is no input"),
        ([[1, 5]], "token 5 is not in the vocab"),
        ([[True]], "token True is not in the vocab"),
        ([[[1]]], r"has \[\[1\]\], with a token that"),
        ([[]], r"has \[\] of 0 tokens"),
        ([[1] * 5], "of 5 tokens; models read 1 to max_seq_len = 4"),
    ],
)
def test_promises_that_make_no_sense_are_refused(inputs: Any, says: str) -> None:
    with pytest.raises(InvalidOptionError, match=says):
        compiled(FORMER, inputs)


def test_a_predicate_that_raises_is_told_with_the_input() -> None:
    with pytest.raises(InvalidInputError, match=r"raises IndexError: .* on \[1\]"):
        compiled(FORMER, lambda xs: xs[1] == 1)
    with pytest.raises(InvalidInputError, match=r"raises IndexError: .* on \[7\]"):
        FORMER([7], inputs=lambda xs: xs[1] == 1)


def test_too_many_sequences_to_ask_about_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match=r"about 340 sequences .* the limit is 339"):
        compiled(FORMER, limits=shoal.Limits(promised_inputs=339))
    assert compiled(FORMER, limits=shoal.Limits(promised_inputs=340)).run([1]) == [None]
    endless = ([1] for _ in iter(int, 1))
    with pytest.raises(InvalidOptionError, match="more than 1,048,576 inputs"):
        compiled(FORMER, endless)


def test_inputs_on_which_the_interpreter_raises_are_left_out() -> None:
    """Nothing is promised of them; what is inferred is about the others."""
    shares = Map(lambda x: 6 // (x - 1), tokens)
    program = SelectorWidth(Select(shares, shares, Comparison.EQ))
    with pytest.raises(EvaluationError):
        program([1, 3])
    listed = [[1, 3], [2, 2], [3, 4], [1]]
    assert compiled(program, listed).run([2, 2]) == program([2, 2]) == [2, 2]
    assert compiled(program, listed).run([3, 4]) == program([3, 4]) == [1, 1]
    assert compiled(program, [[1], [1, 2]]).run([1]) is not None


def test_a_selector_that_is_constant_stays_so_for_what_never_meets() -> None:
    """The length is the same at all positions, and promises say so too; patches do not."""
    same = Select(tokens, tokens, Comparison.TRUE)
    counted = SelectorWidth(same).named("n")
    never = Select(counted + 0, counted + 0, Comparison.FALSE)
    program = Aggregate(Select(tokens, tokens, Comparison.EQ) | never, indices)
    model = compiled(program, passes="none")
    assert model.write("n", [3, 1, 2], [2, 2, 3]) == [0, 1, 2]


def test_analyses_keep_to_promised_inputs() -> None:
    model = compiled(SelectorWidth(Select(tokens, tokens, Comparison.LEQ)))
    sample = sampled(model, 50, seed=0)
    assert len(sample.inputs) == 50
    assert all(no_repeats(list(xs)) for xs in sample.inputs)
    assert check_circuit(model, inputs=32).is_closed


PROMISES: dict[str, Callable[[Sequence[Any]], bool]] = {
    "no repeats": lambda xs: len(set(xs)) == len(xs),
    "constant": lambda xs: len(set(xs)) == 1,
    "starts with 1": lambda xs: xs[0] == 1,
    "three": lambda xs: len(xs) == LONGEST,
    "one of two": lambda xs: list(xs) in ([3, 0], [1, 1, 3]),
}


@settings(deadline=None, max_examples=80)
@given(s_ops(), st.sampled_from(sorted(PROMISES)), st.booleans())
def test_facts_hold_on_all_promised_inputs(program: SOp, name: str, causal: bool) -> None:
    """What is inferred for a few inputs contains all that the interpreter gives on them."""
    promised = [xs for xs in all_sequences(VOCAB, LONGEST) if PROMISES[name](xs)]
    known = defined(program, promised, causal)
    numbers = [tuple(VOCAB.index(x) for x in xs) for xs in promised]
    traced = trace(program, causal=causal)
    try:
        facts = infer(traced, VOCAB, LONGEST, inputs=numbers).sops[traced.root]
    except shoal.UnsupportedProgramError:
        assume(False)
    if not isinstance(facts.domain, Enumerated):
        return
    for _, wanted in known:
        keys = [canonical_key(value) for value in wanted if value is not None]
        assert {*keys} <= {*facts.domain.class_of}
        assert facts.domain.nullable or None not in wanted
        if facts.distinct:
            assert None not in wanted
            assert len({*keys}) == len(keys)
        if facts.occurs is not None:
            classes = [facts.domain.class_of[key] for key in keys]
            assert all(classes.count(c) <= facts.occurs[c] for c in classes)
        if facts.ranks_from is not None:
            assert sorted(wanted) == [facts.ranks_from + n for n in range(len(wanted))]


@settings(deadline=None, max_examples=60)
@given(s_ops(), st.sampled_from(sorted(PROMISES)), st.booleans(), st.sampled_from(["all", "none"]))
def test_models_agree_on_all_promised_inputs(
    program: SOp, name: str, causal: bool, passes: str
) -> None:
    promise = PROMISES[name]
    model = accepted(
        program, vocab=VOCAB, max_seq_len=LONGEST, causal=causal, passes=passes, inputs=promise
    )
    every = all_sequences(VOCAB, LONGEST)
    for xs, wanted in defined(program, [xs for xs in every if promise(xs)], causal):
        assert agree(program, wanted, model.run(xs)), xs


def test_a_default_that_is_used_only_where_the_program_is_undefined() -> None:
    positive = Select(tokens, tokens, lambda key, query: key > 0)
    difference = Aggregate(positive, tokens) - Aggregate(positive, tokens, default=0)
    follows = Select(tokens, Aggregate(positive, tokens), lambda key, query: key == query + 1)
    inputs = [[0], [1], [1, 2], [2, 2]]
    model = shoal.compile(
        Aggregate(follows, difference), vocab=(0, 1, 2), max_seq_len=2, inputs=inputs
    )
    assert model.run([1]) == [None]


@pytest.mark.parametrize("vocab", [(-1e30, 2, 1e30), (-(2**60), 1, 2**60), (0.1, 0.2, 0.3)])
def test_the_means_that_occur_are_exact(vocab: tuple[float, ...]) -> None:
    """Floats cannot add these up in any order: 1e30 + 2 - 1e30 is 0 to them."""
    mean = categorical(Aggregate(Select(tokens, tokens, Comparison.TRUE), tokens))
    greater = SequenceMap(max, mean, tokens)
    numbers = [xs for xs in all_sequences(range(3), 4) if xs == sorted(xs)]
    facts = infer(trace(greater, causal=False), vocab, 4, inputs=numbers)
    domain = facts.sops[facts.program.root].domain
    assert isinstance(domain, Enumerated)
    occurring = {canonical_key(v) for xs in numbers for v in greater([vocab[i] for i in xs])}
    assert {canonical_key(v) for members in domain.classes for v in members} == occurring
    right(greater, vocab=vocab, max_seq_len=4)


def test_what_is_averaged_may_be_none_on_all_inputs() -> None:
    nothing = Aggregate(Select(tokens, tokens, Comparison.FALSE), tokens)
    for program in (Aggregate(SAME, nothing), Aggregate(SAME, nothing, default=0)):
        for passes in ("all", "smallest"):
            model = shoal.compile(
                program, vocab=(0, 1), max_seq_len=2, passes=passes, inputs=no_repeats
            )
            assert model.run([0, 1]) == program([0, 1])
    selected = Select(tokens, SelectorWidth(SAME), Comparison.EQ)
    right(Aggregate(selected, nothing, default=0), vocab=(0, 1, 2, 3), max_seq_len=2)
