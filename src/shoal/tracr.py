"""Compiled models as Tracr's clients expect them: its names, its encoders, its labels.

One label a column for the whole network, a class and a column for None, and encoders that decode
class numbers. Everything that Shoal's models can do these can do as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import BOS, Atlas, Place
from shoal.atlas.basis import require_columns
from shoal.craft.affine import AffineMap
from shoal.craft.components import MLP as CraftMLP
from shoal.craft.components import Head as CraftHead
from shoal.craft.model import CraftModel
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.rasp.values import Value, canonical_key, normalise, show_value
from shoal.runnable import AppliedModel
from shoal.transformer.encoders import OutputDecoder
from shoal.transformer.weights import Weights, with_free_column
from shoal_solvers import ALTERNATING, Kind

NONE_LEVEL = 0.5
"""What the column of None holds everywhere: between the 1 of a class and the 0 of all others."""


@dataclass(frozen=True)
class BasisDirection:
    """A column of the residual stream.

    Attributes:
        name: of the s-op.
        value: what the column stands for; None of numbers.
    """

    name: str
    value: Value = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value}"


@dataclass(frozen=True, eq=False, repr=False)
class CategoricalEncoder(OutputDecoder):
    """Class numbers of results, under Tracr's names.

    Attributes:
        basis: the direction of each class.
    """

    basis: tuple[BasisDirection, ...] = ()

    @property
    def encoding_map(self) -> Mapping[Value, int]:
        """The number of each class, that of None last where it can be."""
        return {value: number for number, value in enumerate(self.choices)}

    @property
    def vocab_size(self) -> int:
        """The number of classes."""
        return len(self.choices)

    def encode(self, values: Sequence[Value]) -> list[int]:
        """The class numbers of values.

        Raises:
            InvalidInputError: a value is no result of the program.
        """
        numbers = {canonical_key(value): number for number, value in enumerate(self.choices)}
        wrong = [v for v in values if canonical_key(normalise(v)) not in numbers]
        if wrong:
            raise InvalidInputError(f"{show_value(wrong[0])} is no result of this program")
        return [numbers[canonical_key(normalise(value))] for value in values]

    def decode(self, result: Any) -> list[Value]:
        """The values of class numbers; or, as for any model, of [positions, coordinates]."""
        if np.ndim(result) == 2:
            return super().decode(np.asarray(result))
        return [self.choices[int(number)] for number in result]


@dataclass(frozen=True, eq=False, repr=False)
class NumericalEncoder(OutputDecoder):
    """Numbers, which are their own codes, under Tracr's names. There is no ``encoding_map``.

    Attributes:
        basis: the one direction.
    """

    basis: tuple[BasisDirection, ...] = ()

    def encode(self, values: Sequence[Value]) -> list[Value]:
        """The values themselves."""
        return list(values)

    def decode(self, result: Any) -> list[Value]:
        """The values themselves; or, as for any model, those of [positions, coordinates]."""
        if np.ndim(result) == 2:
            return super().decode(np.asarray(result))
        return list(result)


@dataclass(frozen=True, eq=False, repr=False)
class AssembledTransformerModel(Model):
    """A compiled model with the attributes of Tracr's."""

    @property
    def model(self) -> AssembledTransformerModel:
        """The model itself, as pipelines read it that get more than a model."""
        return self

    @property
    def craft_model(self) -> BlockSeries:
        """The model in craft, as Tracr's blocks."""
        return _blocks(self.craft)

    @property
    def graph(self) -> nx.DiGraph:
        """The program: a node for each expression, by its label, edges from operand to reader."""
        program = self.optimised.original.program
        graph = nx.DiGraph()
        for node in program:
            value = self.atlas.values.get(node.label)
            graph.add_node(
                node.label,
                ID=node.label,
                EXPR=self._expressions.get(node.id),
                VALUE_SET=None
                if value is None or value.classes is None
                else _values(value.classes),
                OUTPUT_BASIS=self._basis_of(node.label),
            )
            graph.add_edges_from((program.node(n).label, node.label) for n in node.inputs)
        return graph

    @cached_property
    def _expressions(self) -> Mapping[int, Any]:
        from shoal.program.trace import trace_with_expressions

        return trace_with_expressions(self.program, causal=self.options.causal).expressions

    def _basis_of(self, label: str) -> list[BasisDirection]:
        place = self.atlas.places.get(label)
        return (
            [] if place is None else [BasisDirection(label, part or None) for part in place.parts]
        )

    @property
    def residual_labels(self) -> list[str]:
        """The label of each column, the same throughout the network; all labels differ."""
        return column_labels(self.atlas, self.d_model, self.input_encoder.bos_token)

    def apply(self, tokens: Sequence[Value]) -> AppliedModel:
        """Run the Haiku model on a sequence that begins with BOS; ``unembedded`` as Tracr has it.

        Raises:
            InvalidInputError: BOS is missing, or the sequence does not fit the model.
        """
        applied = super().apply(tokens)
        if self.output_encoder.codes is None:
            return replace(applied, unembedded=applied.unembedded[..., 0])
        logits = self.output_encoder.logits(applied.unembedded)
        assert logits is not None
        return replace(applied, unembedded=logits.argmax(axis=-1))

    def forward(self, tokens: Any) -> Any:
        """The forward pass of the Haiku model on numbers of tokens [batch, positions]."""
        return self._runner("haiku")(np.asarray(tokens, dtype=np.int32))


