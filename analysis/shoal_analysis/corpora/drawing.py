"""Random programs for a corpus: ordinary ones, by a generator that repeats nothing on purpose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from shoal.errors import EvaluationError
from shoal.options import rules_alone
from shoal.rasp.expressions import RASPExpr
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import Value
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.fuzzing.cases import Case, CaseOptions, build_lines
from shoal_analysis.fuzzing.interesting import part_of
from shoal_analysis.fuzzing.writing import ANY, BOOL, NUMBER, TEXT, RandomChoices, write_lines

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

_LEFT_OUT = frozenset(
    (
        # what is there to do harm, or to be no more than what is there already
        *("shifted_beyond_floats", "tiny", "zero_below_zero", "has_sign", "as_float"),
        *("always_seven", "kind_of", "same_kind", "first_of", "second_of", "TRUE", "FALSE"),
        *("Full(-0.0)", "-0.0", "9007199254740993", "1e-30", "1e+30"),
        # files cannot hold sets
        "set_of",
    )
)
"""Choices of the fuzzer that a corpus does without."""

_PROBES = 4
"""Inputs of one length on which results are compared."""

_PARTS = 4
"""So many parts of what was written are looked at."""

INPUT_SEED = 0
"""One for all programs, so that those of one vocab are asked the same."""


class _Ordinary(RandomChoices):
    """Random choices, but for those left out."""

    def pick(self, choices: Sequence[Any]) -> Any:
        while True:
            choice = super().pick(choices)
            name = choice[0] if isinstance(choice, tuple) else choice
            if str(name) not in _LEFT_OUT:
                return choice


def draw_cases(options: CorpusOptions, number: int, count: int) -> list[Case]:
    """The programs of one batch, the same on every machine.

    Args:
        options: of the corpus.
        number: of the batch.
        count: how many.
    """
    choices = _Ordinary(random.Random(f"shoal corpus {options.seed} {number}"))
    found: list[Case] = []
    while len(found) < count:
        case = _draw(choices, options)
        if case is not None:
            found.append(case)
    return found


def _draw(choices: RandomChoices, options: CorpusOptions) -> Case | None:
    vocab_kind, vocab = choices.pick(VOCABS)
    lines, names = write_lines(choices, vocab_kind, options.most_steps)
    return _largest_part(Case(lines, vocab, case_options(options), INPUT_SEED), names)


def _largest_part(case: Case, names: Sequence[str]) -> Case | None:
    """The largest part whose result depends on the tokens; None if no large one does.

    What depends on positions and the length alone is soon a duplicate of what is there.
    """
    expressions = build_lines(case.lines)
    parts = {name: part_of(case, name) for name in names}
    reading = [name for name in names if "tokens" in parts[name].source()]
    for name in sorted(reading, key=lambda name: -len(parts[name].lines))[:_PARTS]:
        if _depends_on_tokens(expressions[name], case):
            return parts[name]
    return None


def _depends_on_tokens(expression: RASPExpr, case: Case) -> bool:
    """Whether results differ on inputs of one length."""
    generator = random.Random(INPUT_SEED)
    length = case.options.max_seq_len
    results: set[str] = set()
    for _ in range(_PROBES):
        probe = [generator.choice(case.vocab) for _ in range(length)]
        try:
            values = evaluate_all(expression, probe, causal=case.options.causal)
        except EvaluationError:
            continue
        results.add(repr(values[id(expression)]))
        if len(results) > 1:
            return True
    return False


def case_options(options: CorpusOptions) -> CaseOptions:
    """What all programs of a corpus are compiled with: no budgets, no further oracles.

    What no rule computes is left out, not looked up: there would be nothing to learn from.
    """
    return CaseOptions(
        max_seq_len=options.max_seq_len,
        causal=options.causal,
        passes=rules_alone(options.passes),
        allocator="cp-sat",
        reuse=True,
        slack=(None, None, None, None),
        checks=(),
    )
