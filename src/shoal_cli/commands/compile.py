"""``shoal compile``."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.text import Text

from shoal.errors import InvalidOptionError
from shoal.rasp.printing import listing
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import FILES, compiled
from shoal_cli.outputs import require_writable

SUMMARY = "compile a program and report its size"

EXAMPLES = """\
examples:
  shoal compile hist
  shoal compile sort --vocab 1 2 3 --max-seq-len 5 --save sort.safetensors
  shoal compile shuffle_dyck2 --passes none --allocator longest-path
  shoal compile my_program.py:double --vocab a b --max-seq-len 8 --causal

my_program.py:
  from shoal.rasp import *
  double = SequenceMap(lambda token, index: token * 2, tokens, indices)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add_program(parser)
    add_compile_options(parser)
    parser.add_argument("--save", metavar="FILE.safetensors", help="write the model to a file")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Compile and report."""
    if arguments.save is not None:
        if not arguments.save.endswith(FILES):
            raise InvalidOptionError(
                f"--save {arguments.save}: give a file name that ends with {' or '.join(FILES)}"
            )
        require_writable("--save", arguments.save)
    model = compiled(arguments)
    console.print(Text(listing(model.program)))
    console.print()
    console.print(Text(model.report()))
    if arguments.save:
        model.save(arguments.save)
        console.print(Text(f"saved to         {arguments.save}"))
    return 0
