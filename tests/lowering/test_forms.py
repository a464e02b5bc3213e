"""Every form keeps its contract, and one that nobody knows of is read rightly by all readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import shoal
from shoal.errors import Refusal
from shoal.forms.form import Form, Misfit, Ranges, with_none
from shoal.forms.mixture import Mixture
from shoal.forms.reciprocal import Reciprocal
from shoal.forms.registry import FORMS
from shoal.limits import Limits
from shoal.program.facts.domains import Domain, Enumerated, Interval, domain_of
from shoal.rasp import (
    Aggregate,
    Comparison,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    annotate,
    indices,
    keep,
    numerical,
    tokens,
)
from shoal.rasp.expressions import RASPExpr
from shoal_analysis.fuzzing.oracles import LIMITS
from tests.program.passes.test_passes import with_parts
from tests.program.programs import LONGEST, VOCAB, s_ops
from tests.support import accepted, agree, all_sequences, defined, refused, right

NUMBERS = st.sets(st.integers(-5, 9) | st.integers(-9, 9).map(lambda n: n / 4), max_size=6)
WORDS = st.sets(st.sampled_from("abcdefg"), max_size=6)
DOMAINS = st.builds(
    lambda values, nullable: domain_of(([v] for v in values), nullable),
    NUMBERS | WORDS,
    st.booleans(),
)


@dataclass(frozen=True)
class Ternary(Form):
    """Digits to the base 3, the highest one first: a form that the compiler does not have."""

    name: ClassVar[str] = "ternary"

    def misfit(self, domain: Domain, limits: Limits) -> Misfit | None:
        return None if isinstance(domain, Enumerated) else Misfit("is no list", "shorten it")

    def parts(self, domain: Domain) -> tuple[str, ...]:
        assert isinstance(domain, Enumerated)
        digits = 1
        while 3**digits < len(domain) + domain.nullable:
            digits += 1
        return tuple(f"digit {digit}" for digit in range(digits))

    def ranges(self, domain: Domain) -> Ranges:
        return Ranges(np.zeros(len(self.parts(domain)), dtype=bool), 2.0, step=1.0)

    def codes(self, domain: Enumerated) -> np.ndarray:
        numbers = np.arange(len(domain)) + domain.nullable
        digits = 3 ** np.arange(len(self.parts(domain)))[::-1]
        return ((numbers[:, None] // digits) % 3).astype(float)

    def line(self, domain: Domain, points: np.ndarray) -> np.ndarray:
        return 3.0 ** np.arange(points.shape[1])[::-1]


@pytest.fixture
def ternary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMS, "ternary", Ternary())


def forms() -> st.SearchStrategy[Callable[[Enumerated], Form]]:
    known = [*FORMS.values(), Ternary(), Reciprocal()]
    plain = st.sampled_from(known).map(lambda form: lambda domain: form)
    return plain | st.just(lambda domain: Mixture(replace(domain, nullable=False)))


@settings(deadline=None)
@given(forms(), DOMAINS, st.integers(0, 2**32 - 1))
def test_forms_keep_their_contract(
    make: Callable[[Enumerated], Form], domain: Enumerated, seed: int
) -> None:
    form = make(domain)
    assume(form.misfit(domain, Limits()) is None and len(domain))
    parts, ranges, codes = form.parts(domain), form.ranges(domain), form.codes(domain)
    assert len(set(parts)) == len(parts) == len(ranges.signed)
    points = with_none(codes, domain.nullable)
    assert len(np.unique(points, axis=0)) == len(points)  # None is no class
    matrix, bias = form.coordinates(domain)
    assert matrix.shape == (len(parts), codes.shape[1])
    if not isinstance(form, Mixture):  # what lies in the stream is what is read
        assert (np.abs(codes) <= ranges.largest).all()
        assert (ranges.signed | (codes >= 0).all(axis=0)).all()
        assert not ranges.step or (codes % ranges.step == 0).all()
        assert not ranges.picks_one or ((codes != 0).sum(axis=1) <= 1).all()
    assert not bias.any()
    assert not form.picks_one or (codes == np.eye(len(domain))).all()
    read = form.indicators(domain)
    if read is not None:
        wanted = with_none(np.eye(len(domain)), domain.nullable)
        assert np.allclose(points @ read[0] + read[1], wanted, atol=1e-9)
    read = form.numbers(domain) if domain.are_numbers else None
    if read is not None:
        numbers = np.array([[float(v), 1.0][: 1 + domain.nullable] for v in domain.values])
        wanted = with_none(numbers, domain.nullable)
        assert np.allclose(points @ read[0] + read[1], wanted, atol=1e-9)
    line = points @ form.line(domain, points)
    assert len(np.unique(line)) == len(points), line
    room = form.room(domain)
    assert room > 0
    noise = np.random.default_rng(seed).uniform(-0.99, 0.99, points.shape) * room
    distance = ((points[:, None] - (points + noise)[None]) ** 2).sum(axis=2)
    assert (distance.argmin(axis=0) == np.arange(len(points))).all()


def test_a_form_holds_what_it_can() -> None:
    many = domain_of([n] for n in range(5000))
    misfit = FORMS["one-hot"].misfit(many, Limits())
    assert misfit is not None
    assert "5,000 different values" in misfit.reason
    assert FORMS["binary"].misfit(many, Limits()) is None
    assert len(FORMS["binary"].parts(many)) == 13
    for name in ("one-hot", "binary"):
        assert FORMS[name].misfit(Interval(0, 1), Limits()) is not None
    assert FORMS["scalar"].misfit(domain_of([["a"]]), Limits()) is not None


def held(sop: SOp, form: str) -> SOp:
    return annotate(sop, form=form)


def readers(form: str) -> dict[str, SOp]:
    """Programs whose s-op in a form is read by one kind of reader each."""
    number = held(Map(lambda t: "abcd".index(t) + 1, tokens), form)
    letter = held(tokens, form)
    place = held(indices, form)
    before = Select(indices, indices, Comparison.LT)
    near = Select(indices, indices, lambda key, query: key == query - 1)
    return {
        "map": Map(lambda n: n * n % 3, number),
        "sequence map": SequenceMap(lambda n, t: f"{n}{t}", number, letter),
        "sequence map of one": SequenceMap(lambda n, i: n * 10 + i, number, indices),
        "linear map": numerical(LinearSequenceMap(number, place, 2, -1)),
        "categorical linear map": LinearSequenceMap(number, place, 2, -1),
        "key": Aggregate(Select(number, indices, Comparison.EQ), indices, default=9),
        "query": Aggregate(Select(indices, number, Comparison.LEQ), indices, default=9),
        "key and query": SelectorWidth(Select(letter, letter, Comparison.EQ)),
        "keys of two selectors": SelectorWidth(
            Select(letter, letter, Comparison.EQ) & Select(place, number, Comparison.NEQ)
        ),
        "width": Map(lambda n: n % 2, held(SelectorWidth(before), form)),
        "copy": Aggregate(near, number, default=7),
        "copy of a letter": Aggregate(near, letter, default="z"),
        "copy with None": Aggregate(near, letter),
        "copy in the form": held(Aggregate(near, letter), form),
        "copy in the form of what is in it": Map(str, held(Aggregate(near, letter, "d"), form)),
        "mean": numerical(Aggregate(before, number, default=0)),
        "categorical mean": Aggregate(before, number),
        "mean in the form": Map(lambda x: x > 2, held(Aggregate(before, number), form)),
        "result": held(Map(lambda n: n * n, number), form),
        "constant": held(Map(lambda n: "same", number), form),
    }


@pytest.mark.slow
@pytest.mark.usefixtures("ternary")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("passes", ["none", "all"])
@pytest.mark.parametrize("form", ["ternary", "binary"])
@pytest.mark.parametrize("reader", readers("binary"))
def test_every_reader_reads_a_form_rightly(
    reader: str, form: str, passes: str, causal: bool
) -> None:
    program = readers(form)[reader]
    right(program, vocab=list("abcd"), max_seq_len=3, passes=passes, causal=causal)


@pytest.mark.slow
@pytest.mark.usefixtures("ternary")
@settings(max_examples=150, deadline=None)
@given(s_ops(), st.data(), st.sampled_from(["none", "all", ("all", "binary"), ("binary",)]))
def test_random_programs_in_random_forms(
    program: SOp, data: st.DataObject, passes: str | tuple[str, ...]
) -> None:
    def wish(part: RASPExpr) -> RASPExpr:
        form = data.draw(st.sampled_from([None, "ternary", "binary"]))
        plain = isinstance(part, SOp) and "encoding" not in part.annotations
        return annotate(part, form=form) if form and plain else part

    program = with_parts(program, wish)
    expected = defined(program, all_sequences(VOCAB, LONGEST), False)
    model = accepted(program, vocab=VOCAB, max_seq_len=LONGEST, passes=passes, limits=LIMITS)
    for backend in ("craft", "numpy"):
        results = model.run_batch([xs for xs, _ in expected], backend)
        for (xs, wanted), result in zip(expected, results, strict=True):
            assert agree(program, wanted, result), (backend, xs)


def copied_pair() -> SOp:
    """A pair that has 8 x 6 values, copied, which then meets the token."""
    pair = SequenceMap(lambda t, i: (t, i), tokens, indices).named("pair")
    other = Select(indices, indices, lambda key, query: (key + 1) % 6 == query)
    copy = Aggregate(other, pair, default=("none", 0)).named("copy")
    return SequenceMap(lambda c, t: (ord(c[0][0]) * 7 + c[1] * 5 + ord(t)) % 11, copy, tokens)


def encodings(model: shoal.Model) -> set[str]:
    return {info.encoding for info in model.variables.values() if info.is_materialised}


def test_the_allocator_chooses_the_form() -> None:
    options = {
        "vocab": list("abcd"),
        "max_seq_len": 6,
        "limits": Limits(fused_neurons=5000),
        "passes": ("binary",),
    }
    plain = shoal.compile(copied_pair(), **{**options, "passes": ()})
    free = shoal.compile(copied_pair(), **options)
    narrow = shoal.Budgets(max_width=plain.d_model // 2)
    few = shoal.Budgets(max_neurons=plain.mlp_hidden_size)
    by_width = shoal.compile(copied_pair(), **options, budget=narrow)
    by_neurons = shoal.compile(copied_pair(), **options, budget=few)
    assert "binary" in encodings(by_width)
    assert by_width.d_model <= plain.d_model // 2
    assert by_width.mlp_hidden_size > plain.mlp_hidden_size
    assert by_neurons.mlp_hidden_size <= plain.mlp_hidden_size
    assert "one-hot" in encodings(by_neurons)
    assert by_neurons.d_model > by_width.d_model
    for model in (plain, free, by_width, by_neurons):
        assert model.allocated.proven
        assert model.num_layers == plain.num_layers
        for xs in ("abcdab", "aab", "d"):
            assert model.run(list(xs)) == copied_pair()(list(xs))
            assert model.read("copy", list(xs))[-1] == copied_pair().fst(list(xs))[-1]


def test_what_is_kept_is_kept_as_it_is_wished() -> None:
    program = keep(SequenceMap(lambda t, i: (t, i), tokens, indices).named("pair"))
    model = shoal.compile(program, vocab=list("abcd"), max_seq_len=4, passes=("binary",))
    assert model.variables["pair"].encoding == "one-hot"
    assert model.run(["b"]) == [("b", 0)]


def test_wishes_that_cannot_be_met_are_refused() -> None:
    error = refused(
        Refusal.UNKNOWN_FORM, annotate(tokens, form="runes"), vocab=["a", "b"], expression="tokens"
    )
    assert "one-hot, scalar, binary" in error.advice
    error = refused(Refusal.WRONG_FORM, annotate(tokens, form="scalar"), vocab=[1, 2])
    assert "annotate it with rasp.numerical" in error.advice
    both = LinearSequenceMap(tokens, indices, 1, 1)
    for number in (tokens, both, Aggregate(Select(tokens, tokens, Comparison.EQ), tokens)):
        for form in ("binary", "one-hot"):
            program = Map(lambda x: x % 2, held(numerical(number), form))
            for passes in ("none", "all"):
                error = refused(Refusal.WRONG_FORM, program, vocab=[0, 1], passes=passes)
                assert "drop rasp.numerical" in error.advice
    with pytest.raises(shoal.ProgramError, match="the form of 'tokens' is 5"):
        shoal.compile(annotate(tokens, form=5), vocab=["a", "b"], max_seq_len=2)
