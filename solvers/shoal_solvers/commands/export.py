"""``python -m shoal_solvers export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from shoal_solvers.commands.files import read_problem
from shoal_solvers.export import FORMATS, export_model

SUMMARY = "write the rows of a stored problem as an LP or MPS file"

DESCRIPTION = """\
Write the model that the exact solvers are given, in a fixed number of layers, as text that any
solver of mixed-integer programs reads. Columns say what they stand for: done.move.0.2 is whether
the operation "move" has run by alternative 0 by the end of layer 2.
"""

EXAMPLES = """\
examples:
  python -m shoal_solvers export instance.json > instance.lp
  python -m shoal_solvers export instance.json --format mps --objective neurons --layers 4

exit status: 0, or 1 after an error that is explained, 2 wrong usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("instance", type=Path, help="JSON file with the problem, - for stdin")
    parser.add_argument("--format", default="lp", help=f"{' or '.join(FORMATS)} (lp)")
    parser.add_argument(
        "--objective", default="width", help="width, neurons, heads or total (width)"
    )
    parser.add_argument(
        "--layers", type=int, metavar="N", help="layers (the fewest that precedence allows)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the model."""
    problem = read_problem(options.instance)
    text = export_model(
        problem, options.format, objective=options.objective, num_layers=options.layers
    )
    console.out(text, end="")
    return 0
