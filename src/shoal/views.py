"""Pictures of models, which live in ``shoal_analysis``; nothing else here imports that room."""

from __future__ import annotations

from typing import Any


def model_card(model: Any) -> str:
    """What a notebook shows of a model."""
    from shoal_analysis.pictures import cards

    return cards.model_card(model)


def variables_card(variables: Any) -> str:
    """What a notebook shows of a model's values."""
    from shoal_analysis.pictures import cards

    return cards.variables_card(variables)


def explorer_page(model: Any) -> str:
    """A page that shows a model and runs it."""
    from shoal_analysis.pictures.explorer import html

    return html.page(model)
