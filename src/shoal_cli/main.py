"""The command ``shoal``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from rich.console import Console

import shoal
from shoal.errors import ShoalError
from shoal.rasp.stock import STOCK
from shoal_cli.commands import compare, compile, corpus, explain, export, fuzz, run, view
from shoal_cli.endings import (
    INTERRUPTED,
    PIPE_CLOSED,
    CommandConsole,
    endable,
    forget_output,
    replace_what_cannot_be_encoded,
)
from shoal_cli.wording import CommandLineError, in_options
from shoal_solvers import AllocationError

_INTRODUCTION = """\
Compile RASP programs into transformers.

examples:
  shoal compile reverse                     what a compiled program looks like
  shoal run reverse a b c d                 run it
  shoal explain shuffle_dyck1               what each half-layer does
  shoal view reverse                        a page that shows it and runs it
  shoal export sort --to huggingface sort/  take it elsewhere
  shoal compile my_program.py:double --vocab 1 2 3 --max-seq-len 8

my_program.py:double runs the file my_program.py as Python does, with all that it does, and takes
the s-op named double; so name no file that you would not run.
"""


class Command(Protocol):
    """A command: a module of ``shoal_cli.commands``."""

    SUMMARY: str
    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what it takes."""

    def run(self, arguments: argparse.Namespace, console: Console) -> int:
        """Do it; the exit code."""


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "compile": compile,
        "run": run,
        "explain": explain,
        "view": view,
        "export": export,
        "compare": compare,
        "fuzz": fuzz,
        "corpus": corpus,
    }
)
"""All commands by name, in the order in which they are listed."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="shoal",
        description=_INTRODUCTION,
        epilog="stock programs:\n"
        + "\n".join(f"  {name:<16} {stock.summary}" for name, stock in STOCK.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"shoal {shoal.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(
            name,
            help=command.SUMMARY,
            description=command.SUMMARY[0].upper() + command.SUMMARY[1:] + ".",
            epilog=command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    replace_what_cannot_be_encoded()
    try:
        with endable():
            parser = build_parser()
            arguments = parser.parse_args(argv)
            if arguments.command is None:
                parser.print_help()
                return 0
            code: int = arguments.run(arguments, CommandConsole(highlight=False))
            if sys.stdout is not None:  # it is None if it was closed from the start
                sys.stdout.flush()
            return code
    except CommandLineError as error:
        return _fail(str(error))
    except (ShoalError, AllocationError) as error:
        return _fail(in_options(str(error)))
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        forget_output()
        return PIPE_CLOSED
    except OSError as error:
        forget_output()
        return _fail(f"cannot write: {error.strerror or error}")
    except MemoryError:
        return _fail("out of memory; use a smaller vocab or a smaller --max-seq-len")


def _fail(message: str, code: int = 2) -> int:
    """Say on standard error what went wrong."""
    Console(stderr=True, highlight=False).print(
        f"shoal: {message}", style="red", markup=False, soft_wrap=True
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
