"""The instructions of craft: attention heads and groups of MLP neurons.

At the BOS position the stream is a constant. Components say what they want there
(``*_at_bos``); ``pin_to_bos`` makes it so by letting them read a mark of BOS, once the constant is
known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoal.craft.affine import AffineMap, Matrix, concatenate, linear
from shoal.craft.bases import Direction, Space, join
from shoal.shown import shown_fields

BOS = Direction("BOS")
"""The direction that is 1 at the BOS position and 0 everywhere else."""

BOS_SPACE = Space((BOS,))

MARK = linear(BOS_SPACE, BOS_SPACE, 1.0)
"""1 at the BOS position and 0 everywhere else, as an affine function of the stream."""

ROUNDED = 1e-12
"""Of what is wanted at the BOS position: what is missing of it then is rounding."""


@dataclass(frozen=True, eq=False)
class Head:
    """An attention head; every query attends to the keys of greatest score.

    Attributes:
        name: the variable that it computes, or several, joined by ", ".
        query: from the stream to the space in which queries and keys meet.
        key: the same for keys. The score is the dot product.
        value: from the stream at the key to the stream at the query (W_V and W_O together).
        query_at_bos: what the query is to be at the BOS position; None leaves it alone.
        key_at_bos: the same for the key.
        value_at_bos: the same for the value: what is read where nothing is selected.
    """

    __repr__ = shown_fields

    name: str
    query: AffineMap
    key: AffineMap
    value: AffineMap
    query_at_bos: Matrix | None = None
    key_at_bos: Matrix | None = None
    value_at_bos: Matrix | None = None

    @property
    def source(self) -> Space:
        """Everything that it reads."""
        return join(self.query.source, self.key.source, self.value.source)

    @property
    def target(self) -> Space:
        """Everything that it writes."""
        return self.value.target

    @property
    def size(self) -> int:
        """It is one head."""
        return 1

    @property
    def entries(self) -> int:
        """Numbers in its matrices."""
        return self.query.matrix.size + self.key.matrix.size + self.value.matrix.size


@dataclass(frozen=True, eq=False)
class MLP:
    """A group of hidden neurons: ``output(relu(hidden(x)))``.

    Attributes:
        name: the variable that it computes or erases.
        hidden: from the stream to the neurons.
        output: from the neurons to the stream.
        off_at_bos: whether its neurons are to be off at the BOS position.
    """

    __repr__ = shown_fields

    name: str
    hidden: AffineMap
    output: AffineMap
    off_at_bos: bool = True

    @property
    def source(self) -> Space:
        """Everything that it reads."""
        return self.hidden.source

    @property
    def target(self) -> Space:
        """Everything that it writes."""
        return self.output.target

    @property
    def size(self) -> int:
        """The number of hidden neurons."""
        return len(self.hidden.target)

    @property
    def entries(self) -> int:
        """Numbers in its matrices."""
        return self.hidden.matrix.size + self.output.matrix.size


@dataclass(frozen=True, eq=False)
class Heads:
    """Heads that add to the same directions.

    Attributes:
        name: the variable that they compute together.
        heads: at least one.
    """

    __repr__ = shown_fields

    name: str
    heads: tuple[Head, ...]

    @property
    def source(self) -> Space:
        """Everything that they read."""
        return join(*(head.source for head in self.heads))

    @property
    def target(self) -> Space:
        """Everything that they write."""
        return join(*(head.target for head in self.heads))

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.heads)

    @property
    def entries(self) -> int:
        """Numbers in their matrices."""
        return sum(head.entries for head in self.heads)


Component = Head | Heads | MLP


def parts_of(component: Component) -> tuple[Head | MLP, ...]:
    """The heads of several that are one component, or the component."""
    return component.heads if isinstance(component, Heads) else (component,)


def merge_heads(heads: Sequence[Head]) -> Head:
    """One head that computes what several do, which differ in their values alone.

    Args:
        heads: at least one, not pinned to BOS yet; they write different directions.

    Raises:
        ValueError: their queries or keys differ, so that no single head can do it.
    """
    first = heads[0]
    for head in heads[1:]:
        if not (
            _same_map(head.query, first.query)
            and _same_map(head.key, first.key)
            and _same_array(head.query_at_bos, first.query_at_bos)
            and _same_array(head.key_at_bos, first.key_at_bos)
        ):
            raise ValueError(f"the heads {first.name!r} and {head.name!r} attend differently")
    at_bos = [head.value_at_bos for head in heads if head.value_at_bos is not None]
    if at_bos and len(at_bos) < len(heads):
        raise ValueError("the values of some heads are set at BOS, and those of others are not")
    values = [head.value for head in heads]
    target = join(*(value.target for value in values))
    return replace(
        first,
        name=", ".join(head.name for head in heads),
        value=concatenate(values, target),
        value_at_bos=np.concatenate(at_bos) if at_bos else None,
    )


def _same_map(first: AffineMap, second: AffineMap) -> bool:
    """Whether two maps read the same and give the same, whatever they call it."""
    return (
        first.source == second.source
        and np.array_equal(first.matrix, second.matrix)
        and np.array_equal(first.bias, second.bias)
    )


def _same_array(first: Matrix | None, second: Matrix | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def pin_to_bos(
    component: Component, stream: Space, at_bos: Matrix, mark: AffineMap = MARK
) -> Component:
    """The component with its maps corrected for the BOS position.

    Args:
        component: a head or an MLP that does not read BOS yet.
        stream: the space of the residual stream.
        at_bos: [stream], the stream at the BOS position when the component runs.
        mark: what is 1 at the BOS position and 0 everywhere else.
    """
    if isinstance(component, Head):
        return replace(
            component,
            query=_pin(component.query, component.query_at_bos, stream, at_bos, mark),
            key=_pin(component.key, component.key_at_bos, stream, at_bos, mark),
            value=_pin(component.value, component.value_at_bos, stream, at_bos, mark),
        )
    if isinstance(component, Heads):
        pinned = [pin_to_bos(head, stream, at_bos, mark) for head in component.heads]
        return replace(component, heads=tuple(h for h in pinned if isinstance(h, Head)))
    if not component.off_at_bos:
        return component
    hidden = component.hidden.read_from(stream, at_bos)
    if not (hidden > 0).any():
        return component
    return replace(
        component,
        hidden=_pin(component.hidden, np.where(hidden > 0, -1.0, hidden), stream, at_bos, mark),
    )


def _pin(
    affine: AffineMap, wanted: Matrix | None, stream: Space, at_bos: Matrix, mark: AffineMap
) -> AffineMap:
    """Read the mark of BOS so that the map has the wanted value there, if it has not."""
    if wanted is None:
        return affine
    missing = wanted - affine.read_from(stream, at_bos)
    if np.abs(missing).max(initial=0.0) <= ROUNDED * np.abs(wanted).max(initial=1.0):
        return affine
    return affine.plus(mark.into(affine.target, missing[None]))


def erasure(name: str, space: Space, signed: npt.NDArray[np.bool_]) -> MLP:
    """An MLP that clears a variable: it adds the negative of each of its dimensions.

    Exact in floating point: x - relu(x) + relu(-x) is 0.

    Args:
        name: the variable.
        space: its directions.
        signed: [space], whether a dimension can be negative and so needs two neurons.
    """
    columns = [i for i in range(len(space)) for _ in range(2 if signed[i] else 1)]
    signs = [s for i in range(len(space)) for s in ((1.0, -1.0) if signed[i] else (1.0,))]
    neurons = Space(tuple(Direction(f"erase {name}", str(i)) for i in range(len(columns))))
    into = np.zeros((len(space), len(neurons)))
    into[columns, range(len(neurons))] = signs
    return MLP(
        name,
        AffineMap(space, neurons, into, np.zeros(len(neurons))),
        AffineMap(neurons, space, -into.T, np.zeros(len(space))),
        off_at_bos=False,
    )
