"""Limits that are checked before work is done or memory is taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

from shoal.errors import InvalidOptionError, Refusal, UnsupportedProgramError

MOST = 2**62
"""The largest limit that can be set."""


@dataclass(frozen=True)
class Limits:
    """What a compilation may take; a program that needs more is refused, with its sizes.

    Attributes:
        table_entries: joint operand values of one function or predicate.
        averages: different averages of one aggregate.
        one_hot_values: values of one one-hot variable, and so its residual dimensions.
        mlp_weights: matrix entries of the MLP for one expression.
        model_bytes: size of all weights.
        fused_rows: rows of a table that skips intermediate values; larger ones are not offered.
        fused_neurons: hidden neurons of such a table's MLP, likewise.
        promised_inputs: sequences that a promise about inputs is asked about.
        looked_up_inputs: inputs of a program that rules alone cannot compute, of all of which a
            table is made; it is refused if there are more.
        heads_per_layer: heads of one attention half-layer, or None for any number. What would take
            more is not offered, and a layer can do without: depth is minimal under these limits.
        neurons_per_layer: hidden neurons of one MLP half-layer, likewise.
        work: what all stages but the allocator may do, in units of ``Work``; the allocator has
            ``time_limit``.
    """

    table_entries: int = 2**20
    averages: int = 20_000
    one_hot_values: int = 4_096
    mlp_weights: int = 2**25
    model_bytes: int = 2**31
    fused_rows: int = 2_000
    fused_neurons: int = 1_024
    promised_inputs: int = 2**16
    looked_up_inputs: int = 10_000
    heads_per_layer: int | None = None
    neurons_per_layer: int | None = None
    work: int = 100_000_000

    @property
    def most_pairs(self) -> int:
        """Pairs of token and position, which are all looked at; small programs never have more."""
        return max(self.table_entries, 10_000)

    def __post_init__(self) -> None:
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is None and field.default is None:
                continue
            is_whole = isinstance(limit, int) and not isinstance(limit, bool)
            if not is_whole or not 1 <= limit <= MOST:
                shown = "a larger number" if is_whole and limit > MOST else repr(limit)
                raise InvalidOptionError(
                    f"the limit {field.name} is {shown:.100}; give a whole number from 1 to {MOST}"
                )


class Work:
    """Counts what a compilation does, so that it ends on every machine after the same steps.

    A unit is about a microsecond of one core: a quarter of a function's call, fifty entries of a
    table that are looked at, or a thousand multiplications of a matrix product.

    Attributes:
        most: how many units there are.
        spent: how many have been used.
    """

    def __init__(self, most: float = float("inf")) -> None:
        self.most = most
        self.spent = 0.0

    def spend(self, units: float, expression: str) -> None:
        """Count work that has to be done for an expression.

        Raises:
            UnsupportedProgramError: that is more than there is left.
        """
        self.spent += units
        if self.spent > self.most:
            raise UnsupportedProgramError(
                Refusal.TOO_MUCH_WORK,
                expression,
                f"compiling takes more than the limit of {self.most:,.0f} units of work (about a "
                "microsecond each)",
                "use a smaller vocab or max_seq_len, map operands to fewer values first, or allow "
                f"more by limits=shoal.Limits(work={10 * self.most:.0f})",
            )

    @contextmanager
    def optional(self) -> Iterator[Work]:
        """Work for something that can be left out.

        It ends, with the same error, when half of all work is done, so that what is needed is
        never refused for what is only offered.
        """
        part = Work(max(0.0, self.most / 2 - self.spent))
        try:
            yield part
        finally:
            self.spent += part.spent
