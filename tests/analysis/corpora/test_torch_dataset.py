"""Models of one shape for PyTorch: padded, they compute what they did."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

import torch

from shoal.errors import InvalidInputError
from shoal.runnable import Transformer
from shoal.targets.in_numpy import forward
from shoal_analysis.corpora.padding import (
    CommonSizes,
    as_weights,
    padded,
    sizes_of_row,
    smallest_common,
)
from shoal_analysis.corpora.reading import case_of, model_of, rows_of
from shoal_analysis.corpora.torch_dataset import CorpusDataset


def test_padded_models_compute_the_same(folder: Path) -> None:
    rows = list(rows_of(folder))
    common = smallest_common(map(sizes_of_row, rows))
    common = CommonSizes(**{name: size + 1 for name, size in vars(common).items()})
    for row in rows:
        model, own = model_of(folder, row), sizes_of_row(row)
        arrays = padded(arrays_of(model), own, common)
        inputs = case_of(row).inputs(10)
        ids = model.ids(inputs)
        is_special = ids >= own.tokens
        wanted = model.run_ids(ids).result
        weights = as_weights(arrays, common, row["causal"])
        others = np.where(is_special, ids - own.tokens + common.tokens, ids)
        found = forward(weights, others, pad=common.tokens + 1).result
        for tokens, mine, theirs in zip(inputs, wanted, found, strict=True):
            length = len(tokens) + 1
            np.testing.assert_allclose(
                theirs[1:length, : own.coordinates], mine[1:length], rtol=1e-4, atol=1e-4
            )
            assert not theirs[1:length, own.coordinates :].any()


def arrays_of(model: Transformer) -> dict[str, np.ndarray]:
    from shoal_analysis.corpora.drafts import model_arrays

    return model_arrays(model)  # type: ignore[arg-type]


def test_batches_stack(folder: Path) -> None:
    dataset = CorpusDataset(folder)
    train = list(rows_of(folder, "train"))
    assert len(dataset) == len(train)
    loader = torch.utils.data.DataLoader(dataset, batch_size=4)
    (batch, *_) = loader
    sizes = dataset.sizes
    assert batch["query_w"].shape == (
        *(4, sizes.num_layers, sizes.d_model, sizes.num_heads, sizes.key_size),
    )
    assert batch["token_embedding"].dtype == torch.float32
    assert batch["source"] == [row["source"] for row in train[:4]]
    assert batch["sizes"]["d_model"].tolist() == [row["d_model"] for row in train[:4]]


def test_models_that_do_not_fit_are_left_out(folder: Path) -> None:
    whole = CorpusDataset(folder)
    smaller = CommonSizes(**{**vars(whole.sizes), "d_model": whole.sizes.d_model - 1})
    part = CorpusDataset(folder, sizes=smaller)
    assert 0 < len(part) < len(whole)
    assert len(part) + part.left_out == len(whole)
    with pytest.raises(InvalidInputError, match="does not fit"):
        padded({}, whole.sizes, smaller)


def test_it_can_be_sent_to_other_processes(folder: Path) -> None:
    dataset = CorpusDataset(folder)
    first = dataset[0]
    again = pickle.loads(pickle.dumps(dataset))[0]
    assert torch.equal(first["hidden_w"], again["hidden_w"])
    assert first["key"] == again["key"]


def test_a_split_without_models_is_told(folder: Path) -> None:
    with pytest.raises(InvalidInputError, match="no models in the split 'nothing'"):
        CorpusDataset(folder, "nothing")
