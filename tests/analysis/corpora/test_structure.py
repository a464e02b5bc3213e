"""Structure does not depend on names; families do not depend on functions."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.rasp.expressions import SOp
from shoal_analysis.corpora.drawing import draw_cases
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.corpora.structure import (
    constructs_of,
    family_of,
    main_construct,
    structure_of,
)
from shoal_analysis.fuzzing.cases import Line, build_lines, needed

OPTIONS = CorpusOptions(most_steps=8)


def program(text: str) -> SOp:
    lines = Line.parse(text)
    result = build_lines(lines)[lines[-1].name]
    assert isinstance(result, SOp)
    return result


def rewritten(lines: list[Line], seed: int) -> tuple[Line, ...]:
    """The same program under other names, its lines in another order that makes sense."""
    generator = random.Random(seed)
    left, done, order = list(lines), set(), []
    while left:
        ready = [line for line in left if all(u in done for u in line.uses if u in names(lines))]
        line = generator.choice(ready)
        left.remove(line)
        done.add(line.name)
        order.append(line)
    order.remove(lines[-1])
    order.append(lines[-1])
    numbers = generator.sample(range(100, 999), len(order))
    new = {line.name: f"{line.name[0]}{n}" for line, n in zip(order, numbers, strict=True)}
    text = "\n".join(f"{line.name} = {line.source}" for line in order)
    return Line.parse(re.sub(r"\b[sv]\d+\b", lambda name: new[name.group()], text))


def names(lines: list[Line]) -> set[str]:
    return {line.name for line in lines}


@settings(max_examples=25, deadline=None)
@given(number=st.integers(0, 50), seed=st.integers(0, 2**32))
def test_names_and_the_order_of_lines_do_not_count(number: int, seed: int) -> None:
    for case in draw_cases(OPTIONS, number, 2):
        lines = needed(case.lines)
        assert structure_of(rewritten(lines, seed)) == structure_of(case.lines)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("v0 = tokens == 'a'", "v0 = tokens == 'b'"),
        ("v0 = Map(add_one, indices)", "v0 = Map(negate, indices)"),
        ("v0 = indices + 1", "v0 = numerical(indices + 1)"),
        ("v0 = indices + tokens", "v0 = tokens + indices"),
    ],
)
def test_other_programs_have_another_structure(one: str, other: str) -> None:
    assert structure_of(Line.parse(one)) != structure_of(Line.parse(other))


def test_lines_that_are_said_twice_are_one() -> None:
    twice = "v0 = indices + 1\nv1 = indices + 1\nv2 = v0 * v1"
    assert structure_of(Line.parse(twice)) == structure_of(
        Line.parse("v0 = indices + 1\nv2 = v0 * v0")
    )


SAME_FAMILY = [
    ("v0 = Map(add_one, indices)", "v0 = Map(negate, indices)"),
    ("v0 = indices + 1", "v0 = Map(add_one, indices)\nv1 = 2 * v0"),
    ("v0 = indices + 1", "v0 = numerical(indices + 2)"),
    ("v0 = indices + tokens", "v0 = SequenceMap(pair, tokens, indices)"),
    ("v0 = indices + tokens", "v0 = LinearSequenceMap(indices, tokens, 2, 3)"),
    ("v0 = indices + indices", "v0 = indices * 3"),
    ("v0 = Full(1)\nv1 = v0 + indices", "v0 = indices + 1"),
    (
        "s0 = Select(tokens, tokens, Comparison.EQ)\nv1 = SelectorWidth(s0)",
        "s0 = Select(tokens, tokens, Comparison.NEQ)\ns1 = ~s0\nv2 = SelectorWidth(s1)",
    ),
    (
        "s0 = Select(tokens, indices, Comparison.EQ)\nv1 = Aggregate(s0, tokens)",
        "s0 = Select(tokens, indices, Comparison.EQ)\nv1 = Aggregate(s0, tokens, default='a')",
    ),
]

OTHER_FAMILY = [
    ("v0 = indices + 1", "v0 = tokens == 'a'"),
    ("v0 = indices + 1", "v0 = indices + tokens"),
    (
        "s0 = Select(tokens, indices, Comparison.EQ)\nv1 = SelectorWidth(s0)",
        "s0 = Select(indices, tokens, Comparison.EQ)\nv1 = SelectorWidth(s0)",
    ),
    (
        "s0 = Select(tokens, tokens, Comparison.EQ)\nv1 = SelectorWidth(s0)",
        "s0 = Select(tokens, tokens, Comparison.EQ)\nv1 = Aggregate(s0, tokens)",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME_FAMILY)
def test_a_family_forgets_what_functions_are(one: str, other: str) -> None:
    assert family_of(program(one)) == family_of(program(other))


@pytest.mark.parametrize(("one", "other"), OTHER_FAMILY)
def test_a_family_keeps_what_reads_what(one: str, other: str) -> None:
    assert family_of(program(one)) != family_of(program(other))


def test_constructs_are_named_and_the_hardest_decides() -> None:
    text = "s0 = Select(tokens, tokens, Comparison.EQ)\nv1 = SelectorWidth(s0)\nv2 = v1 + 1"
    assert constructs_of(program(text)) == ("elementwise", "select", "tokens", "width")
    assert main_construct(constructs_of(program(text))) == "width"
    assert "numerical" in constructs_of(program("v0 = numerical(indices + 1)"))
    both = text.replace("v1 = SelectorWidth(s0)", "s3 = ~s0\nv1 = SelectorWidth(s3)")
    assert main_construct(constructs_of(program(both))) == "selector algebra"
    assert main_construct(constructs_of(program("v0 = indices + 1"))) == "elementwise"
