"""A craft model: half-layers of components over one residual space, able to run itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoal.craft.affine import Matrix
from shoal.craft.architecture import PLAIN, Architecture
from shoal.craft.bases import Space
from shoal.craft.components import MLP, Component, Head, Heads
from shoal.shown import shown_fields


@dataclass(frozen=True, eq=False)
class Embedding:
    """What the stream holds before half-layer 0.

    Attributes:
        space: the directions of all inputs, BOS among them.
        tokens: [tokens + 1, space]; the last row is BOS.
        positions: [max_seq_len + 1, space]; row 0 is the BOS position.
    """

    __repr__ = shown_fields

    space: Space
    tokens: Matrix
    positions: Matrix


@dataclass(frozen=True, eq=False)
class CraftModel:
    """A program in assembly language.

    Attributes:
        embedding: the inputs.
        half_layers: components by half-layer; even ones hold heads, odd ones MLPs.
        space: the directions of all variables, whenever they live.
        causal: whether queries see only earlier keys.
        architecture: what its components see of the stream.
    """

    __repr__ = shown_fields

    embedding: Embedding
    half_layers: tuple[tuple[Component, ...], ...]
    space: Space
    causal: bool
    architecture: Architecture = PLAIN


def run_craft(model: CraftModel, token_ids: Sequence[int]) -> list[Matrix]:
    """Run a craft model in double precision.

    Args:
        model: a craft model.
        token_ids: the tokens' numbers, without BOS.

    Returns:
        The stream [1 + tokens, space] in every state: before each half-layer, and at the end.
        Row 0 is the BOS position.
    """
    table = model.embedding.tokens
    ids = [len(table) - 1, *token_ids]
    stream = np.zeros((len(ids), len(model.space)))
    columns = model.space.positions(model.embedding.space)
    stream[:, columns] = table[ids] + model.embedding.positions[: len(ids)]
    states = [stream]
    for components in model.half_layers:
        seen = model.architecture.seen(states[-1])
        stream = stream.copy()
        for component in components:
            columns = model.space.positions(component.target)
            stream[:, columns] += run_component(component, model.space, seen, model.causal)
        states.append(stream)
    return states


def run_component(component: Component, space: Space, stream: Matrix, causal: bool) -> Matrix:
    """What a component adds to the stream [positions, space], as [positions, its target]."""
    if isinstance(component, MLP):
        return component.output(np.maximum(component.hidden.read_from(space, stream), 0.0))
    if isinstance(component, Heads):
        each = [_run_head(head, space, stream, causal) for head in component.heads]
        return np.asarray(np.sum(each, axis=0))
    return _run_head(component, space, stream, causal)


def head_scores(head: Head, model: CraftModel, stream: Matrix) -> Matrix:
    """[queries, keys], the scores of a head that sees a stream; -inf where it may not look."""
    return _scores(head, model.space, model.architecture.seen(stream), model.causal)


def _scores(head: Head, space: Space, stream: Matrix, causal: bool) -> Matrix:
    scores = head.query.read_from(space, stream) @ head.key.read_from(space, stream).T
    if causal:
        scores = np.where(np.tri(len(scores), dtype=bool), scores, -np.inf)
    return scores


def _run_head(head: Head, space: Space, stream: Matrix, causal: bool) -> Matrix:
    scores = _scores(head, space, stream, causal)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    result: Matrix = weights @ head.value.read_from(space, stream)
    return result
