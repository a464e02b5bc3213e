"""One dimension for each class, 1 for the value's and 0 for all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shoal.arrays import Array, Float
from shoal.contract import SHARP
from shoal.forms.form import NOT_LISTED, Affine, Form, Misfit, Ranges, number_codes
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated, group_close
from shoal.rasp.values import Value, is_number

_MOST_IN_A_LABEL = 6


@dataclass(frozen=True)
class OneHot(Form):
    """The form of categorical s-ops: every reader can use it, and it is wide."""

    name: ClassVar[str] = "one-hot"
    picks_one: ClassVar[bool] = True
    most_error: ClassVar[float] = SHARP

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        """It needs a list, which must not be too long."""
        most = limits.one_hot_values
        if not isinstance(domain, Enumerated):
            return NOT_LISTED
        if len(domain) <= most:
            return None
        return Misfit(
            f"takes {len(domain):,} different values, and one-hot encoding needs a residual "
            f"dimension for each; the limit is {most:,}",
            "annotate it with rasp.numerical, map it to fewer values, or use a smaller vocab or "
            "max_seq_len",
        )

    def parts(self, domain: Domain) -> tuple[str, ...]:
        """The texts of the classes."""
        assert isinstance(domain, Enumerated)
        return class_labels(domain)

    def ranges(self, domain: Domain) -> Ranges:
        """Each is 0 or 1."""
        assert isinstance(domain, Enumerated)
        return Ranges(np.zeros(len(domain), dtype=bool), 1.0, step=1.0, picks_one=True)

    def codes(self, domain: Enumerated) -> Float[Array, "classes coordinates"]:
        """The identity."""
        return np.eye(len(domain))

    def numbers(self, domain: Domain) -> Affine | None:
        """The sum of the numbers, each times its dimension."""
        assert isinstance(domain, Enumerated)
        if not domain.are_numbers:
            return None
        codes = number_codes(domain)
        return codes, np.zeros(codes.shape[1])

    def line(
        self, domain: Domain, points: Float[Array, "rows coordinates"]
    ) -> Float[Array, " coordinates"]:
        """The classes, numbered from 1."""
        return np.arange(1.0, points.shape[1] + 1)

    def room(self, domain: Domain) -> float:
        """A quarter, so that the right one stays ahead of the others."""
        return 0.25


def class_labels(domain: Enumerated) -> tuple[str, ...]:
    """A different text for each class: its values' text where that is unique.

    Otherwise their ``repr``, and a number besides if that is not unique either.
    """
    texts = [_label(group, str) for group in domain.classes]
    merged = any("|" in text for text in texts)
    unclear = merged and any("|" in str(v) for group in domain.classes for v in group)
    if unclear or len(set(texts)) < len(texts) or not all(texts):
        texts = [_label(group, repr) for group in domain.classes]
    if len(set(texts)) < len(texts):
        texts = [f"{text} ({number})" for number, text in enumerate(texts)]
    return tuple(texts)


def _label(members: Sequence[Value], show: Callable[[object], str]) -> str:
    """The text of a class, whose members may be different values that a pass has merged."""
    if len(members) == 1:
        return show(members[0])
    different = [group[0] for group in group_close(members)]
    different += [v for v in members if not is_number(v) and v not in different]
    texts = [show(v) for v in sorted(different, key=members.index)]
    if len(texts) > _MOST_IN_A_LABEL:
        texts = [texts[0], "..", texts[-1]]
    return "|".join(texts)
