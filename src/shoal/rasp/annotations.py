"""Annotations: the encoding of an s-op, and whether it is to be kept."""

from __future__ import annotations

import enum
from typing import Any, TypeVar

from shoal.errors import ProgramError
from shoal.rasp.expressions import RASPExpr, SOp
from shoal.rasp.requirements import require_kind
from shoal.rasp.values import show_value


class Encoding(enum.Enum):
    """How an s-op lives in the residual stream: one-hot, or as one scalar."""

    CATEGORICAL = "categorical"
    NUMERICAL = "numerical"


E = TypeVar("E", bound=RASPExpr)
S = TypeVar("S", bound=SOp)


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
