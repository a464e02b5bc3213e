from __future__ import annotations

from shoal_analysis.fuzzing.oracles import Verdict, examine
from shoal_analysis.fuzzing.statistics import tally
from tests.analysis.fuzzing.making import make_case


def test_a_program_that_agrees() -> None:
    case = make_case()
    verdict = examine(case)
    counts = tally(case, verdict)
    assert counts["outcome agrees"] == 1
    assert counts["inputs compared"] == verdict.inputs
    assert counts[f"layers {verdict.layers}"] == 1
    assert counts["uses SelectorWidth"] == counts["uses Select"] == 1
    assert counts["uses operators"] == 1
    assert counts["uses Aggregate"] == counts["uses selector algebra"] == 0
    assert counts["attention bidirectional"] == counts["allocator cp-sat"] == 1


def test_selector_algebra_is_counted() -> None:
    source = "s0 = Select(tokens, tokens, Comparison.EQ)\ns1 = ~s0\nv2 = SelectorWidth(s1)"
    assert tally(make_case(source), Verdict("agrees"))["uses selector algebra"] == 1


def test_operations_are_counted_in_groups() -> None:
    assert tally(make_case(), Verdict("agrees", operations=9))["operations 9"] == 1
    assert tally(make_case(), Verdict("agrees", operations=12))["operations 10-14"] == 1


def test_refusals_of_one_kind_are_counted_together() -> None:
    counts = tally(make_case(), Verdict("refused", "too many different values", "map: takes 300"))
    counts += tally(make_case(), Verdict("refused", "too many different values", "map_2: takes 4"))
    assert counts["refused too many different values"] == 2


def test_what_no_float32_network_could_do_is_counted_apart() -> None:
    counts = tally(make_case(), Verdict("outside float32", "values that look the same"))
    assert counts["outcome outside float32"] == 1
    assert counts["outcome refused"] == 0
