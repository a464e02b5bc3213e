"""Imports pyarrow when it is asked for, since it may not be there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from shoal.errors import InvalidInputError


def arrow() -> Any:
    """The module ``pyarrow``, with ``pyarrow.parquet``.

    Raises:
        InvalidInputError: it is not installed.
    """
    try:
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "pyarrow":
            raise
        raise InvalidInputError(
            "corpora need the package 'pyarrow', which is not installed; "
            "install it by \"pip install 'shoal[corpus]'\""
        ) from error
