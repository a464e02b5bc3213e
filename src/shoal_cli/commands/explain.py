"""``shoal explain``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

import shoal
from shoal.atlas.explain import merged, unmaterialised
from shoal.errors import InvalidInputError
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import compiled, loaded
from shoal_cli.outputs import add_json, require_output, write_json
from shoal_solvers import ALTERNATING, Kind

SUMMARY = "show what each half-layer does"

EXAMPLES = """\
examples:
  shoal explain reverse
  shoal explain sort_freq --passes none --allocator longest-path --no-reuse
  shoal explain sort.safetensors            a model that "shoal compile --save" wrote
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add_program(parser)
    add_compile_options(parser)
    add_json(parser, "the steps and where every value is")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """A table of what each half-layer does."""
    require_output("--json", arguments.json)
    model = loaded(arguments.program) or compiled(arguments)
    if not isinstance(model, shoal.Model):
        raise InvalidInputError(
            f"{arguments.program} holds weights and encoders alone, so nothing can be explained; "
            "compile the program again and save it to a file that ends with .safetensors"
        )
    if arguments.json is not None:
        write_json(arguments.json, explanation_as_json(model))
        return 0
    console.print(Text(model.atlas.source))
    table = Table(title=None, header_style="bold", pad_edge=False)
    for name in ("half-layer", "component", "by", "reads", "columns", "until"):
        table.add_column(name, overflow="fold")
    previous = None
    for step in model.explain():
        if previous is not None and step.half_layer != previous:
            table.add_section()
        where = "embedding"
        if step.half_layer >= 0:
            attends = ALTERNATING.kind(step.half_layer) is Kind.ATTENTION
            where = f"{step.half_layer} {'attention' if attends else 'MLP'}"
        table.add_row(
            where if step.half_layer != previous else "",
            Text(step.component),
            step.action if step.half_layer >= 0 else "",
            Text(", ".join(step.reads)),
            step.columns,
            step.lives,
        )
        previous = step.half_layer
    console.print(table)
    for line in (*merged(model.atlas), *unmaterialised(model.atlas)):
        console.print(Text(line))
    console.print(
        Text(
            f"{model.num_layers} layer{'' if model.num_layers == 1 else 's'}, residual width "
            f'{model.d_model}. "until" is the last half-layer that can read the value.'
        )
    )
    return 0


def explanation_as_json(model: shoal.Model) -> dict[str, Any]:
    """Steps, and values by name, as what JSON can hold."""
    values = [
        {
            "name": info.name,
            "held_as": info.encoding,
            "of": list(info.of),
            "columns": list(info.columns),
            "first": info.first,
            "last": info.last,
            "sublayer": info.sublayer,
            "layer": info.layer,
            "head": info.head,
            "neurons": None if info.neurons is None else list(info.neurons),
        }
        for info in model.variables.values()
    ]
    return {
        "program": model.atlas.source,
        "steps": [asdict(step) for step in model.explain()],
        "values": values,
    }
