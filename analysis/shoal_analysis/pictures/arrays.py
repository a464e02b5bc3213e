"""What a notebook shows of a forward pass: what was computed, in which shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from html import escape
from typing import Any

import numpy as np

from shoal.rasp.values import Value, show_value
from shoal_analysis.pictures.html import card, left_out, table

MOST_VALUES = 64
"""Of a result, that are listed."""

MOST_ARRAYS = 4
"""Of one kind, whose shapes are listed one by one where they differ."""


def arrays_card(title: str, passed: Any, values: Sequence[Value] = ()) -> str:
    """Every array of a dataclass with its shape and range, and the values that it gave.

    Args:
        title: what it is.
        passed: a dataclass of arrays, and tuples or lists of arrays.
        values: the decoded result.
    """
    shown = " ".join(f"<code>{escape(show_value(v))}</code>" for v in values[:MOST_VALUES])
    more = left_out(len(values) - MOST_VALUES, "values")
    rows = [
        (field.name, *_described(value))
        for field in fields(passed)
        if _is_arrays(value := getattr(passed, field.name))
    ]
    content = table(("", "arrays", "shape", "from", "to"), rows)
    return card(f"<h3>{escape(title)}</h3><div>{shown}</div>{more}{content}")


def _is_arrays(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return True
    return isinstance(value, list | tuple) and all(isinstance(v, np.ndarray) for v in value)


def _described(value: Any) -> tuple[str, str, str, str]:
    """How many arrays there are, their shapes, and their least and greatest entries."""
    arrays = [value] if isinstance(value, np.ndarray) else list(value)
    shapes = list(dict.fromkeys(" x ".join(map(str, array.shape)) for array in arrays))
    if len(shapes) > MOST_ARRAYS:
        shapes = [*shapes[:MOST_ARRAYS], "..."]
    entries = [array for array in arrays if array.size]
    if not entries:
        return f"{len(arrays)}", ", ".join(shapes), "", ""
    least, greatest = min(a.min() for a in entries), max(a.max() for a in entries)
    return f"{len(arrays)}", ", ".join(shapes), f"{least:.4g}", f"{greatest:.4g}"
