"""Shoal compiles RASP programs into transformer weights, as shallow as can be, with a proof.

>>> import shoal
>>> from shoal import rasp
>>> hist = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))
>>> model = shoal.compile(hist, vocab={"a", "b"}, max_seq_len=5)
>>> model.run(["a", "b", "a"])
[2, 1, 2]
"""

from importlib.metadata import PackageNotFoundError, version

from shoal import rasp
from shoal.atlas.patch import Patch
from shoal.compiler.drop_in import compile_rasp_to_model
from shoal.compiler.pipeline import compile
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

try:
    __version__ = version("shoal")
except PackageNotFoundError:  # run from its source alone, without having been installed
    __version__ = "unknown"

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
    "__version__",
    "compile",
    "compile_rasp_to_model",
    "load",
    "rasp",
]
