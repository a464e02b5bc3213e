"""Evaluators and annotators under the names that Tracr's ``rasp`` has for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from shoal.errors import ProgramError
from shoal.rasp.annotations import Encoding, get_encoding
from shoal.rasp.expressions import RASPExpr, SOp
from shoal.rasp.interpreter import evaluate
from shoal.rasp.values import Value, show_value

NumericValue = int | float
"""A value that can be averaged."""

Predicate = Callable[[Any, Any], bool]
"""From a key and a query to whether the query selects the key."""


class Annotator(Protocol):
    """From an expression to an annotation."""

    def __call__(self, expr: RASPExpr, /) -> Any:
        """The annotation."""


class RASPEvaluator(ABC):
    """Something that gives expressions a value."""

    @abstractmethod
    def evaluate(self, expr: RASPExpr, xs: Sequence[Value]) -> list[Any]:
        """The value of an expression on an input."""


class DefaultRASPEvaluator(RASPEvaluator):
    """Every query sees all keys."""

    def evaluate(self, expr: RASPExpr, xs: Sequence[Value]) -> list[Any]:
        """As ``shoal.rasp.evaluate``."""
        return evaluate(expr, xs)


class CausalEvaluator(RASPEvaluator):
    """Queries see keys at their own and earlier positions."""

    def evaluate(self, expr: RASPExpr, xs: Sequence[Value]) -> list[Any]:
        """As ``shoal.rasp.evaluate`` with ``causal=True``."""
        return evaluate(expr, xs, causal=True)


def default_name(expr: RASPExpr) -> str:
    """The name of an expression that nobody gave one.

    Raises:
        ProgramError: it is no expression.
    """
    if not isinstance(expr, RASPExpr):
        raise ProgramError(f"{show_value(expr)} is no expression, and has no name")
    return type(expr).default_name


def default_encoding(expr: SOp) -> Encoding:
    """The encoding of an s-op that nobody gave one, or its own.

    Raises:
        ProgramError: it is no s-op.
    """
    if not isinstance(expr, SOp):
        raise ProgramError(f"{show_value(expr)} is no s-op, and has no encoding")
    return get_encoding(expr)


DEFAULT_ANNOTATORS: Mapping[str, Annotator] = MappingProxyType(
    {"encoding": default_encoding, "name": default_name}  # type: ignore[dict-item]
)
"""What annotations are where nobody gave one."""
