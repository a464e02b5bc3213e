"""The atlas of a compiled model, drawn from the stages of its compilation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import networkx as nx

from shoal.atlas.atlas import (
    Atlas,
    NamedValue,
    Part,
    Place,
    Proof,
    Reading,
    Saved,
    Selector,
    Undefined,
)
from shoal.craft.components import MLP, Component
from shoal.craft.model import CraftModel
from shoal.lowering.held import Held
from shoal.lowering.lowered import LoweredProgram, chosen_result
from shoal.lowering.radii import largest_error
from shoal.lowering.rules.argmax import ARGMAX
from shoal.lowering.rules.frequencies import FREQUENCIES
from shoal.lowering.rules.histograms import HISTOGRAMS
from shoal.lowering.rules.registry import SELECT_BY_THEMSELVES
from shoal.narrowing.names import named
from shoal.narrowing.narrow import JOINT
from shoal.narrowing.rank import rank_bound
from shoal.options import ONE_HOT_RESULT, CompileOptions
from shoal.program.facts.argmax import argmax_of, looks_at
from shoal.program.facts.domains import Domain, Enumerated
from shoal.program.facts.lookup import NONE, UNDEFINED
from shoal.program.ir import Node, Op
from shoal.program.look_ups import LookedUp, LookUps
from shoal.program.passes import Optimised
from shoal.program.rewriting import Saving
from shoal.rasp.expressions import SOp
from shoal.rasp.functions import Comparison, show_function
from shoal.rasp.printing import listing
from shoal.rasp.values import canonical_key, show_value
from shoal.shown import shown_fields
from shoal_solvers import AllocationProblem, Budgets, Result, lifetimes_in


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage of a compilation made; it is not saved with the model.

    Attributes:
        program: the program that was compiled.
        options: what it was compiled for.
        optimised: the program before and after the passes, with what each saved.
        lowered: its variables and operations.
        problem: the allocation problem that it posed.
        allocated: the allocation with what is proven about it.
        craft: the model in craft, which can run itself.
        seconds: wall-clock time of each stage.
        look_ups: what is looked up by the whole input; None where nothing had to be.
    """

    __repr__ = shown_fields

    program: SOp
    options: CompileOptions
    optimised: Optimised
    lowered: LoweredProgram
    problem: AllocationProblem
    allocated: Result
    craft: CraftModel
    seconds: Mapping[str, float]
    look_ups: LookUps | None = None


def survey(stages: Stages) -> Atlas:
    """Everything that is known about a model, from what each stage made."""
    optimised, lowered, allocated = stages.optimised, stages.lowered, stages.allocated
    original = optimised.original
    nodes = [node for node in original.program if node.is_sop]
    skipped = _skipped(lowered, allocated)
    values = [_value(optimised, lowered, allocated, node, skipped) for node in nodes]
    places = _places(lowered, stages.problem, allocated)
    result = chosen_result(lowered, allocated.allocation)
    lives = lifetimes_in(stages.problem, allocated.allocation)
    names = frozenset() if JOINT in stages.options.passes else _named(optimised, lowered)
    whole = _kept_as_they_are(stages)
    bound = rank_bound(stages.craft, result.coordinates, lives, original.inputs, names, whole)
    return Atlas(
        source=listing(stages.program),
        options=_options(stages.options),
        output=original.program.node(original.program.root).label,
        result=_reading(lowered, result),
        values={value.label: value for value in values},
        places={place.name: place for place in places},
        parts=tuple(_parts(lowered, allocated, stages.craft)),
        proofs=tuple(
            Proof(o.name, o.value, o.bound, _per_layer(stages.options.within))
            for o in allocated.objectives
        ),
        savings=tuple(map(_saved, (*optimised.savings, *lowered.savings))),
        undefined=tuple(_undefined(stages)),
        seconds=dict(stages.seconds),
        selectors={
            node.label: _selector(optimised, node) for node in original.program if not node.is_sop
        },
        width_bound=None if bound is None else bound.width,
        spare={} if bound is None else bound.spare,
        looked_up=() if stages.look_ups is None else stages.look_ups.labels,
        behind_look_ups=frozenset() if stages.look_ups is None else stages.look_ups.behind,
    )


