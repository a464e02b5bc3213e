"""What a notebook shows of a model and of its values: own HTML, light and dark."""

from __future__ import annotations

from html import escape

from shoal.atlas.variables import VariableInfo, Variables
from shoal.model import Model
from shoal.report import sizes_of
from shoal_analysis.pictures.allocation import allocation_svg
from shoal_analysis.pictures.bars import bars_of_atlas
from shoal_analysis.pictures.html import card, left_out, table

MOST_ROWS = 200
"""Of a table of values."""


def model_card(model: Model) -> str:
    """Sizes, what is proven, the program, its values, and where they are."""
    atlas = model.atlas
    proofs = [
        (
            proof.objective,
            f"{proof.value:,}",
            "proven" if proof.is_optimal else f"at least {proof.bound:,}",
        )
        for proof in atlas.proofs
    ]
    options = "; ".join(f"{name} {value}" for name, value in atlas.options.items())
    picture = "<div class='quiet'>the stream was rotated: values lie along directions</div>"
    if atlas.basis is None:
        picture = allocation_svg(bars_of_atlas(atlas, model.num_layers, model.d_model))
    return card(
        f"<h3>{escape(atlas.output)}</h3>"
        f"{table((), sizes_of(model).items())}<div class='quiet'>{escape(options)}</div>"
        f"<details open><summary>program</summary><pre>{escape(atlas.source)}</pre></details>"
        "<details><summary>what is proven, over the components that there were to choose from"
        f"</summary>{table(('objective', 'value', ''), proofs)}</details>"
        f"<details open><summary>where every value is</summary>{picture}</details>"
        f"<details><summary>values by name</summary>{_variables(model.variables)}</details>"
    )


def variables_card(variables: Variables) -> str:
    """A table of values by name."""
    return card(_variables(variables))


def _variables(variables: Variables) -> str:
    infos = list(variables.infos.values())
    shown = table(
        ("name", "held as", "columns", "half-layers", "written by"),
        [_row(info) for info in infos[:MOST_ROWS]],
    )
    return shown + left_out(len(infos) - MOST_ROWS, "values")


def _row(info: VariableInfo) -> tuple[str, ...]:
    if not info.columns:
        return (info.name, f"{info.encoding} of {', '.join(info.of)}", "", "", "")
    where = info.sublayer if info.layer is None else f"{info.sublayer} {info.layer}"
    if info.head is not None:
        where += f", head {info.head}"
    elif info.neurons is not None:
        where += f", neurons {info.neurons.start}-{info.neurons.stop - 1}"
    columns = ", ".join(map(str, info.columns))
    return (info.name, info.encoding, columns, f"{info.first} to {info.last}", where)
