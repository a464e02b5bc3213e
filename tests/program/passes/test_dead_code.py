from __future__ import annotations

from dataclasses import replace

from shoal.program.ir import build_program
from shoal.program.passes.dead_code import drop_dead_code
from shoal.rasp import Map, indices, keep, tokens
from tests.program.passes.facts import inferred


def test_what_no_output_needs_is_dropped() -> None:
    kept = keep(Map(lambda i: i + 1, indices).named("kept"))
    facts = inferred(Map(lambda x, y=kept: x, Map(str, tokens).named("text")))
    assert drop_dead_code(facts).saved == 0
    nodes = list(facts.program)
    nodes[-1] = replace(nodes[-1], inputs=nodes[0].inputs)
    text = [node.id for node in nodes if node.label == "text"]
    dead = replace(facts, program=build_program(nodes, {"result": nodes[0].id}, causal=False))
    made = drop_dead_code(dead)
    assert made.saved == len(nodes) - 1
    assert not set(text) & set(made.inferred.program.graph)
    assert made.inferred.sops.keys() == set(made.inferred.program.graph)


def test_kept_values_are_alive() -> None:
    kept = keep(Map(lambda i: i + 1, indices).named("kept"))
    program = kept + indices
    facts = inferred(program)
    nodes = list(facts.program)
    by_label = {node.label: node for node in nodes}
    nodes[-1] = replace(nodes[-1], inputs=(by_label["indices"].id,) * 2)
    rewired = replace(facts, program=build_program(nodes, facts.program.outputs, causal=False))
    assert drop_dead_code(rewired).saved == 0
