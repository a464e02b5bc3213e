"""The errors that Shoal raises on purpose. Their messages say what, where, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import Protocol


class Written(Protocol):
    """A place in a source file; ``shoal.rasp.positions.Position`` is one."""

    @property
    def file(self) -> str:
        """Its name."""

    @property
    def line(self) -> int:
        """Counted from 1."""


class ShoalError(Exception):
    """Base class of Shoal's errors."""


class ProgramError(ShoalError, TypeError):
    """An expression is put together wrongly, or is no program."""


class EvaluationError(ShoalError, ValueError):
    """The interpreter cannot give a program's value on an input."""


class Refusal(StrEnum):
    """Why a program is not compiled, as something that code can look at."""

    INDISTINGUISHABLE = "values that look the same in the stream"
    TOO_CLOSE = "values too close to each other for float32"
    TOO_INEXACT = "results too far off in float32"
    NO_NUMBER = "values that are no finite numbers in float32"
    TOO_MANY_VALUES = "too many different values"
    TABLE_TOO_LARGE = "tables that are too large"
    MODEL_TOO_LARGE = "weights that are too large"
    TOO_MUCH_WORK = "more work than the limit"
    ALWAYS_RAISES = "functions that raise on every value"
    NO_FUNCTION = "functions that do not depend on their arguments alone"
    UNUSABLE_VALUE = "values that have no place in a table"
    UNKNOWN_FORM = "forms that there are not"
    WRONG_FORM = "numbers held as classes, or classes as numbers"
    UNKNOWN_EXPRESSION = "expressions that the compiler does not know"


class UnsupportedProgramError(ShoalError, NotImplementedError):
    """A program cannot be compiled.

    Attributes:
        kind: the kind of refusal.
        expression: the name of the s-op or selector that is in the way; "" for the whole program.
        reason: why, in words.
        advice: what to change.
        outside_float32: whether no network in float32 could do it as the program is annotated:
            it would have to hold apart numbers that float32 rounds to one, or a number that
            float32 does not have.
        position: where the expression was written, if that is known.
    """

    position: Written | None = None

    def __init__(
        self,
        kind: Refusal,
        expression: str,
        reason: str,
        advice: str,
        outside_float32: bool = False,
    ) -> None:
        super().__init__(kind, expression, reason, advice, outside_float32)
        self.kind = kind
        self.expression = expression
        self.reason = reason
        self.advice = advice
        self.outside_float32 = outside_float32

    def __str__(self) -> str:
        where = f"{self.expression}: " if self.expression else ""
        line = f"{self.position.file}, line {self.position.line}: " if self.position else ""
        return f"{line}{where}{self.reason}; {self.advice}"


class InvalidOptionError(ShoalError, ValueError):
    """A compile option makes no sense: vocabulary, length, BOS, pass, allocator or budget."""


class BudgetError(ShoalError):
    """The budgets cannot be met; the message says which is in the way, and what would do."""


class InvalidInputError(ShoalError, ValueError):
    """A model is given a sequence, a name or a file that it is not made for."""


class UnreadableError(InvalidInputError):
    """An s-op of the program cannot be read from the residual stream.

    Attributes:
        expression: its name.
        merged: whether it is there, but values that no reader tells apart are held as one.
        inexact: whether it is there, but float32 may take it too far off, which its readers bear.
            If it is neither, nothing that the result needs reads it, and so it is in no column.
    """

    def __init__(
        self, expression: str, reason: str, merged: bool = False, inexact: bool = False
    ) -> None:
        super().__init__(expression, reason, merged, inexact)
        self.expression = expression
        self.reason = reason
        self.merged = merged
        self.inexact = inexact

    def __str__(self) -> str:
        return self.reason


class UnwritableError(InvalidInputError):
    """An s-op cannot be replaced while a model runs, since it is not there to be replaced.

    Attributes:
        expression: its name.
        reason: why.
    """

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(expression, reason)
        self.expression = expression
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.expression!r} cannot be replaced: {self.reason}"


class UnknownProgramError(ShoalError):
    """The command line names a program that cannot be found."""


def comes_from_outside(error: BaseException) -> bool:
    """Whether an error that a user's function raised says nothing about the function.

    It is so for want of memory, stack or time, for failed input and output, and for what is no
    ``Exception``, such as Ctrl-C. Such errors are passed on and never taken for "undefined here".
    Time-outs have no common base class; libraries agree on the word only.
    """
    if not isinstance(error, Exception) or isinstance(
        error, MemoryError | RecursionError | OSError
    ):
        return True
    names = (kind.__name__.lower().replace("_", "") for kind in type(error).__mro__)
    return any("timeout" in name or "timedout" in name for name in names)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question after a name that is not known, with a blank before it; "" if none is like it."""
    near = get_close_matches(name, list(known), n=1)
    return f" did you mean {near[0]}?" if near else ""
