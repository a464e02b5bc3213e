"""The allocation problem as a CP-SAT model; one method per constraint.

Time is counted in layers, because the kind of an operation fixes its half-layer within a
layer. Everything is said with booleans of the form "done by the end of layer l": precedence
and lifetimes are then implications between two of them, the columns occupied in a state are
a weighted sum, and the linear relaxation is tight (without the sums the matrix is a network,
so all its vertices are integral). Start times with a cumulative constraint would say the same;
the sums were chosen for their relaxation, which proves widths of large problems.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from ortools.sat.python import cp_model

from shoal_solvers.allocation import (
    Allocation,
    Placement,
    lifetimes,
    measure,
    present_variables,
)
from shoal_solvers.columns import assign_columns
from shoal_solvers.problem import AllocationProblem, Kind, Operation, Variable
from shoal_solvers.windows import Windows, lag

Term = cp_model.IntVar | int
"""A boolean of the model, or 0 or 1 where the windows already decide it."""

_USUAL = 2**24
"""Upper end of the domains of objectives, unless a problem may exceed it."""


class AllocationModel:
    """A CP-SAT model of one problem in a fixed number of layers, within its budgets.

    Args:
        problem: what to allocate.
        windows: of the same problem, feasible; they fix the number of layers.
    """

    def __init__(self, problem: AllocationProblem, windows: Windows) -> None:
        self.problem = problem
        self.windows = windows
        self.model = cp_model.CpModel()
        self.model.name = problem.name
        self._done: dict[tuple[str, int, int], cp_model.IntVar] = {}
        self._used: dict[tuple[str, int], Term] = {}
        self._erased: dict[tuple[str, int], cp_model.IntVar] = {}
        self._shared: dict[tuple[str, int], cp_model.IntVar] = {}
        self._needed_input: dict[str, Term] = {}
        self._readers = self._collect_readers()
        self._sharings = self._collect_sharings()
        self._objective: dict[str, cp_model.IntVar] = {}
        self._add_operations()
        self._add_alternative_choice()
        self._add_presence()
        self._add_precedence()
        self._add_inputs()
        self._add_erasures()
        self._add_erasure_after_last_read()
        for budget, limit in problem.budgets.limits().items():
            if budget != "max_layers":
                self.limit(budget.removeprefix("max_"), at_most=limit)

    def _collect_readers(self) -> dict[str, list[tuple[Operation, list[int]]]]:
        """For every variable who can read it, and by which of the usable alternatives."""
        readers: dict[str, list[tuple[Operation, list[int]]]] = defaultdict(list)
        for o in self.problem.operations:
            numbers: dict[str, list[int]] = defaultdict(list)
            for a in self.windows.alternatives(o):
                for v in dict.fromkeys(o.alternatives[a].reads):
                    numbers[v].append(a)
            for v, chosen in numbers.items():
                readers[v].append((o, chosen))
        return readers

    def _collect_sharings(self) -> dict[str, list[Operation]]:
        """The operations of every sharing."""
        sharings: dict[str, list[Operation]] = defaultdict(list)
        for o in self.problem.operations:
            if o.sharing is not None:
                sharings[o.sharing].append(o)
        return sharings

    # The booleans.

    def done(self, operation: str, alternative: int, layer: int) -> Term:
        """Whether the operation ran by this alternative in ``layer`` or an earlier one."""
        earliest = self.windows.earliest.get((operation, alternative))
        if earliest is None or layer < earliest:
            return 0
        if layer >= self.windows.latest[operation]:
            return self._used[operation, alternative]
        return self._done[operation, alternative, layer]

    def operation_done(self, operation: Operation, layer: int) -> list[Term]:
        """Terms whose sum says whether the operation ran in ``layer`` or an earlier one."""
        usable = self.windows.alternatives(operation)
        if operation.name in self.windows.required and layer >= self.windows.latest[operation.name]:
            return [1]
        return [self.done(operation.name, a, layer) for a in usable]

    def written(self, variable: Variable, layer: int, before_mlp: bool) -> list[Term]:
        """Terms whose sum says whether the variable is written by the end of ``layer``.

        With ``before_mlp``, the state between attention and MLP of the layer is meant.
        """
        producer = self.problem.producer.get(variable.name)
        if producer is None:
            return [self._needed_input[variable.name]]
        late = before_mlp and producer.kind is Kind.MLP
        return self.operation_done(producer, layer - 1 if late else layer)

    def erased(self, variable: str, layer: int) -> Term:
        """Whether the MLP of ``layer`` or an earlier one erases the variable."""
        return self._erased.get((variable, layer), 0)

    def _add_operations(self) -> None:
        """What ran by the end of a layer has run by the end of the next."""
        for o in self.problem.operations:
            usable = self.windows.alternatives(o)
            for a in usable:
                certain = o.name in self.windows.required and len(usable) == 1
                self._used[o.name, a] = 1 if certain else self.model.new_bool_var("")
                layers = range(self.windows.earliest[o.name, a], self.windows.latest[o.name])
                for layer in layers:
                    self._done[o.name, a, layer] = self.model.new_bool_var("")
                for layer in layers:
                    self._imply(self.done(o.name, a, layer), [self.done(o.name, a, layer + 1)])

    def _add_alternative_choice(self) -> None:
        """A present operation uses one of its alternatives, an absent one none."""
        for o in self.problem.operations:
            used = [self._used[o.name, a] for a in self.windows.alternatives(o)]
            variables = [u for u in used if not isinstance(u, int)]
            if variables and o.name in self.windows.required:
                self.model.add_exactly_one(variables)
            elif len(variables) > 1:
                self.model.add_at_most_one(variables)

    def _add_presence(self) -> None:
        """An operation is present only if an output or something present reads its result."""
        for o in self.problem.operations:
            if o.name in self.windows.required:
                continue
            readers = [
                self._used[r.name, a]
                for v in o.writes
                for r, numbers in self._readers[v]
                for a in numbers
            ]
            for a in self.windows.alternatives(o):
                self._imply(self._used[o.name, a], readers)

    def _add_precedence(self) -> None:
        """What is read has been written before, so the operation that writes it is present."""
        for v in self.problem.variables:
            source = self.problem.producer.get(v.name)
            if source is None:
                continue
            for r, numbers in self._readers[v.name]:
                distance = lag(source.kind, r.kind)
                start = min(self.windows.earliest[r.name, a] for a in numbers)
                for layer in range(start, self.windows.latest[r.name] + 1):
                    written = self.operation_done(source, layer - distance)
                    if not any(isinstance(t, int) and t == 1 for t in written):
                        self._at_most([self.done(r.name, a, layer) for a in numbers], written)

    def _add_inputs(self) -> None:
        """An input occupies columns if it is an output or something present reads it."""
        for v in self.problem.variables:
            if not v.is_input:
                continue
            used = [self._used[r.name, a] for r, numbers in self._readers[v.name] for a in numbers]
            certain = v.is_output or any(
                r.name in self.windows.required and numbers == self.windows.alternatives(r)
                for r, numbers in self._readers[v.name]
            )
            if certain or not used:
                self._needed_input[v.name] = int(certain)
                continue
            self._needed_input[v.name] = self.model.new_bool_var("")
            for term in used:
                self._imply(term, [self._needed_input[v.name]])

    # Lifetimes.

    def _add_erasures(self) -> None:
        """What is erased stays erased, and it was written in an earlier half-layer."""
        limit = self.problem.budgets.max_neurons
        for v in self.problem.variables:
            if v.is_output or v.erase_neurons is None or v.width == 0:
                continue
            if limit is not None and v.erase_neurons > limit:
                continue
            for layer in range(self._first_erasure(v), self.windows.num_layers):
                self._erased[v.name, layer] = self.model.new_bool_var("")
                self._imply(self.erased(v.name, layer - 1), [self.erased(v.name, layer)])
                self._imply(self.erased(v.name, layer), self.written(v, layer, before_mlp=True))

    def _first_erasure(self, variable: Variable) -> int:
        """The first layer whose MLP can find the variable written and all certain reads done."""
        producer = self.problem.producer.get(variable.name)
        if producer is None:
            first = 0
        elif not self.windows.alternatives(producer):
            return self.windows.num_layers
        else:
            first = self.windows.first_layer(producer) + producer.kind.parity
        for r, numbers in self._readers[variable.name]:
            if r.name in self.windows.required and numbers == self.windows.alternatives(r):
                first = max(first, self.windows.first_layer(r))
        return first

    def _add_erasure_after_last_read(self) -> None:
        """A variable is erased only if it is present and no read of it is pending.

        A read is pending while an operation has chosen an alternative that makes it and has
        not run. (Bounding the sum by presence, not by 1, makes the relaxation tighter: what
        is half present cannot be both half erased and half waited for.)
        """
        last_layer = self.windows.num_layers - 1
        for (name, layer), erased in self._erased.items():
            present = self.written(self.problem.variable[name], last_layer, before_mlp=False)
            for r, numbers in self._readers[name]:
                if layer < self.windows.latest[r.name]:
                    used = [self._used[r.name, a] for a in numbers]
                    done = [self.done(r.name, a, layer) for a in numbers]
                    self._at_most([erased, *used], [*present, *done])

    # Objectives; each is added when it is asked for first.

    def objective(self, name: str) -> cp_model.IntVar:
        """The variable that is at least the named objective of ``OBJECTIVES``."""
        if name not in self._objective:
            self._objective[name] = self.model.new_int_var(0, self._most(), name)
            getattr(self, f"_add_{name}")(self._objective[name])
        return self._objective[name]

    def _most(self) -> int:
        """No objective is above this: everything at once."""
        columns = sum(v.width for v in self.problem.variables)
        erasures = sum(v.erase_neurons or 0 for v in self.problem.variables)
        sizes = sum(max(a.size for a in o.alternatives) for o in self.problem.operations)
        return max(_USUAL, columns, erasures + sizes)

    def limit(self, name: str, at_most: int, at_least: int = 0) -> None:
        """Keep an objective between two values."""
        objective = self.objective(name)
        self.model.add(objective <= at_most)
        self.model.add(objective >= at_least)

    @property
    def num_booleans(self) -> int:
        """How large the model is."""
        return len(self._done) + len(self._used) + len(self._erased) + len(self._shared)

    def _add_width(self, width: cp_model.IntVar) -> None:
        """In no state do the occupied columns exceed the width.

        Attention only adds to the stream, so the states before each MLP and the last one
        are the only ones that can be the fullest. Without layers the last state is the first.
        """
        num_layers = self.windows.num_layers
        for layer in range(num_layers):
            self.model.add(self._occupied(layer, before_mlp=True) <= width)
        self.model.add(self._occupied(num_layers - 1, before_mlp=False) <= width)

    def _occupied(self, layer: int, before_mlp: bool) -> cp_model.LinearExprT:
        terms: list[Term] = []
        weights: list[int] = []
        for v in self.problem.variables:
            written = self.written(v, layer, before_mlp)
            gone = self.erased(v.name, layer - 1 if before_mlp else layer)
            terms += [*written, gone]
            weights += [v.width] * len(written) + [-v.width]
        return cp_model.LinearExpr.weighted_sum(terms, weights)

    def _add_neurons(self, neurons: cp_model.IntVar) -> None:
        """In no MLP do the neurons of operations and erasures exceed the fullest one's."""
        for layer in range(self.windows.num_layers):
            self.model.add(self._size(Kind.MLP, layer) <= neurons)

    def _add_heads(self, heads: cp_model.IntVar) -> None:
        """In no attention half-layer do the heads exceed the fullest one's."""
        for layer in range(self.windows.num_layers):
            self.model.add(self._size(Kind.ATTENTION, layer) <= heads)

    def _add_total(self, total: cp_model.IntVar) -> None:
        """Neurons and heads of all half-layers together are the total."""
        sizes = [
            self._size(kind, layer) for kind in Kind for layer in range(self.windows.num_layers)
        ]
        self.model.add(sum(sizes) <= total)

    def _add_shared_heads(self) -> None:
        """Heads that operations share are in a layer if one of these operations runs there."""
        if self._shared:
            return
        for sharing, members in self._sharings.items():
            for o in members:
                usable = self.windows.alternatives(o)
                if not usable:
                    continue
                for layer in range(self.windows.first_layer(o), self.windows.latest[o.name] + 1):
                    if (sharing, layer) not in self._shared:
                        self._shared[sharing, layer] = self.model.new_bool_var("")
                    here = [self.done(o.name, a, layer) for a in usable]
                    before = [self.done(o.name, a, layer - 1) for a in usable]
                    self._at_most(here, [*before, self._shared[sharing, layer]])

    def _size(self, kind: Kind, layer: int) -> cp_model.LinearExprT:
        """Heads or neurons in one half-layer."""
        terms: list[Term] = []
        weights: list[int] = []
        for o in self.problem.operations:
            if o.kind is not kind or o.sharing is not None:
                continue
            for a in self.windows.alternatives(o):
                terms += [self.done(o.name, a, layer), self.done(o.name, a, layer - 1)]
                weights += [o.alternatives[a].size, -o.alternatives[a].size]
        if kind is Kind.ATTENTION:
            self._add_shared_heads()
            for sharing, members in self._sharings.items():
                if (sharing, layer) in self._shared:
                    terms.append(self._shared[sharing, layer])
                    weights.append(members[0].alternatives[0].size)
        if kind is Kind.MLP:
            for v in self.problem.variables:
                if v.erase_neurons:
                    terms += [self.erased(v.name, layer), self.erased(v.name, layer - 1)]
                    weights += [v.erase_neurons, -v.erase_neurons]
        return cp_model.LinearExpr.weighted_sum(terms, weights)

    # Between allocations and values of the booleans.

    def hint(self, allocation: Allocation) -> None:
        """Start the next search from an allocation in as many layers."""
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        placements, erasures = allocation.placements, allocation.erasures
        for (name, a, layer), variable in self._done.items():
            placement = placements.get(name)
            chosen = placement is not None and placement.alternative == a
            self.model.add_hint(
                variable, placement is not None and chosen and placement.half_layer // 2 <= layer
            )
        for (name, a), term in self._used.items():
            if not isinstance(term, int):
                placement = placements.get(name)
                self.model.add_hint(term, placement is not None and placement.alternative == a)
        for name, term in self._needed_input.items():
            if not isinstance(term, int):
                self.model.add_hint(term, name in allocation.columns)
        for (name, layer), variable in self._erased.items():
            self.model.add_hint(variable, name in erasures and erasures[name] // 2 <= layer)
        for (sharing, layer), variable in self._shared.items():
            there = any(
                o.name in placements and placements[o.name].half_layer // 2 == layer
                for o in self._sharings[sharing]
            )
            self.model.add_hint(variable, there)
        costs = measure(self.problem, allocation)
        for name, variable in self._objective.items():
            self.model.add_hint(variable, getattr(costs, name))

    def extract(self, value: Callable[[cp_model.IntVar], int]) -> Allocation:
        """The allocation that belongs to values of the variables."""
        placements: dict[str, Placement] = {}
        for (name, a), used in self._used.items():
            if not (used if isinstance(used, int) else value(used)):
                continue
            latest = self.windows.latest[name]
            layers = range(self.windows.earliest[name, a], latest)
            layer = next((k for k in layers if value(self._done[name, a, k])), latest)
            parity = self.problem.operation[name].kind.parity
            placements[name] = Placement(2 * layer + parity, a)
        present = set(present_variables(self.problem, placements))
        erasures: dict[str, int] = {}
        for (name, layer), variable in self._erased.items():
            if name in present and value(variable):
                erasures.setdefault(name, 2 * layer + Kind.MLP.parity)
        num_layers = self.windows.num_layers
        lives = lifetimes(self.problem, num_layers, placements, erasures)
        columns = assign_columns(self.problem, lives)
        return Allocation(num_layers, placements, erasures, columns)

    # Linear inequalities between terms.

    def _imply(self, premise: Term, conclusion: Iterable[Term]) -> None:
        """If the premise holds, one of the terms of the conclusion does."""
        self._at_most([premise], list(conclusion))

    def _at_most(self, lower: list[Term], upper: list[Term]) -> None:
        """The sum of ``lower`` is at most the sum of ``upper``."""
        constant = sum(t for t in upper if isinstance(t, int))
        constant -= sum(t for t in lower if isinstance(t, int))
        low = [t for t in lower if not isinstance(t, int)]
        high = [t for t in upper if not isinstance(t, int)]
        shared = {t.index for t in low} & {t.index for t in high}
        low = [t for t in low if t.index not in shared]
        high = [t for t in high if t.index not in shared]
        if len(low) <= constant:
            return
        if len(low) == 1 and constant == 0:
            self.model.add_bool_or([low[0].negated(), *high])
        else:
            self.model.add(sum(low) - sum(high) <= constant)
