"""Files that commands write."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from shoal.files import write_text
from shoal_cli.wording import CommandLineError


def require_writable(option: str, path: str) -> None:
    """Refuse before the work is done what could not be written after it.

    Raises:
        CommandLineError: the path is a folder, or lies in none.
    """
    if Path(path).is_dir():
        raise CommandLineError(f"{option} {path}: this is a folder; give the name of a file")
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise CommandLineError(f"{option} {path}: there is no folder {folder}")


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """The option ``--json`` of a command."""
    parser.add_argument(
        "--json", metavar="FILE", help=f'write {what} as JSON; "-" is standard output'
    )


def write_json(path: str, data: Any) -> None:
    """Write what ``--json`` asks for, to a file or to standard output."""
    write_output(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def write_output(path: str, text: str) -> None:
    """Write a text to a file, or to standard output where the path is "-"."""
    if path == "-":
        sys.stdout.write(text)
    else:
        write_text(path, text)


def require_output(option: str, path: str | None) -> None:
    """Refuse a file that could not be written; standard output, or nothing, always can."""
    if path is not None and path != "-":
        require_writable(option, path)
