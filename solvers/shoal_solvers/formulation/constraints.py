"""What every allocation keeps to; one function for a constraint, its rule in one line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shoal_solvers.formulation.booleans import Booleans
from shoal_solvers.formulation.dependence import common_dependences, indirect_reads
from shoal_solvers.formulation.linear_model import TRUE, IntArray, Rows
from shoal_solvers.formulation.readers import Reader
from shoal_solvers.problem import Operation
from shoal_solvers.timeline import ALTERNATING


def add_constraints(rows: Rows, booleans: Booleans) -> None:
    """All constraints but budgets, which limit objectives."""
    _stay_done(rows, booleans)
    _use_one_alternative(rows, booleans)
    _choose_one_option(rows, booleans)
    _be_present_if_needed(rows, booleans)
    _run_after_producers(rows, booleans)
    _run_after_common_sources(rows, booleans)
    _hold_inputs_that_are_read(rows, booleans)
    _erase_what_is_written(rows, booleans)
    _erase_after_the_last_read(rows, booleans)
    _erase_after_indirect_reads(rows, booleans)


def _each(columns: Sequence[int]) -> list[IntArray]:
    """Single columns as terms of one row."""
    return [np.array([column]) for column in columns]


def _stay_done(rows: Rows, b: Booleans) -> None:
    """What ran by the end of a layer has run by the end of the next; what is erased stays so."""
    for done in b.done.values():
        rows.at_most([done[:-1]], [done[1:]])
    for name in b.deciding:
        for cleared in b.cleared[name]:
            rows.at_most([cleared[:-1]], [cleared[1:]])


def _use_one_alternative(rows: Rows, b: Booleans) -> None:
    """A present operation uses one of its alternatives, an absent one none."""
    for o in b.problem.operations:
        used = [b.used[o.name, a] for a in b.windows.alternatives(o)]
        if o.name in b.windows.required:
            if used != [TRUE]:
                rows.exactly_one(_each(used))
        elif len(used) > 1:
            rows.at_most(_each(used), (), 1)


def _choose_one_option(rows: Rows, b: Booleans) -> None:
    """Of each choice of outputs one option is there at the end: written, and never erased."""
    for choice in b.problem.choices:
        numbers = b.windows.options[choice.name]
        if len(numbers) > 1:
            rows.exactly_one(_each([b.chosen[choice.name, number] for number in numbers]))
        for number in numbers:
            chosen = _each([b.chosen[choice.name, number]])
            for name in dict.fromkeys(choice.options[number]):
                written = b.written(b.problem.variable[name], b.end, before_mlp=False)
                cleared = [c[-1:] for c in b.cleared.get(name, ())]
                rows.at_most([*chosen, *cleared], written)


def _be_present_if_needed(rows: Rows, b: Booleans) -> None:
    """An operation is present only if an output or something present reads its result."""
    for o in b.problem.operations:
        if o.name in b.windows.required:
            continue
        needing = [
            b.used[reader.operation.name, a]
            for v in o.writes
            for reader in b.readers.get(v, ())
            for a in reader.alternatives
        ]
        needing += [chosen for v in o.writes for chosen in b.choosing(v)]
        for a in b.windows.alternatives(o):
            rows.at_most(_each([b.used[o.name, a]]), _each(list(dict.fromkeys(needing))))


def _run_after_producers(rows: Rows, b: Booleans) -> None:
    """What is read has been written before, so the operation that writes it is present."""
    for v in b.problem.variables:
        source = b.problem.producer.get(v.name)
        if source is None:
            continue
        for group in b.groups.get(v.name, ()):
            lags = [ALTERNATING.lag(source.kind, reader.operation.kind) for reader in group]
            for lag in dict.fromkeys(lags):
                waiting = [reader for reader, own in zip(group, lags, strict=True) if own >= lag]
                _run_after(rows, b, source, waiting, lag)


def _run_after(
    rows: Rows, b: Booleans, source: Operation, waiting: Sequence[Reader], lag: int
) -> None:
    """Of readers of which at most one reads, none has run so long after the source has not."""
    pairs = [(r.operation.name, a) for r in waiting for a in r.alternatives]
    first = min(b.windows.earliest[pair] for pair in pairs)
    last = max(b.windows.latest[r.operation.name] for r in waiting)
    # By the first layer from ``last`` on, what has not run never will.
    where = slice(int(b.index(np.array(first))), int(b.index(np.array(last))) + 1)
    done = [b.done[pair][where] for pair in pairs]
    rows.at_most(done, b.done_before(source, b.layers[where], lag))


def _run_after_common_sources(rows: Rows, b: Booleans) -> None:
    """What an operation waits for by every alternative has run long enough before it."""
    for dependence in common_dependences(b.problem, b.windows):
        reader, source = dependence.reader, dependence.source
        first = min(
            b.windows.earliest[reader.name, a] - distance
            for a, distance in dependence.distances.items()
        )
        last = b.windows.latest[reader.name] - min(dependence.distances.values())
        where = slice(int(b.index(np.array(max(first, 0)))), int(b.index(np.array(last))) + 1)
        layers = b.layers[where]
        done = [
            b.done[reader.name, a][b.index(layers + distance, before=True)]
            for a, distance in dependence.distances.items()
        ]
        rows.at_most(done, b.done_before(source, layers, 0))


def _hold_inputs_that_are_read(rows: Rows, b: Booleans) -> None:
    """An input that something present reads, or that is a chosen output, occupies columns.

    One that nothing needs occupies none, since no objective gets better by it.
    """
    for name, needed in b.needed.items():
        if needed == TRUE:
            continue
        for group in b.groups.get(name, ()):
            used = [
                b.used[reader.operation.name, a] for reader in group for a in reader.alternatives
            ]
            rows.at_most(_each(used), _each([needed]))


def _erase_what_is_written(rows: Rows, b: Booleans) -> None:
    """What is erased was written in an earlier half-layer."""
    for name in b.deciding:
        (cleared,) = b.cleared[name]
        where = np.flatnonzero(cleared)
        written = b.written(b.problem.variable[name], b.layers[where], before_mlp=True)
        rows.at_most([cleared[where]], written)


def _erase_after_the_last_read(rows: Rows, b: Booleans) -> None:
    """A variable is erased only if it is present and no read of it is pending.

    A read is pending while an operation has chosen an alternative that makes it and has
    not run. (Bounding the sum by presence, not by 1, makes the relaxation tighter: what
    is half present cannot be both half erased and half waited for.)
    """
    for name in b.deciding:
        (cleared,) = b.cleared[name]
        for group in b.groups.get(name, ()):
            latest = max(b.windows.latest[reader.operation.name] for reader in group)
            where = np.flatnonzero((cleared > 0) & (b.layers < latest))
            pairs = [(reader.operation.name, a) for reader in group for a in reader.alternatives]
            used = [np.full(len(where), b.used[pair]) for pair in pairs]
            done = [b.done[pair][where] for pair in pairs]
            rows.at_most([cleared[where], *used], [*_present(b, name, len(where)), *done])


def _present(b: Booleans, variable: str, times: int) -> list[IntArray]:
    """Whether a variable is ever there, as terms of so many rows."""
    return b.written(b.problem.variable[variable], np.repeat(b.end, times), before_mlp=False)


def _erase_after_indirect_reads(rows: Rows, b: Booleans) -> None:
    """What an operation reads itself or through its sources is erased after one of these reads.

    An alternative that does not read the variable needs a source that does. This follows from the
    other constraints; in the relaxation it keeps half an operation and half of its source from
    letting the variable go when neither has run.
    """
    deciding = set(b.deciding)
    for read in indirect_reads(b.problem, b.windows, b.windows.required):
        if read.variable not in deciding:
            continue
        (cleared,) = b.cleared[read.variable]
        ends = [b.windows.latest[o.name] for o in (read.reader, *read.through)]
        where = np.flatnonzero((cleared > 0) & (b.layers < max(ends)))
        usable = b.windows.alternatives(read.reader)
        used = [np.full(len(where), b.used[read.reader.name, a]) for a in usable]
        done = [b.done[read.reader.name, a][where] for a in read.direct]
        done += [columns[where] for source in read.through for columns in b.operation_done(source)]
        present = _present(b, read.variable, len(where))
        rows.at_most([cleared[where], *used], [*present, *done])
