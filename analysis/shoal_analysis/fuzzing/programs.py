"""Hypothesis strategies for typed RASP programs, vocabularies and compile options."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from shoal.lowering.rules.argmax import ARGMAX
from shoal.lowering.rules.digits import DIGITS
from shoal.lowering.rules.frequencies import FREQUENCIES
from shoal.lowering.rules.histograms import HISTOGRAMS
from shoal.lowering.rules.length_gates import LENGTH_GATES
from shoal.lowering.rules.result_scores import RESULT_SCORES
from shoal.lowering.rules.sums import SUMS
from shoal.narrowing.narrow import JOINT, NARROW
from shoal.options import ALL, PASS_NAMES
from shoal.program.look_ups import LOOK_UPS
from shoal.program.passes.orders import ORDERS
from shoal_analysis.fuzzing.cases import Case, CaseOptions
from shoal_analysis.fuzzing.interesting import with_interesting_result
from shoal_analysis.fuzzing.promises import PROMISES, may_be_promised
from shoal_analysis.fuzzing.writing import VOCABS, Choices, RandomChoices, write_lines
from shoal_solvers import SOLVERS


class _Drawn:
    """Choices that Hypothesis makes, and shrinks."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def pick(self, choices: Sequence[Any]) -> Any:
        return self._draw(st.sampled_from(choices))

    def number(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))


@st.composite
def cases(draw: Any, most_steps: int = 14) -> Case:
    """Cases whose results are rarely constant, None or independent of the input."""
    return write_case(_Drawn(draw), most_steps)


def write_case(choices: Choices, most_steps: int = 14) -> Case:
    """A case by whatever makes the choices.

    Args:
        choices: which programs, tokens and options.
        most_steps: so many steps a program takes at most to write.
    """
    vocab_kind, vocab = choices.pick(VOCABS)
    lines, names = write_lines(choices, vocab_kind, most_steps)
    options = _case_options(choices)
    seed = choices.number(0, 999)
    options = replace(options, passes=_with_later(options.passes, seed))
    if may_be_promised(len(vocab), options.max_seq_len):
        options = replace(options, promise=_PROMISES[seed % len(_PROMISES)])
    return with_interesting_result(Case(lines, vocab, options, seed), names)


_PROMISES = (*[None] * 20, *PROMISES)
"""The promise of each seed, which is no choice of its own: programs are as they were before."""

_LATER = (
    RESULT_SCORES,
    JOINT,
    HISTOGRAMS,
    LENGTH_GATES,
    ORDERS,
    SUMS,
    ARGMAX,
    LOOK_UPS,
    FREQUENCIES,
    DIGITS,
)
"""Passes that came later; whether they are switched on likewise depends on the seed."""


def _with_later(passes: str | Sequence[str], seed: int) -> str | tuple[str, ...]:
    if isinstance(passes, str):
        if passes == "none" and seed % 3:
            return (LOOK_UPS,)
        return "smallest" if passes == "all" and seed % 3 == 0 else passes
    scored = (RESULT_SCORES,) if seed % 2 else ()
    shared = (JOINT,) if seed % 3 == 0 and NARROW in passes else ()
    counted = (HISTOGRAMS,) if seed % 5 > 1 else ()
    gated = (LENGTH_GATES,) if seed % 4 == 3 else ()
    ordered = (ORDERS,) if seed % 7 > 2 else ()
    summed = (SUMS,) if seed % 11 > 4 else ()
    best = (ARGMAX,) if seed % 13 > 4 else ()
    tabled = (LOOK_UPS,) if seed % 17 else ()
    shares = (FREQUENCIES,) if seed % 19 > 5 else ()
    digits = (DIGITS,) if seed % 23 > 7 else ()
    later = (*scored, *shared, *counted, *gated, *ordered, *summed, *best, *digits)
    return (*tabled, *shares, *passes, *later)


_DRAWN = tuple(name for name in PASS_NAMES if name not in _LATER)


def _case_options(choices: Choices) -> CaseOptions:
    """Compile options, budgets and further oracles."""
    passes = choices.pick(("all", "none", _UNFUSED, None, None, None))
    checks = tuple(_some(choices, CHECKS, choices.number(0, 2)))
    return CaseOptions(
        max_seq_len=choices.pick((1, 2, 3, 4, 5, 6, 8)),
        causal=choices.pick((False, True)),
        passes=passes or tuple(_some(choices, _DRAWN, choices.number(0, len(_DRAWN)))),
        allocator=choices.pick(("cp-sat", "cp-sat", *SOLVERS)),
        reuse=choices.pick((True, True, True, False)),
        slack=(None, *(choices.pick((None, None, choices.number(0, 3))) for _ in range(3))),
        checks=checks,
    )


def _some(choices: Choices, names: Sequence[str], count: int) -> Iterator[str]:
    """So many different names, in any order."""
    left = list(names)
    for _ in range(count):
        yield left.pop(choices.number(0, len(left) - 1))


_UNFUSED = tuple(name for name in ALL if name != "cones")
"""Without cones programs have more layers, and what saves layers otherwise has more to do."""

CHECKS = ("allocators", "recompile", "rename", "longer", "batch", "read", "tokens")
"""Oracles that are asked of a share of the programs."""


def drawn_cases(count: int, number: int) -> list[Case]:
    """So many draws of a random generator, several times as fast, the same for the same number."""
    choices = RandomChoices(random.Random(f"shoal cases {number}"))
    return [write_case(choices) for _ in range(count)]


def random_cases(count: int, number: int) -> list[Case]:
    """So many draws, the same for the same number. Hypothesis repeats itself at times."""
    found: list[Case] = []

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found
