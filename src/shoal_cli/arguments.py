"""Command-line arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import Any

from shoal.limits import Limits
from shoal.options import ALL, OBJECTIVES, PASS_NAMES, PASS_WORDS, RESULTS, USUAL_OBJECTIVES
from shoal_cli.tokens import HELP, parse_token
from shoal_cli.wording import OPTIONS
from shoal_solvers import KNOWN_SOLVERS, SOLVERS, Budgets


def add_program(parser: argparse.ArgumentParser) -> None:
    """The program, and what it is compiled for."""
    parser.add_argument(
        "program",
        help="a stock program such as reverse, or path/to/file.py:name, which runs the file",
    )
    add_target(parser)
    parser.add_argument(
        "--inputs",
        metavar="FILE.py:NAME",
        help="which inputs are promised: a function in a file that says of a list of tokens "
        "whether it is one, or a collection of them (default: all there are)",
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """What programs are compiled for."""
    parser.add_argument(
        "--vocab",
        nargs="+",
        metavar="TOKEN",
        help="the tokens: words, of which numbers are numbers and others strings, "
        f"{HELP} (default: the stock program's)",
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
    for name, what in (("bos", "begins with"), ("pad", "is filled up with")):
        parser.add_argument(
            f"--{name}",
            metavar="TOKEN",
            default=name.upper(),
            help=f"the token that every input {what} (default: {name.upper()})",
        )


def add_compile_options(parser: argparse.ArgumentParser) -> None:
    """How it is compiled."""
    parser.add_argument(
        "--passes",
        default="all",
        metavar="LIST",
        help='"all", "none", "smallest" (all, and names are given up for columns), or a list with '
        'commas, which may have "all" in it, of: '
        f"{', '.join(PASS_NAMES)} (default: all, which are all but "
        f"{', '.join(name for name in PASS_NAMES if name not in ALL)})",
    )
    parser.add_argument(
        "--allocator",
        default=SOLVERS[-1],
        metavar="NAME",
        help=f"what places operations into layers: {', '.join(KNOWN_SOLVERS)} "
        f"(default: {SOLVERS[-1]})",
    )
    parser.add_argument(
        "--result",
        choices=RESULTS,
        default=RESULTS[0],
        help="how a result of classes is held: code, one number for each value where nothing else "
        "reads it, or one-hot, for those who probe (default: code)",
    )
    parser.add_argument(
        "--objective",
        default=",".join(USUAL_OBJECTIVES),
        metavar="NAMES",
        help="what is to be small, the most important first, comma-separated: "
        f"{', '.join(OBJECTIVES)}; such as layers,parameters (default: all but the last)",
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
    parser.add_argument(
        "--wall-clock-limit",
        type=float,
        metavar="SECONDS",
        help="time for the allocator by the clock; where it strikes, results vary",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="threads of the allocator (default: 1)"
    )
    group = parser.add_argument_group("limits", "above which a program is refused, or not offered")
    for name, what in _LIMITS.items():
        default = getattr(Limits(), name)
        group.add_argument(
            OPTIONS[name],
            type=int,
            default=default,
            metavar="N",
            help=f"{what} (default: {'any number' if default is None else f'{default:,}'})",
        )


_LIMITS = {
    "table_entries": "joint operand values of one function",
    "averages": "different averages of one aggregate",
    "one_hot_values": "values of one one-hot variable",
    "mlp_weights": "matrix entries of the MLP for one expression",
    "model_bytes": "size of all weights",
    "fused_rows": "rows of offered tables that skip intermediate values",
    "fused_neurons": "hidden neurons of such tables",
    "promised_inputs": "sequences that the function of --inputs is asked about",
    "looked_up_inputs": "inputs that are looked up where no rule computes a program",
    "heads_per_layer": "heads of one layer; it is as shallow as it can be with so many",
    "neurons_per_layer": "hidden neurons of one layer, likewise",
    "work": "units of work outside the allocator, about a microsecond each",
}


def passes_of(arguments: argparse.Namespace) -> str | list[str]:
    """The value for ``shoal.compile(passes=...)``."""
    text: str = arguments.passes
    return text if text in PASS_WORDS else [part.strip() for part in text.split(",")]


def limits_of(arguments: argparse.Namespace) -> Limits:
    """The limits that were given."""
    return Limits(**{name: getattr(arguments, name) for name in _LIMITS})


def common_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What ``shoal.compile`` is told of how it compiles, passes and allocator left out."""
    return {
        "causal": arguments.causal,
        "bos": parse_token(arguments.bos),
        "pad": parse_token(arguments.pad),
        "budget": budget_of(arguments),
        "limits": limits_of(arguments),
        "time_limit": arguments.time_limit,
        "wall_clock_limit": arguments.wall_clock_limit,
        "workers": arguments.workers,
    }


def budget_of(arguments: argparse.Namespace) -> Budgets:
    """The budgets that were given."""
    return Budgets(
        max_layers=arguments.max_layers,
        max_width=arguments.max_width,
        max_neurons=arguments.max_neurons,
        max_heads=arguments.max_heads,
    )
