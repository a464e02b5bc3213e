"""Colours are told apart with any colour vision."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from shoal_analysis.pictures.colours import PALETTE

Colour = npt.NDArray[np.float64]

VISIONS = {
    "all cones": np.eye(3),
    # Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color
    # vision deficiency" (2009), severity 1, on linear RGB
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

LEAST = 8.0
"""A difference in CIELAB that is seen where two colours lie side by side is about 2."""


def linear(colour: str) -> Colour:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: Colour) -> Colour:
    """CIELAB of linear sRGB, for the white point D65."""
    xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    ) @ np.clip(rgb, 0, 1)
    x, y, z = np.cbrt(xyz / np.array([0.95047, 1.0, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: str, other: str, vision: str) -> float:
    seen = [lab(VISIONS[vision] @ linear(colour)) for colour in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(("one", "other"), list(combinations(PALETTE, 2)))
def test_two_of_the_palette_are_told_apart(one: str, other: str, vision: str) -> None:
    assert difference(one, other, vision) >= LEAST


@pytest.mark.parametrize("vision", VISIONS)
def test_positive_and_negative_are_told_apart(vision: str) -> None:
    css = files("shoal_analysis.pictures.explorer").joinpath("page", "page.css").read_text()
    for scheme in css.split("@media (prefers-color-scheme: dark)"):
        colours = [
            "#" + "".join(f"{int(part):02x}" for part in found.split(","))
            for name in ("positive", "negative")
            for found in re.findall(rf"--{name}: ([\d, ]+);", scheme)
        ]
        assert len(colours) == 2
        assert difference(*colours, vision) >= 3 * LEAST
