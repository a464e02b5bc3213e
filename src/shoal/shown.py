"""Short texts for large things: what ``repr`` gives of a model, its weights, or a forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

_LONGEST = 60
"""Of the text of one field."""


def shown_fields(thing: Any) -> str:
    """A dataclass with its fields in brief: shapes of arrays, counts of collections.

    It is meant to be the ``__repr__`` of dataclasses that hold much.
    """
    parts = [f"{f.name}={in_brief(getattr(thing, f.name))}" for f in fields(thing)]
    return f"{type(thing).__name__}({', '.join(parts)})"


def in_brief(value: Any) -> str:
    """One value, of which a long text says no more than what it is."""
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {list(value.shape)}>"
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else f"{value[: _LONGEST - 3]}...")
    if isinstance(value, Mapping | Set | list | tuple):
        if len(value) > 3 or any(_is_large(item) for item in value):
            return f"<{len(value)} items>"
    elif _is_large(value):
        return f"<{type(value).__name__}>"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"<{type(value).__name__}>"


def _is_large(value: Any) -> bool:
    return isinstance(value, np.ndarray) or is_dataclass(value)
