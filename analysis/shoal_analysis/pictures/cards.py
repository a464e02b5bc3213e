"""What a notebook shows of a model and of its values: own HTML, light and dark."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from shoal.atlas.variables import VariableInfo, Variables
from shoal.model import Model
from shoal.report import sizes_of
from shoal_analysis.pictures.allocation import allocation_svg

MOST_ROWS = 200
"""Of a table of values."""

_STYLE = """<style>
.shoal{font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;max-width:60em}
.shoal h3{font-size:15px;margin:.2em 0 .5em}.shoal summary{cursor:pointer;margin-top:.6em}
.shoal table{border-collapse:collapse;margin:.3em 0}
.shoal td,.shoal th{text-align:left;padding:2px 10px 2px 0;vertical-align:top;background:none;
border-bottom:1px solid rgba(128,128,128,.3)}
.shoal th{font-weight:600}.shoal pre{white-space:pre-wrap;margin:.3em 0;background:none}
.shoal .quiet{opacity:.7}
</style>"""


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
    picture = allocation_svg(atlas, model.num_layers, model.d_model)
    return (
        f'{_STYLE}<div class="shoal"><h3>{escape(atlas.output)}</h3>'
        f"{_table((), sizes_of(model).items())}<div class='quiet'>{escape(options)}</div>"
        f"<details open><summary>program</summary><pre>{escape(atlas.source)}</pre></details>"
        "<details><summary>what is proven, over the components that there were to choose from"
        f"</summary>{_table(('objective', 'value', ''), proofs)}</details>"
        f"<details open><summary>where every value is</summary>{picture}</details>"
        f"<details><summary>values by name</summary>{_variables(model.variables)}</details></div>"
    )


def variables_card(variables: Variables) -> str:
    """A table of values by name."""
    return f'{_STYLE}<div class="shoal">{_variables(variables)}</div>'


def _variables(variables: Variables) -> str:
    infos = list(variables.infos.values())
    table = _table(
        ("name", "held as", "columns", "half-layers", "written by"),
        [_row(info) for info in infos[:MOST_ROWS]],
    )
    left_out = len(infos) - MOST_ROWS
    return table + (f"<div>{left_out} further values are left out</div>" if left_out > 0 else "")


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


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"
