"""Imports pyarrow when it is asked for, since it may not be there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from shoal_analysis.optional import import_needing


def arrow() -> Any:
    """The module ``pyarrow``, with ``pyarrow.parquet``.

    Raises:
        InvalidInputError: it is not installed.
    """
    import_needing("pyarrow.parquet", "pyarrow", "corpora need", "corpus")
    return import_module("pyarrow")
