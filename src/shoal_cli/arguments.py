"""Command-line arguments that several commands share."""

from __future__ import annotations

import argparse

from shoal.limits import Limits
from shoal.options import ALL, PASS_NAMES
from shoal_solvers import SOLVERS, Budgets


def add_program(parser: argparse.ArgumentParser) -> None:
    """The program, and what it is compiled for."""
    parser.add_argument(
        "program",
        help="a stock program such as reverse, or path/to/file.py:name, which runs the file",
    )
    add_target(parser)


def add_target(parser: argparse.ArgumentParser) -> None:
    """What programs are compiled for."""
    parser.add_argument(
        "--vocab",
        nargs="+",
        metavar="TOKEN",
        help="the tokens; numbers are numbers, other words strings (default: the stock program's)",
    )
    parser.add_argument(
        "--max-seq-len",
        type=int,
        metavar="N",
        help="the greatest number of tokens (default: the stock program's)",
    )
    parser.add_argument(
        "--causal", action="store_true", help="let positions see only themselves and earlier ones"
    )


def add_compile_options(parser: argparse.ArgumentParser) -> None:
    """How it is compiled."""
    parser.add_argument(
        "--passes",
        default="all",
        metavar="LIST",
        help='"all", "none", or a list with commas, which may have "all" in it, of: '
        f"{', '.join(PASS_NAMES)} (default: all, which are all but "
        f"{', '.join(name for name in PASS_NAMES if name not in ALL)})",
    )
    parser.add_argument(
        "--allocator",
        default=SOLVERS[-1],
        metavar="NAME",
        help=f"what places operations into layers: {', '.join(SOLVERS)} (default: {SOLVERS[-1]})",
    )
    parser.add_argument(
        "--no-reuse",
        dest="reuse",
        action="store_false",
        help="keep every value for ever instead of using residual columns again",
    )
    add_limits(parser)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """What the allocator may use."""
    parser.add_argument(
        "--time-limit",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="deterministic time for the allocator, about a second each (default: 10)",
    )
    for name in ("layers", "width", "neurons", "heads"):
        parser.add_argument(
            f"--max-{name}", type=int, metavar="N", help=f"budget: at most so many {name}"
        )
    for name, what in (("rows", "rows"), ("neurons", "hidden neurons")):
        default = getattr(Limits(), f"fused_{name}")
        parser.add_argument(
            f"--fused-{name}",
            type=int,
            default=default,
            metavar="N",
            help=f"offer tables that skip intermediate values up to so many {what} "
            f"(default: {default:,})",
        )

    parser.add_argument(
        "--work",
        type=int,
        default=Limits().work,
        metavar="N",
        help="give up after so many units of work outside the allocator, about a microsecond each "
        f"(default: {Limits().work:,})",
    )


def passes_of(arguments: argparse.Namespace) -> str | list[str]:
    """The value for ``shoal.compile(passes=...)``."""
    text: str = arguments.passes
    return text if text in ("all", "none") else [part.strip() for part in text.split(",")]


def limits_of(arguments: argparse.Namespace) -> Limits:
    """The limits on fused tables and on work that were given."""
    return Limits(
        fused_rows=arguments.fused_rows,
        fused_neurons=arguments.fused_neurons,
        work=arguments.work,
    )


def budget_of(arguments: argparse.Namespace) -> Budgets:
    """The budgets that were given."""
    return Budgets(
        max_layers=arguments.max_layers,
        max_width=arguments.max_width,
        max_neurons=arguments.max_neurons,
        max_heads=arguments.max_heads,
    )
