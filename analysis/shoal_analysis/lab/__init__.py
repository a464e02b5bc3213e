"""The laboratory: experiments with models whose mechanism is known, in or beside others."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "CompiledPart": "transplants",
    "LinearMap": "transplants",
    "Numbers": "transplants",
    "fit_discriminant": "transplants",
    "fit_map": "transplants",
    "part_of": "transplants",
}
"""Public functions by the module that has them, imported when they are asked for."""

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
