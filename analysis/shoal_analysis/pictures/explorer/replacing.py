"""What replacing a named value by each of its classes changes in the stream, on any input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import NamedValue
from shoal.atlas.content import content_of_classes
from shoal.atlas.readers import Readers
from shoal.atlas.reading import Reader
from shoal.atlas.writing import Writer
from shoal.errors import UnwritableError
from shoal.program.facts.lookup import NONE
from shoal.transformer.edits import Edit

MOST_CLASSES = 400
"""Of a value that can be replaced in a page; each has edits of its own."""

Pool = Callable[[npt.NDArray[Any]], int]
"""From an array to its number; the same for equal arrays."""


def replacements(readers: Readers, pool: Pool) -> dict[str, Any]:
    """For each s-op by label, how it is replaced by each of its classes, None after them.

    Args:
        readers: who reads what in the model.
        pool: takes the matrices of edits.

    Returns:
        ``{"refused": why}``; or ``{"classes": [...], "around": {reader: path}}``, where a class has
        a list of edits, or again ``{"refused": why}``, and ``around`` are those that compute the
        value inside, with the s-ops on the way.
    """
    return {label: _of(readers, value, pool) for label, value in readers.atlas.values.items()}


def _of(readers: Readers, value: NamedValue, pool: Pool) -> dict[str, Any]:
    if value.classes is None:
        return {"refused": "its values are not listed; patch it in Python, by shoal.Patch"}
    if len(value.classes) > MOST_CLASSES:
        return {
            "refused": f"it has {len(value.classes)} values, and this page replaces those that "
            f"have up to {MOST_CLASSES}; patch it in Python, by shoal.Patch"
        }
    writer = Writer(readers, _runs_nothing)
    try:
        writer.require_computed(value)
    except UnwritableError as error:
        return {"refused": error.reason}
    found: list[dict[str, Any]] = []
    around: dict[str, tuple[str, ...]] = {}
    for number in (*range(len(value.classes)), *([NONE] * value.nullable)):
        content = content_of_classes(value, np.array([number]), np.ones(1, dtype=bool))
        try:
            edits, around = writer.written(value, content, None)
            found.append({"edits": [_edit(edit, pool) for edit in edits]})
        except UnwritableError as error:
            found.append({"refused": error.reason})
    return {"classes": found, "around": {name: list(path) for name, path in around.items()}}


def _runs_nothing(tokens: Any, edits: tuple[Edit, ...]) -> Reader:
    raise AssertionError("edits of one value by itself need no forward pass")


def _edit(edit: Edit, pool: Pool) -> dict[str, Any]:
    """An edit without the columns that it leaves alone."""
    touched = (edit.reading != 0).any(axis=1) | (edit.writing != 0).any(axis=0)
    columns = np.flatnonzero(touched)
    read = edit.read
    return {
        "state": edit.state,
        "read": None
        if read is None
        else {"halfLayer": read.half_layer, "role": read.role, "units": list(read.units)},
        "columns": pool(columns),
        "reading": pool(edit.reading[columns]),
        "bias": pool(edit.bias),
        "writing": pool(edit.writing[:, columns]),
        "target": pool(edit.target[0, 1]),
    }
