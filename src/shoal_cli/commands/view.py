"""``shoal view``."""

from __future__ import annotations

import argparse
import re
import webbrowser
from pathlib import Path

from rich.console import Console
from rich.text import Text

from shoal.views import explorer_page
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import model_by_name
from shoal_cli.outputs import require_output, write_output
from shoal_cli.wording import CommandLineError

SUMMARY = "write a page that shows a model and runs it"

EXAMPLES = """\
examples:
  shoal view reverse                        reverse.html, in this folder
  shoal view reverse --output pages/a.html
  shoal view sort_freq --open               and show it in a browser
  shoal view sort.safetensors               a model that "shoal compile --save" wrote

The page is one file that needs no network: type an input, step through the half-layers, replace
values and see what follows.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add_program(parser)
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where the page is written, - for standard output (default: the name of the result, "
        "with .html, in this folder)",
    )
    parser.add_argument("--open", action="store_true", help="show the page in a browser")
    add_compile_options(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write the page, and say where it is."""
    require_output("--output", arguments.output)
    model = model_by_name(arguments)
    if arguments.output == "-":
        write_output("-", explorer_page(model))
        return 0
    path = Path(arguments.output or f"{_file_name(model.atlas.output)}.html")
    model.save_html(path)
    console.print(Text(str(path)), soft_wrap=True)
    if arguments.open and not webbrowser.open(path.resolve().as_uri()):
        raise CommandLineError(
            f"no browser could be started here; {path} is written, and any browser opens it"
        )
    return 0


def _file_name(name: str) -> str:
    """A name without what file systems mind."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "model"
