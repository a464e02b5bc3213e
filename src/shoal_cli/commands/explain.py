"""``shoal explain``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Console

import shoal
from shoal.atlas.explain import Step, merged, unmaterialised
from shoal_cli.arguments import add_compile_options, add_program
from shoal_cli.models import model_by_name
from shoal_cli.outputs import add_json, require_output, write_json
from shoal_cli.tables import Column, print_table, print_text
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
    model = model_by_name(arguments)
    if arguments.json is not None:
        write_json(arguments.json, explanation_as_json(model))
        return 0
    print_text(console, model.atlas.source)
    print_table(console, _COLUMNS, _sections(model.explain()), boxed=True, instead="--json -")
    for line in (*merged(model.atlas), *unmaterialised(model.atlas)):
        print_text(console, line)
    layers = "1 layer" if model.num_layers == 1 else f"{model.num_layers} layers"
    print_text(
        console,
        f'{layers}, residual width {model.d_model}. "until" is the last half-layer that can read '
        "the value.",
    )
    return 0


_COLUMNS = (
    Column("half-layer", rank=1),
    Column("component"),
    Column("by", rank=4),
    Column("reads", rank=3, wraps=True),
    Column("columns", rank=2, wraps=True),
    Column("until", rank=5),
)


def _sections(steps: Sequence[Step]) -> list[list[list[str]]]:
    """The rows of a table of steps, those of one half-layer together."""
    sections = []
    for half_layer, group in groupby(steps, key=lambda step: step.half_layer):
        where = "embedding"
        if half_layer >= 0:
            attends = ALTERNATING.kind(half_layer) is Kind.ATTENTION
            where = f"{half_layer} {'attention' if attends else 'MLP'}"
        section = []
        for step in group:
            action = step.action if half_layer >= 0 else ""
            reads = ", ".join(step.reads)
            section.append([where, step.component, action, reads, step.columns, step.lives])
            where = ""
        sections.append(section)
    return sections


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
