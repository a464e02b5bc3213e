"""Aggregates by one selector in one half-layer are one head, and give what they gave before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import shoal
from shoal.craft.components import Head
from shoal.lowering.rules.registry import OPTIONAL
from shoal.options import ALL
from shoal.program.trace import trace_with_expressions
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    Selector,
    SelectorWidth,
    SequenceMap,
    SOp,
    evaluate_all,
    indices,
    keep,
    numerical,
    tokens,
)
from shoal.rasp.stock import STOCK
from shoal_analysis.fuzzing.oracles import LIMITS
from tests.support import agree, all_sequences, defined

VOCAB = (0, 1, 3)
EARLIER = Select(indices, indices, Comparison.LT)
SAME = Select(tokens, tokens, Comparison.EQ)
SELECTORS = [
    EARLIER,
    SAME,
    Select(indices, indices, lambda key, query: key + 1 == query),
    Select(tokens, indices, Comparison.GT),
    EARLIER & SAME,
    EARLIER | SAME,  # no single bilinear form: keys and queries are joined to tuples first
    ~(EARLIER & SAME),
    Select(tokens, tokens, Comparison.FALSE),
]
OPERANDS = [
    tokens,
    indices,
    tokens == 1,
    Map(lambda x: None if x == 1 else x, tokens),
    Map({0: "zero", 1: "one", 3: "three"}.get, tokens),
    numerical(tokens),
    numerical(Map(lambda x: 2 * x - 3, tokens)),
    LinearSequenceMap(numerical(tokens), numerical(indices), 1, -2),
    numerical(Map(lambda x: None if x == 1 else x, tokens)),
]
WITHOUT = tuple(name for name in ALL if name != "shared-heads")


def is_near(wanted: list[object], read: list[object]) -> bool:
    """Whether numbers are the same but for rounding: a mean that is 0 may be read as 1e-17."""
    pairs = list(zip(wanted, read, strict=True))
    numbers = all(isinstance(x, int | float) for pair in pairs for x in pair)
    return numbers and all(abs(one - other) <= 1e-9 for one, other in pairs)  # type: ignore[operator]


@st.composite
def several_aggregates(draw: st.DrawFn) -> SOp:
    """Aggregates by one or two selectors, of inputs and of each other, all kept to the end."""
    selectors = draw(st.lists(st.sampled_from(SELECTORS), min_size=1, max_size=2, unique_by=id))
    made: list[SOp] = []
    for number in range(draw(st.integers(2, 4))):
        operand = draw(st.sampled_from([*OPERANDS, *made]))
        default = draw(st.sampled_from([None, 0, 2, -1.5, "none"]))
        average: SOp = Aggregate(draw(st.sampled_from(selectors)), operand, default)
        if draw(st.booleans()) and default != "none":
            average = numerical(average)
        made.append(keep(average.named(f"average {number}")))
    if draw(st.booleans()):
        made.append(keep(SelectorWidth(selectors[0]).named("width")))
    result: SOp = Full(True)
    for value in made:  # reaches all of them
        result = SequenceMap(lambda _, other: other is not None, value, result)
    return result


def compiled(program: SOp, causal: bool, passes: object = "all") -> shoal.Model:
    return shoal.compile(
        program,
        vocab=VOCAB,
        max_seq_len=3,
        causal=causal,
        passes=passes,  # type: ignore[arg-type]
        limits=LIMITS,
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(several_aggregates(), st.booleans(), st.booleans())
def test_aggregates_give_the_same_alone_and_with_shared_heads(
    program: SOp, causal: bool, others: bool
) -> None:
    expected = defined(program, all_sequences(VOCAB, 3), causal)
    try:
        apart = compiled(program, causal, WITHOUT if others else "none")
        together = compiled(program, causal, "all" if others else "shared-heads")
    except shoal.UnsupportedProgramError:
        reject()
    for backend in ("craft", "numpy"):
        for model in (apart, together):
            results = model.run_batch([xs for xs, _ in expected], backend)
            for (xs, wanted), result in zip(expected, results, strict=True):
                assert agree(program, wanted, result), (backend, xs)
    expressions = trace_with_expressions(program, causal=causal).expressions
    for xs, _ in expected[-9:]:
        values = evaluate_all(program, xs, causal=causal)
        for node in together.lowered.inferred.program:
            if node.is_sop and node.label.startswith("average"):
                expression = expressions[node.id]
                wanted = values.get(id(expression))  # equal expressions may be merged
                if wanted is None:
                    continue
                read = together.read(node.label, xs)
                assert is_near(wanted, read) or agree(expression, wanted, read), (node.label, xs)
    costs = together.allocated.costs
    assert costs.layers == apart.num_layers
    heads = [[c for c in half if isinstance(c, Head)] for half in together.craft.half_layers]
    assert max(map(len, heads), default=0) == costs.heads


@pytest.mark.parametrize("causal", [False, True])
def test_one_selector_takes_one_head(causal: bool) -> None:
    stock = STOCK["pair_balance"]
    program = stock.make(stock.max_seq_len)
    models = [
        shoal.compile(program, vocab=stock.vocab, max_seq_len=10, causal=causal, passes=passes)
        for passes in (WITHOUT, "all")
    ]
    assert [model.num_heads for model in models] == [2, 1]
    assert [model.allocated.costs.total for model in models] == [2, 1]
    assert models[1].num_parameters < models[0].num_parameters
    (head,) = models[1].craft.half_layers[0]
    assert head.name == "share of (, share of )"


def test_explain_lists_every_value_of_a_shared_head() -> None:
    stock = STOCK["pair_balance"]
    model = shoal.compile(stock.make(10), vocab=stock.vocab, max_seq_len=10)
    steps = [step for step in model.explain() if step.half_layer == 0]
    assert [(s.component, s.action, s.columns) for s in steps] == [
        ("share of (", "head", "12"),
        ("share of )", "same head", "13"),
    ]


def test_what_is_always_none_may_share_a_head() -> None:
    nothing = [Map(lambda _: None, operand) for operand in (tokens, indices)]
    averages = [keep(Aggregate(SAME, operand)) for operand in nothing]
    program = SequenceMap(lambda a, b: (a, b), *averages)
    model = compiled(program, causal=False, passes=tuple(OPTIONAL))
    assert model.run([0, 1]) == [None, None]
    assert [step.action for step in model.explain() if step.half_layer == 0] == ["head"]


def test_widths_and_other_selectors_keep_heads_of_their_own() -> None:
    less = Select(tokens, tokens, Comparison.LT)
    program = SequenceMap(
        lambda a, b: (a, b),
        SequenceMap(lambda a, b: (a, b), Aggregate(less, tokens, 0), SelectorWidth(less)),
        Aggregate(SAME, indices),
    )
    apart = [name for name in ALL if name != "narrow"]  # else all three write into a few columns
    model = compiled(program, causal=False, passes=apart)
    sharing = {o.name: o.sharing for o in model.problem.operations if o.kind == "attention"}
    assert len(sharing) == 3
    assert len({s for s in sharing.values() if s is not None}) == 2
    heads = [c for half in model.craft.half_layers for c in half if isinstance(c, Head)]
    assert len(heads) == 3


def test_joint_keys_and_queries_are_made_once() -> None:
    either: Selector = EARLIER | SAME
    program = SequenceMap(
        lambda a, b: (a, b),
        Aggregate(either, numerical(tokens == 0), 0),
        Aggregate(either, numerical(tokens == 1), 0),
    )
    sizes = [
        sum(
            o.name.startswith("selector_or")
            for o in compiled(program, False, passes).problem.operations
        )
        for passes in (WITHOUT, "all")
    ]
    assert sizes == [4, 2]


@pytest.mark.slow
def test_haiku_runs_shared_heads() -> None:
    stock = STOCK["shuffle_dyck1"]
    model = shoal.compile_rasp_to_model(stock.make(6), stock.vocab, 6)
    for xs in (["("], ["(", ")"], ["(", ")", ")", "(", "(", ")"]):
        assert model.run(xs, "haiku") == model.run(xs, "numpy") == stock.make(6)(xs)
    attention = model.params["transformer/layer_0/attn/value"]["w"]
    assert attention.shape[1] == model.num_heads * model.weights.sizes.value_size
    assert np.isfinite(attention).all()