def _undefined(stages: Stages) -> Iterator[Undefined]:
    """Where functions raise; what is looked up does where its program is not defined."""
    original, look_ups = stages.optimised.original, stages.look_ups
    nowhere = () if look_ups is None else look_ups.known.undefined
    if look_ups is not None and nowhere:
        yield Undefined(
            ", ".join(look_ups.labels),
            f"the program is not defined on {len(nowhere):,} of {len(look_ups.known.inputs):,} "
            f"inputs, for example on {show_value(list(nowhere[0]))}",
        )
    for number, found in original.raises.items():
        if isinstance(original.program.node(number).function, LookedUp):
            continue
        where = f"raises on {found.rows:,} of {found.of:,} values, for example on {found.example}"
        yield Undefined(found.label, f"{found.function} {where}")


def _named(optimised: Optimised, lowered: LoweredProgram) -> frozenset[str]:
    """The variables of one column from which alone named s-ops are read."""
    found: set[str] = set()
    for number in named(optimised):
        ways = {held.variables for held in lowered.ways(number)}
        is_known = optimised.inferred.sops[number].local is not None
        for names in ways if len(ways) == 1 and not is_known else ():
            if len(names) == 1 and len(lowered.variables[names[0]].space) == 1:
                found.update(names)
    return frozenset(found)


def _kept_as_they_are(stages: Stages) -> frozenset[str]:
    """The variables of what is to be kept, and of a result that is to be one-hot."""
    lowered = stages.lowered
    program = lowered.inferred.program
    held = [lowered.first(number) for number in program.ends if program.node(number).is_kept]
    if stages.options.result == ONE_HOT_RESULT:
        held.append(chosen_result(lowered, stages.allocated.allocation))
    return frozenset(name for one in held for name in one.variables)


def _options(options: CompileOptions) -> dict[str, str]:
    return {
        "vocab": f"{len(options.vocab)} tokens",
        "max_seq_len": str(options.max_seq_len),
        "attention": "causal" if options.causal else "bidirectional",
        **({} if options.inputs is None else {"inputs": options.inputs.words}),
        "passes": ", ".join(options.passes) or "none",
        "allocator": options.allocator,
        "reuse": str(options.reuse),
        "budget": ", ".join(f"{k}={v}" for k, v in options.budget.limits().items()) or "none",
    }


def _per_layer(within: Budgets) -> str:
    """What a layer may have, in words."""
    limits = ((within.max_heads, "head"), (within.max_neurons, "neuron"))
    if all(limit is None for limit, _ in limits):
        return "any number of heads and neurons"
    return ", ".join(
        f"any number of {what}s" if n is None else f"up to {n:,} {what}{'s' * (n != 1)}"
        for n, what in limits
    )


def _saved(saving: Saving) -> Saved:
    return Saved(saving.name, saving.count, saving.what)


def _reading(lowered: LoweredProgram, held: Held) -> Reading:
    """What is held, with the dimensions of its variables in their order."""
    source = held.coordinates.source
    directions = [d for name in held.variables for d in lowered.variables[name].space.directions]
    return Reading(
        form=held.form.name,
        variables=held.variables,
        matrix=held.coordinates.matrix[[source.index[d] for d in directions]],
        bias=held.coordinates.bias,
        codes=held.codes,
        is_number=held.form.is_number,
        shows_classes=held.form.picks_one,
        is_raw=held in lowered.raw.values(),
        error=largest_error(held, lowered.variables),
        room=held.form.room(held.domain),
        examples=held.examples,
    )


