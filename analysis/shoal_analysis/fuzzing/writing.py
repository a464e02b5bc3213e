"""Typed RASP programs, written line by line by whatever makes the choices."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shoal.rasp.values import Value
from shoal_analysis.fuzzing.cases import Line

NUMBER, BOOL, TEXT, SETS, ANY = "number", "bool", "text", "sets", "any"

VOCABS: tuple[tuple[str, tuple[Value, ...]], ...] = (
    (TEXT, ("a", "b", "c")),
    (NUMBER, (0, 1, 2, 3)),
    (NUMBER, (-2, 1, 5)),
    (NUMBER, (0.5, 1.5, -1.0)),
    (NUMBER, (0, 1.0, 2.5)),
    (BOOL, (False, True)),
    (NUMBER, (True, 2, 3)),
    (ANY, (1, "a", 2.5)),
    (ANY, ((0, 1), (1, 0), "x")),
    (ANY, (True, 1.5, "b", 0)),
    (TEXT, ("only",)),
    (NUMBER, tuple(range(12))),
    (TEXT, tuple(f"t{i}" for i in range(20))),
    (NUMBER, (10, 1000, -1000)),
    (NUMBER, (2**53 + 1, 3, 7)),
    (NUMBER, (2**53, 2**53 + 1, 10**30)),
    (NUMBER, (0.0, -0.0, 1)),
    (NUMBER, (1, 1.0, True)),
    (NUMBER, (1e-30, 1.0, -2)),
    (NUMBER, (1e30, 2, -1e30)),
    (NUMBER, (1e39, 1)),
    (SETS, (frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 2}))),
)
"""Ordinary tokens, and such that floats, float32 or an order have trouble with."""

_NUMBER_TO_NUMBER = (
    "add_one",
    "negate",
    "double",
    "half",
    "square",
    "mod_three",
    "clip",
    "rounded",
    "none_if_negative",
    "none_if_odd",
    "reciprocal",
    "shifted_far",
    "shifted_beyond_floats",
    "tiny",
    "as_float",
    "zero_below_zero",
)
_NUMBER_TO_BOOL = ("is_positive", "is_even", "has_sign")
_PAIR_TO_NUMBER = ("larger", "distance", "weighted", "quotient")
_PLACES = (
    "Map(one_before, indices)",
    "Map(half_way, indices)",
    "SequenceMap(opposite, indices, length)",
    "SequenceMap(one_after, indices, length)",
    "length - 1",
)
"""Positions that index and length determine."""
_COMPARISONS = ("EQ", "NEQ", "LT", "LEQ", "GT", "GEQ", "TRUE", "FALSE")
_NUMBER_PREDICATES = ("follows", "precedes", "key_is_positive", "sum_is_even")


class Choices(Protocol):
    """What decides how a program goes on: Hypothesis, or a random generator."""

    def pick(self, choices: Sequence[Any]) -> Any:
        """One of several; the first is the simplest."""

    def number(self, low: int, high: int) -> int:
        """A number from low to high; the lowest is the simplest."""


class RandomChoices:
    """Choices of a random generator, each as likely as the others."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def pick(self, choices: Sequence[Any]) -> Any:
        """One of several."""
        return choices[self._generator.randrange(len(choices))]

    def number(self, low: int, high: int) -> int:
        """A number from low to high."""
        return self._generator.randint(low, high)


@dataclass(frozen=True)
class _Value:
    """An s-op that has been written: its name and the type of its values."""

    name: str
    kind: str

    @property
    def is_number(self) -> bool:
        return self.kind in (NUMBER, BOOL)


