"""What rules propose: frozen data, from which lowering puts a program together."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from shoal.craft.affine import Matrix
from shoal.craft.components import Component
from shoal.lowering.held import EXACT, Errors, Held, StreamVariable


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
        held: what one has by it.
        node: the s-op whose value that is; None for a helper.
        variable: what it writes into the stream; None for a view of what is there anyway.
        source: the component that computes it, or what the embedding provides; None for a view.
        reads: names of the variables that the component reads.
        errors: how far it may be off.
        block: offers of one expression share a block.
        sharing: heads of the same sharing differ in their values alone, so that in one
            half-layer they become one head; None if it stays a head of its own.
        is_raw: whether another offer decodes it to the value proper.
        purpose: what a helper is for, so that others can find it.
    """

    held: Held
    node: int | None
    variable: StreamVariable | None = None
    source: Component | InputTable | None = None
    reads: tuple[str, ...] = ()
    errors: Errors = EXACT
    block: str = ""
    sharing: str | None = None
    is_raw: bool = False
    purpose: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """Something that a rule would have offered, but for a limit.

    Attributes:
        what: it would have taken, in words.
    """

    what: str


T = TypeVar("T")

Offers = Generator[Offer | LeftOut, Held, T]
"""What a rule is: it yields offers, each of which it may count on from then on, and returns."""
