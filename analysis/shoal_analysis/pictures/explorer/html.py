"""The page as one text: style, script and data within, and nothing fetched from anywhere."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files

from shoal.atlas.basis import require_columns, require_compiled
from shoal.atlas.circuit import flow
from shoal.model import Model
from shoal_analysis.pictures.allocation import allocation_svg
from shoal_analysis.pictures.bars import bars_of_atlas
from shoal_analysis.pictures.explorer.circuit import circuit_svg
from shoal_analysis.pictures.explorer.data import page_data

SCRIPTS = (
    "arrays.js",
    "network.js",
    "reading.js",
    "patching.js",
    "dom.js",
    "input.js",
    "values.js",
    "step.js",
    "about.js",
    "main.js",
)
"""In the order in which they are read."""


def page(model: Model) -> str:
    """A page that shows a model and runs it.

    Raises:
        InvalidInputError: the stream was rotated, or the weights are no longer those compiled.
    """
    atlas = model.atlas
    require_columns(atlas, "the page")
    require_compiled(atlas, "the page")
    data = json.dumps(page_data(model), allow_nan=False, separators=(",", ":"))
    parts = {
        "TITLE": escape(atlas.output),
        "STYLE": _file("page.css"),
        "CIRCUIT": circuit_svg(flow(model.circuit())),
        "ALLOCATION": allocation_svg(bars_of_atlas(atlas, model.num_layers, model.d_model)),
        "DATA": data.replace("<", "\\u003c"),
        "SCRIPT": "\n".join(map(_file, SCRIPTS)),
    }
    made = _file("page.html")
    before, *rest = made.split("{{")
    return before + "".join(
        parts[name] + after for name, after in (part.split("}}", 1) for part in rest)
    )


def _file(name: str) -> str:
    text = files("shoal_analysis.pictures.explorer").joinpath("page", name).read_text("utf-8")
    return text.replace('"use strict";\n\n', "") if name.endswith(".js") else text
