"""What no rule can compute is looked up by the whole input, and is right on every one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import shoal
from shoal import Limits, rasp
from shoal.errors import Refusal, UnwritableError
from shoal.options import ALL
from shoal.program.ir import Program
from shoal.program.look_ups import LookUps, interpreted, with_look_ups
from shoal.program.trace import trace_with_expressions
from shoal.rasp import numerical
from shoal.rasp.interpreter import evaluate_all
from shoal_analysis.fuzzing.patching import wrong_patches
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import BY_RULES, all_sequences, defined, refused, right

EARLIER = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LEQ)


def kind_of_mean() -> rasp.SOp:
    """Tells 1.0 from 1, which the stream does not."""
    mean = rasp.Aggregate(EARLIER, rasp.tokens).named("mean")
    return rasp.Map(lambda x: type(x).__name__, mean).named("kind")


@pytest.mark.parametrize("causal", [False, True])
def test_what_looks_the_same_is_told_by_the_input(causal: bool) -> None:
    model = right(kind_of_mean(), vocab=(1, 2, 3), max_seq_len=4, causal=causal)
    assert model.atlas.looked_up == ("kind",)
    assert "looked up" in model.report()
    for xs in all_sequences((1, 2, 3), 3):
        for name in ("mean", "kind"):
            wanted = rasp.evaluate(_part(kind_of_mean(), name), xs, causal=causal)
            assert model.read(name, xs) == pytest.approx(wanted) if name == "mean" else wanted


def _part(program: rasp.SOp, name: str) -> rasp.SOp:
    found = program if program.name == name else program.children[0]
    assert isinstance(found, rasp.SOp)
    return found


def test_it_is_refused_without_the_pass_and_with_too_many_inputs() -> None:
    options: dict[str, Any] = {"vocab": (1, 2, 3), "max_seq_len": 4}
    for further in (
        {"passes": BY_RULES},
        {"passes": "none"},
        {"passes": "all", "limits": Limits(looked_up_inputs=119)},
    ):
        refused(Refusal.INDISTINGUISHABLE, kind_of_mean(), **options, **further)
    shoal.compile(kind_of_mean(), **options, limits=Limits(looked_up_inputs=120))


def test_promised_inputs_alone_are_looked_up() -> None:
    """Of 120 inputs 3 are promised, which few enough are."""
    inputs = [[1, 2], [3, 1, 1], [2]]
    model = shoal.compile(
        kind_of_mean(),
        vocab=(1, 2, 3),
        max_seq_len=4,
        inputs=inputs,
        limits=Limits(looked_up_inputs=3),
        passes=("all",),
    )
    for xs in inputs:
        assert model.run(xs) == rasp.evaluate(kind_of_mean(), xs)


def test_exact_values_may_be_all_that_is_needed() -> None:
    """Two counts make 16 pairs, and these 256; 10 pairs occur, since one is never the greater."""
    counts = [
        rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, how))
        for how in (rasp.Comparison.EQ, rasp.Comparison.LEQ)
    ]
    pair = rasp.SequenceMap(lambda x, y: (x, y), *counts)
    swapped = rasp.SequenceMap(lambda x, y: (y, x), *counts)
    program = rasp.SequenceMap(lambda x, y: (x, y), pair, swapped)
    options: dict[str, Any] = {"vocab": (0, 1, 3), "max_seq_len": 4}
    options["limits"] = Limits(table_entries=200)
    refused(Refusal.TABLE_TOO_LARGE, program, **options, passes=BY_RULES)
    assert right(program, **options).atlas.looked_up == ()


def test_inputs_on_which_it_is_undefined_are_said() -> None:
    def kind(x: Any) -> str:
        if x == 3:
            raise ValueError("no 3")
        return type(x).__name__

    program = rasp.Map(kind, rasp.Aggregate(EARLIER, rasp.tokens)).named("kind")
    model = right(program, vocab=(1, 2, 3), max_seq_len=3)
    (found,) = model.atlas.undefined
    assert "not defined on 3 of 39 inputs, for example on [3]" in found.text


def test_tokens_may_be_replaced_and_what_is_skipped_may_not() -> None:
    program = kind_of_mean()
    model = shoal.compile(program, vocab=(1, 2, 3), max_seq_len=4)
    for xs in all_sequences((1, 2, 3), 3):
        other = [4 - x for x in xs]
        assert model.write("tokens", xs, other) == rasp.evaluate(program, other)
    for name in ("mean", "indices"):
        with pytest.raises(UnwritableError):
            model.write(name, [1, 2], [1, 2])


@pytest.mark.parametrize("first", [lambda: numerical(rasp.tokens), lambda: rasp.TokensType(0)])
@pytest.mark.parametrize("second", [lambda: rasp.tokens, lambda: rasp.TokensType(1)])
def test_tokens_in_several_forms_are_not_replaced(first: Any, second: Any) -> None:
    """Found by reading: tables follow one of them alone."""
    key, other = first(), second()
    at_most = rasp.Select(key, key, rasp.Comparison.LEQ)
    kind = rasp.Map(lambda x: type(x).__name__, rasp.Aggregate(at_most, key))
    program = rasp.SequenceMap(lambda x, y: (x, y), kind, other)
    are_pairs = isinstance(key, rasp.TokensType) and key.element is not None
    if are_pairs is False and getattr(other, "element", None) is not None:
        return  # numbers have no elements
    vocab = ((1, 1), (1, 2), (2, 2), (3, 1)) if are_pairs else (1, 2, 3)
    model = right(program, vocab=vocab, max_seq_len=2)
    assert model.atlas.looked_up
    for seed in range(10):
        assert wrong_patches(program, model, [vocab[:2], vocab[1:3]], seed, causal=False) == []


def test_inputs_keep_their_names() -> None:
    """Found by reading: what nothing reads any more was not there to be read by name."""
    mean = rasp.Aggregate(EARLIER, numerical(rasp.tokens).named("number"))
    model = right(rasp.Map(lambda x: type(x).__name__, mean), vocab=(1, 2, 3), max_seq_len=3)
    assert model.read("number", [3, 1]) == [3, 1]


def test_inputs_themselves_are_not_looked_up() -> None:
    for program in (rasp.tokens, rasp.keep(rasp.tokens)):
        refused(Refusal.TOO_INEXACT, numerical(program), vocab=(1e30, 2), passes="all")


def test_length_is_no_part_of_the_program_as_it_is_written() -> None:
    """Found by fuzzing: indices stand behind it that the interpreter does not see."""
    means = rasp.Aggregate(EARLIER, rasp.tokens)
    pair = rasp.SequenceMap(lambda x, n: (type(x).__name__, n), means, rasp.length + 0)
    right(pair, vocab=(1, 2, 3), max_seq_len=3)


def test_it_is_saved_with_the_model(tmp_path: Path) -> None:
    model = shoal.compile(kind_of_mean(), vocab=(1, 2, 3), max_seq_len=4)
    model.save(tmp_path / "model.safetensors")
    loaded = shoal.load(tmp_path / "model.safetensors")
    assert loaded.atlas.looked_up == ("kind",)
    assert loaded.atlas.behind_look_ups == model.atlas.behind_look_ups
    assert loaded.read("mean", [1, 2, 2]) == model.read("mean", [1, 2, 2])


@pytest.mark.parametrize("vocab", [(1, 1.0, True), (("a", 1), ("a", 1.0)), ("BOS_", None, "x")])
def test_odd_vocabularies(vocab: tuple[Any, ...]) -> None:
    vocab = tuple(x for x in vocab if x is not None)
    program = rasp.Map(repr, rasp.tokens) if isinstance(vocab[0], str) else _kinds()
    for length in (1, 2, 3):
        right(program, vocab=vocab, max_seq_len=length)


def _kinds() -> rasp.SOp:
    same = rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: repr(k) == repr(q))
    return rasp.SequenceMap(lambda x, n: (repr(x), n), rasp.tokens, rasp.SelectorWidth(same))


@settings(max_examples=100, deadline=None)
@given(s_ops(), st.booleans(), st.data())
def test_tables_hold_what_the_interpreter_says(
    program: rasp.SOp, causal: bool, data: st.DataObject
) -> None:
    """Whatever is looked up, at every position of every input."""
    traced = trace_with_expressions(program, causal=causal)
    sops = [node.id for node in traced.program if node.is_sop and not node.is_input]
    assume(sops)
    wanted = data.draw(st.sets(st.sampled_from(sops), min_size=1))
    inputs = all_sequences(VOCAB, LONGEST)
    known = defined(program, inputs, causal)
    found = with_look_ups(interpreted(traced, program, inputs), wanted, "BOS", ALL)
    assert len(found.known.rows) == len(known)
    for xs, _ in known:
        values = evaluate_all(program, xs, causal=causal)
        for number in wanted:
            told = looked_up(found, number, xs)
            assert list(map(repr, told)) == list(
                map(repr, values[id(traced.expressions[number])])
            ), (xs, number)


def looked_up(found: LookUps, number: int, xs: list[Any]) -> list[Any]:
    """What a table says, with its operands computed as their nodes say."""
    program = found.program
    node = program.node(number)
    results = []
    for index in range(len(xs)):
        seen = xs[: index + 1] if program.causal else xs
        operands = [_operand(program, operand, seen, index) for operand in node.inputs]
        assert node.function is not None
        results.append(node.function(*operands))
    return results


def _operand(program: Program, number: int, seen: list[Any], index: int) -> Any:
    """The index, or the tokens at some places."""
    node = program.node(number)
    if node.is_plain_index:
        return index
    places = []
    for operand in node.inputs:
        fetching = program.node(operand)
        at = program.node(fetching.inputs[0]).function
        assert at is not None
        selected = [x for key, x in enumerate(seen) if at(key, index)]
        places.append(selected[0] if selected else fetching.value)
    assert node.function is not None
    return node.function(*places)
