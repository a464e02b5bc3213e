"""Imports what draws with matplotlib when it is asked for, since matplotlib may not be there."""

from __future__ import annotations

from types import ModuleType

from shoal.errors import InvalidInputError


def load_plots() -> ModuleType:
    """The module ``shoal_analysis.pictures.plots``.

    Raises:
        InvalidInputError: matplotlib is not installed.
    """
    try:
        import shoal_analysis.pictures.plots as plots
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "matplotlib":
            raise
        raise InvalidInputError(
            "pictures need the package 'matplotlib', which is not installed; "
            "install it by \"pip install 'shoal[plot]'\""
        ) from error
    return plots
