"""Shapes of arrays as types: ``Float[Array, "rows columns"]``, checked in the test run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int, Shaped

if TYPE_CHECKING:
    Array = npt.NDArray[Any]
else:
    Array = np.ndarray

__all__ = ["Array", "Bool", "Float", "Int", "Shaped"]
