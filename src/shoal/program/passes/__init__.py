"""Passes over the program, one file each, in the order in which they run.

Common subexpressions are merged once before values are inferred, which makes what is inferred
sharper, and again afterwards, when tables show that different functions are the same. All passes
but that first step know the facts, and keep them true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle
from types import MappingProxyType

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Program
from shoal.program.passes.booleans_as_sums import BOOLEANS_AS_SUMS, decide_later
from shoal.program.passes.common_subexpressions import (
    merge_common_subexpressions,
    merge_equal_tables,
)
from shoal.program.passes.constants import fold_constants
from shoal.program.passes.dead_code import drop_dead_code
from shoal.program.passes.gathers import GATHERS, gather_at_once
from shoal.program.passes.identities import resolve_identities
from shoal.program.passes.merged_values import merge_values
from shoal.program.passes.orders import ORDERS, compare_pairs
from shoal.program.passes.positions import look_positions_up
from shoal.program.passes.selectors import simplify_selectors
from shoal.program.rewriting import Rewrite, Saving
from shoal.shown import shown_fields


@dataclass(frozen=True)
class Pass:
    """A pass over a program with facts.

    Attributes:
        run: the pass; it saves nothing if there is nothing left for it to do.
        saves: what it counts.
    """

    run: Callable[[Inferred], Rewrite]
    saves: str


PASSES: Mapping[str, Pass] = MappingProxyType(
    {
        "common-subexpressions": Pass(merge_equal_tables, "expressions merged"),
        "positions": Pass(look_positions_up, "widths and aggregates looked up by the index"),
        "identities": Pass(resolve_identities, "aggregates that their own position determines"),
        "constants": Pass(fold_constants, "expressions folded"),
        "selectors": Pass(simplify_selectors, "selectors simplified"),
        ORDERS: Pass(compare_pairs, "orders of pairs compared as one value"),
        "merged-values": Pass(merge_values, "values merged"),
        "dead-code": Pass(drop_dead_code, "expressions dropped"),
    }
)
"""The passes over the program by name, in their order."""

VARIANTS: Mapping[str, Pass] = MappingProxyType(
    {
        BOOLEANS_AS_SUMS: Pass(decide_later, "booleans decided by those who read their means"),
        GATHERS: Pass(gather_at_once, "gathers of gathers made one"),
    }
)
"""Passes that make another program, which is taken if it has fewer layers."""


@dataclass(frozen=True)
class Optimised:
    """A program before and after the passes.

    Attributes:
        original: the program as it was written, with its facts; names are looked up here.
        inferred: the program that is compiled.
        replaced: for nodes of the original that another one now stands for, that node's id.
        savings: what each pass saved.
        left_out: nodes of the original that are not computed, though results depend on them, and
            can be told from what is.
    """

    __repr__ = shown_fields

    original: Inferred
    inferred: Inferred
    replaced: Mapping[int, int]
    savings: tuple[Saving, ...]
    left_out: frozenset[int] = frozenset()

    def place_of(self, number: int) -> int:
        """The node of the compiled program that stands for a node of the original one.

        Itself where none does, or where that was added by a pass and is no longer needed.
        """
        by = self.replaced.get(number, number)
        known = (self.inferred.program.graph, self.original.program.graph)
        return by if any(by in graph for graph in known) else number

    def is_merged(self, number: int) -> bool:
        """Whether an s-op of the original has more values than what stands for it."""
        before = self.original.domain(number)
        after = self.inferred.domain(self.place_of(number))
        return (
            isinstance(before, Enumerated)
            and isinstance(after, Enumerated)
            and len(before) != len(after)
        )


def _size(inferred: Inferred) -> float:
    """Units of work of one pass: it looks at every node and every table."""
    tables = [facts.table.entries for facts in inferred.sops.values() if facts.table is not None]
    entries = sum(table.size for table in (*tables, *inferred.predicates.values()))
    return 10 * len(inferred.program.graph) + entries / 50


def run_before_inference(program: Program, names: tuple[str, ...]) -> Program:
    """Merge what is written twice, if that pass is among the named ones."""
    return merge_common_subexpressions(program) if "common-subexpressions" in names else program


def run_passes(inferred: Inferred, names: tuple[str, ...], merged: int = 0) -> Optimised:
    """Run the named passes again and again, until none of them finds anything to do.

    Args:
        inferred: the program with its facts.
        names: those of ``PASSES`` that are switched on; others are ignored.
        merged: expressions that were merged before values were inferred.
    """
    original = inferred
    counts = {name: 0 for name in PASSES if name in names}
    if "common-subexpressions" in counts:
        counts["common-subexpressions"] += merged
    replaced: dict[int, int] = {}
    idle = 0  # passes, one after the other, that found nothing to do
    for name in cycle(counts):
        if idle == len(counts):
            break
        inferred.work.spend(_size(inferred), "")
        rewrite = PASSES[name].run(inferred)
        inferred = rewrite.inferred
        counts[name] += rewrite.saved
        idle = 0 if rewrite.saved else idle + 1
        replaced.update(rewrite.replaced)
        for number, by in replaced.items():
            replaced[number] = rewrite.replaced.get(by, by)
    savings = tuple(Saving(name, count, PASSES[name].saves) for name, count in counts.items())
    return Optimised(original, inferred, replaced, savings)
