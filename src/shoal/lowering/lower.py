"""From a program with facts to variables and operations: every rule is asked for every s-op."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

import numpy as np

from shoal.craft.components import BOS_SPACE, MLP, Component, Head
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.code import Code
from shoal.forms.digit_code import DigitCode
from shoal.forms.form import Ranges
from shoal.lowering.context import MARK_OF_TOKENS, RESULT_CODES, Context
from shoal.lowering.held import Errors, Held, StreamVariable
from shoal.lowering.lowered import LoweredOperation, LoweredProgram
from shoal.lowering.offers import InputTable, LeftOut, Offer, Offers
from shoal.lowering.rules.registry import OPTIONAL, STEPS
from shoal.lowering.rules.sums import SUMS
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node
from shoal.program.rewriting import Saving

T = TypeVar("T")

DEFERRED = (
    Refusal.TOO_CLOSE,
    Refusal.TOO_INEXACT,
    Refusal.TOO_MANY_VALUES,
    Refusal.TABLE_TOO_LARGE,
)
"""An s-op that is refused for these may not be needed: what reads it may do without."""

BOS_VARIABLE = "BOS"
"""The input that marks the BOS position; every component may read it."""

_BOS = StreamVariable(
    BOS_VARIABLE, BOS_SPACE, Ranges(np.array([False]), 1.0), None, "1 at the BOS position"
)


def lower(
    inferred: Inferred, passes: tuple[str, ...] = (), without: str | None = None
) -> LoweredProgram:
    """Lower every s-op of a program; selectors are lowered with what reads them.

    Args:
        inferred: the program with its facts.
        passes: which ``OPTIONAL`` rules are switched on; other names are ignored.
        without: one of them whose offers are not taken nevertheless, and that saves nothing.

    Raises:
        UnsupportedProgramError: an expression cannot be lowered; the message says why.
    """
    lowering = Lowering(inferred, frozenset(passes), without=without)
    try:
        return _lowered(lowering)
    except UnsupportedProgramError:
        if not lowering.saved[SUMS]:
            raise
    # what reads a sum cannot do so, and may read the mean and the width
    return lower(inferred, tuple(name for name in passes if name != SUMS), without)


def _lowered(lowering: Lowering) -> LoweredProgram:
    """The program of all s-ops, one after the other."""
    for node in lowering.inferred.program:
        if not node.is_sop:
            continue
        lowering.ask_all_rules(node)
        if node.id not in lowering.held and node.id not in lowering.refused:
            raise UnsupportedProgramError(
                Refusal.UNKNOWN_EXPRESSION,
                node.label,
                f"no rule offers {node.op}",
                "express it by Map, SequenceMap, Aggregate or SelectorWidth",
            )
    for end in lowering.inferred.program.ends:
        lowering.first(end)  # raises what it is refused for
    return lowering.program()


@dataclass(frozen=True, eq=False)
class Lowering(Context):
    """The offers so far, put together. Rules see it as a ``Context``, and change nothing.

    Attributes:
        inputs: what the embedding provides.
        offers: by variable, the components that could compute it, each with the rule it is from.
        left_out: what would have been offered, but for a limit.
        saved: how often a rule offered something.
        stored: by variable, what is held by it and nothing else.
        refused: by node id, why no rule made it so far.
        without: an optional rule that is switched on, and of which no offer is taken.
        not_taken: the labels of s-ops for which it has offers.
    """

    variables: dict[str, StreamVariable] = field(default_factory=lambda: {BOS_VARIABLE: _BOS})
    held: dict[int, list[Held]] = field(default_factory=dict)
    raw: dict[int, Held] = field(default_factory=dict)
    helpers: dict[str, Held] = field(default_factory=dict)
    made_by: dict[int, str] = field(default_factory=dict)
    inputs: list[InputTable] = field(default_factory=list)
    offers: dict[str, list[tuple[str, Offer]]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    saved: Counter[str] = field(default_factory=Counter)
    stored: dict[str, Held] = field(default_factory=dict)
    refused: dict[int, UnsupportedProgramError] = field(default_factory=dict)
    without: str | None = None
    not_taken: list[str] = field(default_factory=list)

    def ask_all_rules(self, node: Node) -> None:
        """Ask every rule that is switched on what it offers for an s-op.

        Where one cannot make it, another one may, or it may be that nobody needs it.
        """
        for name, ops, step in STEPS:
            if node.op in ops and (name in self.passes or name not in OPTIONAL):
                try:
                    if name == self.without:
                        self.not_taken.extend(node.label for _ in islice(step(self, node), 1))
                    else:
                        self.all_of(name, step(self, node))
                except UnsupportedProgramError as error:
                    if error.kind not in DEFERRED:
                        raise
                    self.refused.setdefault(node.id, error)

    def all_of(self, rule: str, offers: Offers[T]) -> T:
        """Take all offers of a rule, one after the other; what it returns."""
        count = 0
        try:
            offer = next(offers)
            while True:
                if isinstance(offer, LeftOut):
                    self.left_out.append(offer)
                    offer = next(offers)
                else:
                    self._take(rule, offer)
                    count += 1
                    if offer.due_to is not None:
                        self.saved[offer.due_to] += 1
                    offer = offers.send(offer.held)
        except StopIteration as end:
            if count:
                self.saved[rule] += count if rule == "cones" else 1
            result: T = end.value
            return result

    def _take(self, rule: str, offer: Offer) -> None:
        variable = offer.held.own
        is_first = variable is None or variable.name not in self.variables
        if variable is not None:
            known = self.variables.get(variable.name)
            self.stored.setdefault(variable.name, offer.held)
            errors = offer.errors if known is None else known.errors.and_also(offer.errors)
            self.variables[variable.name] = _at_bos(known or variable, errors, offer.component)
            if offer.table is not None:
                self.inputs.append(offer.table)
            else:
                self.offers.setdefault(variable.name, []).append((rule, offer))
        if offer.purpose is not None:
            self.helpers[offer.purpose] = offer.held
        if offer.raw_of is not None:
            self.raw[offer.raw_of] = offer.held
        node = offer.view_of if variable is None else variable.node
        if is_first and node is not None:
            self.made_by.setdefault(node, rule)
            self.held.setdefault(node, []).append(offer.held)

    def program(self) -> LoweredProgram:
        """What has been put together."""
        by_token = np.eye(len(self.inferred.vocab) + 1)[:, -1:]
        helper = self.helpers.get(MARK_OF_TOKENS)
        return LoweredProgram(
            self.inferred,
            self.variables,
            (InputTable(BOS_VARIABLE, by_token, None), *self.inputs),
            tuple(_operation(name, *offers) for name, offers in self.offers.items()),
            {number: tuple(held) for number, held in self.held.items()},
            self.raw,
            self.stored,
            self._savings(),
            marks=(BOS_VARIABLE, *(helper.variables if helper is not None else ())),
            would_differ=bool(self.not_taken),
        )

    def _savings(self) -> tuple[Saving, ...]:
        """What the optional rules did."""
        first = [offers[0][1].sharing for offers in self.offers.values()]
        sharing = [name for name in first if name is not None]
        forms = Counter(name for held in self.held.values() for name in {h.form.name for h in held})
        counts = self.saved + forms
        counts[RESULT_CODES] = forms[Code.name] + forms[DigitCode.name]
        counts["shared-heads"] = len(sharing) - len(set(sharing))
        words = {name: rule.saves for name, rule in OPTIONAL.items() if name in self.passes}
        if self.left_out and "cones" in words:
            limits = self.inferred.limits
            words["cones"] += (
                f", {len(self.left_out)} left out: {self.left_out[0]} (limits: fused_rows="
                f"{limits.fused_rows}, fused_neurons={limits.fused_neurons}, work={limits.work})"
            )
        return tuple(Saving(name, counts[name], what) for name, what in words.items())


def _operation(name: str, *offers: tuple[str, Offer]) -> LoweredOperation:
    """All offers for one variable, with the rules that made them; the first says what it is."""
    first = offers[0][1]
    rules, made = zip(*_undominated(offers), strict=True)
    return LoweredOperation(
        name,
        first.block or name,
        tuple(offer.component for offer in made if offer.component is not None),
        tuple(tuple(dict.fromkeys([*offer.reads, BOS_VARIABLE])) for offer in made),
        rules,
        tuple(offer.made_from for offer in made),
        first.sharing,
    )


def _undominated(offers: Sequence[tuple[str, Offer]]) -> list[tuple[str, Offer]]:
    """Without offers that read all that another one reads and are no smaller; of equals the first.

    Whatever an allocation does with such an offer it can do with the other one.
    """
    reads = [{*offer.reads, BOS_VARIABLE} for _, offer in offers]
    sizes = [0 if offer.component is None else offer.component.size for _, offer in offers]

    def is_dominated(a: int) -> bool:
        return any(
            reads[b] <= reads[a]
            and sizes[b] <= sizes[a]
            and (b < a or reads[b] < reads[a] or sizes[b] < sizes[a])
            for b in range(len(offers))
            if b != a
        )

    return [offer for a, offer in enumerate(offers) if not is_dominated(a)]


def _at_bos(
    variable: StreamVariable, errors: Errors, component: Component | None
) -> StreamVariable:
    """A variable with one more offer: at the BOS position it holds a bias or a default.

    Both may be negative, or large.
    """
    at_bos = np.zeros(len(variable.space))
    if isinstance(component, MLP):
        at_bos = component.output.bias
    elif isinstance(component, Head) and component.value_at_bos is not None:
        at_bos = component.value_at_bos
    ranges = variable.ranges
    if at_bos.any():
        signed = ranges.signed | (at_bos < 0)
        largest = max(ranges.largest, float(np.abs(at_bos).max(initial=0.0)))
        ranges = replace(ranges, signed=signed, largest=largest)
    return replace(variable, ranges=ranges, errors=errors)
