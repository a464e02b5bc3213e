"""``python -m benchmarks.instances.make``: the problems, from programs and from seeds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace

from rich.progress import track

import shoal
from benchmarks.instances.files import PROBLEMS
from benchmarks.random_instances import InstanceShape, random_instance
from shoal.rasp.stock import STOCK
from shoal_solvers import AllocationProblem, Budgets, problem_to_json, solve

SIZES = (10, 20, 40, 80, 150, 300, 1000)
"""Operations of random problems with and without alternatives."""

FLAT = ((40, 4), (150, 6), (300, 8), (1000, 10))
"""Operations and levels of flat ones."""

LIMITED = (10, 20, 30)
"""Operations of those under a budget."""


def main() -> int:
    """Write every problem."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instances.make", description=__doc__
    )
    parser.parse_args()
    PROBLEMS.mkdir(exist_ok=True)
    for name, problem in track([*stock(), *random_ones(), *limited()], "writing"):
        text = json.dumps(json.loads(problem_to_json(problem)), separators=(",", ":"))
        (PROBLEMS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return 0


def stock() -> Iterator[tuple[str, AllocationProblem]]:
    """What the stock programs of ``shoal compare`` come down to."""
    for name, program in STOCK.items():
        if not program.benchmark:
            continue
        for passes in ("none", "all"):
            model = shoal.compile(
                program.make(program.max_seq_len),
                vocab=program.vocab,
                max_seq_len=program.max_seq_len,
                passes=passes,
                allocator="critical-path",
            )
            assert model.problem is not None
            yield f"stock_{name}_{passes}", replace(model.problem, name=f"{name}, passes {passes}")


def random_ones() -> Iterator[tuple[str, AllocationProblem]]:
    """Several shapes and sizes, two seeds each but of the largest."""
    for operations in SIZES:
        for seed in (1, 2) if operations < max(SIZES) else (1,):
            yield (
                f"random_plain_{operations}_{seed}",
                random_instance(InstanceShape(operations, fused=0.0), seed),
            )
            yield (
                f"random_fused_{operations}_{seed}",
                random_instance(InstanceShape(operations), seed),
            )
    for operations, levels in FLAT:
        shape = InstanceShape(operations, levels=levels)
        yield f"random_flat_{operations}_1", random_instance(shape, 1)


def limited() -> Iterator[tuple[str, AllocationProblem]]:
    """Budgets a little below what the problem takes without: they cost layers or neurons."""
    for operations in LIMITED:
        problem = random_instance(InstanceShape(operations), 1)
        free = solve(problem).costs
        narrow = Budgets(max_width=free.width - max(1, free.width // 20))
        few = Budgets(max_neurons=free.neurons - max(1, free.neurons // 20))
        yield f"random_budget_width_{operations}_1", problem.with_budgets(narrow)
        yield f"random_budget_neurons_{operations}_1", problem.with_budgets(few)


if __name__ == "__main__":
    raise SystemExit(main())
