"""Interpreter = craft = NumPy = Haiku on the benchmark programs, short inputs and long ones."""

from __future__ import annotations

import argparse
import random
import sys
from itertools import product

from rich.console import Console
from rich.progress import track
from rich.table import Table

import shoal
from shoal.contract import all_agree
from shoal.errors import EvaluationError
from shoal.rasp.annotations import is_numerical
from shoal.rasp.stock import STOCK, StockProgram
from shoal.targets.target import RUNNERS, is_installed
from shoal_solvers import KNOWN_SOLVERS, SOLVERS

BACKENDS = tuple(name for name, target in RUNNERS.items() if is_installed(target))


def inputs(stock: StockProgram, longest: int, count: int) -> list[list[object]]:
    """Every sequence up to a length, and random ones that are longer where there is room."""
    generator = random.Random(0)
    short = [
        list(sequence)
        for n in range(1, min(longest, stock.max_seq_len) + 1)
        for sequence in product(stock.vocab, repeat=n)
    ]
    first = min(longest + 1, stock.max_seq_len)
    return short + [
        [generator.choice(stock.vocab) for _ in range(generator.randint(first, stock.max_seq_len))]
        for _ in range(count)
    ]


def disagreements(stock: StockProgram, causal: bool, arguments: argparse.Namespace) -> list[int]:
    """How many inputs there are, and on how many each backend is wrong."""
    program = stock.make(stock.max_seq_len)
    model = shoal.compile(
        program,
        vocab=stock.vocab,
        max_seq_len=stock.max_seq_len,
        causal=causal,
        passes=arguments.passes,
        allocator=arguments.allocator,
    )
    expected = []
    for sequence in inputs(stock, arguments.longest, arguments.random):
        try:
            expected.append((sequence, program(sequence, causal=causal)))
        except EvaluationError:
            continue
    numerical = is_numerical(program)
    wrong = []
    for backend in BACKENDS:
        results = model.run_batch([sequence for sequence, _ in expected], backend)
        pairs = zip(expected, results, strict=True)
        right = [all_agree(wanted, result, numerical=numerical) for (_, wanted), result in pairs]
        wrong.append(right.count(False))
    return [len(expected), *wrong]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", default="all", help='"all" or "none" (default: all)')
    parser.add_argument("--allocator", default=SOLVERS[-1], choices=KNOWN_SOLVERS)
    parser.add_argument("--longest", type=int, default=4, help="every input up to this length")
    parser.add_argument("--random", type=int, default=500, help="so many longer inputs")
    arguments = parser.parse_args()
    table = Table(box=None, padding=(0, 1), title=f"{arguments.passes}, {arguments.allocator}")
    for name in ("program", "attention", "inputs", *(f"{b} wrong" for b in BACKENDS)):
        table.add_column(name, justify="left" if name in ("program", "attention") else "right")
    failed = total = 0
    names = [name for name, stock in STOCK.items() if stock.benchmark]
    for name in track(names, console=Console(stderr=True), transient=True):
        for causal in (False, True):
            figures = disagreements(STOCK[name], causal, arguments)
            table.add_row(name, "causal" if causal else "full", *(f"{n:,}" for n in figures))
            total += figures[0]
            failed += sum(figures[1:])
    console = Console()
    console.print(table)
    console.print(f"{total:,} inputs, {failed} disagreements")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
