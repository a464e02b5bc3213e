"""What a notebook shows of an allocation and of a result: short tables, light and dark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from shoal_solvers.timeline import ALTERNATING

if TYPE_CHECKING:  # these modules ask for cards themselves
    from shoal_solvers.allocation import Allocation
    from shoal_solvers.result import Result

MOST_ROWS = 40
"""Of a table."""

MOST_NAMES = 8
"""In a cell."""

_STYLE = """<style>
.shoal-solvers{font-family:system-ui,sans-serif;font-size:13px;line-height:1.45}
.shoal-solvers table{border-collapse:collapse;margin:.3em 0}
.shoal-solvers td,.shoal-solvers th{text-align:left;padding:2px 10px 2px 0;background:none;
border-bottom:1px solid rgba(128,128,128,.3)}.shoal-solvers summary{cursor:pointer}
</style>"""


def allocation_card(allocation: Allocation) -> str:
    """What runs and what is erased in each half-layer, and the columns of each variable."""
    return _card(_allocation(allocation))


def result_card(result: Result) -> str:
    """Every objective with what is proven about it, and the allocation below."""
    objectives = [
        (o.name, f"{o.value:,}", f"{o.bound:,}", str(o.status), f"{1000 * o.seconds:.0f}")
        for o in result.objectives
    ]
    header = ("objective", "value", "bound", "status", "ms")
    stopped = ", interrupted" if result.interrupted else ""
    line = f"{result.solver}, {1000 * result.seconds:.0f} ms{stopped}"
    return _card(
        f"<div>{escape(line)}</div>{_table(header, objectives)}"
        f"<details><summary>allocation</summary>{_allocation(result.allocation)}</details>"
    )


def _allocation(allocation: Allocation) -> str:
    runs, erased = defaultdict(list), defaultdict(list)
    for name, placement in allocation.placements.items():
        which = f" ({placement.alternative})" if placement.alternative else ""
        runs[placement.half_layer].append(f"{name}{which}")
    for name, half_layer in allocation.erasures.items():
        erased[half_layer].append(name)
    half_layers = [
        (ALTERNATING.name(h), _names(runs.get(h, [])), _names(erased.get(h, [])))
        for h in ALTERNATING.half_layers(allocation.num_layers)
    ]
    columns = [(_names([name]), _names(map(str, cs))) for name, cs in allocation.columns.items()]
    return (
        _table(
            ("half-layer", "runs (by which alternative, if not the first)", "erases"), half_layers
        )
        + "<details><summary>columns</summary>"
        + _table(("variable", "columns"), columns)
        + "</details>"
    )


def _names(names: Iterable[str]) -> str:
    each = list(names)
    more = f" and {len(each) - MOST_NAMES:,} more" if len(each) > MOST_NAMES else ""
    return ", ".join(n if len(n) <= 40 else f"{n[:37]}..." for n in each[:MOST_NAMES]) + more


def _card(content: str) -> str:
    return f'{_STYLE}<div class="shoal-solvers">{content}</div>'


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    left_out = len(rows) - MOST_ROWS
    more = f"<div>{left_out:,} further rows are left out</div>" if left_out > 0 else ""
    return f"<table><tr>{cells}</tr>{lines}</table>{more}"
