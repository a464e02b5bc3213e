"""Allocators side by side on the same programs."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import overload

import shoal
from shoal.errors import ShoalError
from shoal.model import Model
from shoal.options import ALL, PASS_NAMES
from shoal.rasp.expressions import SOp
from shoal.rasp.values import Value
from shoal_analysis.pictures.html import card, left_out, table
from shoal_solvers import Result, Status


@dataclass(frozen=True)
class Candidate:
    """A program with what it is compiled for."""

    name: str
    program: SOp
    vocab: tuple[Value, ...]
    max_seq_len: int


MOST_ROWS = 100
"""Of a comparison, that a notebook shows."""


@dataclass(frozen=True)
class Measurement:
    """What one program costs under one set of passes and one allocator.

    Attributes:
        program: its name; "total" for sums.
        passes: as given.
        allocator: the solver.
        layers: attention + MLP pairs.
        width: residual columns.
        width_bound: no fewer would do for the components; None if that is not known.
        neurons: hidden neurons of the widest MLP.
        heads: heads of the fullest attention.
        parameters: all entries of the model's parameters.
        parameters_with_unembedding: the same, and those of the unembedding.
        solve_seconds: wall-clock time of the allocator.
        proven: "all" objectives, the names of some, "-" for none, or the gaps that a search
            left, such as "gap: width +3".
    """

    program: str
    passes: str
    allocator: str
    layers: int
    width: int
    width_bound: int | None
    neurons: int
    heads: int
    parameters: int
    parameters_with_unembedding: int
    solve_seconds: float
    proven: str


@dataclass(frozen=True)
class Comparison(Sequence[Measurement]):
    """Measurements, which a notebook shows as a table.

    Attributes:
        measurements: in order.
    """

    measurements: tuple[Measurement, ...]

    @overload
    def __getitem__(self, index: int) -> Measurement: ...
    @overload
    def __getitem__(self, index: slice) -> Comparison: ...
    def __getitem__(self, index: int | slice) -> Measurement | Comparison:
        if isinstance(index, slice):
            return Comparison(self.measurements[index])
        return self.measurements[index]

    def __len__(self) -> int:
        return len(self.measurements)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        header = ("program", "passes", "allocator", "layers", "width", "MLP", "heads")
        further = ("parameters", "with unembedding", "ms", "proven")
        rows = table((*header, *further), map(_cells, self[:MOST_ROWS]))
        return card(rows + left_out(len(self) - MOST_ROWS, "measurements"))


def _cells(measured: Measurement) -> tuple[str, ...]:
    m = measured
    parameters = (m.parameters, m.parameters_with_unembedding)
    sizes = (m.layers, m.width, m.neurons, m.heads, *parameters)
    milliseconds = f"{1000 * m.solve_seconds:.0f}"
    return (m.program, m.passes, m.allocator, *map("{:,}".format, sizes), milliseconds, m.proven)


@dataclass(frozen=True)
class Failure:
    """A program that was not compiled under one set of passes and one allocator."""

    program: str
    passes: str
    allocator: str
    error: ShoalError


def compare(
    candidates: Sequence[Candidate],
    passes: Mapping[str, str | tuple[str, ...]],
    allocators: Sequence[str],
    progress: Callable[[str], None] | None = None,
    **options: object,
) -> Comparison:
    """Compile every candidate under every combination.

    Args:
        candidates: the programs.
        passes: values for ``shoal.compile(passes=...)``, under the names that they are shown by.
        allocators: solvers.
        progress: called with the program's name after each compilation.
        options: further options of ``shoal.compile``.

    Raises:
        ShoalError: a program is refused.
    """
    measured = []
    for found in measure_each(candidates, passes, allocators, **options):
        if isinstance(found, Failure):
            raise found.error
        measured.append(found)
        if progress is not None:
            progress(found.program)
    return Comparison(tuple(measured))


def measure_each(
    candidates: Sequence[Candidate],
    passes: Mapping[str, str | tuple[str, ...]],
    allocators: Sequence[str],
    **options: object,
) -> Iterator[Measurement | Failure]:
    """The same, one after the other; programs that are refused are failures."""
    for candidate in candidates:
        for label, chosen in passes.items():
            for allocator in allocators:
                try:
                    model = shoal.compile(
                        candidate.program,
                        vocab=candidate.vocab,
                        max_seq_len=candidate.max_seq_len,
                        passes=chosen,
                        allocator=allocator,
                        **options,  # type: ignore[arg-type]
                    )
                except ShoalError as error:
                    yield Failure(candidate.name, label, allocator, error)
                else:
                    yield measure_model(candidate.name, label, model)


def ablation() -> dict[str, str | tuple[str, ...]]:
    """No passes; all but one, for each of them; all; and all and one that is not among them."""
    but_one = {f"-{name}": tuple(other for other in ALL if other != name) for name in ALL}
    and_one = {f"+{name}": (*ALL, name) for name in PASS_NAMES if name not in ALL}
    return {"none": "none", **but_one, "all": "all", **and_one}


def measure_model(name: str, passes: str, model: Model) -> Measurement:
    """The costs of a compiled model."""
    costs = model.allocated.costs
    return Measurement(
        program=name,
        passes=passes,
        allocator=model.allocated.solver,
        layers=costs.layers,
        width=costs.width,
        width_bound=model.width_bound,
        neurons=costs.neurons,
        heads=costs.heads,
        parameters=model.num_parameters,
        parameters_with_unembedding=model.num_parameters_with_unembedding,
        solve_seconds=model.allocated.seconds,
        proven=describe_proof(model.allocated),
    )


def describe_proof(result: Result) -> str:
    """Which objectives are proven optimal, or how far a search may be off the optimum."""
    if result.proven:
        return "all"
    proven = [o.name for o in result.objectives if o.status is Status.OPTIMAL]
    if all(o.status is not Status.FEASIBLE for o in result.objectives):
        return ", ".join(proven) or "-"
    gaps = [f"{o.name} +{o.gap}" for o in result.objectives if o.gap]
    return f"gap: {', '.join(gaps)}"


def totals(measured: Iterable[Measurement]) -> Comparison:
    """Sums over programs, one for each combination of passes and allocator.

    Programs that were not measured under every combination are left out.
    """
    measured = list(measured)
    times = Counter(m.program for m in measured)
    combinations = {(m.passes, m.allocator) for m in measured}
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for m in (m for m in measured if times[m.program] >= len(combinations)):
        groups.setdefault((m.passes, m.allocator), []).append(m)
    result = []
    for (passes, allocator), group in groups.items():
        optimal = sum(m.proven == "all" for m in group)
        result.append(
            Measurement(
                "total",
                passes,
                allocator,
                layers=sum(m.layers for m in group),
                width=sum(m.width for m in group),
                width_bound=_sum([m.width_bound for m in group]),
                neurons=sum(m.neurons for m in group),
                heads=sum(m.heads for m in group),
                parameters=sum(m.parameters for m in group),
                parameters_with_unembedding=sum(m.parameters_with_unembedding for m in group),
                solve_seconds=sum(m.solve_seconds for m in group),
                proven=f"{optimal}/{len(group)}",
            )
        )
    return Comparison(tuple(result))


def _sum(bounds: Sequence[int | None]) -> int | None:
    known = [bound for bound in bounds if bound is not None]
    return sum(known) if len(known) == len(bounds) else None


def to_json(measured: Sequence[Measurement]) -> str:
    """The measurements as a JSON list of objects."""
    return json.dumps([asdict(m) for m in measured], indent=2) + "\n"


def to_csv(measured: Sequence[Measurement]) -> str:
    """The measurements as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Measurement)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(m) for m in measured)
    return text.getvalue()
