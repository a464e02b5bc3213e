"""Packages that only those need who make corpora or read them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from shoal.errors import InvalidInputError


def arrow() -> Any:
    """The module ``pyarrow``, with ``pyarrow.parquet``.

    Raises:
        InvalidInputError: it is not installed.
    """
    _needed("pyarrow.parquet", "corpora", "pyarrow", "shoal[corpus]")
    return _needed("pyarrow", "corpora", "pyarrow", "shoal[corpus]")


def _needed(module: str, who: str, package: str, extra: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != package:
            raise
        raise InvalidInputError(
            f"{who} need the package {package!r}, which is not installed; "
            f"install it by \"pip install '{extra}'\""
        ) from error
