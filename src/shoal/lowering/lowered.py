"""What lowering produces: variables, operations with alternatives, and how values are held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from shoal.craft.affine import AffineMap
from shoal.craft.bases import Direction
from shoal.craft.components import MARK, Component, Head, Heads
from shoal.forms.scores import Scores
from shoal.lowering.held import Held, StreamVariable
from shoal.lowering.offers import InputTable
from shoal.lowering.synthesis.tables import Table
from shoal.program.facts.inferred import Inferred
from shoal.program.rewriting import Saving
from shoal.program.trace import RESULT
from shoal.shown import shown_fields
from shoal_solvers import Allocation


@dataclass(frozen=True, eq=False)
class LoweredOperation:
    """A variable's component, in all the ways in which it can be had.

    Attributes:
        name: the variable that it computes.
        block: operations of one expression share a block.
        components: the alternatives; all read and write named directions.
        reads: for each alternative, the variables that it reads.
        rules: for each alternative, the rule that offered it.
        tables: for each alternative, what it computes, if it was synthesised.
        sharing: as of an offer.
    """

    __repr__ = shown_fields

    name: str
    block: str
    components: tuple[Component, ...]
    reads: tuple[tuple[str, ...], ...]
    rules: tuple[str, ...]
    tables: tuple[Table | None, ...]
    sharing: str | None = None

    @property
    def is_attention(self) -> bool:
        """Whether it runs in attention half-layers."""
        return isinstance(self.components[0], Head | Heads)


@dataclass(frozen=True, eq=False)
class LoweredProgram:
    """A program as variables and operations.

    Attributes:
        inferred: the program with its facts.
        variables: by name.
        inputs: what the embedding provides.
        operations: in an order in which they can run.
        held: for each s-op by node id, every way in which it is held, the first as the user wishes.
        raw: by node id, what an s-op is decoded from.
        stored: by variable, what is held by it and nothing else.
        savings: what the rules did.
        result: how the result is held, if that has been decided.
        mark: what is 1 at the BOS position and 0 everywhere else.
        marks: variables that tell BOS from tokens, and nothing else.
        would_differ: whether a rule whose offers were not taken had any.
    """

    __repr__ = shown_fields

    inferred: Inferred
    variables: Mapping[str, StreamVariable]
    inputs: tuple[InputTable, ...]
    operations: tuple[LoweredOperation, ...]
    held: Mapping[int, tuple[Held, ...]]
    raw: Mapping[int, Held]
    stored: Mapping[str, Held]
    savings: tuple[Saving, ...] = ()
    result: Held | None = None
    mark: AffineMap = MARK
    marks: tuple[str, ...] = ()
    would_differ: bool = False

    @cached_property
    def holder(self) -> Mapping[Direction, str]:
        """The variable that has a direction among its own."""
        return {d: v.name for v in self.variables.values() for d in v.space.directions}

    def first(self, number: int) -> Held:
        """An s-op as the user wishes it to be held."""
        return self.held[number][0]

    def ways(self, number: int) -> tuple[Held, ...]:
        """Every way in which an s-op is held, and what it is decoded from."""
        raw = (self.raw[number],) if number in self.raw else ()
        return (*self.held.get(number, ()), *raw)

    @property
    def results(self) -> tuple[Held, ...]:
        """All ways in which the program's result can be had; the allocator takes one.

        A number stays one, since nobody promised more of it than to be close; and what is to be
        kept is kept as the user wishes it.
        """
        if self.result is not None:
            return (self.result,)
        root = self.inferred.program.root
        first, *others = self.held[root]
        if self.inferred.program.node(root).is_kept:
            return (first,)
        return (first, *(h for h in others if h.form.is_number is first.form.is_number))


def chosen_result(lowered: LoweredProgram, allocation: Allocation) -> Held:
    """How the result is held that an allocation has at the end."""
    return lowered.result or lowered.results[allocation.outputs.get(RESULT, 0)]


def decided(lowered: LoweredProgram, allocation: Allocation) -> LoweredProgram:
    """The program with its result held as an allocation has it.

    Scores that decide nothing are no way to read it: what they are read from need not be there.
    """
    if lowered.result is not None:
        return lowered
    result, root = chosen_result(lowered, allocation), lowered.inferred.program.root
    ways = tuple(h for h in lowered.held[root] if h is result or h.form != Scores())
    return replace(lowered, held={**lowered.held, root: ways}, result=result)
