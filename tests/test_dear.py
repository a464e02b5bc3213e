"""What dominates a size is named, with what to write instead; what does not, is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import shoal
from shoal.dear import LEAST, dear
from shoal.options import ALL
from shoal.rasp import SequenceMap, indices, numerical, tokens
from shoal.rasp.stock import STOCK


def stock(name: str, **options: object) -> shoal.Model:
    program = STOCK[name]
    made = program.make(program.max_seq_len)
    return shoal.compile(made, vocab=program.vocab, max_seq_len=program.max_seq_len, **options)


def test_columns_neurons_and_keys(tmp_path: Path) -> None:
    model = stock("sort_freq", passes=[name for name in ALL if name != "linear-counts"])
    found = {it.size: it for it in dear(model.weights, model.atlas)}
    assert found["residual width"].name == found["neurons per MLP"].name == "unique_keys"
    assert found["residual width"].amount == len(model.variables["unique_keys"].columns)
    assert found["residual width"].of == model.d_model
    assert found["key size"].amount == model.key_size
    assert "rasp.numerical" in found["residual width"].advice
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = shoal.load(path)
    assert isinstance(loaded, shoal.Model)
    assert loaded.report() == model.report()
    taken = (
        f"unique_keys takes {found['residual width'].amount} of {model.d_model} (residual width)"
    )
    assert taken in " ".join(loaded.report().split())


@pytest.mark.parametrize("name", ["hist", "frac_prevs", "shuffle_dyck3"])
def test_small_models_have_nothing_dear(name: str) -> None:
    model = stock(name)
    assert dear(model.weights, model.atlas) == []
    assert "what is dear" not in model.report()


def test_following_the_advice_helps() -> None:
    product = SequenceMap(lambda x, y: 10 * x + y, tokens, indices).named("pairs")
    sizes = {}
    for name, program in (("one-hot", product), ("number", numerical(product))):
        model = shoal.compile(program, vocab=range(8), max_seq_len=8, result="one-hot")
        sizes[name] = model.d_model
        if name == "one-hot":
            (columns,) = [
                it for it in dear(model.weights, model.atlas) if it.size == "residual width"
            ]
            assert columns.name == "pairs"
            assert columns.amount >= LEAST
            assert "rasp.numerical" in columns.advice
    assert sizes["number"] < sizes["one-hot"]
