"""How far a known circuit survives noise, and training from there with and without interchanges.

Each model is compiled as written and rotated, gets noise on all weights, and is trained on what its
program gives; once on outputs alone, and once on interchange interventions as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import shoal
from shoal.rasp.stock import STOCK
from shoal.rasp.values import Value
from shoal_analysis.lab.realism.holding import CircuitHolds, circuit_holds
from shoal_analysis.lab.realism.noise import noise
from shoal_analysis.lab.realism.rotation import rotate
from shoal_analysis.lab.realism.schedule import Schedule
from shoal_analysis.lab.realism.training import train_from

Change = Callable[[shoal.Model, int], shoal.Model]


@dataclass(frozen=True)
class Case:
    """A program, and the named values that are interchanged.

    Attributes:
        name: of a stock program.
        vocab: tokens.
        max_seq_len: of the inputs.
        names: of values.
    """

    name: str
    vocab: tuple[Value, ...]
    max_seq_len: int
    names: tuple[str, ...]

    def compiled(self) -> shoal.Model:
        """The model, one component for each expression."""
        program = STOCK[self.name].make(self.max_seq_len)
        return shoal.compile(program, vocab=self.vocab, max_seq_len=self.max_seq_len, passes="none")


CASES = (
    Case("frac_prevs", ("a", "b", "c"), 4, ("tokens", "map")),
    Case("sort", (1, 2, 3), 4, ("tokens", "unique_keys", "target_position")),
)


def rows(
    case: Case, scale: float, arguments: argparse.Namespace, tick: Callable[[], None]
) -> list[tuple[str, ...]]:
    """The measures of a case under noise of one scale, before training and after."""
    schedule = Schedule(
        steps=arguments.steps, learning_rate=3e-4, weight_decay=0.01, layer_weight=0.0
    )
    compiled = case.compiled()
    found: dict[str, list[CircuitHolds]] = {"noise": [], "outputs": [], "interchanges": []}
    for seed in range(arguments.seeds):
        start = noise(rotate(compiled, seed), scale, seed)
        trained = {
            "noise": start,
            "outputs": train_from(start, schedule, seed=seed),
            "interchanges": train_from(start, schedule, case.names, seed=seed),
        }
        for what, model in trained.items():
            found[what].append(circuit_holds(model, case.names, arguments.inputs, 50, seed=100))
        tick()
    return [
        (
            case.name,
            f"{scale:g}",
            {"noise": "none", "outputs": "outputs", "interchanges": "+ interchanges"}[what],
            spread([one.agreement for one in each]),
            spread([float(np.mean([*one.readable.values()])) for one in each]),
            spread([float(np.mean([*one.interchange.values()])) for one in each]),
        )
        for what, each in found.items()
    ]


def spread(shares: list[float]) -> str:
    """The mean, and the standard deviation of a sample."""
    deviation = np.std(shares, ddof=1) if len(shares) > 1 else 0.0
    return f"{np.mean(shares):.2f} ± {deviation:.2f}"


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--steps", type=int, default=600, help="of training")
    parser.add_argument("--inputs", type=int, default=200, help="on which it is measured")
    parser.add_argument(
        "--scales", type=float, nargs="+", default=[0.001, 0.003, 0.01], help="of the noise"
    )
    arguments = parser.parse_args()
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("program", "noise", "trained on", "agreement", "read", "interchanged"):
        table.add_column(name, justify="left" if name != "noise" else "right", no_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    error = Console(stderr=True)
    with Progress(*columns, console=error, transient=True, disable=not error.is_terminal) as bar:
        total = len(CASES) * len(arguments.scales) * arguments.seeds
        task = bar.add_task("training", total=total)
        for case in CASES:
            for scale in arguments.scales:
                for row in rows(case, scale, arguments, lambda: bar.advance(task)):
                    table.add_row(*row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
