"""Imports what draws with matplotlib when it is asked for, since matplotlib may not be there."""

from __future__ import annotations

from types import ModuleType

from shoal_analysis.optional import import_needing


def load_plots() -> ModuleType:
    """The module ``shoal_analysis.pictures.plots``.

    Raises:
        InvalidInputError: matplotlib is not installed.
    """
    module = "shoal_analysis.pictures.plots"
    return import_needing(module, "matplotlib", "pictures need", "plot")
