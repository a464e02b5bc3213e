"""Pictures look as they did when somebody looked at them last.

``python -m tests.analysis.pictures.plots`` draws the baselines, and the images of docs/pictures.md,
anew if a change is meant. Another series of matplotlib draws letters in other sizes, so baselines
are for one; ``test_plots.py`` asks of all what is in a picture.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.testing.compare import compare_images

from tests.analysis.pictures.plots.examples import (
    BASELINES,
    IMAGES,
    PAGE,
    PICTURES,
    draw_baseline,
    draw_page,
)

TOLERANCE = 4.0
"""Root mean square of differences of 0 to 255: letters may be drawn a little otherwise."""

SERIES = "3.11."
"""Of matplotlib, which drew the baselines."""

of_this_series = pytest.mark.skipif(
    not mpl.__version__.startswith(SERIES), reason=f"baselines are of matplotlib {SERIES}x"
)


def difference(expected: Path, drawn: Path) -> str | None:
    """In words; None if there is none to speak of."""
    return compare_images(str(expected), str(drawn), TOLERANCE)


@of_this_series
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_as_they_were(name: str, tmp_path: Path) -> None:
    draw_baseline(name, tmp_path)
    assert difference(BASELINES / f"{name}.png", tmp_path / f"{name}.png") is None


def test_no_baseline_is_of_nothing() -> None:
    assert {path.stem for path in BASELINES.glob("*.png")} == set(PICTURES)
    for path in BASELINES.glob("*.png"):
        assert np.unique(imread(path).reshape(-1, 4), axis=0).shape[0] > 10, path


@pytest.mark.slow
def test_the_code_of_the_page_draws_its_images(tmp_path: Path) -> None:
    draw_page(tmp_path)
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn == set(re.findall(r"\(images/(\w+\.png)\)", PAGE.read_text()))
    assert drawn <= {path.name for path in IMAGES.glob("*.png")}
    for name in drawn if mpl.__version__.startswith(SERIES) else ():
        assert difference(IMAGES / name, tmp_path / name) is None, name
