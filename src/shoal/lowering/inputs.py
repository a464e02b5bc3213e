"""Input variables, put into the stream by the embedding: tokens, indices, and their maps."""

from __future__ import annotations

import numpy as np

from shoal.lowering.builder import Builder, with_none
from shoal.lowering.lowered import InputTable
from shoal.lowering.precision import largest_rows
from shoal.program.facts.inferred import Grid
from shoal.program.facts.lookup import NONE
from shoal.program.ir import Node, Op


def lower_input(builder: Builder, node: Node) -> None:
    """Add the input variable of a tokens or indices node."""
    grid = builder.inferred.sops[node.id].local
    assert grid is not None
    by_token = node.op is Op.TOKENS
    _add(builder, node, grid[:, 0] if by_token else grid[0], by_token)


def bake(builder: Builder, node: Node) -> bool:
    """Let the embedding provide an s-op that the token alone, or the index alone, determines.

    Returns:
        Whether it does; if not, nothing is added.
    """
    grid = builder.inferred.sops[node.id].local
    if grid is None:
        return False
    if (grid == grid[:, :1]).all():
        _add(builder, node, grid[:, 0], by_token=True)
    elif (grid == grid[:1]).all():
        _add(builder, node, grid[0], by_token=False)
    else:
        return False
    return True


def _add(builder: Builder, node: Node, classes: Grid, by_token: bool) -> None:
    """Add an input variable; at the BOS position it is 0."""
    view = builder.add_value(node)
    builder.views[node.id] = view
    assert view.codes is not None
    rows = with_none(view.codes)[np.maximum(classes, NONE)]
    builder.set_residuals(node.label, largest_rows(rows.astype(np.float32) - rows))
    at_bos = np.zeros((1, view.codes.shape[1]))
    if by_token:
        builder.inputs.append(InputTable(node.label, np.vstack([rows, at_bos]), None))
    else:
        builder.inputs.append(InputTable(node.label, None, np.vstack([at_bos, rows])))
