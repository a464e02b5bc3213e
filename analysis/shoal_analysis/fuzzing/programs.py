"""Hypothesis strategies for typed RASP programs, vocabularies and compile options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from shoal.errors import EvaluationError
from shoal.options import ALL, PASS_NAMES
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import Value
from shoal_analysis.fuzzing.cases import Case, CaseOptions, Line, build_lines, needed
from shoal_solvers import SOLVERS

T = TypeVar("T")

NUMBER, BOOL, TEXT, SETS, ANY = "number", "bool", "text", "sets", "any"

_VOCABS: tuple[tuple[str, tuple[Value, ...]], ...] = (
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
_COMPARISONS = ("EQ", "NEQ", "LT", "LEQ", "GT", "GEQ", "TRUE", "FALSE")
_NUMBER_PREDICATES = ("follows", "precedes", "key_is_positive", "sum_is_even")


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

    def __init__(self, draw: Any, vocab_kind: str) -> None:
        self._draw = draw
        self.lines: list[Line] = []
        self.values = [_Value("tokens", vocab_kind), _Value("indices", NUMBER)]
        self.selectors: list[str] = []

    def pick(self, choices: Any) -> Any:
        return self._draw(st.sampled_from(choices))

    def chance(self, percent: int) -> bool:
        """True with a probability; shrinks to False."""
        return bool(self._draw(st.integers(0, 99)) >= 100 - percent)

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


_STEPS = (
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
_STEP_CHOICES = tuple(step for step, weight in _STEPS for _ in range(weight))


@st.composite
def cases(draw: Any, most_steps: int = 14) -> Case:
    """Cases whose results are rarely constant, None or independent of the input."""
    vocab_kind, vocab = draw(st.sampled_from(_VOCABS))
    writer = _Writer(draw, vocab_kind)
    for _ in range(draw(st.integers(2, most_steps))):
        draw(st.sampled_from(_STEP_CHOICES))(writer)
    if writer.chance(30):
        writer.decision()
    options = draw(case_options())
    seed = draw(st.integers(0, 999))
    case = Case(tuple(writer.lines), vocab, options, seed)
    return _with_interesting_result(case, [v.name for v in writer.values[2:]])


def _with_interesting_result(case: Case, names: list[str]) -> Case:
    """The case cut down to the largest part whose result depends on the input, if any."""
    expressions = build_lines(case.lines)
    probes = case.inputs()[-5:]
    parts = {name: _part(case, name) for name in names}
    for name in sorted(names, key=lambda name: -len(parts[name].lines)):
        results: set[str] = set()
        for probe in probes:
            try:
                value = evaluate_all(expressions[name], probe, causal=case.options.causal)
            except EvaluationError:
                continue
            results.update(map(repr, value[id(expressions[name])]))
        if len(results) > 1:
            return parts[name]
    return parts[names[-1]]


def _part(case: Case, name: str) -> Case:
    """The program that results in one of a case's lines."""
    position = [line.name for line in case.lines].index(name)
    lines = needed(case.lines[: position + 1])
    return replace(case, lines=tuple(lines))


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
