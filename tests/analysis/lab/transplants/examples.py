"""Parts, and hosts in which they are given what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.rasp import Comparison, Select, SelectorWidth, SOp
from shoal.rasp.values import Value
from shoal_analysis.lab.transplants import CompiledPart, LinearMap

Rows = list[tuple[Value, ...]]
"""For each position of a word one value for each input of a part."""


def count_of(letter: SOp) -> SOp:
    return SelectorWidth(Select(letter, letter, Comparison.EQ))


@dataclass(frozen=True)
class PlainHost:
    """A host whose stream is a sum of directions, one for each coordinate of each input.

    Attributes:
        part: whose inputs it provides.
        directions: for each input [coordinates, d_host].
        reads: the maps that undo them.
        writes: for each output a map into columns of its own.
        columns: of the host, for each output.
    """

    part: CompiledPart
    directions: dict[str, Any]
    reads: dict[str, LinearMap]
    writes: dict[str, LinearMap]
    columns: dict[str, slice]

    def stream(self, words: list[Rows], skip: int, noise: float) -> tuple[Any, Any]:
        """[words, positions, d_host] and where tokens are; arbitrary where there are none."""
        generator = np.random.default_rng(1)
        length = skip + max(map(len, words))
        width = next(iter(self.reads.values())).dimensions
        stream = generator.normal(size=(len(words), length, width))
        there = np.zeros((len(words), length), dtype=bool)
        for row, word in enumerate(words):
            places = slice(skip, skip + len(word))
            there[row, places] = True
            columns = dict(zip(self.part.inputs, zip(*word, strict=True), strict=True))
            stream[row, places] = noise * stream[row, places] + sum(
                self.part.inputs[name].of(values) @ self.directions[name]
                for name, values in columns.items()
            )
        return stream, there


def plain_host(part: CompiledPart, width: int = 24) -> PlainHost:
    generator = np.random.default_rng(0)
    sizes = {name: one.coordinates.size for name, one in part.inputs.items()}
    directions = {name: generator.normal(size=(size, width)) for name, size in sizes.items()}
    inverse = np.linalg.pinv(np.vstack(list(directions.values())))
    ends = np.cumsum(list(sizes.values()))[:-1]
    reads = dict(zip(sizes, map(LinearMap, np.split(inverse, ends, axis=1)), strict=True))
    writes, columns, first = {}, {}, 0
    for name, output in part.outputs.items():
        columns[name] = slice(first, first + output.coordinates.size)
        writes[name] = LinearMap(np.eye(output.coordinates.size, width, first))
        first += output.coordinates.size
    return PlainHost(part, directions, reads, writes, columns)
