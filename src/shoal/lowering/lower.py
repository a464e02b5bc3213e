"""From a program with facts to variables and operations: every rule is asked for every s-op."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TypeVar

import numpy as np

from shoal.craft.components import BOS_SPACE, MLP
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.lowering.context import Context
from shoal.lowering.heads import Term
from shoal.lowering.held import Errors, Held, StreamVariable
from shoal.lowering.lowered import LoweredOperation, LoweredProgram
from shoal.lowering.offers import InputTable, LeftOut, Offer, Offers
from shoal.lowering.rules.registry import OPTIONAL, STEPS
from shoal.lowering.selectors import terms_of
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node
from shoal.program.rewriting import Saving

T = TypeVar("T")

BOS_VARIABLE = "BOS"
"""The input that marks the BOS position; every component may read it."""


def lower(inferred: Inferred, passes: tuple[str, ...] = ()) -> LoweredProgram:
    """Lower every s-op of a program; selectors are lowered with what reads them.

    Args:
        inferred: a program with its facts.
        passes: the rules of ``OPTIONAL`` that are switched on; other names are ignored.

    Raises:
        UnsupportedProgramError: an expression cannot be lowered; the message says why.
    """
    taken = _Taken(inferred, passes)
    for node in inferred.program:
        if not node.is_sop:
            continue
        for name, step in STEPS:
            if name in passes or name not in OPTIONAL:
                taken.all_of(name, step(taken.context, node))
        if node.id not in taken.held:
            raise UnsupportedProgramError(
                Refusal.UNKNOWN_EXPRESSION,
                node.label,
                f"no rule offers {node.op}",
                "express it by Map, SequenceMap, Aggregate or SelectorWidth",
            )
    return taken.program()


def lower_selector(inferred: Inferred, selector: Node) -> tuple[list[Term], LoweredProgram]:
    """The bilinear forms of one selector over inputs, and what has been lowered for them."""
    taken = _Taken(inferred, ())
    for node in inferred.program:
        if node.is_sop and not node.inputs:
            for name, step in STEPS:
                taken.all_of(name, step(taken.context, node))
    return taken.all_of("selectors", terms_of(taken.context, selector)), taken.program()


class _Taken:
    """The offers so far, put together. Rules see it as a ``Context``, and change nothing."""

    def __init__(self, inferred: Inferred, passes: tuple[str, ...]) -> None:
        self.inferred = inferred
        self.passes = passes
        self.variables: dict[str, StreamVariable] = {}
        self.inputs: list[InputTable] = []
        self.operations: dict[str, LoweredOperation] = {}
        self.held: dict[int, list[Held]] = {}
        self.raw: dict[int, Held] = {}
        self.helpers: dict[str, Held] = {}
        self.made_by: dict[int, str] = {}
        self.left_out: list[str] = []
        self.saved: Counter[str] = Counter()
        self.context = Context(
            inferred,
            frozenset(passes),
            *(self.variables, self.held, self.raw, self.helpers, self.made_by),
            labels=frozenset(node.label for node in inferred.program),
        )
        self._add_bos()

    def _add_bos(self) -> None:
        self.variables[BOS_VARIABLE] = StreamVariable(
            BOS_VARIABLE, BOS_SPACE, np.array([False]), None, "1 at the BOS position", 1.0
        )
        by_token = np.zeros((len(self.inferred.vocab) + 1, 1))
        by_token[-1] = 1.0
        self.inputs.append(InputTable(BOS_VARIABLE, by_token, None))

    def all_of(self, rule: str, offers: Offers[T]) -> T:
        """Take all offers of a rule, one after the other; what it returns."""
        count, held = 0, None
        try:
            while True:
                offer = next(offers) if held is None else offers.send(held)
                if isinstance(offer, LeftOut):
                    self.left_out.append(offer.what)
                    held = None
                    continue
                self._take(rule, offer)
                count, held = count + 1, offer.held
        except StopIteration as end:
            if count:
                self.saved[rule] += count if rule == "cones" else 1
            result: T = end.value
            return result

    def _take(self, rule: str, offer: Offer) -> None:
        variable = offer.variable
        is_first = variable is None or variable.name not in self.variables
        if variable is not None:
            known = self.variables.get(variable.name)
            errors = offer.errors if known is None else known.errors.and_also(offer.errors)
            self.variables[variable.name] = _at_bos(known or variable, errors, offer)
            if isinstance(offer.source, InputTable):
                self.inputs.append(offer.source)
            else:
                self._add_operation(rule, variable.name, offer)
        if offer.purpose is not None:
            self.helpers[offer.purpose] = offer.held
        if offer.node is None:
            return
        if offer.is_raw:
            self.raw[offer.node] = offer.held
        elif is_first:
            self.made_by.setdefault(offer.node, rule)
            self.held.setdefault(offer.node, []).append(offer.held)

    def _add_operation(self, rule: str, name: str, offer: Offer) -> None:
        assert offer.source is not None
        assert not isinstance(offer.source, InputTable)
        reads = tuple(dict.fromkeys([*offer.reads, BOS_VARIABLE]))
        known = self.operations.get(name)
        if known is None:
            self.operations[name] = LoweredOperation(
                name, offer.block, (offer.source,), (reads,), (rule,), offer.sharing
            )
            return
        self.operations[name] = replace(
            known,
            components=(*known.components, offer.source),
            reads=(*known.reads, reads),
            rules=(*known.rules, rule),
        )

    def program(self) -> LoweredProgram:
        """What has been put together."""
        return LoweredProgram(
            self.inferred,
            self.variables,
            tuple(self.inputs),
            tuple(self.operations.values()),
            {number: tuple(held) for number, held in self.held.items()},
            self.raw,
            self._savings(),
        )

    def _savings(self) -> tuple[Saving, ...]:
        """What the optional rules did."""
        sharing = [o.sharing for o in self.operations.values() if o.sharing is not None]
        forms = Counter(name for held in self.held.values() for name in {h.form.name for h in held})
        counts = self.saved + forms
        counts["shared-heads"] = len(sharing) - len(set(sharing))
        words = {name: rule.saves for name, rule in OPTIONAL.items() if name in self.passes}
        if self.left_out and "cones" in words:
            limits = self.inferred.limits
            words["cones"] += (
                f", {len(self.left_out)} left out: {self.left_out[0]} (limits: fused_rows="
                f"{limits.fused_rows}, fused_neurons={limits.fused_neurons}, work={limits.work})"
            )
        return tuple(Saving(name, counts[name], what) for name, what in words.items())


def _at_bos(variable: StreamVariable, errors: Errors, offer: Offer) -> StreamVariable:
    """A variable with one more offer: at the BOS position it holds a bias or a default.

    Both may be negative, or large.
    """
    variable = replace(variable, errors=errors)
    if isinstance(offer.source, InputTable) or offer.source is None:
        return variable
    component = offer.source
    at_bos = component.output.bias if isinstance(component, MLP) else component.value_at_bos
    if at_bos is None:
        return variable
    return replace(
        variable,
        signed=variable.signed | (at_bos < 0),
        largest=max(variable.largest, float(np.abs(at_bos).max(initial=0.0))),
    )
