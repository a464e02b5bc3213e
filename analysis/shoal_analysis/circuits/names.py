"""Edges in the names of other tools, and theirs in ours.

``transformer-lens``: names of hooks, with the number of the head where there are several, as in the
graphs of ACDC: ``("blocks.0.attn.hook_result", 0) -> ("blocks.1.hook_q_input", 2)``. ``eap``: the
names of edge attribution patching, ``a0.h0->a1.h2<q>``. ``auto-circuit``: those of that package,
``A0.0->A1.2.Q``. The last two have one node for both embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shoal.atlas.circuit import POSITIONS, TOKENS
from shoal.errors import InvalidInputError
from shoal_analysis.circuits.edge_patching import Edge


@dataclass(frozen=True)
class Convention:
    """How a tool names nodes.

    Attributes:
        tokens: the embedding of tokens, as a source.
        positions: that of positions.
        head: of a head as a source, with {layer} and {head}.
        mlp: of an MLP as a source.
        inputs: of a head as a target, by role.
        mlp_input: of an MLP as a target.
        result: the unembedding, with {last}, the number of the last layer.
        arrow: between source and target.
    """

    tokens: str
    positions: str
    head: str
    mlp: str
    inputs: Mapping[str, str]
    mlp_input: str
    result: str
    arrow: str = "->"


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "transformer-lens": Convention(
            "hook_embed",
            "hook_pos_embed",
            "blocks.{layer}.attn.hook_result[{head}]",
            "blocks.{layer}.hook_mlp_out",
            {
                "query": "blocks.{layer}.hook_q_input[{head}]",
                "key": "blocks.{layer}.hook_k_input[{head}]",
                "value": "blocks.{layer}.hook_v_input[{head}]",
            },
            "blocks.{layer}.hook_mlp_in",
            "blocks.{last}.hook_resid_post",
            " -> ",
        ),
        "eap": Convention(
            "input",
            "input",
            "a{layer}.h{head}",
            "m{layer}",
            {
                "query": "a{layer}.h{head}<q>",
                "key": "a{layer}.h{head}<k>",
                "value": "a{layer}.h{head}<v>",
            },
            "m{layer}",
            "logits",
        ),
        "auto-circuit": Convention(
            "Resid Start",
            "Resid Start",
            "A{layer}.{head}",
            "MLP {layer}",
            {
                "query": "A{layer}.{head}.Q",
                "key": "A{layer}.{head}.K",
                "value": "A{layer}.{head}.V",
            },
            "MLP {layer}",
            "Resid End",
        ),
    }
)


def edge_name(edge: Edge, convention: str, num_layers: int) -> str:
    """An edge of a circuit at the level "head", as another tool calls it.

    Args:
        edge: whose MLPs are whole.
        convention: one of ``CONVENTIONS``.
        num_layers: of the model.

    Raises:
        InvalidInputError: there is no such convention, or the edge is of another level.
    """
    names = _convention(convention)
    target = _target(edge, names, num_layers)
    return f"{_source(edge.source, names)}{names.arrow}{target}"


def edges_from_names(
    named: Iterable[str], edges: Iterable[Edge], convention: str, num_layers: int
) -> frozenset[Edge]:
    """The edges that another tool calls so; of one node for both embeddings, both edges.

    Args:
        named: what it found.
        edges: those that there could be, as of ``EdgePatching``.
        convention: one of ``CONVENTIONS``.
        num_layers: of the model.

    Raises:
        InvalidInputError: a name is of no edge.
    """
    known = edges_by_name(edges, convention, num_layers)
    found: set[Edge] = set()
    for name in named:
        if name not in known:
            example = next(iter(known), "none at all")
            raise InvalidInputError(
                f"there is no edge {name!r} in this model, by the names of {convention}; it has "
                f"{len(known)}, such as {example!r}"
            )
        found |= known[name]
    return frozenset(found)


def edges_by_name(edges: Iterable[Edge], convention: str, num_layers: int) -> dict[str, set[Edge]]:
    """Edges by what another tool calls them; of one node for both embeddings, both edges."""
    known: dict[str, set[Edge]] = {}
    for edge in edges:
        known.setdefault(edge_name(edge, convention, num_layers), set()).add(edge)
    return known


def _convention(name: str) -> Convention:
    if name not in CONVENTIONS:
        raise InvalidInputError(
            f"no names are known for {name!r}; they are for: {', '.join(CONVENTIONS)}"
        )
    return CONVENTIONS[name]


def _source(node: str, names: Convention) -> str:
    if node in (TOKENS, POSITIONS):
        return names.tokens if node == TOKENS else names.positions
    kind, layer, head = _parsed(node)
    return (names.head if kind == "head" else names.mlp).format(layer=layer, head=head)


def _target(edge: Edge, names: Convention, num_layers: int) -> str:
    if edge.target == "result":
        return names.result.format(last=num_layers - 1)
    kind, layer, head = _parsed(edge.target)
    pattern = names.inputs[edge.role] if kind == "head" else names.mlp_input
    return pattern.format(layer=layer, head=head)


def _parsed(node: str) -> tuple[str, str, str]:
    kind, _, place = node.partition(" ")
    layer, _, head = place.partition(".")
    if kind not in ("head", "mlp"):
        raise InvalidInputError(
            f"{node!r} is part of an MLP, which other tools see as one node; take the circuit of "
            'level "head"'
        )
    return kind, layer, head
