"""Functions inside programs: operators that print as they are written, and lambdas' sources."""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType, MappingProxyType
from typing import Any

from shoal.rasp.values import show_value

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "<": operator.lt,
        "<=": operator.le,
        "==": operator.eq,
        "!=": operator.ne,
        ">": operator.gt,
        ">=": operator.ge,
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "%": operator.mod,
        "**": operator.pow,
        "&": lambda x, y: x and y,
        "|": lambda x, y: x or y,
    }
)
"""Binary operators on s-ops. As in Tracr, & and | are Python's ``and`` and ``or``."""


class Comparison(enum.Enum):
    """Predicates for ``Select``; called as ``predicate(key, query)``."""

    EQ = "=="
    LT = "<"
    LEQ = "<="
    GT = ">"
    GEQ = ">="
    NEQ = "!="
    TRUE = "True"
    FALSE = "False"

    def __call__(self, key: Any, query: Any) -> bool:
        """Compare a key with a query."""
        if self is Comparison.TRUE:
            return True
        if self is Comparison.FALSE:
            return False
        return bool(OPERATORS[self.value](key, query))


@dataclass(frozen=True)
class BinaryOperator:
    """``first OPERATOR second`` as a function of two values."""

    symbol: str

    def __call__(self, first: Any, second: Any) -> Any:
        """Apply the operator."""
        return OPERATORS[self.symbol](first, second)


@dataclass(frozen=True)
class ConstantOperator:
    """``value OPERATOR constant``, or ``constant OPERATOR value`` if reflected."""

    symbol: str
    constant: Any
    reflected: bool = False

    def __call__(self, value: Any) -> Any:
        """Apply the operator."""
        if self.reflected:
            return OPERATORS[self.symbol](self.constant, value)
        return OPERATORS[self.symbol](value, self.constant)

    def show(self, operand: str) -> str:
        """The application to an operand, as source."""
        if self.reflected:
            return f"{show_value(self.constant)} {self.symbol} {operand}"
        return f"{operand} {self.symbol} {show_value(self.constant)}"


@dataclass(frozen=True)
class UnaryOperator:
    """``~value`` (logical not, as in Tracr), or ``-value``."""

    symbol: str

    def __call__(self, value: Any) -> Any:
        """Apply the operator."""
        return not value if self.symbol == "~" else -value

    def show(self, operand: str) -> str:
        """The application to an operand, as source."""
        return f"{self.symbol}{operand}"


@dataclass(frozen=True)
class Composed:
    """Functions one after the other; None flows through, so no function sees it."""

    functions: tuple[Callable[[Any], Any], ...]

    def __call__(self, value: Any) -> Any:
        """Apply the functions, the first one first."""
        for function in self.functions:
            if value is None:
                return None
            value = function(value)
        return value


def compose(outer: Callable[[Any], Any], inner: Callable[[Any], Any]) -> Composed:
    """``outer(inner(value))``."""
    first = inner.functions if isinstance(inner, Composed) else (inner,)
    second = outer.functions if isinstance(outer, Composed) else (outer,)
    return Composed(first + second)


@dataclass(frozen=True)
class LinearCombination:
    """``first_factor * first + second_factor * second``."""

    first_factor: float
    second_factor: float

    def __call__(self, first: Any, second: Any) -> Any:
        """Combine two numbers."""
        return self.first_factor * first + self.second_factor * second


@dataclass(frozen=True)
class Element:
    """One element of a tuple."""

    number: int

    def __call__(self, value: Any) -> Any:
        """Take it."""
        return value[self.number]


@dataclass(frozen=True)
class OfOneOperand:
    """A function of two values that are one and the same."""

    function: Callable[[Any, Any], Any]

    def __call__(self, value: Any) -> Any:
        """Apply the function to the value twice."""
        return self.function(value, value)


def show_function(function: Callable[..., Any]) -> str:
    """How a function reads in a program: its name, or the source of a lambda."""
    if isinstance(function, Comparison):
        return f"Comparison.{function.name}"
    if isinstance(function, OfOneOperand):
        return show_function(function.function)
    if isinstance(function, Composed):
        shown = [show_function(part) for part in function.functions[:-6:-1]]
        return " after ".join([*shown, *(["..."] if len(function.functions) > 5 else [])])
    if isinstance(function, ConstantOperator | UnaryOperator):
        return f"lambda x: {function.show('x')}"
    if isinstance(function, BinaryOperator):
        return f"lambda x, y: x {function.symbol} y"
    name = getattr(function, "__name__", None)
    if name == "<lambda>":
        return _lambda_source(function.__code__) or "lambda ..."
    return name or show_value(function)


@functools.cache
def _lambda_source(code: CodeType) -> str | None:
    """The source text of a lambda, or None where it cannot be told which one it is."""
    try:
        lines, _ = inspect.findsource(code)
        tree = ast.parse("".join(lines))
    except (OSError, SyntaxError, TypeError):
        return None
    found = {
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and [a.arg for a in node.args.args] == list(code.co_varnames[: code.co_argcount])
    }
    return found.pop() if len(found) == 1 else None
