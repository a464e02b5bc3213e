"""Imports what needs PyTorch when it is asked for, since PyTorch may not be there."""

from __future__ import annotations

from types import ModuleType

from shoal_analysis.optional import import_needing


def load_with_torch(name: str) -> ModuleType:
    """A module of this folder that needs PyTorch.

    Args:
        name: of the module.

    Raises:
        InvalidInputError: PyTorch is not installed.
    """
    module = f"shoal_analysis.lab.realism.{name}"
    return import_needing(module, "torch", "training needs", "lab")
