"""How models grow with the length of inputs, and with the vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.document.chapter import Chapter, Scale, table
from shoal.errors import UnsupportedProgramError
from shoal.rasp.stock import STOCK
from shoal_analysis.growth import Growth, measure_growth
from shoal_analysis.pictures import plots

PROGRAMS = ("reverse", "hist", "sort_unique", "copy_previous")
"""Programs that take any vocabulary."""

LENGTH, VOCAB = 8, 8
"""What the other one is held at."""


def growth(scale: Scale, progress: Callable[[str], None]) -> Chapter:
    """Growth of a few programs, in length and in vocabulary."""
    names = PROGRAMS[: scale.programs]
    by_length = {name: measured(name, (VOCAB,), scale.lengths, progress) for name in names}
    by_vocab = {name: measured(name, scale.vocabs, (LENGTH,), progress) for name in names}
    return Chapter(
        title="Growth",
        command="python -m benchmarks.document growth",
        text=(
            f"Layers, width, parameters and compile time of some programs, for {VOCAB} tokens and "
            f"growing inputs, and for inputs of up to {LENGTH} tokens and a growing vocabulary. "
            "What is missing was refused, since float32 could not hold it; the pictures are of "
            f"`{names[0]}`."
        ),
        tables=(
            growth_table("max_seq_len", by_length, lambda m: m.length),
            growth_table("vocab", by_vocab, lambda m: m.vocab_size),
        ),
        pictures={
            "growth-length": plots.growth(by_length[names[0]]),
            "growth-vocab": plots.growth(by_vocab[names[0]]),
        },
    )


def measured(
    name: str,
    vocab_sizes: Sequence[int],
    lengths: Sequence[int],
    progress: Callable[[str], None],
) -> list[Growth]:
    """A program at every size that is not refused."""
    found: list[Growth] = []
    for size in vocab_sizes:
        for length in lengths:
            progress(f"{name}, {size} tokens, length {length}")
            try:
                found += measure_growth(STOCK[name].make, [range(size)], [length])
            except UnsupportedProgramError:
                continue
    return found


def growth_table(what: str, lines: dict[str, list[Growth]], varied: Callable[[Growth], int]) -> str:
    """Sizes of each program at each size of its inputs."""
    rows = [
        (name, varied(m), m.layers, m.width, f"{m.parameters:,}", f"{m.seconds:.2f} s")
        for name, line in lines.items()
        for m in line
    ]
    return table(("program", what, "layers", "width", "parameters", "compile time"), rows)
