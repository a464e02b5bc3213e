"""Heuristic against optimal allocation, on the stock programs and on random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from benchmarks.document.chapter import Chapter, Scale, table
from benchmarks.tracr_under_fire import different_cases
from shoal.errors import BudgetError, UnsupportedProgramError
from shoal.rasp.stock import STOCK
from shoal_analysis.comparison import Candidate, Measurement, ablation, compare, totals
from shoal_analysis.pictures import plots
from shoal_solvers import SOLVERS

Progress = Callable[[str], None]

WAYS = {"as written": "none", "all passes": "all"}
"""Passes by what they are called on the page."""


def stock_candidates(scale: Scale) -> list[Candidate]:
    """The programs of the reference table."""
    found = [
        Candidate(name, stock.make(stock.max_seq_len), tuple(stock.vocab), stock.max_seq_len)
        for name, stock in STOCK.items()
        if stock.benchmark
    ]
    return found[: scale.programs]


def stock_programs(scale: Scale, progress: Progress) -> Chapter:
    """The stock programs under every allocator, as written and with all passes."""
    measured = compare(stock_candidates(scale), WAYS, SOLVERS, progress, time_limit=scale.limit)
    ends = [
        m
        for m in measured
        if (m.passes, m.allocator) in (("as written", SOLVERS[0]), ("all passes", SOLVERS[-1]))
    ]
    return Chapter(
        title="Heuristic against optimal: the stock programs",
        command="shoal compare --totals",
        text=(
            "Sums over the programs that Shoal brings along. *longest-path* places every operation "
            "as early as its operands allow, as Tracr does; *critical-path* is a better heuristic; "
            "*cp-sat* is exact. The last column counts the programs of which every objective is "
            "proven optimal, for the components that passes and rules offered. The picture shows "
            "the two ends: programs as written under the first heuristic, and all passes under "
            "the exact allocator."
        ),
        tables=(
            totals_table(measured),
            "Program by program, with all passes and *cp-sat*:",
            programs_table([m for m in ends if m.passes == "all passes"]),
        ),
        pictures={"allocators": plots.comparison(ends)},
    )


def random_programs(scale: Scale, progress: Progress) -> Chapter:
    """Random programs under every allocator."""
    measured = [
        m
        for candidate in islice(random_candidates(), scale.random_programs * 4)
        for m in compiled(candidate, scale, progress)
    ][: scale.random_programs * len(WAYS) * len(SOLVERS)]
    programs = len({m.program for m in measured})
    return Chapter(
        title="Heuristic against optimal: random programs",
        command="python -m benchmarks.document random-programs",
        text=(
            f"Sums over {programs} programs that the fuzzer writes, of those that every allocator "
            "compiles; most of them are small."
        ),
        tables=(totals_table(measured),),
    )


def random_candidates() -> Iterator[Candidate]:
    """Endless random programs, always the same."""
    for number, case in enumerate(different_cases(0)):
        yield Candidate(f"random {number}", case.build(), case.vocab, case.options.max_seq_len)


def compiled(candidate: Candidate, scale: Scale, progress: Progress) -> Sequence[Measurement]:
    """What a random program costs in every way; nothing if it is refused."""
    try:
        return compare([candidate], WAYS, SOLVERS, progress, time_limit=scale.limit)
    except (UnsupportedProgramError, BudgetError):
        return ()


def passes(scale: Scale, progress: Progress) -> Chapter:
    """What each pass and rule contributes."""
    measured = compare(
        stock_candidates(scale), ablation(), SOLVERS[-1:], progress, time_limit=scale.limit
    )
    sums = totals(measured)
    everything = next(m for m in sums if m.passes == "all")
    rows = [
        (
            f"`{m.passes}`",
            *(
                f"{cost:,}" + (f" ({cost - best:+,})" if cost != best else "")
                for cost, best in (
                    (m.layers, everything.layers),
                    (m.width, everything.width),
                    (m.parameters, everything.parameters),
                )
            ),
        )
        for m in sums
    ]
    return Chapter(
        title="What each pass contributes",
        command="shoal compare --ablation --totals",
        text=(
            "Sums over the stock programs without any pass, with all but one (`-views`), with "
            "all, and with one that is not among these besides (`+binary`); in brackets the "
            "difference to all."
        ),
        tables=(table(("passes", "layers", "width", "parameters"), rows),),
    )


def totals_table(measured: Sequence[Measurement]) -> str:
    """Sums for each way to compile, beside those of the first."""
    sums = totals(measured)
    head = ("", "allocator", "layers", "width", "parameters", "time of the allocator", "proven")
    rows = [
        (
            m.passes,
            m.allocator,
            *(
                f"{cost:,} ({cost / first:.2f})"
                for cost, first in (
                    (m.layers, sums[0].layers),
                    (m.width, sums[0].width),
                    (m.parameters, sums[0].parameters),
                )
            ),
            f"{1000 * m.solve_seconds:,.0f} ms",
            m.proven,
        )
        for m in sums
    ]
    return table(head, rows)


def programs_table(measured: Sequence[Measurement]) -> str:
    """What each program costs."""
    head = ("program", "layers", "width", "neurons", "heads", "parameters", "proven")
    return table(
        head,
        [
            (m.program, m.layers, m.width, m.neurons, m.heads, f"{m.parameters:,}", m.proven)
            for m in measured
        ],
    )
