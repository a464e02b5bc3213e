"""The laboratory: models whose mechanism is known, made to look like models that were trained."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "CircuitHolds": "realism.holding",
    "Compression": "realism.compression",
    "CompressionCurve": "realism.curves",
    "Schedule": "realism.schedule",
    "circuit_holds": "realism.holding",
    "compress": "realism.compression",
    "compression_curve": "realism.curves",
    "directions": "realism.rotation",
    "draw_compression": "realism.drawings",
    "draw_shared": "realism.drawings",
    "noise": "realism.noise",
    "rotate": "realism.rotation",
    "train_from": "realism.training",
}
"""Public functions by the module that has them, imported when they are asked for."""

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
