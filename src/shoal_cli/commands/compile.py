"""``shoal compile``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from rich.console import Console

import shoal
from shoal.rasp.printing import listing
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import compiled
from shoal_cli.outputs import add_json, require_output, require_writable, write_json
from shoal_cli.programs import MODEL_FILES
from shoal_cli.tables import print_text
from shoal_cli.wording import CommandLineError

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
    add_json(parser, "sizes, proofs and savings")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Compile and report."""
    if arguments.save is not None:
        if not arguments.save.endswith(MODEL_FILES):
            endings = " or ".join(MODEL_FILES)
            raise CommandLineError(
                f"--save {arguments.save}: give a file name that ends with {endings}"
            )
        require_writable("--save", arguments.save)
    require_output("--json", arguments.json)
    model = compiled(arguments)
    if arguments.save:
        model.save(arguments.save)
    if arguments.json is not None:
        write_json(arguments.json, model_as_json(model))
    if arguments.json == "-":
        return 0
    print_text(console, listing(model.program))
    console.print()
    print_text(console, model.report())
    if arguments.save:
        print_text(console, f"saved to          {arguments.save}")
    return 0


def model_as_json(model: shoal.Model) -> dict[str, Any]:
    """What is known of a model's size, as what JSON can hold."""
    atlas = model.atlas
    sizes = (
        "num_layers",
        "d_model",
        "width_bound",
        "num_heads",
        "key_size",
        "mlp_hidden_size",
        "num_parameters",
        "num_parameters_with_unembedding",
    )
    return {
        "program": atlas.source,
        "options": dict(atlas.options),
        "sizes": {name: getattr(model, name) for name in sizes},
        "proofs": [{**asdict(proof), "is_optimal": proof.is_optimal} for proof in atlas.proofs],
        "savings": [asdict(saved) for saved in atlas.savings],
        "undefined": [asdict(undefined) for undefined in atlas.undefined],
        "seconds": dict(atlas.seconds),
    }
