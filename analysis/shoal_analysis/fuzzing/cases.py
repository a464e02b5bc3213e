"""A fuzzing case: a program as Python source, what it is compiled for, and its inputs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from shoal import rasp
from shoal.rasp.expressions import RASPExpr, SOp
from shoal.rasp.values import Value
from shoal_analysis.fuzzing import functions
from shoal_analysis.fuzzing.promises import PROMISES

POOL: Mapping[str, Any] = {
    name: function
    for name, function in vars(functions).items()
    if callable(function) and getattr(function, "__module__", "") == functions.__name__
}
"""The functions that programs may name."""


@dataclass(frozen=True)
class Line:
    """One assignment of a program: ``name = source``."""

    name: str
    source: str
    uses: tuple[str, ...]

    @staticmethod
    def parse(program: str) -> tuple[Line, ...]:
        """The lines of a program that ``Case.source`` printed."""
        lines = []
        for text in program.strip().splitlines():
            name, source = text.split(" = ", 1)
            uses = re.findall(r"\b[sv]\d+\b", source)
            lines.append(Line(name, source, tuple(uses)))
        return tuple(lines)


@dataclass(frozen=True)
class CaseOptions:
    """What a case is compiled with.

    Attributes:
        max_seq_len: greatest number of tokens.
        causal: whether attention is causal.
        passes: as for ``shoal.compile``.
        allocator: likewise.
        reuse: likewise.
        slack: by how much each budget exceeds what the model takes without budgets; None for
            no budget. In the order layers, width, neurons, heads.
        checks: names of the further oracles to ask.
        promise: the name of one of ``PROMISES``, under which it is compiled; None for no promise.
    """

    max_seq_len: int
    causal: bool
    passes: str | tuple[str, ...]
    allocator: str
    reuse: bool
    slack: tuple[int | None, int | None, int | None, int | None]
    checks: tuple[str, ...]
    promise: str | None = None


@dataclass(frozen=True)
class Case:
    """A program under test.

    Attributes:
        lines: the program; the last line is its result.
        vocab: its tokens.
        options: what it is compiled with.
        seed: of the random inputs.
    """

    lines: tuple[Line, ...]
    vocab: tuple[Value, ...]
    options: CaseOptions
    seed: int

    def build(self, tokens: SOp | None = None) -> SOp:
        """The program as an expression; ``tokens`` may stand in for the input."""
        result = build_lines(self.lines, tokens)[self.lines[-1].name]
        assert isinstance(result, SOp)
        return result

    def source(self) -> str:
        """The program as Python, without lines that nothing uses."""
        return "\n".join(f"{line.name} = {line.source}" for line in needed(self.lines))

    @property
    def promise(self) -> Callable[[list[Value]], bool] | None:
        """Which inputs are promised; None for all."""
        return None if self.options.promise is None else PROMISES[self.options.promise]

    def inputs(self, count: int = 12) -> list[list[Value]]:
        """Inputs of all lengths, short ones first; the same for the same case.

        Of promised ones as many of several times as many as are promised.
        """
        if self.promise is None:
            return self.sequences(count)
        return list(filter(self.promise, self.sequences(4 * count)))

    def sequences(self, count: int) -> list[list[Value]]:
        """The same, whatever is promised."""
        generator = random.Random(self.seed)
        short = [list(s) for n in (1, 2) for s in islice(product(self.vocab, repeat=n), 4)]
        longest = self.options.max_seq_len
        short = [s for s in short if len(s) <= longest][: count // 3]
        rest = [
            [generator.choice(self.vocab) for _ in range(generator.randint(1, longest))]
            for _ in range(count - len(short) - 1)
        ]
        return [*short, *sorted(rest, key=len), [generator.choice(self.vocab)] * longest]


def build_lines(lines: tuple[Line, ...], tokens: SOp | None = None) -> dict[str, RASPExpr]:
    """The expressions of all lines, by name."""
    namespace: dict[str, Any] = {name: getattr(rasp, name) for name in rasp.__all__}
    namespace.update(POOL)
    if tokens is not None:
        namespace["tokens"] = tokens
    for line in lines:
        # the source comes from our own generator
        namespace[line.name] = eval(line.source, namespace)
    return {line.name: namespace[line.name] for line in lines}


def needed(lines: tuple[Line, ...]) -> list[Line]:
    """The lines that the last one depends on, itself included."""
    return list(_needed(lines))[::-1]


def _needed(lines: tuple[Line, ...]) -> Iterator[Line]:
    wanted = {lines[-1].name}
    for line in reversed(lines):
        if line.name in wanted:
            wanted.update(line.uses)
            yield line
