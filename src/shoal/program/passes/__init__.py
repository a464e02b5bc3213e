"""Passes over the program graph, one file each, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from shoal.errors import InvalidOptionError
from shoal.program.graph import Program
from shoal.program.passes.common_subexpressions import merge_common_subexpressions

PASSES: Mapping[str, Callable[[Program], Program]] = MappingProxyType(
    {"common-subexpressions": merge_common_subexpressions}
)
"""All passes by name, in their order."""


def pass_names(passes: str | Collection[str]) -> tuple[str, ...]:
    """The passes that "all", "none", one name or a list of names stands for, in their order.

    Raises:
        InvalidOptionError: a pass is not known.
    """
    if passes == "all":
        return tuple(PASSES)
    if passes == "none":
        return ()
    try:
        chosen = {passes} if isinstance(passes, str) else set(passes)
    except TypeError:
        raise InvalidOptionError(
            f'passes is {passes!r}; give "all", "none", a pass, or a list of passes: '
            + ", ".join(PASSES)
        ) from None
    unknown = sorted(str(name) for name in chosen - set(PASSES))
    if unknown:
        raise InvalidOptionError(
            f"there is no pass {', '.join(unknown)}; known: {', '.join(PASSES)}; or give "
            '"all" or "none"'
        )
    return tuple(name for name in PASSES if name in chosen)


def run_passes(program: Program, names: tuple[str, ...]) -> Program:
    """Run passes one after the other."""
    for name in names:
        program = PASSES[name](program)
    return program