class _Writer:
    """Writes one program line by line."""

    def __init__(self, choices: Choices, vocab_kind: str) -> None:
        self._choices = choices
        self.lines: list[Line] = []
        self.values = [_Value("tokens", vocab_kind), _Value("indices", NUMBER)]
        self.selectors: list[str] = []

    def pick(self, choices: Any) -> Any:
        """One of several."""
        return self._choices.pick(choices)

    def chance(self, percent: int) -> bool:
        """True with a probability; shrinks to False."""
        return self._choices.number(0, 99) >= 100 - percent

    def value(self, number: bool = False) -> _Value:
        """A value written earlier, the later ones more often."""
        choices = [v for v in self.values if v.is_number or not number]
        chosen: _Value = self.pick(choices[-3:] if self.chance(70) else choices)
        return chosen

    def add(self, source: str, kind: str, *uses: str) -> None:
        name = f"v{len(self.lines)}"
        if kind in (NUMBER, BOOL) and self.chance(20):
            source = f"numerical({source})"
        if self.chance(5):
            source = f"keep({source})"
        self.lines.append(Line(name, source, uses))
        self.values.append(_Value(name, kind))

    def selector(self) -> str:
        """The name of a selector: an old one, a new select, or a combination."""
        if self.selectors and self.chance(15):
            return str(self.pick(self.selectors))
        name = self._select()
        for _ in range(3):
            if not self.chance(30):
                break
            if self.chance(40):
                name = self._add_selector(f"~{name}", name)
            else:
                other = self._select()
                operator = self.pick(("&", "|"))
                name = self._add_selector(f"{name} {operator} {other}", name, other)
        return name

    def _add_selector(self, source: str, *uses: str) -> str:
        name = f"s{len(self.lines)}"
        self.lines.append(Line(name, source, uses))
        self.selectors.append(name)
        return name

    def _select(self) -> str:
        key, query = self.value(), self.value()
        if key.is_number and query.is_number and self.chance(20):
            predicate = self.pick(_NUMBER_PREDICATES)
        elif self.chance(5):
            predicate = "same_kind"
        else:
            same = key.kind == query.kind and key.kind in (TEXT, SETS)  # sets are ordered partially
            ordered = (key.is_number and query.is_number) or same
            predicate = "Comparison." + self.pick(
                _COMPARISONS if ordered else ("EQ", "NEQ", "TRUE", "FALSE")
            )
        source = f"Select({key.name}, {query.name}, {predicate})"
        return self._add_selector(source, key.name, query.name)

    def map(self) -> None:
        x = self.value()
        if x.is_number and self.chance(60):
            name, kind = self.pick(
                [(f, NUMBER) for f in _NUMBER_TO_NUMBER] + [(f, BOOL) for f in _NUMBER_TO_BOOL]
            )
        else:
            name, kind = self.pick(
                [
                    ("as_number", NUMBER if x.kind != ANY else ANY),
                    ("as_text", TEXT),
                    ("kind_of", TEXT),
                    ("always_seven", NUMBER),
                ]
            )
        self.add(f"Map({name}, {x.name})", kind, x.name)

    def constant_operator(self) -> None:
        x = self.value()
        if x.is_number:
            symbol, kind = self.pick(
                [("+", NUMBER), ("-", NUMBER), ("*", NUMBER), ("<", BOOL), (">=", BOOL)]
            )
            constant = self.pick((0, 1, 2, -1, 0.5))
            if self.chance(10):
                constant = self.pick((-0.0, 1.0, 2**53 + 1, 1e-30, 1e30, True))
            if self.chance(30) and kind == NUMBER:
                self.add(f"{constant} {symbol} {x.name}", kind, x.name)
                return
        else:
            symbol, kind, constant = self.pick(("==", "!=")), BOOL, self.pick(("a", "b", 1))
        self.add(f"{x.name} {symbol} {constant!r}", kind, x.name)

    def sequence_map(self) -> None:
        if self.chance(60):
            x, y = self.value(number=True), self.value(number=True)
            if self.chance(50):
                symbol, kind = self.pick(
                    [("+", NUMBER), ("-", NUMBER), ("*", NUMBER), ("==", BOOL), ("<", BOOL)]
                )
                self.add(f"{x.name} {symbol} {y.name}", kind, x.name, y.name)
                return
            name, kind = self.pick([(f, NUMBER) for f in _PAIR_TO_NUMBER] + [("less", BOOL)])
        else:
            x, y = self.value(), self.value()
            both = x.kind if x.kind == y.kind else ANY
            name, kind = self.pick(
                [
                    ("first_of", x.kind),
                    ("second_of", y.kind),
                    ("pair", ANY),
                    ("equal", BOOL),
                    ("either", both),
                    ("none_if_equal", x.kind),
                    ("set_of", SETS),
                ]
            )
        self.add(f"SequenceMap({name}, {x.name}, {y.name})", kind, x.name, y.name)

    def linear(self) -> None:
        x, y = self.value(number=True), self.value(number=True)
        first, second = self.pick((1, 2, -1, 0.5)), self.pick((1, -1, 3, -0.5))
        self.add(
            f"LinearSequenceMap({x.name}, {y.name}, {first}, {second})", NUMBER, x.name, y.name
        )

    def width(self) -> None:
        selector = self.selector()
        self.add(f"SelectorWidth({selector})", NUMBER, selector)

    def rank(self) -> None:
        """How many keys of two values each come before this one, which can be split."""
        x, y = self.value(number=True), self.pick(("tokens", "indices"))
        if y == "tokens" and not self.values[0].is_number:
            y = "indices"
        self.add(f"SequenceMap(far_apart, {x.name}, {y})", NUMBER, x.name)
        key = self.values[-1].name
        comparison = self.pick(("LT", "LEQ", "GT", "EQ"))
        selector = self._add_selector(f"Select({key}, {key}, Comparison.{comparison})", key)
        self.add(f"SelectorWidth({selector})", NUMBER, selector)

    def aggregate(self) -> None:
        self._aggregate(self.selector(), self.value())

    def two_aggregates(self) -> None:
        """Two by one selector, which can share a head, and what reads both."""
        selector, operands = self.selector(), (self.value(), self.value())
        for operand in operands:
            self._aggregate(selector, operand)
        x, y = self.values[-2:]
        if x.is_number and y.is_number and self.chance(50):
            self.add(f"{x.name} - {y.name}", NUMBER, x.name, y.name)
        else:
            self.add(f"SequenceMap(pair, {x.name}, {y.name})", ANY, x.name, y.name)

    def _aggregate(self, selector: str, x: _Value) -> None:
        if not self.chance(50):
            kind = NUMBER if x.kind == BOOL else x.kind  # a mean of bools
            self.add(f"Aggregate({selector}, {x.name})", kind, selector, x.name)
            return
        default = self.pick((0, 1, -1, 0.5, "a", False))
        same_kind = x.kind == TEXT if isinstance(default, str) else x.is_number
        kind = ANY if not same_kind else NUMBER if x.kind == BOOL else x.kind
        self.add(f"Aggregate({selector}, {x.name}, default={default!r})", kind, selector, x.name)

    def decision(self) -> None:
        """Whether both, or either, of two things are so where a selector looks."""
        for _ in range(2):
            x = self.value(number=True)
            source = self.pick((f"{x.name} > 0", f"{x.name} < 1", f"{x.name} >= 0.5"))
            self.add(source, BOOL, x.name)
        x, y = self.values[-2:]
        self.add(f"{x.name} {self.pick(('&', '|'))} {y.name}", BOOL, x.name, y.name)
        decided = self.values[-1]
        self._aggregate(self.selector(), decided)
        mean = self.values[-1]
        question = self.pick(("== 0", "== 1", "> 0", "< 1"))
        self.add(f"{mean.name} {question}", BOOL, mean.name)

    def gathers(self) -> None:
        """What was fetched from a known place is fetched again, or something that it is part of."""
        x = self.value()
        for _ in range(2):
            place = self.pick(_PLACES)
            self.add(place, NUMBER)
            query = self.values[-1].name
            selector = self._add_selector(f"Select(indices, {query}, Comparison.EQ)", query)
            self._aggregate(selector, x)
            x = self.values[-1]
            if self.chance(40):
                self.add(f"SequenceMap(pair, {x.name}, tokens)", ANY, x.name)
                x = self.values[-1]

    def alike(self) -> None:
        """Values that equal keys may share are averaged over these."""
        x = self.value()
        same = self._add_selector(f"Select({x.name}, {x.name}, Comparison.EQ)", x.name)
        source, *uses = self.pick(
            ((f"SelectorWidth({same})", same), ("length + 0",), (f"{x.name} == 1", x.name))
        )
        self.add(source, NUMBER, *uses)
        selector = same
        if self.chance(50):
            other = self._select()
            selector = self._add_selector(f"{same} & {other}", same, other)
        self._aggregate(selector, self.pick((self.values[-1], x)))

    def constant(self) -> None:
        source, kind = self.pick(
            [("Full(1)", NUMBER), ("Full('a')", TEXT), ("Full(True)", BOOL), ("Full(-0.0)", NUMBER)]
            + [("length", NUMBER)] * 3
        )
        self.add(source if source != "length" else "length + 0", kind)

    def recoded(self) -> None:
        x = self.value(number=True)
        if x.name in ("tokens", "indices") or self.chance(50):
            self.add(f"numerical({x.name})", x.kind, x.name)
        else:
            self.add(f"categorical({x.name})", x.kind, x.name)


STEPS = (
    (_Writer.map, 3),
    (_Writer.constant_operator, 2),
    (_Writer.sequence_map, 4),
    (_Writer.linear, 1),
    (_Writer.width, 3),
    (_Writer.aggregate, 5),
    (_Writer.two_aggregates, 1),
    (_Writer.rank, 1),
    (_Writer.constant, 1),
    (_Writer.recoded, 2),
)
STEP_CHOICES = tuple(step for step, weight in STEPS for _ in range(weight))


def write_lines(
    choices: Choices,
    vocab_kind: str,
    most_steps: int,
) -> tuple[tuple[Line, ...], list[str]]:
    """A program, and the names of its s-ops."""
    writer = _Writer(choices, vocab_kind)
    for _ in range(choices.number(2, most_steps)):
        choices.pick(STEP_CHOICES)(writer)
    if writer.chance(30):
        writer.decision()
    elif writer.chance(25):
        writer.gathers()
    elif writer.chance(15):
        writer.alike()
    return tuple(writer.lines), [v.name for v in writer.values[2:]]
