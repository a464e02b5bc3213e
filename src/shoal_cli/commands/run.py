"""``shoal run``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shoal.contract import TOLERANCE
from shoal.targets.target import RUNNERS
from shoal.transformer.description import value_to_json
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import compiled, loaded
from shoal_cli.outputs import add_json, require_output, write_json
from shoal_cli.progress import at_work
from shoal_cli.tokens import HELP, match_tokens

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
    parser.add_argument(
        "tokens", nargs="+", metavar="TOKEN", help=f"the input, without BOS, {HELP}"
    )
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
    with at_work(f"running on {arguments.backend}"):
        values = model.run(tokens, arguments.backend)
    if arguments.json is not None:
        given, got = ([value_to_json(value) for value in row] for row in (tokens, values))
        write_json(arguments.json, {"input": given, "output": got})
        return 0
    is_numerical = model.output_encoder.is_numerical
    shown = [
        (_show(token, False), _show(value, is_numerical))
        for token, value in zip(tokens, values, strict=True)
    ]
    for part in _that_fit(shown, console.width):
        table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
        table.add_row("input", *(Text(token) for token, _ in part))
        table.add_row("output", *(Text(value) for _, value in part))
        least = _NAMES + sum(_width(pair) for pair in part)
        console.print(table, crop=False, width=max(console.width, least))
    return 0


_NAMES = len("output ")


def _width(pair: tuple[str, str]) -> int:
    """How many columns of the terminal a token and its value take, with a blank after them."""
    return max(map(cell_len, pair)) + 1


def _that_fit(pairs: list[tuple[str, str]], width: int) -> Iterator[list[tuple[str, str]]]:
    """Tokens and values in as many parts as the terminal needs, so that none is broken."""
    part: list[tuple[str, str]] = []
    for pair in pairs:
        if part and _NAMES + sum(map(_width, (*part, pair))) > width:
            yield part
            part = []
        part.append(pair)
    yield part


def _show(value: object, is_numerical: bool) -> str:
    """A value; floats to four digits, and numbers that float32 computed no finer than promised."""
    if not isinstance(value, float):
        return str(value)
    return "0" if is_numerical and abs(value) < TOLERANCE else f"{value:.4g}"
