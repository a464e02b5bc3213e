"""The part of a random program that is worth a look."""

from __future__ import annotations

from dataclasses import replace

from shoal.errors import EvaluationError
from shoal.rasp.interpreter import evaluate_all
from shoal_analysis.fuzzing.cases import Case, build_lines, needed


def with_interesting_result(case: Case, names: list[str]) -> Case:
    """The case cut down to the largest part whose result depends on the input, if any."""
    expressions = build_lines(case.lines)
    probes = case.inputs()[-5:]
    parts = {name: part_of(case, name) for name in names}
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


def part_of(case: Case, name: str) -> Case:
    """The program that results in one of a case's lines."""
    position = [line.name for line in case.lines].index(name)
    lines = needed(case.lines[: position + 1])
    return replace(case, lines=tuple(lines))
