"""Allocation of operations to half-layers and of variables to residual columns.

Knows nothing of RASP or of transformers beyond this: half-layers alternate between
attention and MLP, what a half-layer writes can be read from the next one on, and an MLP
can erase. ``Model`` puts a problem together step by step; see ``AllocationProblem`` for what
it makes, ``solve`` for the door, ``Result`` for what comes out.
"""

from shoal_solvers.allocation import Allocation, Costs, Lifetime, Placement
from shoal_solvers.allocation import lifetimes_in as lifetimes_in
from shoal_solvers.allocation import measure as measure
from shoal_solvers.builder import Model
from shoal_solvers.certificate import WidthCertificate
from shoal_solvers.checker import check, violations
from shoal_solvers.duality import proves
from shoal_solvers.errors import (
    AllocationError,
    InfeasibleError,
    InvalidAllocationError,
    InvalidProblemError,
)
from shoal_solvers.export import export_model
from shoal_solvers.identity import problem_identity
from shoal_solvers.objectives import OBJECTIVES
from shoal_solvers.options import KNOWN_SOLVERS, MOST_SECONDS, MOST_WORKERS, SOLVERS
from shoal_solvers.pareto import FrontPoint, pareto
from shoal_solvers.problem import (
    MOST_BUDGET,
    AllocationProblem,
    Alternative,
    Budgets,
    Operation,
    OutputChoice,
    Variable,
)
from shoal_solvers.result import ObjectiveResult, Result, Status
from shoal_solvers.serialize import (
    allocation_from_json,
    allocation_to_json,
    problem_from_json,
    problem_to_json,
    result_from_json,
    result_to_json,
)
from shoal_solvers.solve import lower_bound_on_layers, solve
from shoal_solvers.timeline import ALTERNATING, Kind, Timeline

__all__ = [
    "ALTERNATING",
    "KNOWN_SOLVERS",
    "MOST_BUDGET",
    "MOST_SECONDS",
    "MOST_WORKERS",
    "OBJECTIVES",
    "SOLVERS",
    "Allocation",
    "AllocationError",
    "AllocationProblem",
    "Alternative",
    "Budgets",
    "Costs",
    "FrontPoint",
    "InfeasibleError",
    "InvalidAllocationError",
    "InvalidProblemError",
    "Kind",
    "Lifetime",
    "Model",
    "ObjectiveResult",
    "Operation",
    "OutputChoice",
    "Placement",
    "Result",
    "Status",
    "Timeline",
    "Variable",
    "WidthCertificate",
    "allocation_from_json",
    "allocation_to_json",
    "check",
    "export_model",
    "lifetimes_in",
    "lower_bound_on_layers",
    "measure",
    "pareto",
    "problem_from_json",
    "problem_identity",
    "problem_to_json",
    "proves",
    "result_from_json",
    "result_to_json",
    "solve",
    "violations",
]
