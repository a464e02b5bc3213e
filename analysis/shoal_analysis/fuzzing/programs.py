"""Hypothesis strategies for typed RASP programs, vocabularies and compile options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from shoal.options import ALL, PASS_NAMES
from shoal_analysis.fuzzing.cases import Case, CaseOptions
from shoal_analysis.fuzzing.interesting import with_interesting_result
from shoal_analysis.fuzzing.writing import VOCABS, write_lines
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
    choices = _Drawn(draw)
    vocab_kind, vocab = choices.pick(VOCABS)
    lines, names = write_lines(choices, vocab_kind, most_steps)
    options = draw(case_options())
    seed = draw(st.integers(0, 999))
    return with_interesting_result(Case(lines, vocab, options, seed), names)


@st.composite
def case_options(draw: Any) -> CaseOptions:
    """Compile options, budgets and further oracles."""
    some_passes = st.lists(st.sampled_from(PASS_NAMES), unique=True).map(tuple)
    slack = st.one_of(st.none(), st.none(), st.integers(0, 3))
    return CaseOptions(
        max_seq_len=draw(st.sampled_from((1, 2, 3, 4, 5, 6, 8))),
        causal=draw(st.booleans()),
        passes=draw(st.one_of(st.sampled_from(("all", "none", _UNFUSED)), some_passes)),
        allocator=draw(st.sampled_from(("cp-sat", "cp-sat", *SOLVERS))),
        reuse=draw(st.sampled_from((True, True, True, False))),
        slack=(None, draw(slack), draw(slack), draw(slack)),
        checks=draw(st.lists(st.sampled_from(CHECKS), unique=True, max_size=2).map(tuple)),
    )


_UNFUSED = tuple(name for name in ALL if name != "cones")
"""Without cones programs have more layers, and what saves layers otherwise has more to do."""

CHECKS = ("allocators", "recompile", "rename", "longer", "batch", "read", "tokens")
"""Oracles that are asked of a share of the programs."""


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
