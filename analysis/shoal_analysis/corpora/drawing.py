"""Random programs for a corpus: ordinary ones, by a generator that repeats nothing on purpose."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from shoal.rasp.values import Value
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.fuzzing.cases import Case, CaseOptions
from shoal_analysis.fuzzing.interesting import with_interesting_result
from shoal_analysis.fuzzing.writing import ANY, BOOL, NUMBER, TEXT, write_lines

VOCABS: tuple[tuple[str, tuple[Value, ...]], ...] = (
    (TEXT, ("a", "b", "c")),
    (TEXT, ("a", "b", "c", "d", "e")),
    (TEXT, ("(", ")", "[", "]")),
    (TEXT, tuple(f"t{i}" for i in range(8))),
    (NUMBER, (0, 1, 2, 3)),
    (NUMBER, (-2, 1, 5)),
    (NUMBER, tuple(range(8))),
    (NUMBER, (0.5, 1.5, -1.0)),
    (NUMBER, (10, 100, -100)),
    (BOOL, (False, True)),
    (ANY, (1, "a", 2.5)),
)
"""Vocabularies with which all of RASP makes sense; the fuzzer's others are there to do harm."""

_ODD = re.compile(
    r"shifted_beyond_floats|tiny|zero_below_zero|has_sign|set_of|-0\.0|9007199254740993|e[-+]?30"
)
"""What the fuzzer writes to do harm; files cannot hold sets."""

INPUT_SEED = 0
"""One for all programs, so that those of one vocab are asked the same."""


class _Random:
    """Choices of a random generator, each as likely as the others."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self._generator.randrange(len(choices))]

    def number(self, low: int, high: int) -> int:
        return self._generator.randint(low, high)


def draw_cases(options: CorpusOptions, number: int, count: int) -> list[Case]:
    """The programs of one batch, the same on every machine.

    Args:
        options: of the corpus.
        number: of the batch.
        count: how many.
    """
    choices = _Random(random.Random(f"shoal corpus {options.seed} {number}"))
    found: list[Case] = []
    while len(found) < count:
        case = _draw(choices, options)
        if not _ODD.search(case.source()):
            found.append(case)
    return found


def _draw(choices: _Random, options: CorpusOptions) -> Case:
    vocab_kind, vocab = choices.pick(VOCABS)
    lines, names = write_lines(choices, vocab_kind, options.most_steps)
    case = Case(lines, vocab, case_options(options), INPUT_SEED)
    return with_interesting_result(case, names)


def case_options(options: CorpusOptions) -> CaseOptions:
    """What all programs of a corpus are compiled with: no budgets, no further oracles."""
    return CaseOptions(
        max_seq_len=options.max_seq_len,
        causal=options.causal,
        passes=options.passes,
        allocator="cp-sat",
        reuse=True,
        slack=(None, None, None, None),
        checks=(),
    )
