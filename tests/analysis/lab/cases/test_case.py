"""Cases are right: models, pairs, metric, and what is true of every edge."""

from __future__ import annotations

import numpy as np
import pytest

import shoal
from shoal import rasp
from shoal.contract import all_agree
from shoal.rasp import evaluate
from shoal_analysis.circuits.edge_patching import Edge
from shoal_analysis.lab.cases.case import STYLES, make_case
from shoal_analysis.lab.cases.recipes import CASES, Recipe


def test_there_are_enough_of_every_difficulty() -> None:
    assert len(CASES) >= 40
    assert {recipe.difficulty for recipe in CASES.values()} == {1, 2, 3, 4, 5}
    assert all(recipe.summary for recipe in CASES.values())


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CASES)
def test_every_case_is_what_it_says(name: str, style: str) -> None:
    case = make_case(name, style, pairs=12)
    numerical = case.model.output_encoder.codes is None
    assert case.pairs
    for inputs in (case.clean, case.corrupted):
        for tokens, result in zip(inputs, case.model.run_batch(inputs), strict=True):
            wanted = evaluate(case.model.program, tokens, causal=case.recipe.causal)
            assert all_agree(wanted, result, numerical=numerical)
    clean, corrupted = case.runs
    assert (case.run_metric(clean) > 0).all()
    assert (case.run_metric(corrupted) < 0).all()
    truth = case.truth
    assert truth.required
    assert not truth.required & truth.allowed
    assert truth.required | truth.allowed | truth.wrong == set(case.patching.edges)
    if style == "faithful":  # no column is used again, so that nothing is cleared
        assert not any(data["clears"] for *_, data in case.circuit.edges(data=True))


def test_the_truth_is_by_hand_what_a_small_program_does() -> None:
    """hist is one head whose queries and keys are tokens, and an MLP that decodes."""
    truth = make_case("hist", "faithful").truth
    assert truth.required == {
        Edge("tokens", "head 0.0", "query"),
        Edge("tokens", "head 0.0", "key"),
        Edge("head 0.0", "mlp 0", "input"),
        Edge("mlp 0", "result", "input"),
    }
    assert Edge("tokens", "result", "input") in truth.wrong
    unseen = Edge("positions", "mlp 0", "input")  # on inputs of one length
    assert unseen in make_case("reverse", "faithful").truth.allowed


def test_the_same_seed_draws_the_same_pairs() -> None:
    one, other = make_case("sort", seed=3), make_case("sort", seed=3)
    assert one.pairs == other.pairs
    assert make_case("sort", seed=4).pairs != one.pairs


def test_pairs_differ_where_the_case_looks() -> None:
    case = make_case("shift", pairs=20)
    for pair in case.pairs:
        assert len(pair.clean) == len(pair.corrupted) == case.recipe.length
        assert pair.wanted != pair.unwanted
    changed = [sum(a != b for a, b in zip(p.clean, p.corrupted, strict=True)) for p in case.pairs]
    assert 1 in changed
    assert max(changed) > 1


def test_the_metric_takes_tensors_and_lets_gradients_through() -> None:
    torch = pytest.importorskip("torch")
    for name in ("hist", "frac_prevs"):
        case = make_case(name, pairs=5)
        result = case.runs[0].result
        logits = case.model.output_encoder.logits(result)
        logits = result if logits is None else logits
        tensor = torch.tensor(logits, requires_grad=True)
        metric = case.metric(tensor)
        assert np.allclose(metric.detach().numpy(), case.metric(logits))
        metric.sum().backward()
        assert tensor.grad.abs().sum() > 0


def test_programs_of_ones_own_are_cases() -> None:
    recipe = Recipe(lambda n: rasp.tokens == 1, (1, True), 3, 1, "whether it is 1")
    with pytest.raises(shoal.InvalidInputError, match="ignores its tokens"):
        make_case(recipe)
    recipe = Recipe(lambda n: (rasp.tokens == 1).named("one"), (1, 2), 3, 1, "whether it is 1")
    case = make_case(recipe, pairs=4)
    assert case.name == "one"
    assert "4 pairs of length 3" in repr(case)


def test_results_of_different_types_are_told_apart() -> None:
    recipe = Recipe(
        lambda n: rasp.Map(lambda t: {1: True, 2: 1.5, 3: None, 4: (1, 2)}[t], rasp.tokens),
        (1, 2, 4),
        2,
        1,
        "odd values",
    )
    case = make_case(recipe, pairs=8)
    assert (case.run_metric(case.runs[0]) > 0).all()


def test_numbers_that_are_not_there_are_no_answers() -> None:
    """No metric says how far a number is from None."""
    ones = rasp.Select(rasp.tokens, rasp.Map(lambda t: 1, rasp.tokens), rasp.Comparison.EQ)
    share = rasp.Aggregate(ones, rasp.numerical(rasp.indices), default=None)
    recipe = Recipe(lambda n: rasp.numerical(share), (1, 2), 4, 1, "where the ones are")
    case = make_case(recipe, pairs=8)
    assert all(None not in (pair.wanted, pair.unwanted) for pair in case.pairs)
    assert (case.run_metric(case.runs[0]) > 0).all()


def test_what_there_is_not_is_said() -> None:
    with pytest.raises(shoal.InvalidInputError, match="no case 'sorted'; did you mean"):
        make_case("sorted")
    with pytest.raises(shoal.InvalidOptionError, match=r"no style 'deep'; .*faithful, shallow"):
        make_case("sort", style="deep")
    with pytest.raises(shoal.InvalidOptionError, match="at least one pair"):
        make_case("sort", pairs=0)
    with pytest.raises(shoal.InvalidInputError, match="ignores its tokens"):
        make_case(Recipe(lambda n: rasp.length, ("a", "b"), 3, 1, "the length"))
    never = Recipe(
        lambda n: rasp.SelectorWidth(
            rasp.Select(rasp.Map(lambda t: None, rasp.tokens), rasp.tokens, rasp.Comparison.EQ)
        ),
        ("a", "b"),
        3,
        1,
        "never",
    )
    with pytest.raises(shoal.ShoalError):
        make_case(never)
