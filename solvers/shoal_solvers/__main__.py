"""``python -m shoal_solvers``: solve, check, bound and export stored problems."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

from rich.console import Console

from shoal_solvers.commands import bounds, check, export, solve
from shoal_solvers.errors import AllocationError
from shoal_solvers.words import printable_lines

COMMANDS: Mapping[str, ModuleType] = {
    "solve": solve,
    "check": check,
    "bounds": bounds,
    "export": export,
}

PROGRAM = "python -m shoal_solvers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0 done, 1 an error that is explained, 130 Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):  # names may be what a terminal cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given.pop(0) if given and given[0] in COMMANDS else None
    options = _parser(name).parse_args(given)
    failed = 2 if name == "check" else 1  # 1 is what the check says of the allocation
    try:
        status: int = COMMANDS[name or "solve"].run(
            options, _Console(highlight=False, markup=False)
        )
        if sys.stdout is not None:  # it is None if it was closed from the start
            sys.stdout.flush()
    except AllocationError as error:
        print(f"error: {printable_lines(str(error))}", file=sys.stderr)
        return failed
    except KeyboardInterrupt:
        before = " before an allocation was found" if name in (None, "solve") else ""
        print(f"interrupted{before}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _stop_writing(141)
    except OSError as error:
        print(f"error: cannot write the result: {error.strerror}", file=sys.stderr)
        return _stop_writing(failed)
    return status


class _Console(Console):
    """A console that leaves it to ``main`` how to end when nobody reads its output."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more.

        Raises:
            BrokenPipeError: always.
        """
        raise BrokenPipeError


def _stop_writing(status: int) -> int:
    """Drop what is still to be written, which would fail again when Python ends."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return status


def _parser(name: str | None) -> argparse.ArgumentParser:
    """The parser of a command; without one it is that of ``solve``, and tells of the others."""
    command = COMMANDS[name or "solve"]
    listing = (
        ""
        if name
        else "\n".join(
            [
                "commands (a file of that name is ./check):",
                *(f"  {PROGRAM} {each:<7} {COMMANDS[each].SUMMARY}" for each in COMMANDS),
                f'"{PROGRAM} check --help" tells more; without a command it is "solve".',
                "",
                "",
            ]
        )
    )
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {name}" if name else PROGRAM,
        description=command.DESCRIPTION,
        epilog=listing + command.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
