"""Shoal compiles RASP programs into transformer weights, as shallow as can be, with a proof.

>>> import shoal
>>> from shoal import rasp
>>> hist = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))
>>> model = shoal.compile(hist, vocab={"a", "b"}, max_seq_len=5)
>>> model.run(["a", "b", "a"])
[2, 1, 2]
"""

from shoal import rasp
from shoal.atlas.patch import Patch
from shoal.compiler.drop_in import compile_rasp_to_model
from shoal.compiler.pipeline import compile_program as compile
from shoal.errors import (
    BudgetError,
    EvaluationError,
    InvalidInputError,
    InvalidOptionError,
    ProgramError,
    ShoalError,
    UnknownProgramError,
    UnsupportedProgramError,
    UnwritableError,
)
from shoal.limits import Limits
from shoal.model import Model, load
from shoal.runnable import Transformer
from shoal_solvers import Budgets

__all__ = [
    "BudgetError",
    "Budgets",
    "EvaluationError",
    "InvalidInputError",
    "InvalidOptionError",
    "Limits",
    "Model",
    "Patch",
    "ProgramError",
    "ShoalError",
    "Transformer",
    "UnknownProgramError",
    "UnsupportedProgramError",
    "UnwritableError",
    "compile",
    "compile_rasp_to_model",
    "load",
    "rasp",
]
