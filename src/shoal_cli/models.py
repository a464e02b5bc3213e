"""Models that commands are about: compiled from a program, or read from a file."""

from __future__ import annotations

import argparse

import shoal
from shoal.runnable import Transformer
from shoal_cli.arguments import common_options, passes_of
from shoal_cli.programs import (
    MODEL_FILES,
    find_inputs,
    find_program,
    functions_of_users,
    short_name,
)
from shoal_cli.progress import at_work
from shoal_cli.wording import CommandLineError


def loaded(name: str) -> Transformer | None:
    """The model of a file; None where the name is one of a program."""
    return shoal.load(name) if name.endswith(MODEL_FILES) else None


def model_by_name(arguments: argparse.Namespace) -> shoal.Model:
    """The model of a file or of a program, with all that is known about it.

    Raises:
        CommandLineError: the file holds weights and encoders alone.
    """
    model = loaded(arguments.program) or compiled(arguments)
    if not isinstance(model, shoal.Model):
        raise CommandLineError(
            f"{arguments.program} holds weights and encoders alone, so there is nothing to show by "
            "name; compile the program again and save it to a file that ends with .safetensors"
        )
    return model


def compiled(arguments: argparse.Namespace) -> shoal.Model:
    """The model of a program, as the options say."""
    found = find_program(arguments.program, arguments.vocab, arguments.max_seq_len)
    inputs = None if arguments.inputs is None else find_inputs(arguments.inputs)
    with functions_of_users(found.name), at_work(f"compiling {short_name(found.name)}") as progress:
        return shoal.compile(
            found.program,
            vocab=found.vocab,
            max_seq_len=found.max_seq_len,
            passes=passes_of(arguments),
            allocator=arguments.allocator,
            reuse=arguments.reuse,
            result=arguments.result,
            objective=arguments.objective,
            inputs=inputs,  # type: ignore[arg-type]
            progress=progress,
            **common_options(arguments),
        )
