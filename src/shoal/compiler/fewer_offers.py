"""Programs with fewer offers, which narrow variables may make better than what was chosen.

Components are chosen while variables are as wide as their forms. How much of each is stored is
known afterwards, and what saved columns or neurons before may cost some then: scores, whose
operands stay to the end, and counts that are fetched as they are, which make tables larger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from shoal.compiler.variants import Variant
from shoal.forms.count import Count
from shoal.forms.scores import Scores
from shoal.lowering.lowered import LoweredOperation, LoweredProgram, chosen_result
from shoal.program.ir import Op
from shoal_solvers import Allocation


def with_fewer_offers(
    lowered: LoweredProgram, allocation: Allocation, variants: Sequence[Variant]
) -> Iterator[list[Variant]]:
    """All variants without an offer of a kind that an allocation takes, for each such kind.

    Variants of which something that is to be there can be had in no other way are left out.

    Args:
        lowered: the program that was chosen.
        allocation: of it.
        variants: all that could be chosen.
    """
    if chosen_result(lowered, allocation).form == Scores():
        yield [replace(v, lowered=without_result_scores(v.lowered)) for v in variants]
    if not allocation.placements.keys().isdisjoint(fetched_counts(lowered)):
        fewer = [without(v.lowered, fetched_counts(v.lowered)) for v in variants]
        there = [replace(v, lowered=f) for v, f in zip(variants, fewer, strict=True) if _has_all(f)]
        if there:
            yield there


def _has_all(lowered: LoweredProgram) -> bool:
    """Whether all that is to be there at the end can be had."""
    return all(lowered.held[number] for number in lowered.inferred.program.ends)


def without_result_scores(lowered: LoweredProgram) -> LoweredProgram:
    """The same program, but for results that the decoder has to decide."""
    root = lowered.inferred.program.root
    ways = tuple(held for held in lowered.held[root] if held.form != Scores())
    return replace(lowered, held={**lowered.held, root: ways})


def fetched_counts(lowered: LoweredProgram) -> frozenset[str]:
    """The variables of counts that are fetched as heads have written them."""
    program = lowered.inferred.program
    return frozenset(
        held.own.name
        for number, held in lowered.raw.items()
        if held.own is not None and held.form == Count() and program.node(number).op is Op.AGGREGATE
    )


def without(lowered: LoweredProgram, names: Collection[str]) -> LoweredProgram:
    """The same program without some variables, and without what is read from them."""
    gone = set(names)
    kept: list[LoweredOperation] = []
    for operation in lowered.operations:  # operands come first
        there = [n for n, reads in enumerate(operation.reads) if gone.isdisjoint(reads)]
        if operation.name in gone or not there:
            gone.add(operation.name)
        elif len(there) == len(operation.reads):
            kept.append(operation)
        else:
            kept.append(
                replace(
                    operation,
                    components=tuple(operation.components[n] for n in there),
                    reads=tuple(operation.reads[n] for n in there),
                    rules=tuple(operation.rules[n] for n in there),
                    tables=tuple(operation.tables[n] for n in there),
                )
            )
    return replace(
        lowered,
        variables={n: v for n, v in lowered.variables.items() if n not in gone},
        operations=tuple(kept),
        held={
            number: tuple(held for held in ways if gone.isdisjoint(held.variables))
            for number, ways in lowered.held.items()
        },
        raw={n: held for n, held in lowered.raw.items() if gone.isdisjoint(held.variables)},
    )