def _skipped(lowered: LoweredProgram, allocated: Result) -> frozenset[int]:
    """The nodes that selectors look at of which others know what they select without them.

    And all that a result depends on that is told from counts of tokens.
    """
    program = lowered.inferred.program
    found: set[int] = set()
    result = chosen_result(lowered, allocated.allocation)
    for operation in lowered.operations:
        placement = allocated.allocation.placements.get(operation.name)
        node = lowered.variables[operation.name].node
        rule = None if placement is None else operation.rules[placement.alternative]
        if rule == HISTOGRAMS and operation.name in result.variables:
            found |= nx.ancestors(program.graph, program.root)
        if rule == FREQUENCIES and node is not None:
            found |= nx.ancestors(program.graph, node)
        if node is None or program.node(node).op is not Op.AGGREGATE:
            continue  # a helper
        if rule in SELECT_BY_THEMSELVES:
            found |= nx.ancestors(program.graph, program.node(node).inputs[0])
    return frozenset(found)


def _value(
    optimised: Optimised,
    lowered: LoweredProgram,
    allocated: Result,
    node: Node,
    skipped: frozenset[int],
) -> NamedValue:
    facts = optimised.original.sops[node.id]
    domain = facts.domain
    place = optimised.place_of(node.id)
    held = lowered.held.get(place, ())
    is_compiled = place in lowered.held
    blocks = _blocks(optimised, node) if is_compiled else None
    present = allocated.allocation.columns

    def readings(ways: tuple[Held, ...]) -> tuple[Reading, ...]:
        there = [h for h in ways if all(name in present for name in h.variables)]
        return tuple(_reading(lowered, h) for h in there)

    raw = (lowered.raw[place],) if place in lowered.raw else ()
    is_skipped = place in skipped and not readings(lowered.ways(place))
    program = optimised.original.program
    default = _default(domain, node)
    is_read_through = node.id in optimised.left_out or is_skipped
    return NamedValue(
        label=node.label,
        aliases=node.aliases,
        op=str(node.op),
        inputs=tuple(program.node(number).label for number in node.inputs),
        is_named=node.is_named,
        is_numerical=node.is_numerical,
        is_kept=node.is_kept,
        nullable=domain.nullable,
        classes=domain.classes if isinstance(domain, Enumerated) else None,
        bounds=domain.bounds,
        table=None if facts.table is None else facts.table.entries,
        local=facts.local,
        by_length=facts.by_length,
        replaced_by=_label(optimised, place) if place != node.id else None,
        is_compiled=is_compiled,
        made_from=_made_from(optimised, node),
        blocks=blocks,
        readings=readings((*(held if blocks is None else ()), *raw)),
        of_blocks=next(iter(readings(held[:1])), None) if blocks is not None else None,
        default=default if is_read_through else None,
        fallback=None if is_read_through or node.op is not Op.AGGREGATE else default,
        looks_at=_looks_at(optimised, lowered, allocated, place),
    )


def _looks_at(
    optimised: Optimised, lowered: LoweredProgram, allocated: Result, place: int
) -> tuple[str, ...] | None:
    """What an aggregate looks at that picks the best key; None for all others."""
    inferred = lowered.inferred
    if place not in inferred.program.graph:
        return None
    aggregate = inferred.program.node(place)
    if aggregate.op is not Op.AGGREGATE:
        return None  # though it may be held as one-hot for one that does
    for operation in lowered.operations:
        placement = allocated.allocation.placements.get(operation.name)
        is_own = lowered.variables[operation.name].node == place
        if not is_own or placement is None or operation.rules[placement.alternative] != ARGMAX:
            continue
        best = argmax_of(inferred, inferred.program.node(aggregate.inputs[0]))
        assert best is not None
        seen = (_as_written(optimised, number) for number in looks_at(inferred, best))
        return tuple(dict.fromkeys(label for labels in seen for label in labels))
    return None


def _as_written(optimised: Optimised, number: int) -> Iterator[str]:
    """The labels of an s-op; if a pass has added it, of those that it is made of."""
    if number in optimised.original.program.graph:
        yield optimised.original.program.node(number).label
        return
    for operand in optimised.inferred.program.node(number).inputs:
        yield from _as_written(optimised, operand)


def _default(domain: Domain, node: Node) -> int | None:
    """The class of an aggregate's default; None for what attends to nothing, or is not listed."""
    if node.op is Op.WIDTH and isinstance(domain, Enumerated):
        return UNDEFINED
    if node.op is not Op.AGGREGATE or not isinstance(domain, Enumerated):
        return None
    if node.value is None:
        return NONE if domain.nullable else UNDEFINED
    return domain.class_of.get(canonical_key(node.value), UNDEFINED)


