"""The errors that Shoal raises on purpose. Their messages say what, where, why, and what to do."""


class ShoalError(Exception):
    """Base class of Shoal's errors."""


class ProgramError(ShoalError, TypeError):
    """An expression is put together wrongly, or is no program."""


class EvaluationError(ShoalError, ValueError):
    """The interpreter cannot give a program's value on an input."""


class UnsupportedProgramError(ShoalError):
    """A program cannot be compiled; the message names the expression and the reason."""


class InvalidOptionError(ShoalError, ValueError):
    """A compile option makes no sense: vocabulary, length, BOS, pass, allocator or budget."""


class BudgetError(ShoalError):
    """The budgets cannot be met; the message says which is in the way, and what would do."""


class InvalidInputError(ShoalError, ValueError):
    """A model is given a sequence that it is not made for."""


class UnknownProgramError(ShoalError):
    """The command line names a program that cannot be found."""
