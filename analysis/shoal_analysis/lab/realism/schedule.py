"""How long and how fast models are trained."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from shoal.errors import InvalidInputError
from shoal.rasp.values import show_value


@dataclass(frozen=True)
class Schedule:
    """Steps of AdamW.

    Attributes:
        steps: how many.
        batch_size: inputs of each.
        learning_rate: at the beginning; it falls to 0 by a cosine.
        weight_decay: of AdamW.
        layer_weight: of the loss on what half-layers add to the stream, beside that on outputs.

    Raises:
        InvalidInputError: a number makes no sense.
    """

    steps: int = 5000
    batch_size: int = 32
    learning_rate: float = 1e-2
    weight_decay: float = 0.1
    layer_weight: float = 1.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            count = getattr(self, name)
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise InvalidInputError(
                    f"{name} is a whole number from 1 on, not {show_value(count)}"
                )
        for name in ("learning_rate", "weight_decay", "layer_weight"):
            number = getattr(self, name)
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            if not (is_number and isfinite(number) and number >= 0):
                raise InvalidInputError(f"{name} is a number from 0 on, not {show_value(number)}")
