"""One batch: drawn, compiled, compared; what differs from the interpreter is never a model."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path

import pytest

from shoal_analysis.corpora import batches as module
from shoal_analysis.corpora.batches import BatchMade, make_batch, make_model
from shoal_analysis.corpora.behaviour import function_of, results_of
from shoal_analysis.corpora.drafts import digest_of_arrays, unpack
from shoal_analysis.corpora.drawing import VOCABS, case_options, draw_cases
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.engine.notes import read_note
from shoal_analysis.fuzzing.cases import Case, Line
from shoal_analysis.fuzzing.oracles import Difference
from tests.analysis.corpora.making import OPTIONS
from tests.mutants.faults import FAULTS


def case(program: str, vocab: tuple[object, ...] = ("a", "b"), **options: object) -> Case:
    chosen = CorpusOptions(max_seq_len=3)
    return Case(Line.parse(program), vocab, case_options(chosen), 0)  # type: ignore[arg-type]


def function(program: str, vocab: tuple[object, ...] = ("a", "b")) -> str:
    one = case(program, vocab)
    return function_of(one, results_of(one, one.build()))


def test_draws_are_the_same_for_one_seed_and_number() -> None:
    assert draw_cases(OPTIONS, 7, 20) == draw_cases(OPTIONS, 7, 20)
    assert draw_cases(OPTIONS, 7, 20) != draw_cases(OPTIONS, 8, 20)
    assert draw_cases(OPTIONS, 7, 20) != draw_cases(CorpusOptions(seed=4, most_steps=6), 7, 20)
    vocabs = {vocab for _, vocab in VOCABS}
    assert {drawn.vocab for drawn in draw_cases(OPTIONS, 7, 20)} <= vocabs


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("v0 = indices + 1", "v0 = 1 + indices", True),
        ("v0 = indices + 1", "v0 = indices + 1.0", True),  # equal, if of another type
        ("v0 = indices + 1", "v0 = indices + 2", False),
        ("v0 = indices * 0.1\nv1 = v0 * 3", "v0 = indices * 0.3", True),  # but for rounding
        ("v0 = tokens == 'a'", "v0 = tokens == 'b'", False),
        ("v0 = Map(none_if_odd, indices)", "v0 = indices + 0", False),
    ],
)
def test_programs_that_do_the_same_are_one_function(one: str, other: str, same: bool) -> None:
    assert (function(one) == function(other)) == same


def test_another_vocab_is_another_function() -> None:
    assert function("v0 = indices + 1") != function("v0 = indices + 1", ("a", "c"))


@pytest.mark.usefixtures("small")
def test_a_batch_is_the_same_wherever_it_is_made(made: list[BatchMade], tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    again = make_batch(OPTIONS, 1, note=note)
    assert again.parcel == made[1].parcel
    assert not note.exists()


def test_a_parcel_gives_its_models_back(made: list[BatchMade], tmp_path: Path) -> None:
    path = tmp_path / "parcel"
    path.write_bytes(made[0].parcel)
    drafts = list(unpack(path))
    assert len(drafts) >= 5
    for draft, arrays in drafts:
        assert digest_of_arrays(arrays) == draft.weights
        assert 0 < draft.inputs <= 200
        assert draft.sizes["lines"] == len(draft.source.splitlines())


@pytest.mark.usefixtures("small")
def test_counts_say_what_became_of_every_program(made: list[BatchMade], tmp_path: Path) -> None:
    for batch in made:
        (tmp_path / "parcel").write_bytes(batch.parcel)
        fates = ("same structure in its batch", "refused", "undefined", "cannot be saved")
        count = sum(batch.counts.get(fate, 0) for fate in fates)
        assert count + len(list(unpack(tmp_path / "parcel"))) == batch.counts["drawn"] == 10
        assert batch.failures == ()


def test_a_model_that_differs_is_a_failure_and_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = case("s0 = Select(tokens, tokens, Comparison.EQ)\nv1 = SelectorWidth(s0)")
    right = case("v0 = indices + 1")
    monkeypatch.setattr(module, "draw_cases", lambda options, number, count: [wrong, right])
    (fault,) = (fault for fault in FAULTS if fault.name == "missing width")
    with fault.apply():
        batch = make_batch(OPTIONS, 0)
    (failure,) = batch.failures
    assert failure.stage == "numpy"
    path = tmp_path / "parcel"
    path.write_bytes(batch.parcel)
    assert [draft.source for draft, _ in unpack(path)] == [right.source()]
    script = tmp_path / "failure.py"
    script.write_text(failure.script)
    with fault.apply(), pytest.raises(Difference):
        runpy.run_path(str(script), run_name="__main__")
    runpy.run_path(str(script), run_name="__main__")  # and raises no more once it is mended


def test_a_crash_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*arguments: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(module, "draw_cases", lambda *arguments: [case("v0 = indices + 1")])
    monkeypatch.setattr(module, "compile_case", crash)
    (failure,) = make_batch(OPTIONS, 0).failures
    assert (failure.stage, failure.message) == ("crash", "KeyError: 'lost'")


def test_what_is_under_way_is_noted_and_what_kills_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Death(BaseException):
        pass

    def die(*arguments: object) -> None:
        raise Death

    monkeypatch.setattr(module, "draw_cases", lambda *arguments: [case("v0 = indices + 1")])
    monkeypatch.setattr(module, "compile_case", die)
    note = tmp_path / "note.json"
    with pytest.raises(Death):
        make_batch(OPTIONS, 0, note=note)
    found = read_note(note)
    assert found is not None
    assert "v0 = indices + 1" in found.script
    assert make_batch(OPTIONS, 0, skip=(found.key,), note=note).failures == ()


@pytest.mark.parametrize(
    ("program", "vocab", "fate"),
    [
        ("v0 = Map(reciprocal, tokens)", (0,), "undefined"),
        ("v0 = SequenceMap(set_of, tokens, indices)", ("a",), "cannot be saved"),
    ],
)
def test_programs_without_a_model_are_counted(
    program: str, vocab: tuple[object, ...], fate: str
) -> None:
    counts: Counter[str] = Counter()
    assert make_model(case(program, vocab), counts) is None
    assert counts[fate] + counts["refused"] == 1
