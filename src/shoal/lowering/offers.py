"""What rules propose: frozen data, from which lowering puts a program together."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from shoal.craft.affine import Matrix
from shoal.craft.components import Component
from shoal.lowering.held import EXACT, Errors, Held
from shoal.lowering.synthesis.tables import Table


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
class Offer:
    """One way to have a value in a form.

    Several offers for one variable are alternatives, of which the allocator takes one. All of them
    may read the mark of BOS.

    Attributes:
        held: what one has by it. Its own variable is what is written; a view has none.
        component: what computes it; None for a view, and for what the embedding provides.
        reads: names of the variables that the component reads.
        errors: how far it may be off.
        block: offers of one expression share a block; "" for one that is named like the variable.
        sharing: heads of the same sharing differ in their values alone, so that in one
            half-layer they become one head; None if it stays a head of its own.
        purpose: what a helper is for, so that others can find it.
        view_of: for a view, the s-op whose value it is.
        raw_of: the s-op that another offer decodes from it.
        table: what the embedding provides, if it does.
        due_to: an optional rule that it would not be made without, if another one was asked.
        made_from: for an MLP that was synthesised, what it computes.
    """

    held: Held
    component: Component | None = None
    reads: tuple[str, ...] = ()
    errors: Errors = EXACT
    block: str = ""
    sharing: str | None = None
    purpose: str | None = None
    view_of: int | None = None
    raw_of: int | None = None
    table: InputTable | None = None
    due_to: str | None = None
    made_from: Table | None = None


class LeftOut(str):
    """What a rule would have offered, but for a limit: what it would have taken, in words."""


T = TypeVar("T")

Offers = Generator[Offer | LeftOut, Held, T]
"""What a rule is: it yields offers, each of which it may count on from then on, and returns."""
