"""Which stock programs can be rotated, under which passes, and what rounding does to them then."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import shoal
from shoal.atlas.basis import in_columns
from shoal.errors import InvalidInputError
from shoal.options import ALL
from shoal.rasp.stock import STOCK
from shoal_analysis.lab.realism.rotation import rotate
from shoal_analysis.lab.realism.samples import sampled

PASSES = {
    "all": ALL,
    "-linear-counts": tuple(name for name in ALL if name != "linear-counts"),
    "none": (),
}


@dataclass(frozen=True)
class Found:
    """What became of a model.

    Attributes:
        refused: by how many of the seeds.
        right: the smallest share of inputs on which a rotated one is right.
        change: the largest change of a column of the stream at a token.
    """

    refused: int
    right: float
    change: float


def measured(model: shoal.Model, seeds: int, inputs: int) -> Found:
    """A model by several seeds, on random inputs other than those that it is tried on."""
    sample = sampled(model, inputs, seed=1000)
    ids = model.ids(sample.inputs)
    is_token = model.input_encoder.is_token(ids)
    before = model.run_ids(ids)
    refused, right, change = 0, 1.0, 0.0
    for seed in range(seeds):
        try:
            turned = rotate(model, seed)
        except InvalidInputError:
            refused += 1
            continue
        right = min(right, sample.share_right(turned))
        for exact, off in zip(before.residuals, turned.run_ids(ids).residuals, strict=True):
            moved = np.abs(in_columns(turned.atlas, off) - exact)[is_token]
            change = max(change, float(moved.max(initial=0.0)))
    return Found(refused, right, change)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--inputs", type=int, default=200, help="on which each is measured")
    arguments = parser.parse_args()
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("passes", "models", "refused", "wrong", "largest change", "refused programs"):
        justify = "left" if name in ("passes", "refused programs") else "right"
        table.add_column(name, justify=justify, no_wrap=name != "refused programs")
    jobs = [(p, name, causal) for p in PASSES for name in STOCK for causal in (False, True)]
    found: dict[tuple[str, str, bool], Found] = {}
    for job in track(jobs, console=Console(stderr=True), transient=True):
        passes, name, causal = job
        stock = STOCK[name]
        model = shoal.compile(
            stock.make(stock.max_seq_len),
            vocab=stock.vocab,
            max_seq_len=stock.max_seq_len,
            causal=causal,
            passes=PASSES[passes],
        )
        found[job] = measured(model, arguments.seeds, arguments.inputs)
    for passes in PASSES:
        here = {job: one for job, one in found.items() if job[0] == passes}
        refused = {job: one for job, one in here.items() if one.refused}
        table.add_row(
            passes,
            str(len(here)),
            str(len(refused)),
            str(sum(one.right < 1.0 for one in here.values())),
            f"{max(one.change for one in here.values()):.0e}",
            ", ".join(dict.fromkeys(name for _, name, _ in refused)),
        )
    Console().print(table)
    return 0 if all(one.right == 1.0 for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
