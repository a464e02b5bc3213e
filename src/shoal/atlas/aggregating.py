"""What an aggregate is in a forward pass that does not compute it: the mean of what it selects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import NamedValue
from shoal.atlas.selecting import Selection
from shoal.errors import EvaluationError, UnreadableError
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.rasp.values import Value, canonical_key, mean

Classes = npt.NDArray[np.int_]


def aggregated(value: NamedValue, selected: Selection, averaged: Sequence[Value]) -> Classes:
    """The class of an aggregate at each position, as the interpreter would have it.

    Args:
        value: the aggregate.
        selected: [queries, keys], what is selected.
        averaged: its operand at each position.

    Raises:
        UnreadableError: what is selected has no mean that the aggregate has on some input.
    """
    return np.array(list(_each(value, selected, averaged)), dtype=int)


def counted(value: NamedValue, selected: Selection) -> Classes:
    """The class of a selector's width at each position.

    Raises:
        UnreadableError: as many keys are selected on no input.
    """
    return np.array([_class_of(value, int(width)) for width in selected.sum(axis=1)], dtype=int)


def _each(value: NamedValue, selected: Selection, averaged: Sequence[Value]) -> Iterator[int]:
    if value.default is None or (value.default == UNDEFINED and not selected.any(axis=1).all()):
        raise UnreadableError(value.label, f"{value.label!r} selects nothing, as on no input")
    for row in selected:
        chosen = [averaged[int(position)] for position in np.flatnonzero(row)]
        if chosen:
            try:
                yield _class_of(value, mean(chosen))
            except EvaluationError as error:
                raise UnreadableError(value.label, str(error)) from None
        else:
            yield value.default


def _class_of(value: NamedValue, content: Value) -> int:
    if content is None:
        return NONE
    found = value.class_of.get(canonical_key(content))
    if found is None:
        raise UnreadableError(
            value.label, f"{value.label!r} would be {content!r}, which it is on no input"
        )
    return found
