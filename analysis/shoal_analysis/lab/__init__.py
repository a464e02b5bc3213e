"""The laboratory: what models with a known mechanism are good for.

Test cases for interpretability tools, with scores of what they claim; and models whose mechanism is
known, made to look like models that were trained.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "CASES": "cases.recipes",
    "Case": "cases.case",
    "CircuitHolds": "realism.holding",
    "CompiledPart": "transplants",
    "Compression": "realism.compression",
    "CompressionCurve": "realism.curves",
    "LinearMap": "transplants",
    "Numbers": "transplants",
    "Recipe": "cases.recipes",
    "STYLES": "cases.case",
    "Schedule": "realism.schedule",
    "circuit_holds": "realism.holding",
    "compress": "realism.compression",
    "compression_curve": "realism.curves",
    "directions": "realism.rotation",
    "draw_compression": "realism.drawings",
    "draw_shared": "realism.drawings",
    "edge_effects": "scores.interchange",
    "fit_discriminant": "transplants",
    "fit_map": "transplants",
    "interchange_edges": "scores.interchange",
    "interchange_nodes": "scores.interchange",
    "make_case": "cases.case",
    "named_features": "scores.features",
    "node_effects": "scores.interchange",
    "noise": "realism.noise",
    "part_of": "transplants",
    "rotate": "realism.rotation",
    "score_activity": "scores.features",
    "score_claim": "scores.claims",
    "score_features": "scores.features",
    "score_ranking": "scores.claims",
    "train_from": "realism.training",
}
"""Public names by the module that has them, imported when they are asked for."""

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
