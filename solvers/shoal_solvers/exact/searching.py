"""One search of an engine over a formulation, in terms of objectives and allocations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shoal_solvers.allocation import Allocation
from shoal_solvers.engines.effort import Answer, Effort
from shoal_solvers.formulation.formulate import Formulation
from shoal_solvers.formulation.linear_model import IntArray, LinearModel
from shoal_solvers.objectives import Objective

Limits = Mapping[Objective, tuple[int, int]]
"""The least and the largest value of objectives."""


@dataclass(frozen=True)
class Engine:
    """Which engine searches, and who listens.

    Attributes:
        name: "cp-sat" or "milp".
        parameters: fields of CP-SAT's ``SatParameters``, or options of HiGHS, that are set last.
        on_solution: called with a word for what is sought, value and bound, whenever CP-SAT finds
            a better solution.
        log: takes the engine's log, line by line.
    """

    name: str = "cp-sat"
    parameters: Mapping[str, object] = field(default_factory=dict)
    on_solution: Callable[[str, int, int], None] | None = None
    log: Callable[[str], None] | None = None


@dataclass(frozen=True)
class Found:
    """An engine's answer in terms of allocations.

    Attributes:
        allocation: the best one found, if any; None for a relaxation, too.
        bound: no allocation has a lower weighted sum of the objectives.
        infeasible: proven that there is none.
        interrupted: ended by Ctrl-C.
        work: deterministic seconds spent.
        value: of the weighted sum in what was found.
        values: of the columns in what was found.
    """

    allocation: Allocation | None
    bound: int
    infeasible: bool = False
    interrupted: bool = False
    work: float = 0.0
    value: int | None = None
    values: IntArray | None = None


class Searcher:
    """Runs an engine; keeps the last formulation's model in CP-SAT, which takes long to build."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._cached: tuple[Formulation, object] | None = None

    def minimize(
        self,
        formulation: Formulation,
        weights: Mapping[Objective, int],
        limits: Limits,
        effort: Effort,
        start: Allocation | None = None,
        columns: Mapping[int, tuple[int, int]] | None = None,
    ) -> Found:
        """The least weighted sum of objectives within limits.

        Args:
            formulation: of the problem.
            weights: of the objectives that are minimised.
            limits: of objectives; others than these are as wide as the budgets.
            effort: how long.
            start: an allocation in as many layers to begin with.
            columns: limits of single columns of the model besides.
        """
        within = {formulation.objectives[objective]: limit for objective, limit in limits.items()}
        model = formulation.model.within({**within, **(columns or {})})
        model = model.minimizing({formulation.objectives[o]: w for o, w in weights.items()})
        values = None
        if start is not None and formulation.booleans.is_complete:
            values = formulation.values(start)
        words = " + ".join(objective.name for objective in weights) or "layers"
        answer = self._run(formulation, model, effort, values, words)
        found = answer.values
        whole = found is not None and formulation.booleans.is_complete
        return Found(
            allocation=formulation.allocation(found) if whole and found is not None else None,
            bound=answer.bound,
            infeasible=answer.infeasible,
            interrupted=answer.interrupted,
            work=answer.work,
            value=None
            if found is None
            else sum(weight * int(found[column]) for column, weight in model.objective.items()),
            values=found,
        )

    def _run(
        self,
        formulation: Formulation,
        model: LinearModel,
        effort: Effort,
        start: IntArray | None,
        words: str,
    ) -> Answer:
        engine = self.engine
        if engine.name == "milp":
            from shoal_solvers.engines import highs  # engines take long to import

            return highs.minimize(model, effort, start, engine.parameters, engine.log)
        from shoal_solvers.engines.cp_sat import CpSat

        if self._cached is None or self._cached[0] is not formulation:
            self._cached = (formulation, CpSat(formulation.model))
        solver = self._cached[1]
        assert isinstance(solver, CpSat)
        tell = engine.on_solution
        listener = None if tell is None else lambda value, bound: tell(words, value, bound)
        return solver.minimize(model, effort, start, engine.parameters, listener, engine.log)
