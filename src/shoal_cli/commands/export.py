"""``shoal export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.text import Text

from shoal.targets.target import WRITERS, module_of, write_to
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import compiled, loaded
from shoal_cli.outputs import require_writable
from shoal_cli.progress import at_work
from shoal_cli.wording import CommandLineError

SUMMARY = "write a compiled program down for another library"

EXAMPLES = """\
examples:
  shoal export reverse --to onnx reverse.onnx
  shoal export sort --to huggingface sort/                 a folder that from_pretrained reads
  shoal export hist --to torch hist.pt --vocab a b --max-seq-len 8
  shoal export sort.safetensors --to transformer-lens sort.pt
"""

_HEADS = ("token-classification", "lm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add_program(parser)
    parser.add_argument("path", metavar="PATH", help="the file or folder that is written")
    parser.add_argument(
        "--to",
        required=True,
        choices=tuple(WRITERS),
        metavar="TARGET",
        help="; ".join(f"{target.name}: {target.what}" for target in WRITERS.values()),
    )
    parser.add_argument(
        "--head",
        choices=_HEADS,
        help="for huggingface: a value for each token (the default), or the next token (lm)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a folder that is there already"
    )
    add_compile_options(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Compile, or load, and write."""
    target = WRITERS[arguments.to]
    options = {"head": arguments.head, "overwrite": arguments.overwrite}
    if target.name != "huggingface":
        wrong = [name for name, value in options.items() if value]
        if wrong:
            raise CommandLineError(f"--{wrong[0]} is for --to huggingface alone")
        options = {}
    if target.writes == "file":
        require_writable("PATH", arguments.path)
    with at_work(f"importing what {target.name} needs"):
        module_of(target.name)  # what is not installed is said before the work is done
    model = loaded(arguments.program) or compiled(arguments)
    with at_work(f"writing {arguments.path}"):
        write_to(target.name, model, arguments.path, **options)
    size = _size(Path(arguments.path))
    console.print(Text(f"wrote {arguments.path} ({size:,} bytes): {target.what}"))
    return 0


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
