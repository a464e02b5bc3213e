"""Booleans as sums: what an aggregate's readers want to know is decided by them, and not before.

"a or b" is false where [a] + [b] is 0. The sum needs no MLP: it is averaged as it is, and the mean
is 0 where all that is selected is false. Of any function f with two results the one can be v where
each of some parts of the stream has values of its own, and the other elsewhere: the parts that have
other values are counted, and where a reader of the mean of f only asks whether it is v, it can ask
whether the mean of the count is 0. That saves the MLP that decides f, and with it a layer; the
stream holds the parts instead of f.

What is left out stays readable: f from its parts, and its mean from f at all positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer_sop
from shoal.program.facts.inferred import Inferred, SOpFacts
from shoal.program.facts.lookup import UNDEFINED, Lookup
from shoal.program.ir import Node, Op
from shoal.program.rewriting import Rewrite, fresh_id, fresh_label, rewritten
from shoal.rasp.values import Key, Value, canonical_key, is_number

BOOLEANS_AS_SUMS = "booleans-as-sums"
"""The name of the pass."""

MOST_PARTS = 12
"""Parts of one boolean; their joint values are tabulated."""

MOST_DEEP = 50
"""Operations from a boolean to its parts."""

Parts = Mapping[int, frozenset[int]]
"""By node id of an s-op the classes that it has, all at once, where another one has some."""


def decide_later(inferred: Inferred) -> Rewrite:
    """Average counts of what makes a boolean so, where readers ask for no more.

    What has no reader any more is left for dead code.
    """
    current, saved = inferred, 0
    for node in inferred.program:
        if node.op is Op.AGGREGATE and node.id not in current.program.ends:
            following = _decided_later(current, node)
            saved += following is not None
            current = following or current
    return Rewrite(current, saved)


@dataclass(frozen=True)
class _WeightedSum:
    """The sum of some numbers, each times its factor."""

    factors: tuple[float, ...]

    def __call__(self, *numbers: float) -> float:
        return sum(f * number for f, number in zip(self.factors, numbers, strict=True))


def _decided_later(inferred: Inferred, mean: Node) -> Inferred | None:
    """The program with a mean of counts for those who read no more; None if there are none.

    Args:
        inferred: the program.
        mean: an aggregate.
    """
    averaged = inferred.program.node(mean.inputs[1])
    values, means = inferred.domain(averaged.id), inferred.domain(mean.id)
    if not isinstance(values, Enumerated) or not isinstance(means, Enumerated):
        return None
    if len(values) != 2 or values.nullable:
        return None
    for number, value in enumerate(values.values):
        one = _one_value(means, value)
        readers = [] if one is None else _who_asks_for_one(inferred, mean.id, one)
        parts = _parts(inferred, averaged, frozenset([number])) if readers else None
        if one is not None and parts is not None and 2 <= len(parts) <= MOST_PARTS:
            return _rewritten(inferred, mean, value, one, parts, readers)
    return None


def _one_value(domain: Enumerated, value: Value) -> int | None:
    """The class of a value, if nothing else looks like it."""
    found = domain.class_of.get(canonical_key(value))
    if found is None or all(_equals(member, value) for member in domain.classes[found]):
        return found
    return None


def _equals(first: Value, second: Value) -> bool:
    if is_number(first) and is_number(second):
        return first == second
    return canonical_key(first) == canonical_key(second)


def _parts(
    inferred: Inferred, node: Node, wanted: frozenset[int], depth: int = MOST_DEEP
) -> Parts | None:
    """The parts that all have some classes exactly where a node has wanted ones.

    Args:
        inferred: the program.
        node: an s-op that is listed.
        wanted: some of its classes.
        depth: how far down parts are looked for.

    Returns:
        The node itself, if it has no parts; None if it can be None, or never has wanted classes.
    """
    domain, facts = inferred.domain(node.id), inferred.sops[node.id]
    if not isinstance(domain, Enumerated) or domain.nullable or not wanted:
        return None
    is_left = node.op is not Op.MAP or facts.table is None or not depth
    if is_left or (node.is_named and len(domain) > 2):
        return {node.id: wanted}
    assert facts.table is not None
    is_wanted = np.isin(facts.table.entries, list(wanted))
    if not is_wanted.any():
        return None
    axes = range(is_wanted.ndim)
    each = [is_wanted.any(axis=tuple({*axes} - {axis})) for axis in axes]
    together = np.ix_(*each)
    if not (is_wanted[together] | (facts.table.entries[together] == UNDEFINED)).all():
        return {node.id: wanted}
    found: dict[int, frozenset[int]] = {}
    for operand, classes in zip(node.inputs, each, strict=True):
        if not classes.all():
            numbers = frozenset(map(int, np.flatnonzero(classes)))
            parts = _parts(inferred, inferred.program.node(operand), numbers, depth - 1)
            if parts is None:
                return {node.id: wanted}
            for number, some in parts.items():
                found[number] = found.get(number, some) & some
    is_renamed = is_wanted.shape == (2,) and len(found) == 1
    return found if (len(found) > 1 or is_renamed) and all(found.values()) else {node.id: wanted}


def _who_asks_for_one(inferred: Inferred, number: int, one: int) -> list[Node]:
    """The readers of an s-op that only ask whether it has one class."""
    program = inferred.program
    found = []
    for reader in map(program.node, program.graph.successors(number)):
        table = inferred.sops[reader.id].table if reader.is_sop else None
        if reader.op is Op.MAP and table is not None:
            axes = [axis for axis, operand in enumerate(reader.inputs) if operand == number]
            if all(_as_asked(table, axis, one) is not None for axis in axes):
                found.append(reader)
    return found


def _as_asked(table: Lookup, axis: int, one: int) -> Lookup | None:
    """A table by whether an operand has one class (0) or another (1); None if it asks for more."""
    others = np.delete(table.entries, one, axis=axis)
    most = others.max(axis=axis, keepdims=True, initial=UNDEFINED)
    if not ((others == most) | (others == UNDEFINED)).all():
        return None
    return Lookup(np.concatenate([table.entries.take([one], axis=axis), most], axis=axis))


def _rewritten(
    inferred: Inferred, mean: Node, value: Value, one: int, parts: Parts, readers: list[Node]
) -> Inferred | None:
    """The program in which some readers of a mean read a mean of counts.

    Args:
        inferred: the program.
        mean: the mean of an s-op with two values.
        value: one of the two.
        one: its class among the means.
        parts: what has some classes, all at once, where the s-op has that value.
        readers: those that only ask whether the mean is that value.
    """
    new = _Additions(inferred, mean.id)
    factors, operands, least = [], [], 0
    for number, wanted in parts.items():
        part = inferred.program.node(number)
        sign = _sign(inferred, part, wanted)
        operands.append(number if sign else new.indicator(part, wanted))
        factors.append(sign or 1.0)
        least -= sign is not None and sign < 0
    name = inferred.program.node(mean.inputs[1]).label
    function = _WeightedSum(tuple(factors))
    count = new.add(
        Op.LINEAR, tuple(operands), f"{name}.count", factors=function.factors, function=function
    )
    used = inferred.widths[mean.inputs[0]].low == 0
    default: Value = None
    if used and mean.value is not None:
        default = float(least if _equals(mean.value, value) else least + len(parts))
    counts = new.add(Op.AGGREGATE, (mean.inputs[0], count.id), f"{mean.label}.count", value=default)
    domain = new.facts.domain(counts.id)
    lowest = _one_value(domain, float(least)) if isinstance(domain, Enumerated) else None
    if lowest is None or not isinstance(domain, Enumerated):
        return None
    place = np.array([0 if number == lowest else 1 for number in range(len(domain))])
    return new.read_instead(mean.id, counts.id, one, place, readers)


def _sign(inferred: Inferred, part: Node, wanted: frozenset[int]) -> float | None:
    """The factor by which a part that is 0 or 1 is counted where it is not wanted; else None."""
    domain = inferred.domain(part.id)
    assert isinstance(domain, Enumerated)
    numbers = [value for value in domain.values if is_number(value)]
    if len(domain) != 2 or sorted(map(float, numbers)) != [0.0, 1.0]:
        return None
    (chosen,) = wanted
    return 1.0 if domain.values[chosen] == 0 else -1.0


class _Additions:
    """Nodes that are put after another one, with their facts."""

    def __init__(self, inferred: Inferred, after: int) -> None:
        self.facts = inferred
        self._after = after

    def add(self, op: Op, inputs: tuple[int, ...], label: str, **parts: object) -> Node:
        """Put a number into the program."""
        program = self.facts.program
        number, label = fresh_id(program), fresh_label(program, label)
        node = Node(number, op, inputs, label, is_numerical=True, **parts)  # type: ignore[arg-type]
        nodes = list(program)
        place = [old.id for old in nodes].index(self._after)
        nodes.insert(place + 1, node)
        self.facts = rewritten(self.facts, nodes, {node.id: infer_sop(self.facts, node, {})})
        self._after = node.id
        return node

    def indicator(self, part: Node, wanted: frozenset[int]) -> int:
        """Put 0 into the program where a part has a wanted class, and 1 elsewhere; its id."""
        domain = self.facts.domain(part.id)
        assert isinstance(domain, Enumerated)
        others = [c for number, c in enumerate(domain.classes) if number not in wanted]
        unwanted = frozenset(canonical_key(value) for members in others for value in members)
        return self.add(Op.MAP, (part.id,), f"{part.label}.other", function=_IsIn(unwanted)).id

    def read_instead(
        self, old: int, new: int, one: int, place: np.ndarray, readers: list[Node]
    ) -> Inferred:
        """Let readers of one number read another one.

        Args:
            old: what they read.
            new: what they are to read.
            one: the class of the old one that they ask for.
            place: for each class of the new one, 0 where the old one has that class, or else 1.
            readers: who they are.
        """
        changed = {}
        sops: dict[int, SOpFacts] = {}
        for reader in readers:
            table = self.facts.sops[reader.id].table
            for axis, operand in enumerate(reader.inputs):
                if operand == old:
                    assert table is not None
                    asked = _as_asked(table, axis, one)
                    assert asked is not None
                    table = Lookup(asked.entries.take(place, axis=axis))
            inputs = tuple(new if number == old else number for number in reader.inputs)
            changed[reader.id] = replace(reader, inputs=inputs, function=None)
            assert table is not None
            unknown = replace(self.facts.sops[reader.id], local=None, by_length=None)
            sops[reader.id] = replace(unknown, table=table)
        nodes = [changed.get(node.id, node) for node in self.facts.program]
        return rewritten(self.facts, nodes, sops)


@dataclass(frozen=True)
class _IsIn:
    """1 for some values, given by canonical key, and 0 for others."""

    keys: frozenset[Key]

    def __call__(self, value: Value) -> int:
        return int(canonical_key(value) in self.keys)
