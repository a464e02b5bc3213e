"""Imports what needs packages that may not be there, when it is asked for."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from shoal.errors import InvalidInputError


def import_needing(module: str, package: str, what: str, extra: str) -> ModuleType:
    """A module that needs a package.

    Args:
        module: its name.
        package: without which it cannot be imported.
        what: needs the package, with its verb.
        extra: of Shoal, which installs it.

    Raises:
        InvalidInputError: the package is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != package:
            raise
        raise InvalidInputError(
            f"{what} the package {package!r}, which is not installed; "
            f"install it by \"pip install 'shoal[{extra}]'\""
        ) from error
