"""``python -m shoal_solvers check``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from shoal_solvers.allocation import Allocation, Costs
from shoal_solvers.checker import counted as counted_costs
from shoal_solvers.checker import violations
from shoal_solvers.commands.files import STANDARD_INPUT, read, read_problem
from shoal_solvers.duality import proves
from shoal_solvers.errors import InvalidProblemError
from shoal_solvers.identity import problem_identity
from shoal_solvers.objectives import OBJECTIVES
from shoal_solvers.plain_text import aligned, counted
from shoal_solvers.result import Result
from shoal_solvers.serialize import solution_from_json
from shoal_solvers.words import brief, printable

SUMMARY = "check a stored allocation or result against its problem"

DESCRIPTION = """\
Check a stored allocation, or that of a stored result, by a walk through its half-layers that
shares no code with the solvers: every rule of the problem is kept, budgets included, and the costs
are those that the file claims.
"""

EXAMPLES = """\
examples:
  python -m shoal_solvers instance.json --json result.json
  python -m shoal_solvers check instance.json result.json
  some-other-solver instance.json | python -m shoal_solvers check instance.json -
      check what another solver has found; an allocation, with every field:
      {"format": "shoal allocation", "version": 1, "problem": "301e13554e6bd4a5",
       "num_layers": 1, "placements": {"move": {"half_layer": 0, "alternative": 0}},
       "erasures": {"x": 1}, "columns": {"x": [0, 1, 2, 3], "y": [4, 5, 6, 7]},
       "outputs": {"either": 1}}

Half-layers are numbered from 0; even ones are attention, odd ones MLPs. "problem" is the identity
of the problem, which this command prints; it may be left out. That a value is the least is proven
by the solver alone: the check says that a claimed optimum is attained, not that nothing is better.

exit status: 0 valid, 1 a rule is broken or a claim is wrong, 2 it cannot be checked, with why
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("problem", type=Path, help="JSON file with the problem, - for stdin")
    parser.add_argument(
        "solution", type=Path, help="JSON file with an allocation or a result, - for stdin"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the costs and whether they are as claimed, or every broken rule."""
    if options.problem == options.solution == STANDARD_INPUT:
        raise InvalidProblemError(
            "problem and solution cannot both be standard input; give a file for one of them"
        )
    problem = read_problem(options.problem)
    solution, identity = read(options.solution, solution_from_json)
    allocation = solution.allocation if isinstance(solution, Result) else solution
    broken = list(violations(problem, allocation))
    console.out(f"problem     {brief(problem.name)}, identity {problem_identity(problem)}")
    console.out(f"belongs to  {_belonging(identity, problem_identity(problem))}")
    if broken:
        console.out(f"allocation  breaks {counted(len(broken), 'rule')}:")
        _print_lines(broken, console)
        return 1
    console.out("allocation  valid: it keeps every rule")
    costs = counted_costs(problem, allocation)
    for line in _costs_text(costs, solution):
        console.out(line)
    wrong = list(wrong_claims(costs, solution)) if isinstance(solution, Result) else []
    if isinstance(solution, Result) and solution.certificate is not None:
        certificate = solution.certificate
        claim = (
            f"no allocation in {counted(certificate.num_layers, 'layer')} has fewer than "
            f"{counted(certificate.bound, 'column')}"
        )
        if proves(problem, certificate):
            console.out(f"certificate proves in whole numbers that {claim}")
        else:
            wrong.append(f"certificate: it does not prove that {claim}")
    if wrong:
        is_or_are = "is" if len(wrong) == 1 else "are"
        claims = counted(len(wrong), "claim")
        console.out(f"claims      {claims} of the file {is_or_are} wrong:")
        _print_lines(wrong, console)
        return 1
    return 0


def wrong_claims(costs: Costs, result: Result) -> Iterator[str]:
    """One line for everything that a result says of its costs and bounds and that is not so."""
    found, claimed = asdict(costs), asdict(result.costs)
    for name, value in found.items():
        if claimed[name] != value:
            yield f"{name}: the file claims {claimed[name]:,}, but {value:,} are counted"
    names = [o.name for o in result.objectives]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"objective {brief(name)}: the file has it {names.count(name)} times"
    for name in names:  # a weighted sum is called 2 width + neurons
        if not all(part.split(" ")[-1] in OBJECTIVES for part in name.split(" + ")):
            yield f"objective {brief(name)}: unknown; known are {', '.join(OBJECTIVES)}"
    for o in result.objectives:
        if o.name in found and o.value != found[o.name]:
            yield f"objective {o.name}: its value is {o.value:,}, but {found[o.name]:,} are counted"
        if o.bound > o.value:
            yield f"objective {brief(o.name)}: its bound {o.bound:,} is above its value {o.value:,}"
        if o.proven and o.bound < o.value:
            yield (
                f"objective {brief(o.name)}: called optimal, though its bound {o.bound:,} is below "
                f"its value {o.value:,}"
            )


def _belonging(identity: str, wanted: str) -> str:
    if not identity:
        return "unknown: the file names no problem"
    if identity == wanted:
        return "this problem, by its identity"
    return f"another problem, {brief(identity)}; what is proven in it is not about this one"


def _costs_text(costs: Costs, solution: Allocation | Result) -> list[str]:
    counts = asdict(costs)
    if not isinstance(solution, Result):
        rows = [(name, f"{value:,}") for name, value in counts.items()]
        return aligned(("objective", "counted"), rows, right=(1,))
    claims = asdict(solution.costs)
    rows_with_claims = [
        (name, f"{value:,}", f"{claims[name]:,}", "yes" if value == claims[name] else "no")
        for name, value in counts.items()
    ]
    return aligned(("objective", "counted", "claimed", "equal"), rows_with_claims, right=(1, 2))


def _print_lines(lines: list[str], console: Console) -> None:
    for line in lines:
        console.out(f"  - {printable(line)}")
