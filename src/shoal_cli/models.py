"""Models that commands are about: compiled from a program, or read from a file."""

from __future__ import annotations

import argparse

import shoal
from shoal.runnable import Transformer
from shoal_cli.arguments import budget_of, limits_of, passes_of
from shoal_cli.endings import functions_of_users
from shoal_cli.programs import find_program

FILES = (".safetensors", ".npz")
"""What the names of model files end with; the second one holds weights and encoders alone."""


def loaded(name: str) -> Transformer | None:
    """The model of a file; None where the name is one of a program."""
    return shoal.load(name) if name.endswith(FILES) else None


def compiled(arguments: argparse.Namespace) -> shoal.Model:
    """The model of a program, as the options say."""
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
