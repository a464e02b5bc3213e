"""How models grow with the length of their inputs and with their vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import shoal
from shoal.rasp.expressions import SOp
from shoal.rasp.values import Value


@dataclass(frozen=True)
class Growth:
    """What a program costs for inputs of one size.

    Attributes:
        length: the longest input, ``max_seq_len``.
        vocab_size: how many tokens there are.
        layers: attention + MLP pairs.
        width: residual columns.
        parameters: all entries of the model's parameters.
        seconds: wall-clock time of compiling.
    """

    length: int
    vocab_size: int
    layers: int
    width: int
    parameters: int
    seconds: float


def measure_growth(
    make: Callable[[int], SOp],
    vocabs: Sequence[Sequence[Value]],
    lengths: Sequence[int],
    **options: object,
) -> tuple[Growth, ...]:
    """Compile a program for every vocabulary and every length.

    Args:
        make: from a length to the program, such as ``STOCK[name].make``.
        vocabs: the vocabularies.
        lengths: values of ``max_seq_len``.
        options: further options of ``shoal.compile``.

    Raises:
        UnsupportedProgramError: the program cannot be compiled for one of them.
    """
    measured = []
    for vocab in vocabs:
        for length in lengths:
            model = shoal.compile(make(length), vocab=vocab, max_seq_len=length, **options)  # type: ignore[arg-type]
            measured.append(
                Growth(
                    length=length,
                    vocab_size=len(vocab),
                    layers=model.num_layers,
                    width=model.d_model,
                    parameters=model.num_parameters,
                    seconds=sum(model.seconds.values()),
                )
            )
    return tuple(measured)
