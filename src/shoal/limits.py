"""Limits that are checked before work is done or memory is taken."""

from __future__ import annotations

from dataclasses import dataclass, fields

from shoal.errors import InvalidOptionError


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
    """

    table_entries: int = 1_000_000
    averages: int = 20_000
    one_hot_values: int = 4_096
    mlp_weights: int = 2**25
    model_bytes: int = 2**31
    fused_rows: int = 2_000
    fused_neurons: int = 1_024

    def __post_init__(self) -> None:
        for field in fields(self):
            limit = getattr(self, field.name)
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise InvalidOptionError(
                    f"the limit {field.name} is {limit!r}; give a whole number of at least 1"
                )