def _selector(optimised: Optimised, node: Node) -> Selector:
    program = optimised.original.program
    inputs = tuple(program.node(number).label for number in node.inputs)
    shown = [*inputs, show_function(node.function)] if node.function is not None else list(inputs)
    is_constant = node.function in (Comparison.TRUE, Comparison.FALSE)
    known = [optimised.original.widths[node.id]]  # and what the passes found out
    place = optimised.place_of(node.id)
    if place in optimised.inferred.widths:
        known.append(optimised.inferred.widths[place])
    return Selector(
        label=node.label,
        op=str(node.op),
        inputs=inputs,
        text=f"{node.op}({', '.join(shown)})",
        is_constant=is_constant,
        predicate=None if is_constant else optimised.original.predicates.get(node.id),
        least=max(bounds.low for bounds in known),
        most=min(bounds.high for bounds in known),
    )


def _label(optimised: Optimised, number: int) -> str:
    """The label of a node of either program; passes may add some."""
    compiled = optimised.inferred.program
    program = compiled if number in compiled.graph else optimised.original.program
    return program.node(number).label


def _made_from(optimised: Optimised, node: Node) -> tuple[str, ...]:
    """The labels of its operands in the program that was compiled, or else as it was written."""
    compiled = optimised.inferred.program
    program = compiled if node.id in compiled.graph else optimised.original.program
    return tuple(_label(optimised, number) for number in program.node(node.id).inputs)


def _blocks(optimised: Optimised, node: Node) -> tuple[int, ...] | None:
    """The merged class of each class; None if none are merged."""
    if not optimised.is_merged(node.id):
        return None
    before = optimised.original.domain(node.id)
    after = optimised.inferred.domain(optimised.place_of(node.id))
    assert isinstance(before, Enumerated)
    assert isinstance(after, Enumerated)
    return tuple(after.class_of[canonical_key(value)] for value in before.values)


def _places(
    lowered: LoweredProgram, problem: AllocationProblem, allocated: Result
) -> Iterator[Place]:
    allocation = allocated.allocation
    lives = lifetimes_in(problem, allocation)
    for name, variable in lowered.variables.items():
        if name not in allocation.columns:
            continue
        placement = allocation.placements.get(name)
        node = None if variable.node is None else lowered.inferred.program.node(variable.node)
        yield Place(
            name=name,
            value=None if node is None else node.label,
            words=variable.words,
            parts=tuple(direction.part for direction in variable.space.directions),
            columns=allocation.columns[name],
            first=lives[name].first,
            last=lives[name].last,
            written_by=None if placement is None else placement.half_layer,
            largest=variable.ranges.largest,
        )


def _parts(lowered: LoweredProgram, allocated: Result, craft: CraftModel) -> Iterator[Part]:
    rules = {o.name: o.rules for o in lowered.operations}
    placements = allocated.allocation.placements
    for half_layer, components in enumerate(craft.half_layers):
        first = 0
        for component in components:
            writes = _written(component)
            yield Part(
                name=component.name,
                half_layer=half_layer,
                kind=_kind(component),
                first=first,
                size=component.size,
                writes=writes,
                reads=tuple(
                    dict.fromkeys(
                        d.variable
                        for d in component.source.directions
                        if d.variable not in lowered.marks
                    )
                ),
                rules=tuple(
                    rules[name][placements[name].alternative]
                    for name in writes
                    if name in placements and placements[name].half_layer == half_layer
                ),
            )
            first += component.size


def _written(component: Component) -> tuple[str, ...]:
    """Its variables; one without columns, which is always None, by the component's name."""
    names = tuple(dict.fromkeys(d.variable for d in component.target.directions))
    return names or (component.name,)


def _kind(component: Component) -> str:
    if not isinstance(component, MLP):
        return "head"
    return "neurons" if component.off_at_bos else "erasure"
