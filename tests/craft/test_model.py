from __future__ import annotations

import numpy as np
import pytest

from shoal.craft.affine import AffineMap, linear
from shoal.craft.bases import Space, join, numbered_space
from shoal.craft.components import BOS_SPACE, MLP, Head
from shoal.craft.model import CraftModel, Embedding, run_craft

TOKEN, MEAN, DOUBLE, SCORE = (numbered_space(name, 1) for name in ("token", "mean", "double", "s"))
INPUTS = join(BOS_SPACE, TOKEN)
NONE = Space(())


def constant(target: Space, value: float) -> AffineMap:
    return AffineMap(NONE, target, np.zeros((0, 1)), np.array([value]))


def model(causal: bool) -> CraftModel:
    """The mean over all keys but BOS, then twice that."""
    embedding = Embedding(INPUTS, np.array([[0.0, 3], [0, 6], [1, 0]]), np.zeros((4, 2)))
    key = linear(BOS_SPACE, SCORE, [[-1000.0]])
    head = Head("mean", constant(SCORE, 1), key, linear(TOKEN, MEAN, [[1]]))
    neuron = numbered_space("neuron", 1)
    mlp = MLP("double", linear(MEAN, neuron, [[1]]), linear(neuron, DOUBLE, [[2]]))
    space = join(INPUTS, MEAN, DOUBLE)
    return CraftModel(embedding, ((head,), (mlp,)), space, causal)


@pytest.mark.parametrize(("causal", "means"), [(False, [4, 4, 4]), (True, [3, 4.5, 4])])
def test_half_layers_run_one_after_the_other(causal: bool, means: list[float]) -> None:
    states = run_craft(model(causal), [0, 1, 0])
    assert len(states) == 3
    assert states[0][:, 1].tolist() == [0, 3, 6, 3]
    assert np.allclose(states[1][1:, 2], means)
    assert (states[1][:, 3] == 0).all()
    assert np.allclose(states[2][1:, 3], 2 * np.array(means))
    assert (states[2][:, :2] == states[0][:, :2]).all()
