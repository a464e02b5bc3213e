"""Annotations: the encoding of an s-op, whether it is to be kept, and promises."""

from __future__ import annotations

import enum
from typing import Any, TypeVar

from shoal.errors import ProgramError
from shoal.rasp.expressions import RASPExpr, Selector, SOp
from shoal.rasp.requirements import require_kind
from shoal.rasp.values import show_value


class Encoding(enum.Enum):
    """How an s-op lives in the residual stream: one-hot, or as one scalar."""

    CATEGORICAL = "categorical"
    NUMERICAL = "numerical"


E = TypeVar("E", bound=RASPExpr)
S = TypeVar("S", bound=SOp)
L = TypeVar("L", bound=Selector)


def annotate(expr: E, **annotations: Any) -> E:
    """A copy of an expression with further annotations."""
    if not isinstance(expr, RASPExpr):
        raise ProgramError(f"only s-ops and selectors can be annotated, not {show_value(expr)}")
    return expr.annotated(**annotations)


def numerical(sop: S) -> S:
    """A copy of an s-op that is encoded as one scalar."""
    require_kind(sop, SOp, "numerical", "sop", "an s-op")
    return sop.annotated(encoding=Encoding.NUMERICAL)


def categorical(sop: S) -> S:
    """A copy of an s-op that is encoded one-hot."""
    require_kind(sop, SOp, "categorical", "sop", "an s-op")
    return sop.annotated(encoding=Encoding.CATEGORICAL)


def keep(sop: S) -> S:
    """A copy of an s-op that stays in the residual stream to the end, for those who probe it."""
    require_kind(sop, SOp, "keep", "sop", "an s-op")
    return sop.annotated(keep=True)


def unique(selector: L) -> L:
    """A copy of a selector of which it is promised that every query selects one key at most.

    The compiler relies on it where it cannot find it out: numbers that such a selector picks are
    copied, and means of them do not occur. The interpreter raises where an input breaks the
    promise; of such an input a compiled model says anything.
    """
    require_kind(selector, Selector, "unique", "selector", "a selector")
    return selector.annotated(unique=True)


def is_unique(selector: RASPExpr) -> bool:
    """Whether it is promised of a selector that every query selects one key at most."""
    return bool(selector.annotations.get("unique", False))


def get_encoding(sop: SOp) -> Encoding:
    """The encoding of an s-op; categorical unless it says otherwise.

    Raises:
        ProgramError: the annotation is no encoding.
    """
    encoding = sop.annotations.get("encoding", Encoding.CATEGORICAL)
    try:
        return Encoding(encoding)
    except ValueError:
        raise ProgramError(
            f"the encoding of {sop.name!r} is {encoding!r}; use Encoding.CATEGORICAL or "
            "Encoding.NUMERICAL"
        ) from None


def is_numerical(sop: SOp) -> bool:
    """Whether an s-op is encoded as one scalar."""
    return get_encoding(sop) is Encoding.NUMERICAL


def is_categorical(sop: SOp) -> bool:
    """Whether an s-op is encoded one-hot."""
    return get_encoding(sop) is Encoding.CATEGORICAL
