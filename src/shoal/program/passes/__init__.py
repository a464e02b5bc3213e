"""Passes over the program graph, one file each, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from shoal.program.graph import Program
from shoal.program.passes.common_subexpressions import merge_common_subexpressions

PASSES: Mapping[str, Callable[[Program], Program]] = MappingProxyType(
    {"common-subexpressions": merge_common_subexpressions}
)
"""The passes over the graph by name, in their order."""


def run_passes(program: Program, names: tuple[str, ...]) -> Program:
    """Run those of the named passes that work on the program graph, in their order."""
    for name, run in PASSES.items():
        if name in names:
            program = run(program)
    return program
