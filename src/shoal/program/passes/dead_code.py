"""Dead code: what no output needs is dropped."""

from __future__ import annotations

import networkx as nx

from shoal.program.facts.inferred import Inferred
from shoal.program.rewriting import Rewrite, rewritten


def drop_dead_code(inferred: Inferred) -> Rewrite:
    """Drop the nodes that neither the root nor a kept value is computed from.

    A traced program has none; other passes leave them behind.
    """
    program = inferred.program
    alive = set(program.ends)
    for end in program.ends:
        alive |= nx.ancestors(program.graph, end)
    dead = len(program.graph) - len(alive)
    if not dead:
        return Rewrite(inferred, 0)
    nodes = [node for node in program if node.id in alive]
    return Rewrite(rewritten(inferred, nodes), dead)
