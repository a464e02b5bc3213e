"""Models can be pickled and copied; what they do afterwards is the same."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import shoal
from shoal.errors import EvaluationError
from shoal.rasp import Aggregate, Comparison, Map, Select, listing, tokens
from shoal.rasp.stock import STOCK
from shoal.runnable import Transformer
from tests.support import random_sequences


def compiled(name: str) -> shoal.Model:
    stock = STOCK[name]
    program = stock.make(stock.max_seq_len)
    return shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len)


def pickled(model: shoal.Model) -> shoal.Model:
    return pickle.loads(pickle.dumps(model))


@pytest.mark.slow
@pytest.mark.parametrize("again", [pickled, copy.deepcopy, copy.copy])
@pytest.mark.parametrize("name", STOCK)
def test_a_model_that_was_copied_is_the_same(name: str, again: object) -> None:
    model = compiled(name)
    other = again(model)  # type: ignore[operator]
    for xs in random_sequences(STOCK[name].vocab, 1, STOCK[name].max_seq_len, 5):
        assert other.run(xs) == model.run(xs)
        assert other.run(xs, "craft") == model.run(xs, "craft")
        assert other.read(model.program.name, xs) == model.read(model.program.name, xs)
    assert other.report() == model.report()
    assert other.explain() == model.explain()
    assert list(other.variables) == list(model.variables)
    assert other.residual_labels == model.residual_labels
    assert listing(other.program) == listing(model.program)


def test_a_deep_copy_has_arrays_of_its_own_and_keeps_functions() -> None:
    model = shoal.compile(Map(lambda t: t + 1, tokens), vocab={1, 2}, max_seq_len=2)
    other = copy.deepcopy(model)
    other.weights.unembedding_b[:] = 99
    assert not np.array_equal(other.weights.unembedding_b, model.weights.unembedding_b)
    assert other.program([1, 2]) == [2, 3]


def test_a_function_without_a_name_stays_behind_as_a_text() -> None:
    program = Map(lambda t: t + 1, tokens).named("successor")
    other = pickled(shoal.compile(program, vocab={1, 2}, max_seq_len=2))
    assert other.run([1, 2]) == [2, 3]
    assert "lambda t: t + 1" in listing(other.program)
    with pytest.raises(EvaluationError, match="left behind when the model was pickled"):
        other.program([1, 2])


def test_expressions_can_be_pickled_if_their_functions_can() -> None:
    select = Select(tokens, tokens, Comparison.EQ).named("same")
    program = pickle.loads(pickle.dumps(Aggregate(select, tokens + 1, default=0).named("sum")))
    assert program.name == "sum"
    assert program([1, 2]) == [2, 3]
    with pytest.raises(TypeError):
        program.annotations["name"] = "other"


@pytest.mark.slow
def test_another_process_can_use_a_pickled_model(tmp_path: Path) -> None:
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(compiled("shuffle_dyck1")))
    script = f"import pickle; print(pickle.load(open({str(path)!r}, 'rb')).run('()'))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "[True, True]\n"


@pytest.mark.slow
def test_loaded_transformers_and_models_that_ran_on_haiku_can_be_pickled(tmp_path: Path) -> None:
    model = compiled("hist")
    model.run(["a"], "haiku")
    assert pickled(model).run(["a", "a"], "haiku") == [2, 2]
    model.save(tmp_path / "m.npz")
    assert pickle.loads(pickle.dumps(Transformer.load(tmp_path / "m.npz"))).run("aa") == [2, 2]


def test_a_model_with_the_attributes_of_tracr_can_be_pickled() -> None:
    program = Map(lambda t: t + 1, tokens).named("successor")
    model = shoal.compile_rasp_to_model(program, {1, 2}, 2)
    other = pickled(model)
    assert other.run([1, 2]) == [2, 3]
    assert other.residual_labels == model.residual_labels
