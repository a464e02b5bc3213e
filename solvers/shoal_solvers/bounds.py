"""Lower bounds from the structure of a problem; none of them needs a search.

Those of later objectives may be told how many columns there are, and hold then.
"""

from __future__ import annotations

from shoal_solvers.allocation import Lifetime, occupied
from shoal_solvers.forced_erasures import ForcedErasures, forced_erasures
from shoal_solvers.lifetimes import certain_lives
from shoal_solvers.problem import AllocationProblem
from shoal_solvers.timeline import Kind
from shoal_solvers.windows import Windows, columns_needed, compute_windows


def layers_bound(problem: AllocationProblem) -> int:
    """No allocation has fewer layers than the critical path.

    Proof: an operation is ready only after the operations whose results it reads, so by
    induction none runs before its earliest layer, the least over its alternatives. The
    outputs' operations are present in every allocation, and of each choice those of one option.
    """
    windows = compute_windows(problem, len(problem.operations) + 1)

    def ready(variable: str) -> int:
        producer = problem.producer.get(variable)
        return 0 if producer is None else windows.first_layer(producer) + 1

    layers = [windows.first_layer(problem.operation[o]) + 1 for o in windows.required]
    for choice in problem.choices:
        options = (choice.options[number] for number in windows.options[choice.name])
        layers.append(min(max(map(ready, option), default=0) for option in options))
    return max(layers, default=0)


def width_bound(problem: AllocationProblem, windows: Windows, width: int | None = None) -> int:
    """No allocation in ``windows.num_layers`` layers is narrower than its certain occupants.

    Proof: what certainly lives in one state together (``lifetimes``) needs that many columns.
    Beyond that, every required operation needs its own columns all at once (``columns_needed``).
    """
    lives = {
        name: Lifetime(life.first, life.last)
        for name, life in certain_lives(problem, windows).items()
        if life.first <= life.last
    }
    together = occupied(problem, lives, windows.num_layers)
    return max([*together, *(_operands(problem, windows, name) for name in windows.required)])


def neurons_bound(problem: AllocationProblem, windows: Windows, width: int | None = None) -> int:
    """The fullest MLP holds at least the mean, and at least the largest required operation.

    Proof: the required MLP operations take at least the size of their smallest alternative, and
    what must be erased takes its neurons (``forced_erasures``); they share the MLP half-layers of
    every span of layers that they cannot leave.
    """
    erasures = None if width is None else forced_erasures(problem, windows, width)
    return _fullest(problem, windows, Kind.MLP, erasures)


def heads_bound(problem: AllocationProblem, windows: Windows, width: int | None = None) -> int:
    """The fullest attention holds at least the mean and the largest required operation.

    Proof: as for neurons. Of operations that share heads, those whose windows do not overlap
    are certainly in different half-layers, and only such are counted.
    """
    return _fullest(problem, windows, Kind.ATTENTION, None)


def total_bound(problem: AllocationProblem, windows: Windows, width: int | None = None) -> int:
    """Every required operation takes at least its least size, and forced erasures theirs.

    Of operations that share heads only those that cannot meet in a half-layer are counted.
    """
    total = sum(size for kind in Kind for size, _, _ in _required_sizes(problem, windows, kind))
    if width is None or windows.num_layers == 0:
        return total
    erasures = forced_erasures(problem, windows, width)
    return total + max(erasures.neurons(0, last) for last in range(windows.num_layers))


def _operands(problem: AllocationProblem, windows: Windows, name: str) -> int:
    """Columns that an operation needs at once under its least demanding alternative."""
    o = problem.operation[name]
    return min(columns_needed(problem, o, a) for a in windows.alternatives(o))


def _required_sizes(
    problem: AllocationProblem, windows: Windows, kind: Kind
) -> list[tuple[int, int, int]]:
    """For every required operation of a kind: least size, first and last layer.

    Of each sharing, only operations whose windows do not overlap; picking those that end
    first gives the most of them.
    """
    sizes = []
    taken: dict[str, int] = {}
    required = [o for o in problem.operations if o.kind is kind and o.name in windows.required]
    for o in sorted(required, key=lambda o: (windows.latest[o.name], -windows.first_layer(o))):
        first, last = windows.first_layer(o), windows.latest[o.name]
        if o.sharing is not None:
            if first <= taken.get(o.sharing, -1):
                continue
            taken[o.sharing] = last
        least = min(o.alternatives[a].size for a in windows.alternatives(o))
        sizes.append((least, first, last))
    return sizes


def _fullest(
    problem: AllocationProblem, windows: Windows, kind: Kind, erasures: ForcedErasures | None
) -> int:
    """The largest mean over all spans of layers that operations cannot leave."""
    sizes = _required_sizes(problem, windows, kind)
    bound = max((size for size, _, _ in sizes), default=0)
    for first in range(windows.num_layers):
        total = 0
        inside = sorted((last, size) for size, start, last in sizes if start >= first)
        for layer in range(first, windows.num_layers):
            while inside and inside[0][0] <= layer:
                total += inside.pop(0)[1]
            span = layer - first + 1
            bound = max(bound, -(-total // span))
            if erasures is not None and total + erasures.most_neurons(first, layer) > bound * span:
                bound = max(bound, -(-(total + erasures.neurons(first, layer)) // span))
    return bound
