"""What all cards in notebooks have in common: one style, light and dark, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """<style>
.shoal{font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;max-width:60em}
.shoal h3{font-size:15px;margin:.2em 0 .5em}.shoal summary{cursor:pointer;margin-top:.6em}
.shoal table{border-collapse:collapse;margin:.3em 0}
.shoal td,.shoal th{text-align:left;padding:2px 10px 2px 0;vertical-align:top;background:none;
border-bottom:1px solid rgba(128,128,128,.3)}
.shoal th{font-weight:600}.shoal pre{white-space:pre-wrap;margin:.3em 0;background:none}
.shoal .quiet{opacity:.7}
</style>"""


def card(content: str) -> str:
    """A card around what is HTML already."""
    return f'{_STYLE}<div class="shoal">{content}</div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts, which are escaped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def left_out(count: int, what: str) -> str:
    """A line that says how much is not shown; "" if all is."""
    return f"<div class='quiet'>{count:,} further {what} are left out</div>" if count > 0 else ""
