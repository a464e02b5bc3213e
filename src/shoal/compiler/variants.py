"""Variants of a program: the passes that may save a layer, and may cost columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from shoal.compiler.output import require_precise
from shoal.errors import UnsupportedProgramError
from shoal.limits import Work
from shoal.lowering.lower import lower
from shoal.lowering.lowered import LoweredProgram
from shoal.lowering.rules.digits import DIGITS
from shoal.narrowing.narrow import NARROW
from shoal.options import HEURISTICS, CompileOptions
from shoal.program.passes import VARIANTS, Optimised, run_passes
from shoal.program.rewriting import Saving


@dataclass(frozen=True, eq=False)
class Variant:
    """A program that does what was asked for, and what it is lowered to.

    Attributes:
        optimised: the program before and after the passes.
        lowered: its variables and operations.
        in_digits: whether it counts by digits, which pays, if it does, by narrow variables.
    """

    optimised: Optimised
    lowered: LoweredProgram
    in_digits: bool = False


def variants(optimised: Optimised, passes: Collection[str]) -> tuple[Optimised, ...]:
    """The program as it is, and as others of the passes that are switched on would have it.

    A variant that takes too much, or more than half of the work that there is, is left out.
    """
    names = [name for name in VARIANTS if name in passes]
    plain = replace(
        optimised,
        savings=(*optimised.savings, *(Saving(n, 0, VARIANTS[n].saves) for n in names)),
    )
    found = [plain]
    for name in names:
        for base in tuple(found):
            with optimised.inferred.work.optional() as work:
                try:
                    other = _variant(base, name, tuple(passes), work)
                except UnsupportedProgramError:
                    continue
            if other is not None:
                found.append(other)
    return tuple(found)


def _variant(base: Optimised, name: str, passes: tuple[str, ...], work: Work) -> Optimised | None:
    """The program that a pass makes, with all other passes over it again; None if it finds nothing.

    Raises:
        UnsupportedProgramError: it takes too much.
    """
    rewrite = VARIANTS[name].run(replace(base.inferred, work=work))
    if not rewrite.saved:
        return None
    again = run_passes(rewrite.inferred, passes)
    counts = {saving.name: saving.count for saving in again.savings} | {name: rewrite.saved}
    savings = [replace(s, count=s.count + counts.get(s.name, 0)) for s in base.savings]
    replaced = {number: again.place_of(by) for number, by in base.replaced.items()}
    made = replace(
        base,
        inferred=again.inferred,
        replaced={**again.replaced, **replaced},
        savings=tuple(savings),
    )
    return replace(made, left_out=base.left_out.union(_left_out(base, made)))


def _left_out(base: Optimised, made: Optimised) -> Iterator[int]:
    """The nodes of the original that one program has, and another one does without."""
    for node in base.original.program:
        was_there = base.place_of(node.id) in base.inferred.program.graph
        if was_there and made.place_of(node.id) not in made.inferred.program.graph:
            yield node.id


def lower_all(optimised: Sequence[Optimised], options: CompileOptions) -> list[Variant]:
    """Lower variants of a program, and leave out those that cannot be.

    With counts as heads make them at once, and again by digits if that may be fewer columns.

    Raises:
        UnsupportedProgramError: no variant can be lowered; says why the first one cannot.
    """
    found: list[Variant] = []
    others: list[Optimised] = []  # that digits may make something else of
    refused: UnsupportedProgramError | None = None
    for program in optimised:
        try:
            lowered = lower(program.inferred, options.passes, without=DIGITS)
            require_precise(lowered)
        except UnsupportedProgramError as error:
            refused = refused or error
            others.append(program)
        else:
            found.append(Variant(program, lowered))
            others += [program] if lowered.would_differ else []
    if refused is not None and not found:
        raise refused
    # only narrow variables take fewer columns so, and heuristics compare nothing
    is_compared = NARROW in options.passes and options.allocator not in HEURISTICS
    return [*found, *_by_digits(others if is_compared else (), options.passes)]


def _by_digits(optimised: Sequence[Optimised], passes: tuple[str, ...]) -> Iterator[Variant]:
    """The programs that count by digits, as far as there is half of the work for them."""
    for program in optimised:
        with program.inferred.work.optional() as work:
            try:
                lowered = lower(replace(program.inferred, work=work), passes)
                require_precise(lowered)
            except UnsupportedProgramError:
                continue
        if any(saving.name == DIGITS and saving.count for saving in lowered.savings):
            yield Variant(program, lowered, in_digits=True)
