"""Pictures for papers, drawn with matplotlib: figures that are returned, and never shown.

They use fonts and sizes of matplotlib's settings as they are when a picture is made, and change no
setting. Names are drawn as they are: dollars and underscores have no meaning in them.
"""

from shoal_analysis.pictures.plots.allocations import allocation
from shoal_analysis.pictures.plots.attention_patterns import attention
from shoal_analysis.pictures.plots.circuit_diagrams import circuit
from shoal_analysis.pictures.plots.comparisons import comparison
from shoal_analysis.pictures.plots.compressions import compression, shared_directions
from shoal_analysis.pictures.plots.growth_curves import growth
from shoal_analysis.pictures.plots.occupancies import occupancy
from shoal_analysis.pictures.plots.residual_streams import residual_stream
from shoal_analysis.pictures.plots.schedules import schedule

__all__ = [
    "allocation",
    "attention",
    "circuit",
    "comparison",
    "compression",
    "growth",
    "occupancy",
    "residual_stream",
    "schedule",
    "shared_directions",
]
