"""What every allocation keeps to; one function for a constraint, its rule in one line."""

from __future__ import annotations

from shoal_solvers.cp_sat.booleans import Booleans, Term
from shoal_solvers.timeline import ALTERNATING


def add_constraints(booleans: Booleans) -> None:
    """All constraints but budgets, which limit objectives."""
    _stay_done(booleans)
    _use_one_alternative(booleans)
    _choose_one_option(booleans)
    _be_present_if_needed(booleans)
    _run_after_producers(booleans)
    _hold_inputs_that_are_read(booleans)
    _erase_what_is_written(booleans)
    _erase_after_the_last_read(booleans)


def _stay_done(b: Booleans) -> None:
    """What ran by the end of a layer has run by the end of the next."""
    for (name, a, layer), started in b.started.items():
        b.imply(started, [b.done(name, a, layer + 1)])


def _use_one_alternative(b: Booleans) -> None:
    """A present operation uses one of its alternatives, an absent one none."""
    for o in b.problem.operations:
        used = [b.used[o.name, a] for a in b.windows.alternatives(o)]
        open_ones = [u for u in used if not isinstance(u, int)]
        if open_ones and o.name in b.windows.required:
            b.model.add_exactly_one(open_ones)
        elif len(open_ones) > 1:
            b.model.add_at_most_one(open_ones)


def _choose_one_option(b: Booleans) -> None:
    """Of each choice of outputs one option is there at the end: written, and never erased."""
    last = b.windows.num_layers - 1
    for choice in b.problem.choices:
        numbers = b.windows.options[choice.name]
        if len(numbers) > 1:
            b.model.add_exactly_one(b.chosen[choice.name, number] for number in numbers)
        for number in numbers:
            chosen = b.chosen[choice.name, number]
            for name in dict.fromkeys(choice.options[number]):
                written = b.written(b.problem.variable[name], last, before_mlp=False)
                b.at_most([chosen, b.erased(name, last)], written)


def _be_present_if_needed(b: Booleans) -> None:
    """An operation is present only if an output or something present reads its result."""
    for o in b.problem.operations:
        if o.name in b.windows.required:
            continue
        readers: list[Term] = [
            b.used[r.name, a] for v in o.writes for r, numbers in b.readers[v] for a in numbers
        ]
        readers += [chosen for v in o.writes for chosen in b.choosing(v)]
        for a in b.windows.alternatives(o):
            b.imply(b.used[o.name, a], readers)


def _run_after_producers(b: Booleans) -> None:
    """What is read has been written before, so the operation that writes it is present."""
    for v in b.problem.variables:
        source = b.problem.producer.get(v.name)
        if source is None:
            continue
        for r, numbers in b.readers[v.name]:
            distance = ALTERNATING.lag(source.kind, r.kind)
            start = min(b.windows.earliest[r.name, a] for a in numbers)
            for layer in range(start, b.windows.latest[r.name] + 1):
                written = b.operation_done(source, layer - distance)
                if not any(isinstance(t, int) and t == 1 for t in written):
                    b.at_most([b.done(r.name, a, layer) for a in numbers], written)


def _hold_inputs_that_are_read(b: Booleans) -> None:
    """An input that something present reads, or that is a chosen output, occupies columns.

    One that nothing needs occupies none, since no objective gets better by it.
    """
    for name, needed in b.needed.items():
        if isinstance(needed, int):
            continue
        for r, numbers in b.readers[name]:
            for a in numbers:
                b.imply(b.used[r.name, a], [needed])


def _erase_what_is_written(b: Booleans) -> None:
    """What is erased stays erased, and it was written in an earlier half-layer."""
    for (name, layer), erased in b.cleared.items():
        b.imply(b.erased(name, layer - 1), [erased])
        b.imply(erased, b.written(b.problem.variable[name], layer, before_mlp=True))


def _erase_after_the_last_read(b: Booleans) -> None:
    """A variable is erased only if it is present and no read of it is pending.

    A read is pending while an operation has chosen an alternative that makes it and has
    not run. (Bounding the sum by presence, not by 1, makes the relaxation tighter: what
    is half present cannot be both half erased and half waited for.)
    """
    last_layer = b.windows.num_layers - 1
    for (name, layer), erased in b.cleared.items():
        present = b.written(b.problem.variable[name], last_layer, before_mlp=False)
        for r, numbers in b.readers[name]:
            if layer < b.windows.latest[r.name]:
                used = [b.used[r.name, a] for a in numbers]
                done = [b.done(r.name, a, layer) for a in numbers]
                b.at_most([erased, *used], [*present, *done])
