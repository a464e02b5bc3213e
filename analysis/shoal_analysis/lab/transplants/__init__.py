"""Compiled parts inside other models: what a part is, maps between it and a host, and fits."""

from shoal_analysis.lab.transplants.inputs import InputVariable, Numbers
from shoal_analysis.lab.transplants.maps import (
    Fit,
    LinearMap,
    fit_discriminant,
    fit_map,
    reading_unembedding,
    writing_unembedding,
)
from shoal_analysis.lab.transplants.outputs import OutputVariable
from shoal_analysis.lab.transplants.part import CompiledPart, part_of

__all__ = [
    "CompiledPart",
    "Fit",
    "InputVariable",
    "LinearMap",
    "Numbers",
    "OutputVariable",
    "fit_discriminant",
    "fit_map",
    "part_of",
    "reading_unembedding",
    "writing_unembedding",
]
