"""The allocation problem once more, as a mixed-integer program that HiGHS solves.

A second formulation to check the first one by. It shares nothing with the CP-SAT model: an
operation has a binary for every half-layer and alternative, heads that are shared have one for
every half-layer, a variable has a binary for every state in which it occupies columns, and
another one for the half-layer that erases it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from ortools.math_opt.python import mathopt

from shoal_solvers import OBJECTIVES, AllocationProblem, Kind, lower_bound_on_layers

Costs = tuple[int, ...]


def _runs_in(kind: Kind, half_layer: int) -> bool:
    return (half_layer % 2 == 1) == (kind is Kind.MLP)


class Milp:
    """The mixed-integer program of a problem in a fixed number of layers.

    Args:
        problem: what to allocate; its budgets are constraints.
        num_layers: layers of the network.
    """

    def __init__(self, problem: AllocationProblem, num_layers: int) -> None:
        self.problem = problem
        self.half_layers = range(2 * num_layers)
        self.states = range(2 * num_layers + 1)
        self.model = mathopt.Model(name=problem.name)
        self.runs = {
            (o.name, a, h): self.model.add_binary_variable()
            for o in problem.operations
            for a in range(len(o.alternatives))
            for h in self.half_layers
            if _runs_in(o.kind, h)
        }
        self.erased = {
            (v.name, h): self.model.add_binary_variable()
            for v in problem.variables
            if v.erase_neurons is not None and not v.is_output
            for h in self.half_layers
            if h % 2 == 1
        }
        self.alive = {
            (v.name, s): self.model.add_binary_variable()
            for v in problem.variables
            for s in self.states
        }
        self.heads = {
            (o.sharing, h): self.model.add_binary_variable()
            for o in problem.operations
            if o.sharing is not None
            for h in self.half_layers
            if h % 2 == 0
        }
        self.chosen = {
            (choice.name, k): self.model.add_binary_variable()
            for choice in problem.choices
            for k in range(len(choice.options))
        }
        self.objectives = {
            name: self.model.add_variable(lb=0, name=name) for name in OBJECTIVES[1:]
        }
        self._add_presence()
        self._add_lifetimes()
        self._add_sharing()
        self._add_objectives()

    def minimize(self, name: str, time_limit: float) -> int | None:
        """Minimise an objective and keep it at that value; None if infeasible.

        Raises:
            TimeoutError: HiGHS did not finish in ``time_limit`` seconds.
        """
        self.model.minimize(self.objectives[name])
        parameters = mathopt.SolveParameters(
            time_limit=timedelta(seconds=time_limit), relative_gap_tolerance=0.0
        )
        result = mathopt.solve(self.model, mathopt.SolverType.HIGHS, params=parameters)
        reason = result.termination.reason
        if reason is mathopt.TerminationReason.INFEASIBLE:
            return None
        if reason is not mathopt.TerminationReason.OPTIMAL:
            raise TimeoutError(f"HiGHS stopped without a proof: {reason.name}")
        value = round(result.objective_value())
        self.model.add_linear_constraint(self.objectives[name] <= value)
        return value

    def _add_presence(self) -> None:
        """Operations run once if something present needs them, and not at all otherwise."""
        used = {
            (o.name, a): sum(
                self.runs[o.name, a, h] for h in self.half_layers if _runs_in(o.kind, h)
            )
            for o in self.problem.operations
            for a in range(len(o.alternatives))
        }
        readers = defaultdict(list)
        for o in self.problem.operations:
            for a, alternative in enumerate(o.alternatives):
                for v in set(alternative.reads):
                    readers[v].append(used[o.name, a])
        for choice in self.problem.choices:
            numbers = range(len(choice.options))
            chosen = [self.chosen[choice.name, k] for k in numbers]
            self.model.add_linear_constraint(mathopt.fast_sum(chosen) == 1)
            for k in numbers:
                for v in set(choice.options[k]):
                    readers[v].append(chosen[k])
                    self.model.add_linear_constraint(self.alive[v, self.states[-1]] >= chosen[k])
        for o in self.problem.operations:
            present = sum(used[o.name, a] for a in range(len(o.alternatives)))
            if any(self.problem.variable[v].is_output for v in o.writes):
                self.model.add_linear_constraint(present == 1)
                continue
            self.model.add_linear_constraint(present <= 1)
            wanted = [reader for v in o.writes for reader in readers[v]]
            self.model.add_linear_constraint(present <= mathopt.fast_sum(wanted))
            for reader in wanted:
                self.model.add_linear_constraint(present >= reader)

    def _add_lifetimes(self) -> None:
        """A variable is alive from its writing to its erasure, and whatever is read is alive."""
        add = self.model.add_linear_constraint
        for v in self.problem.variables:
            producer = self.problem.producer.get(v.name)
            for h in self.half_layers:
                before, after = self.alive[v.name, h], self.alive[v.name, h + 1]
                erased = self.erased.get((v.name, h), 0)
                written = 0 if producer is None else self._runs(producer.name, h)
                add(after - before == written - erased)
                for o in self.problem.operations:
                    reads = sum(
                        self.runs.get((o.name, a, h), 0)
                        for a, alternative in enumerate(o.alternatives)
                        if v.name in alternative.reads
                    )
                    if not isinstance(reads, int):
                        add(reads <= before)
            if producer is not None:
                add(self.alive[v.name, 0] == 0)
            if v.is_output:
                add(self.alive[v.name, self.states[-1]] == 1)

    def _runs(self, operation: str, half_layer: int) -> mathopt.LinearTypes:
        numbers = range(len(self.problem.operation[operation].alternatives))
        return sum(self.runs.get((operation, a, half_layer), 0) for a in numbers)

    def _add_sharing(self) -> None:
        """Whatever runs in a half-layer has its shared heads there."""
        for o in self.problem.operations:
            for h in self.half_layers[::2] if o.sharing is not None else ():
                heads = self.heads[o.sharing, h]
                self.model.add_linear_constraint(self._runs(o.name, h) <= heads)

    def _add_objectives(self) -> None:
        """Each objective is at least what it measures, and within its budget."""
        add = self.model.add_linear_constraint
        for s in self.states:
            occupied = sum(v.width * self.alive[v.name, s] for v in self.problem.variables)
            add(occupied <= self.objectives["width"])
        total: mathopt.LinearTypes = 0
        for h in self.half_layers:
            size = self._size(h)
            total = total + size
            add(size <= self.objectives["heads" if h % 2 == 0 else "neurons"])
        add(total <= self.objectives["total"])
        for budget, limit in self.problem.budgets.limits().items():
            if budget != "max_layers":
                add(self.objectives[budget.removeprefix("max_")] <= limit)

    def _size(self, half_layer: int) -> mathopt.LinearTypes:
        """Heads or neurons in one half-layer."""
        sizes = [
            alternative.size * self.runs[o.name, a, half_layer]
            for o in self.problem.operations
            if _runs_in(o.kind, half_layer) and o.sharing is None
            for a, alternative in enumerate(o.alternatives)
        ]
        size_of = {o.sharing: o.alternatives[0].size for o in self.problem.operations}
        sizes += [size_of[s] * heads for (s, h), heads in self.heads.items() if h == half_layer]
        sizes += [
            (v.erase_neurons or 0) * self.erased[v.name, half_layer]
            for v in self.problem.variables
            if (v.name, half_layer) in self.erased
        ]
        return mathopt.fast_sum(sizes)


def milp_costs(
    problem: AllocationProblem,
    time_limit: float = 60.0,
    objectives: tuple[str, ...] = OBJECTIVES,
    most_layers: int = 100,
) -> Costs:
    """The optimal value of every objective up to the last one asked for.

    Raises:
        TimeoutError: HiGHS did not prove an objective in ``time_limit`` seconds.
        ValueError: there is no allocation in up to ``most_layers`` layers.
    """
    for num_layers in range(lower_bound_on_layers(problem), most_layers + 1):
        milp = Milp(problem, num_layers)
        values = [num_layers]
        for name in objectives[1:]:
            value = milp.minimize(name, time_limit)
            if value is None:
                break
            values.append(value)
        else:
            return tuple(values)
    raise ValueError(f"no allocation in up to {most_layers} layers")
