"""``shoal run``."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shoal.contract import TOLERANCE
from shoal.targets.target import RUNNERS
from shoal.transformer.description import value_to_json
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import compiled, loaded
from shoal_cli.outputs import add_json, require_output, write_json
from shoal_cli.tokens import match_tokens

SUMMARY = "run a program's transformer on an input"

EXAMPLES = """\
examples:
  shoal run reverse a b c d
  shoal run sort 3 1 2 --backend haiku
  shoal run sort.safetensors 3 1 2          a model that "shoal compile --save" wrote
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add_program(parser)
    parser.add_argument("tokens", nargs="+", metavar="TOKEN", help="the input, without BOS")
    parser.add_argument(
        "--backend",
        default=next(iter(RUNNERS)),
        choices=tuple(RUNNERS),
        help="; ".join(f"{target.name}: {target.what}" for target in RUNNERS.values()),
    )
    add_compile_options(parser)
    add_json(parser, "input and output")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Compile, or load, and run on one input."""
    require_output("--json", arguments.json)
    model = loaded(arguments.program) or compiled(arguments)
    tokens = match_tokens(arguments.tokens, model.input_encoder.vocab)
    values = model.run(tokens, arguments.backend)
    if arguments.json is not None:
        given, got = ([value_to_json(value) for value in row] for row in (tokens, values))
        write_json(arguments.json, {"input": given, "output": got})
        return 0
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    is_numerical = model.output_encoder.is_numerical
    table.add_row("input", *(Text(_show(token, False)) for token in tokens))
    table.add_row("output", *(Text(_show(value, is_numerical)) for value in values))
    console.print(table)
    return 0


def _show(value: object, is_numerical: bool) -> str:
    """A value; floats to four digits, and numbers that float32 computed no finer than promised."""
    if not isinstance(value, float):
        return str(value)
    return "0" if is_numerical and abs(value) < TOLERANCE else f"{value:.4g}"
