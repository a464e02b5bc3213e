"""Pictures of models, which live in ``shoal_analysis``; nothing else here imports that room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from shoal.errors import InvalidInputError


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


def arrays_card(title: str, passed: Any, values: Sequence[Any] = ()) -> str:
    """What a notebook shows of a forward pass, and of the values that were read from it."""
    from shoal_analysis.pictures import arrays

    return arrays.arrays_card(title, passed, values)


@dataclass(frozen=True)
class Plots:
    """Pictures of a model, drawn with matplotlib (``pip install 'shoal[plot]'``).

    Every method returns a matplotlib ``Figure``, which notebooks show and ``savefig`` writes; none
    opens a window or changes matplotlib's settings. Those with one panel draw into ``ax`` if it is
    given, the others into as many ``axes`` as they have panels. They raise ``InvalidInputError``
    where matplotlib is not installed, nothing is known of the model but its weights, or something
    that is asked for is not there.

    Attributes:
        model: of what.
    """

    model: Any

    def residual_stream(
        self,
        tokens: Sequence[Any],
        names: Sequence[str] | None = None,
        states: Sequence[int] | None = None,
        axes: Any = None,
    ) -> Any:
        """The residual stream on one input: a panel for each state, a row for each dimension.

        Args:
            tokens: the input, without BOS.
            names: of the values that are drawn, as in ``model.variables``; None for all.
            states: the states that are drawn, as of ``labels_at``; None for all.
            axes: one for each state.
        """
        plots = _plots()
        return plots.residual_stream(self._known, tokens, names, states, axes)

    def attention(
        self,
        tokens: Sequence[Any],
        layer: int | None = None,
        head: int | None = None,
        axes: Any = None,
    ) -> Any:
        """Which keys each head attends to on one input, titled by its selector.

        Args:
            tokens: the input, without BOS.
            layer: whose heads are drawn; None for all.
            head: the number of the head within each layer; None for all that do anything.
            axes: one for each head.
        """
        plots = _plots()
        return plots.attention(self._known, tokens, layer, head, axes)

    def allocation(self, ax: Any = None) -> Any:
        """Which columns hold which value when, what is erased, and when no column is free."""
        plots = _plots()
        return plots.allocation(self._bars, ax)

    def occupancy(self, ax: Any = None) -> Any:
        """How many columns are in use in every state, against the width and its proven bound."""
        plots = _plots()
        return plots.occupancy(self._bars, ax)

    def circuit(self, ax: Any = None) -> Any:
        """Who reads what of whom: ``model.circuit()`` from the embedding to the result."""
        plots = _plots()
        return plots.circuit(self._known.circuit(), ax)

    @property
    def _known(self) -> Any:
        """The model, of which more is known than its weights."""
        if not hasattr(type(self.model), "atlas"):
            raise InvalidInputError(
                "nothing is known of this model but its weights, so there is nothing to name in a "
                "picture; load it from a .safetensors file of model.save, or compile it again"
            )
        return self.model

    @property
    def _bars(self) -> Any:
        from shoal_analysis.pictures.bars import bars_of_atlas

        model = self._known
        return bars_of_atlas(model.atlas, model.num_layers, model.d_model)


def _plots() -> ModuleType:
    from shoal_analysis.pictures.loading import load_plots

    return load_plots()
