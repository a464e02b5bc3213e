"""What the commands do."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table
from rich.text import Text

import shoal
from shoal.errors import InvalidInputError, InvalidOptionError
from shoal.rasp.printing import listing
from shoal.runnable import Transformer
from shoal_analysis.explain import explain, merged, unmaterialised
from shoal_cli.arguments import budget_of, limits_of, passes_of
from shoal_cli.endings import functions_of_users
from shoal_cli.outputs import require_writable
from shoal_cli.programs import find_program, match_tokens
from shoal_solvers import ALTERNATING, Kind

FILES = (".safetensors", ".npz")
"""What the names of model files end with; the second one holds weights and encoders alone."""


def compile_command(arguments: argparse.Namespace, console: Console) -> int:
    """``shoal compile``: compile and report."""
    if arguments.save is not None:
        if not arguments.save.endswith(FILES):
            raise InvalidOptionError(
                f"--save {arguments.save}: give a file name that ends with {' or '.join(FILES)}"
            )
        require_writable("--save", arguments.save)
    model = _compiled(arguments)
    console.print(Text(listing(model.program)))
    console.print()
    console.print(Text(model.report()))
    if arguments.save:
        model.save(arguments.save)
        console.print(Text(f"saved to         {arguments.save}"))
    return 0


def run_command(arguments: argparse.Namespace, console: Console) -> int:
    """``shoal run``: compile, or load, and run on one input."""
    model = _loaded(arguments.program) or _compiled(arguments)
    tokens = match_tokens(arguments.tokens, model.input_encoder.vocab)
    values = model.run(tokens, arguments.backend)
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    for title, row in (("input", tokens), ("output", values)):
        table.add_row(title, *(Text(_show(value)) for value in row))
    console.print(table)
    return 0


def explain_command(arguments: argparse.Namespace, console: Console) -> int:
    """``shoal explain``: a table of what each half-layer does."""
    model = _loaded(arguments.program) or _compiled(arguments)
    if not isinstance(model, shoal.Model):
        raise InvalidInputError(
            f"{arguments.program} holds weights and encoders alone, so nothing can be explained; "
            "compile the program again and save it to a file that ends with .safetensors"
        )
    console.print(Text(model.atlas.source))
    table = Table(title=None, header_style="bold", pad_edge=False)
    for name in ("half-layer", "component", "by", "reads", "columns", "until"):
        table.add_column(name, overflow="fold")
    previous = None
    for step in explain(model):
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
    for line in (*merged(model), *unmaterialised(model)):
        console.print(Text(line))
    console.print(
        Text(
            f"{model.num_layers} layer{'' if model.num_layers == 1 else 's'}, residual width "
            f'{model.d_model}. "until" is the last half-layer that can read the value.'
        )
    )
    return 0


def _compiled(arguments: argparse.Namespace) -> shoal.Model:
    found = find_program(arguments.program, arguments.vocab, arguments.max_seq_len)
    with functions_of_users():
        return shoal.compile(
            found.program,
            vocab=found.vocab,
            max_seq_len=found.max_seq_len,
            causal=arguments.causal,
            passes=passes_of(arguments),
            allocator=arguments.allocator,
            reuse=arguments.reuse,
            budget=budget_of(arguments),
            limits=limits_of(arguments),
            time_limit=arguments.time_limit,
        )


def _loaded(name: str) -> Transformer | None:
    """The model of a file; None where the name is one of a program."""
    return shoal.load(name) if name.endswith(FILES) else None


def _show(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
