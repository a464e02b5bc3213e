"""Tokens and indices: input variables, put into the stream by the embedding."""

from __future__ import annotations

import numpy as np

from shoal.lowering.builder import Builder
from shoal.lowering.lowered import InputTable
from shoal.program.graph import Node
from shoal.rasp.expressions import TokensType


def lower_input(builder: Builder, node: Node) -> None:
    """Add the input variable of a tokens or indices node."""
    view = builder.add_value(node)
    builder.views[node.id] = view
    grid = builder.inferred.sops[node.id].local
    assert grid is not None
    assert view.codes is not None
    if isinstance(node.expression, TokensType):
        at_bos = np.zeros((1, view.codes.shape[1]))
        table = np.vstack([view.codes[grid[:, 0]], at_bos])
        builder.inputs.append(InputTable(node.label, table, None))
    else:
        at_bos = np.zeros((1, view.codes.shape[1]))
        table = np.vstack([at_bos, view.codes[grid[0]]])
        builder.inputs.append(InputTable(node.label, None, table))
