"""Annotated shapes are checked while tests run, and a wrong one is an error."""

from __future__ import annotations

import numpy as np
import pytest

from shoal.craft.fitting import fit_affine
from shoal.transformer.decoding import code_logits

pytestmark = pytest.mark.slow


def test_arrays_of_one_name_have_one_size() -> None:
    assert fit_affine(np.eye(3), np.ones((3, 2))) is not None
    with pytest.raises(TypeError, match="typechecking parameter 'results'"):
        fit_affine(np.eye(3), np.ones((4, 2)))
    with pytest.raises(TypeError, match="typechecking parameter 'points'"):
        fit_affine(np.ones(3), np.ones((3, 2)))


def test_arrays_have_the_kind_that_is_written() -> None:
    with pytest.raises(TypeError, match=r"Actual value: i64\[3,3\]"):
        code_logits(np.ones((2, 3)), np.eye(3, dtype=int), nullable=False)
