"""Shoal's own model file."""

from __future__ import annotations

from pathlib import Path

from shoal.model import Model


def write(model: Model, path: Path) -> None:
    """Write the file; see ``Model.save``."""
    model.save(path)
