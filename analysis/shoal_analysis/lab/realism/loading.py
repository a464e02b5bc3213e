"""Imports what needs PyTorch when it is asked for, since PyTorch may not be there."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from shoal.errors import InvalidInputError


def load_with_torch(name: str) -> ModuleType:
    """A module of this folder that needs PyTorch.

    Args:
        name: of the module.

    Raises:
        InvalidInputError: PyTorch is not installed.
    """
    try:
        return import_module(f"shoal_analysis.lab.realism.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "torch":
            raise
        raise InvalidInputError(
            "training needs the package 'torch', which is not installed; install it by "
            "\"pip install 'shoal[lab]'\""
        ) from error
