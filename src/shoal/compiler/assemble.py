"""From components and their allocation to a craft model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shoal.craft.affine import Matrix
from shoal.craft.bases import Space, join
from shoal.craft.components import Component, Head, erasure, merge_heads, parts_of, pin_to_bos
from shoal.craft.model import CraftModel, Embedding, run_component
from shoal.lowering.lowered import LoweredProgram
from shoal_solvers import ALTERNATING, Allocation


def assemble(lowered: LoweredProgram, allocation: Allocation) -> CraftModel:
    """Put the chosen components into their half-layers, with erasures and the BOS corrections.

    The stream at the BOS position is a constant: it is followed through the half-layers, and
    every component is pinned to it before it runs.
    """
    present = [name for name in lowered.variables if name in allocation.columns]
    space = join(*(lowered.variables[name].space for name in present))
    embedding = _embedding(lowered, allocation)
    at_bos = np.zeros((1, len(space)))
    at_bos[0, space.positions(embedding.space)] = embedding.tokens[-1] + embedding.positions[0]
    half_layers = []
    for components in _schedule(lowered, allocation):
        for component in components:
            lowered.inferred.work.spend(component.entries / 100, component.name)
        pinned = [pin_to_bos(c, space, at_bos[0], lowered.mark) for c in components]
        update = np.zeros_like(at_bos)
        for component in pinned:
            columns = space.positions(component.target)
            update[:, columns] += run_component(component, space, at_bos, causal=False)
        at_bos = at_bos + update
        half_layers.append(tuple(pinned))
    causal = lowered.inferred.program.causal
    return CraftModel(embedding, tuple(half_layers), space, causal)


def _schedule(lowered: LoweredProgram, allocation: Allocation) -> list[list[Component]]:
    groups: list[dict[tuple[bool, str], list[Component]]]
    groups = [{} for _ in ALTERNATING.half_layers(allocation.num_layers)]
    for operation in lowered.operations:
        placement = allocation.placements.get(operation.name)
        if placement is not None:
            shares = operation.sharing is not None
            key = (shares, operation.sharing or operation.name)
            component = operation.components[placement.alternative]
            for number, part in enumerate(parts_of(component)):
                own = key if shares else (shares, f"{operation.name} {number}")
                groups[placement.half_layer].setdefault(own, []).append(part)
    half_layers = [[_merged(group) for group in row.values()] for row in groups]
    for name in lowered.variables:
        if name in allocation.erasures:
            variable = lowered.variables[name]
            eraser = erasure(name, variable.space, variable.can_be_negative)
            half_layers[allocation.erasures[name]].append(eraser)
    return half_layers


def _merged(components: list[Component]) -> Component:
    """One component alone, or heads that are shared, as one."""
    if len(components) == 1:
        return components[0]
    return merge_heads([component for component in components if isinstance(component, Head)])


def _embedding(lowered: LoweredProgram, allocation: Allocation) -> Embedding:
    tables = [table for table in lowered.inputs if table.variable in allocation.columns]
    spaces: Mapping[str, Space] = {t.variable: lowered.variables[t.variable].space for t in tables}
    space = join(*spaces.values())
    tokens: Matrix = np.zeros((len(lowered.inferred.vocab) + 1, len(space)))
    positions: Matrix = np.zeros((lowered.inferred.max_seq_len + 1, len(space)))
    for table in tables:
        columns = space.positions(spaces[table.variable])
        if table.by_token is not None:
            tokens[:, columns] = table.by_token
        if table.by_position is not None:
            positions[:, columns] = table.by_position
    return Embedding(space, tokens, positions)
