"""Pictures of compressions, drawn with matplotlib (``pip install 'shoal[lab]'``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal.errors import InvalidInputError
from shoal.rasp.values import show_value
from shoal_analysis.lab.realism.compression import Compression
from shoal_analysis.lab.realism.curves import CompressionCurve
from shoal_analysis.pictures.loading import load_plots


def draw_compression(curves: Mapping[str, CompressionCurve], axes: Any = None) -> Any:
    """Accuracy, and how like what half-layers add is, against the dimensions of the stream.

    Args:
        curves: by what they are called in the legend.
        axes: two of matplotlib; None for a new figure.

    Returns:
        The ``Figure``. Each seed is a dot, and a line goes through the means.

    Raises:
        InvalidInputError: matplotlib is not installed, or something else is given.
    """
    if not isinstance(curves, Mapping) or not all(
        isinstance(curve, CompressionCurve) for curve in curves.values()
    ):
        raise InvalidInputError(
            "give curves of lab.compression_curve by name, such as {'wide': curve}, and not "
            f"{show_value(curves)}"
        )
    return load_plots().compression(curves, axes)


def draw_shared(compression: Compression, ax: Any = None) -> Any:
    """W W^T: how much of each column is found where another is read.

    Args:
        compression: what is drawn.
        ax: of matplotlib; None for a new figure.

    Returns:
        The ``Figure``. Blue on the diagonal is kept, white there is dropped, and colours beside
        it are what shares directions.

    Raises:
        InvalidInputError: matplotlib is not installed, or something else is given.
    """
    if not isinstance(compression, Compression):
        raise InvalidInputError(
            f"give a compression of lab.compress, and not {show_value(compression)}"
        )
    return load_plots().shared_directions(compression, ax)
