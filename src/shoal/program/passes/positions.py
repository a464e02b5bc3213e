"""Positions: what indices alone determine is looked up by the index, and needs no attention.

Under a causal mask the width of what selects everything is index + 1; without one, so is that of
"at or before this position". A mean of indices over such keys is half the index. The embedding, or
a reader's weights, provide these.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer_sop
from shoal.program.facts.inferred import Grid, Inferred, SOpFacts
from shoal.program.facts.lookup import UNDEFINED, Lookup
from shoal.program.ir import Node, Op
from shoal.program.rewriting import Rewrite, fresh_id, fresh_label, rewritten

_ATTENDING = (Op.WIDTH, Op.AGGREGATE)


def look_positions_up(inferred: Inferred) -> Rewrite:
    """Make widths and aggregates of indices maps of the index."""
    rows = {node: row for node in inferred.program if (row := _row(inferred, node)) is not None}
    if not rows:
        return Rewrite(inferred, 0)
    indices, facts = _indices(inferred)
    changed: dict[int, Node] = {}
    sops: dict[int, SOpFacts] = {indices.id: facts}
    for node, row in rows.items():
        table = _by_class(row, facts)
        if table is not None:
            changed[node.id] = replace(node, op=Op.MAP, inputs=(indices.id,), value=None)
            sops[node.id] = replace(inferred.sops[node.id], table=table, mixture=False)
    if not changed:
        return Rewrite(inferred, 0)
    others = [node for node in inferred.program if node.id != indices.id]
    nodes = [indices, *(changed.get(node.id, node) for node in others)]
    return Rewrite(rewritten(inferred, nodes, sops), len(changed))


def _row(inferred: Inferred, node: Node) -> Grid | None:
    """[positions], the class of what attends, if the index determines it; else None."""
    if node.op not in _ATTENDING:
        return None
    facts = inferred.sops[node.id]
    if facts.local is None or not isinstance(facts.domain, Enumerated):
        return None
    row = facts.local[0]
    return row if (facts.local == row).all() and (row != UNDEFINED).all() else None


def _indices(inferred: Inferred) -> tuple[Node, SOpFacts]:
    """The indices as they are, and the facts about them; new ones if there are none yet."""
    for node in inferred.program:
        if node.is_plain_index:
            return node, inferred.sops[node.id]
    label = fresh_label(inferred.program, str(Op.INDICES))
    new = Node(fresh_id(inferred.program), Op.INDICES, (), label)
    return new, infer_sop(inferred, new, {})


def _by_class(row: Grid, indices: SOpFacts) -> Lookup | None:
    """What a row is by the class of the index; None if one class has different entries."""
    assert indices.local is not None
    assert isinstance(indices.domain, Enumerated)
    classes = indices.local[0]
    entries = np.full(len(indices.domain), UNDEFINED, dtype=np.int32)
    entries[classes] = row
    return Lookup(entries) if np.array_equal(entries[classes], row) else None