def as_tracr(model: Model) -> AssembledTransformerModel:
    """A model whose result is one-hot, or a number, with Tracr's attributes.

    Where the result can be None, one more column is ``NONE_LEVEL`` everywhere, so that an argmax
    over the columns of the result finds it where no other class is there.
    """
    decoder, atlas = model.output_encoder, model.atlas
    name = atlas.output
    weights = model.weights
    if decoder.codes is None:
        kind: type[OutputDecoder] = NumericalEncoder
        basis: tuple[BasisDirection, ...] = (BasisDirection(name),)
    else:
        kind = CategoricalEncoder
        basis = tuple(BasisDirection(name, value) for value in decoder.values)
        if decoder.nullable:
            basis = (*basis, BasisDirection(name, "None"))
            weights, atlas = _with_none(weights, atlas, name, model.num_layers)
    encoder = kind(decoder.values, decoder.codes, decoder.nullable, basis)  # type: ignore[call-arg]
    return AssembledTransformerModel(weights, model.input_encoder, encoder, model.stages, atlas)


def _with_none(weights: Weights, atlas: Atlas, name: str, num_layers: int) -> tuple[Weights, Atlas]:
    """A model with a column that is ``NONE_LEVEL`` at every position, and its place."""
    wider = with_free_column(weights)
    wider.position_embedding[:, -1] = NONE_LEVEL
    place = Place(
        name=f"{name}:None",
        value=None,
        words=f"{NONE_LEVEL} everywhere, so that None is found by an argmax",
        parts=("",),
        columns=(weights.sizes.d_model,),
        first=0,
        last=ALTERNATING.last_state(num_layers),
        written_by=None,
        largest=NONE_LEVEL,
    )
    return wider, replace(atlas, places={**atlas.places, place.name: place})


def column_labels(atlas: Atlas, d_model: int, bos: Value) -> list[str]:
    """``name:value`` of each column, whenever it is held there; free columns are numbered."""
    require_columns(atlas, "a list of labels")
    labels = [""] * d_model
    for place in atlas.places.values():
        for column, label in zip(place.columns, place.labels, strict=True):
            labels[column] = f"tokens:{bos}" if place.name == BOS else label
    return [label or f"free:{column}" for column, label in enumerate(labels)]


def _values(classes: tuple[tuple[Value, ...], ...]) -> set[Value]:
    return {value for members in classes for value in members}


# Craft, as Tracr's blocks.


@dataclass(frozen=True, eq=False)
class BlockMap:
    """A map between named spaces.

    Attributes:
        input_space: the directions that are read.
        output_space: the directions that are written.
        matrix: [input, output].
        bias: [output].
    """

    input_space: tuple[BasisDirection, ...]
    output_space: tuple[BasisDirection, ...]
    matrix: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AttentionHead:
    """A head: scores are ``query @ w_qk @ key``; ``w_ov`` is what it moves.

    Attributes:
        name: what it computes.
        w_qk: from the queries' directions to those of keys; its bias is [keys].
        w_ov: from the stream to the stream.
    """

    name: str
    w_qk: BlockMap
    w_ov: BlockMap


@dataclass(frozen=True, eq=False)
class MultiAttentionHead:
    """The heads of one half-layer."""

    sub_blocks: tuple[AttentionHead, ...]

    @property
    def num_heads(self) -> int:
        """How many there are."""
        return len(self.sub_blocks)

    def heads(self) -> tuple[AttentionHead, ...]:
        """All of them."""
        return self.sub_blocks


@dataclass(frozen=True, eq=False)
class MLP:
    """The neurons of one half-layer: ``snd(relu(fst(x)))`` of each group.

    Attributes:
        names: what the groups compute.
        fst: into each group's neurons.
        snd: out of each group's neurons.
    """

    names: tuple[str, ...]
    fst: tuple[BlockMap, ...]
    snd: tuple[BlockMap, ...]


@dataclass(frozen=True, eq=False)
class BlockSeries:
    """The half-layers in order.

    Attributes:
        blocks: attention and MLP in turns.
    """

    blocks: tuple[MultiAttentionHead | MLP, ...]


def _blocks(craft: CraftModel) -> BlockSeries:
    blocks: list[MultiAttentionHead | MLP] = []
    for number, components in enumerate(craft.half_layers):
        heads = [c for c in components if isinstance(c, CraftHead)]
        groups = [c for c in components if isinstance(c, CraftMLP)]
        if ALTERNATING.kind(number) is Kind.ATTENTION:
            blocks.append(MultiAttentionHead(tuple(map(_head, heads))))
        else:
            blocks.append(
                MLP(
                    tuple(group.name for group in groups),
                    tuple(_map(group.hidden) for group in groups),
                    tuple(_map(group.output) for group in groups),
                )
            )
    return BlockSeries(tuple(blocks))


def _head(head: CraftHead) -> AttentionHead:
    query, key = head.query, head.key
    scores = BlockMap(
        _directions(query), _directions(key), query.matrix @ key.matrix.T, query.bias @ key.matrix.T
    )
    return AttentionHead(head.name, scores, _map(head.value))


def _map(affine: AffineMap) -> BlockMap:
    target = tuple(BasisDirection(d.variable, d.part or None) for d in affine.target.directions)
    return BlockMap(_directions(affine), target, affine.matrix, affine.bias)


def _directions(affine: AffineMap) -> tuple[BasisDirection, ...]:
    return tuple(BasisDirection(d.variable, d.part or None) for d in affine.source.directions)
