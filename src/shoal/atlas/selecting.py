"""What selectors select in a forward pass, looked up by the atlas alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import Atlas, Selector
from shoal.errors import UnreadableError
from shoal.program.facts.lookup import UNDEFINED, Lookup

Classes = npt.NDArray[np.integer]
Selection = npt.NDArray[np.bool_]

Operand = Callable[[str, int, Lookup], tuple[Classes, Lookup]]
"""From an s-op, an axis and a table to what it is at each position, and the table over that."""


def selection(atlas: Atlas, label: str, operand: Operand, length: int) -> Selection:
    """[queries, keys], what a selector selects, of the keys that each query sees.

    Args:
        atlas: what is known of the model.
        label: of the selector.
        operand: reads the operands of selects.
        length: of the input, without BOS.

    Raises:
        UnreadableError: an operand is not in the model, a key and a query meet that never do, or
            the file of the model does not say what is selected.
    """
    selected = _unmasked(atlas, label, operand, length)
    return np.tril(selected) if atlas.options.get("attention") == "causal" else selected


def _unmasked(atlas: Atlas, label: str, operand: Operand, length: int) -> Selection:
    selector = atlas.selectors[label]
    parts = [
        _unmasked(atlas, part, operand, length)
        for part in selector.inputs
        if part in atlas.selectors
    ]
    match selector.op:
        case "selector_not":
            return ~parts[0]
        case "selector_and":
            return np.asarray(np.logical_and.reduce(parts))
        case "selector_or":
            return np.asarray(np.logical_or.reduce(parts))
    if selector.is_constant:
        return np.full((length, length), selector.least > 0)
    return _selected(selector, operand)


def is_defined(atlas: Atlas, label: str) -> bool:
    """Whether a selector is defined for every key and query."""
    selector = atlas.selectors[label]
    if selector.predicate is not None and (selector.predicate == UNDEFINED).any():
        return False
    return all(is_defined(atlas, part) for part in selector.inputs if part in atlas.selectors)


def _selected(selector: Selector, operand: Operand) -> Selection:
    if selector.predicate is None:
        raise UnreadableError(
            selector.label, "its file does not say what it selects; compile it again"
        )
    keys, queries = selector.inputs
    query, table = operand(queries, 0, Lookup(selector.predicate))
    key, table = operand(keys, 1, table)
    found = table(np.stack(np.broadcast_arrays(query[:, None], key[None, :])))
    if (found == UNDEFINED).any():
        raise UnreadableError(
            selector.label, f"a key {keys!r} meets a query {queries!r} that it never meets"
        )
    return np.asarray(found == 1)
