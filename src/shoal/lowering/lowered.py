"""What lowering produces: variables, operations with alternatives, and how values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import AffineMap, Matrix, linear
from shoal.craft.bases import Direction, Space
from shoal.craft.components import Component, Head
from shoal.program.facts.domains import Domain, Enumerated, group_close
from shoal.program.facts.inferred import Inferred
from shoal.program.rewriting import Saving
from shoal.rasp.values import Value, is_number


@dataclass(frozen=True, eq=False)
class View:
    """How a value is read: as an affine function of variables in the stream.

    None is the zero vector of coordinates.

    Attributes:
        variables: the names of the variables that are read.
        coordinates: from the variables' directions to the coordinates.
        codes: [classes, coordinates], the coordinates of each class of the value set; None
            where the values are only known to lie in a range.
        one_hot: whether ``codes`` is the identity.
    """

    variables: tuple[str, ...]
    coordinates: AffineMap
    codes: Matrix | None
    one_hot: bool


def whole(name: str, space: Space, codes: Matrix | None = None, one_hot: bool = False) -> View:
    """A view of a variable as it is."""
    return View((name,), linear(space, space, np.eye(len(space))), codes, one_hot)


@dataclass(frozen=True, eq=False)
class StreamVariable:
    """A value that lives in the residual stream.

    Attributes:
        name: unique.
        space: its directions.
        signed: [space], whether a dimension can be negative, at the BOS position included.
        node: the s-op that it belongs to, if any.
        encoding: how it holds the value, in words.
        largest: the greatest absolute value of a dimension.
        residuals: [samples, space], errors in float32 (see ``precision``); None if it is exact.
        dimension_errors: [space], how far each dimension may be off, one at a time, of values
            that attention has copied; None for not at all.
        step: a power of two that all its values are multiples of (see ``precision``); 0 if none
            is known.
    """

    name: str
    space: Space
    signed: npt.NDArray[np.bool_]
    node: int | None
    encoding: str
    largest: float
    residuals: Matrix | None = None
    step: float = 0.0
    dimension_errors: Matrix | None = None


@dataclass(frozen=True, eq=False)
class InputTable:
    """An input variable: what the embedding puts into the stream.

    Attributes:
        variable: its name.
        by_token: [tokens + 1, space], the last row for BOS; or None.
        by_position: [max_seq_len + 1, space], row 0 for the BOS position; or None.
    """

    variable: str
    by_token: Matrix | None
    by_position: Matrix | None


@dataclass(frozen=True, eq=False)
class LoweredOperation:
    """A component in all the forms in which it can be had.

    Attributes:
        name: the variable that it computes.
        block: operations of one expression share a block.
        components: the alternatives; all read and write named directions.
        reads: for each alternative, the variables that it reads.
        sharing: heads of the same sharing differ in their values alone, so that in one
            half-layer they become one head; None if it stays a head of its own.
    """

    name: str
    block: str
    components: tuple[Component, ...]
    reads: tuple[tuple[str, ...], ...]
    sharing: str | None = None

    @property
    def is_attention(self) -> bool:
        """Whether it runs in attention half-layers."""
        return isinstance(self.components[0], Head)


@dataclass(frozen=True, eq=False)
class LoweredProgram:
    """A program as variables and operations.

    Attributes:
        inferred: the program with its facts.
        variables: by name.
        inputs: what the embedding provides.
        operations: in an order in which they can run.
        views: for each s-op by node id, how it is read.
        undecoded: for selector widths by node id, how 1 / (1 + width) is read.
        outputs: the variables that must be there at the end; the last ones are what the
            program's result is read from.
        savings: what the passes of lowering did.
    """

    inferred: Inferred
    variables: Mapping[str, StreamVariable]
    inputs: tuple[InputTable, ...]
    operations: tuple[LoweredOperation, ...]
    views: Mapping[int, View]
    undecoded: Mapping[int, View]
    outputs: tuple[str, ...]
    savings: tuple[Saving, ...] = ()

    @property
    def result(self) -> View:
        """How the program's result is read."""
        return self.views[self.inferred.program.root]

    @property
    def result_values(self) -> Domain:
        """What the program's result can be."""
        return self.inferred.sops[self.inferred.program.root].domain


_MOST_IN_A_LABEL = 6


def variable_space(name: str, values: Enumerated) -> Space:
    """One direction for each class, labelled by its values' text where that is unique.

    Otherwise by their ``repr``, and by numbers besides if that is not unique either.
    """
    texts = [_label(group, str) for group in values.classes]
    merged = any("|" in text for text in texts)
    unclear = merged and any("|" in str(v) for group in values.classes for v in group)
    if unclear or len(set(texts)) < len(texts) or not all(texts):
        texts = [_label(group, repr) for group in values.classes]
    if len(set(texts)) < len(texts):
        texts = [f"{text} ({number})" for number, text in enumerate(texts)]
    return Space(tuple(Direction(name, text) for text in texts))


def _label(members: Sequence[Value], show: Callable[[object], str]) -> str:
    """The text of a class, whose members may be different values that a pass has merged."""
    different = [group[0] for group in group_close(members)]
    different += [v for v in members if not is_number(v) and v not in different]
    texts = [show(v) for v in sorted(different, key=members.index)]
    if len(texts) > _MOST_IN_A_LABEL:
        texts = [texts[0], "..", texts[-1]]
    return "|".join(texts)
