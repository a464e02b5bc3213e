"""Circuits as JSON, and back."""

from __future__ import annotations

import json

import networkx as nx

from shoal.errors import InvalidInputError

FORMAT = "shoal circuit 1"


def circuit_to_json(graph: nx.MultiDiGraph) -> str:
    """A circuit as JSON: networkx's node-link data, with the format's name beside it.

    Args:
        graph: of ``model.circuit``.
    """
    content = {"format": FORMAT, **nx.node_link_data(graph, edges="edges")}
    return json.dumps(content, indent=1) + "\n"


def circuit_from_json(text: str) -> nx.MultiDiGraph:
    """The circuit that ``circuit_to_json`` wrote.

    Raises:
        InvalidInputError: it is none, or of another format.
    """
    try:
        content = json.loads(text)
        found = content.pop("format")
        if found == FORMAT:
            return nx.node_link_graph(content, edges="edges")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInputError(
            f"this is no circuit in JSON ({type(error).__name__}: {error}); write one by "
            "circuit_to_json(model.circuit())"
        ) from error
    except nx.NetworkXError as error:
        raise InvalidInputError(f"this is no circuit in JSON: {error}") from error
    raise InvalidInputError(
        f"this circuit has the format {found!r}, and this version of Shoal reads {FORMAT!r}"
    )
