"""Selectors over computed keys and queries, read from farther down.

Let key and query be elementwise functions F(a, b) and G(c, d). Whether the selector holds is then a
matrix over pairs (c, a) and pairs (d, b). Each different row of it, as a set of pairs (d, b), goes
with the set of pairs (c, a) that have this row; so the selector is a disjoint union of selectors
"(c, a) is in this set and (d, b) in that one". Each of these fits one head that reads a, b, c and d
themselves, and the width of the union is the sum of their widths.

Comparing numbers that are made unique by their index, for one, splits into "less" and "equal, and
earlier": the numbers need not be computed first, which saves a layer and a one-hot value with many
dimensions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shoal.lowering.builder import Builder
from shoal.lowering.cones import class_table, cuts, own_cut
from shoal.lowering.selectors import Term
from shoal.program.facts.domains import Enumerated
from shoal.program.ir import ELEMENTWISE, Node, Op

MOST_PARTS = 3
"""Selectors that one is split into at most; each takes a head."""

_MOST_PAIRS = 2**20
"""Entries of the matrix over pairs that are looked at."""


def split_selector(builder: Builder, selector: Node) -> list[list[Term]] | None:
    """Disjoint selectors whose union a select is, as bilinear forms of one head each.

    None if the keys and queries are not functions of two one-hot values each, or if no split into
    few parts is found.
    """
    if selector.op is not Op.SELECT:
        return None
    key, query = (builder.node(number) for number in selector.inputs)
    keys, queries = _leaves(builder, key), _leaves(builder, query)
    if keys is None or queries is None:
        return None
    key_classes, query_classes = (
        class_table(builder, node, leaves) for node, leaves in ((key, keys), (query, queries))
    )
    predicate = builder.inferred.predicates[selector.id]
    if not predicate.size or key_classes.size * query_classes.size > _MOST_PAIRS:
        return None
    builder.inferred.work.spend(key_classes.size * query_classes.size / 20, selector.label)
    known = (query_classes >= 0)[:, :, None, None] & (key_classes >= 0)
    rows = np.maximum(query_classes, 0)[:, :, None, None]
    holds = (predicate[rows, np.maximum(key_classes, 0)] == 1) & known  # [c, d, a, b]
    splits = []
    for pair, order in (((0, 1), (0, 2, 1, 3)), ((1, 0), (0, 3, 1, 2))):
        parts = _split(holds.transpose(order))
        if parts is not None:
            splits.append((len(parts), [keys[i] for i in pair], parts))
    if not splits:
        return None
    _, paired_keys, parts = min(splits, key=lambda split: split[0])
    return [_terms(builder, queries, paired_keys, part) for part in parts]


def _leaves(builder: Builder, node: Node) -> list[int] | None:
    """The nearest two one-hot values that a node is computed from by an MLP of its own."""
    if node.op not in ELEMENTWISE or node.label not in builder.variables:
        return None
    for cut in (own_cut(node), *cuts(builder, node)):
        leaves = [leaf.node for leaf in cut]
        is_read = [_is_one_hot(builder, leaf.node) and not leaf.undecoded for leaf in cut]
        if len(leaves) == 2 and all(is_read):
            return leaves
    return None


def _is_one_hot(builder: Builder, number: int) -> bool:
    values = builder.values(number)
    return isinstance(values, Enumerated) and not values.nullable and builder.views[number].one_hot


def _split(
    holds: npt.NDArray[np.bool_],
) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]] | None:
    """Sets of pairs [c, a] and [d, b] whose products make up [c, a, d, b] without overlap."""
    first, second = holds.shape[:2], holds.shape[2:]
    matrix = holds.reshape(first[0] * first[1], -1)
    by_rows = _different(matrix)
    by_columns = _different(matrix.T)
    parts = by_rows if len(by_rows) <= len(by_columns) else [(b, a) for a, b in by_columns]
    if not 0 < len(parts) <= MOST_PARTS:
        return None
    return [(rows.reshape(first), columns.reshape(second)) for rows, columns in parts]


def _different(
    matrix: npt.NDArray[np.bool_],
) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """For each different row that is not empty, the rows that are like it, and the row."""
    patterns, which = np.unique(matrix, axis=0, return_inverse=True)
    return [(which.ravel() == i, row) for i, row in enumerate(patterns) if row.any()]


def _terms(
    builder: Builder,
    queries: list[int],
    keys: list[int],
    part: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
) -> list[Term]:
    """One head's score: 1 where both pairs are in their sets, and at most 0 elsewhere."""
    pairs = [
        (query, key, inside)
        for query, key, inside in zip(queries, keys, part, strict=True)
        if not inside.all()
    ] or [(queries[0], keys[0], part[0])]
    share = 1.0 / len(pairs)
    outside = 0.0 if len(pairs) == 1 else -share
    return [
        Term(builder.views[query], builder.views[key], np.where(inside, share, outside))
        for query, key, inside in pairs
    ]
