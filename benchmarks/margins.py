"""How far the weights of the benchmark programs may change before an answer could be wrong.

A margin is the greatest relative change of weights, each changed by itself, under which answers
are still proven right (see ``shoal_analysis.margins``): of all weights at once, or of those of
one head or neuron. Rounding to float32 changes a weight by at most 2^-24 = 6e-8.
"""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.progress import track
from rich.table import Table

import shoal
from benchmarks.agreement import inputs
from shoal.rasp.stock import STOCK, StockProgram
from shoal_analysis.margins import Margins, margins

FLOAT32 = 2.0**-24


def measured(stock: StockProgram, arguments: argparse.Namespace) -> Margins:
    model = shoal.compile(
        stock.make(stock.max_seq_len), vocab=stock.vocab, max_seq_len=stock.max_seq_len
    )
    return margins(model, inputs(stock, arguments.longest, arguments.random))


def shown(margin: float | None) -> str:
    return "-" if margin is None else f"{margin:.1e}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--longest", type=int, default=3, help="every input up to this length")
    parser.add_argument("--random", type=int, default=200, help="so many longer inputs")
    arguments = parser.parse_args()
    names = [name for name, stock in STOCK.items() if stock.benchmark]
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("program", no_wrap=True)
    for name in ("inputs", "model", "x 2^-24", "head", "neuron"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("limited by", no_wrap=True, overflow="ellipsis", max_width=25)
    found = {}
    for name in track(names, console=Console(stderr=True), transient=True):
        margin = found[name] = measured(STOCK[name], arguments)
        ratio = f"{margin.model / FLOAT32:,.0f}"
        parts = (shown(margin.smallest_head), shown(margin.smallest_neuron), margin.limiting)
        table.add_row(name, f"{margin.inputs:,}", shown(margin.model), ratio, *parts)
    console = Console()
    console.print(table)
    model = min(margin.model for margin in found.values())
    part = min(margin.smallest for margin in found.values())
    console.print(f"smallest of any model: {shown(model)} = {model / FLOAT32:.1f} x 2^-24")
    console.print(f"smallest of any head or neuron: {shown(part)} = {part / FLOAT32:.1f} x 2^-24")
    return 0 if model else 1


if __name__ == "__main__":
    sys.exit(main())
