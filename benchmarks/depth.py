"""How few layers programs take within limits on heads and neurons, proven by trying everything.

The proofs trust no solver (see ``shoal_analysis.depth``): a witness shows that no network without a
layer does, whatever its weights; and of the components that are offered all placements were tried.
"""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.progress import track
from rich.table import Table

import shoal
from shoal.rasp.stock import STOCK
from shoal_analysis.depth import prove_depth

COLUMNS = ("heads", "neurons", "layers", "model", "tried", "needs a layer")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--vocab", type=int, default=2, help="tokens of each program's own")
    parser.add_argument("--length", type=int, default=3, help="the greatest length of an input")
    parser.add_argument("--most-layers", type=int, default=6, help="so many are tried at most")
    parser.add_argument(
        "--limits",
        nargs="+",
        default=["any,any", "1,16", "1,8"],
        metavar="HEADS,NEURONS",
        help="of a layer (default: any,any 1,16 1,8)",
    )
    arguments = parser.parse_args()
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("program", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    differ = 0
    for name in track(STOCK, console=Console(stderr=True), transient=True):
        for limits in arguments.limits:
            cells, agrees = _row(name, limits, arguments)
            table.add_row(name, *cells)
            differ += not agrees
    console = Console()
    console.print(table)
    console.print('layers: None, or none that was tried, is "-". model: what shoal.compile has.')
    return 1 if differ else 0


def _row(name: str, limits: str, arguments: argparse.Namespace) -> tuple[list[str], bool]:
    """One program within some limits, and whether the compiler has as few layers as are proven."""
    stock = STOCK[name]
    heads, neurons = (None if text == "any" else int(text) for text in limits.split(","))
    options = {
        "vocab": stock.vocab[: arguments.vocab],
        "max_seq_len": arguments.length,
        "limits": shoal.Limits(heads_per_layer=heads, neurons_per_layer=neurons),
    }
    program = stock.make(arguments.length)
    proof = prove_depth(program, most_layers=arguments.most_layers, **options)
    try:
        layers = shoal.compile(program, **options).num_layers
    except shoal.BudgetError:
        layers = None
    shown = ["-" if number is None else str(number) for number in (proof.layers, layers)]
    tried = f"{proof.steps:,}" + ("" if proof.is_complete else " of more")
    witness = "yes" if proof.witness else "no"
    return [*limits.split(","), *shown, tried, witness], proof.layers == layers


if __name__ == "__main__":
    sys.exit(main())
