"""The errors of the allocation library."""


class AllocationError(Exception):
    """Base class of everything that this library raises on purpose."""


class InvalidProblemError(AllocationError):
    """An allocation problem, a stored instance or a solver option makes no sense."""


class InvalidAllocationError(AllocationError):
    """An allocation breaks a rule of its problem; the message lists every broken rule."""


class InfeasibleError(AllocationError):
    """No allocation meets the budgets; the message says which budget is in the way."""
