"""The sizes of compiled programs are held by a golden file, exactly."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks import golden
from shoal.rasp.stock import STOCK
from shoal_analysis.comparison import Measurement

KNOWN = json.loads(golden.GOLDEN.read_text())


@pytest.mark.parametrize("name", STOCK)
def test_sizes_are_what_they_were(name: str) -> None:
    """If a change is meant: python -m benchmarks.golden --write"""
    rows = [row for row in KNOWN["sizes"] if row["program"] == name]
    found = golden.as_golden(golden.measured([name]))
    assert golden.differences({**KNOWN, "sizes": rows}, found) == []


def test_every_size_is_proven_by_the_exact_solver() -> None:
    exact = [row for row in KNOWN["sizes"] if row["allocator"] == "cp-sat"]
    assert len(exact) == 2 * len(STOCK)
    assert {row["proven"] for row in exact} == {"all"}


def test_the_readme_shows_the_totals_of_the_golden_file() -> None:
    readme = golden.README.read_text()
    measured = [Measurement(**row, solve_seconds=0.0) for row in KNOWN["sizes"]]
    made = golden.readme_with(readme, measured)

    def without_times(text: str) -> list[list[str]]:
        block = text.split("$ shoal compare --totals\n")[1].split("```")[0]
        rows = [re.split(r"\s+", line.strip()) for line in block.splitlines()]
        return [[cell for i, cell in enumerate(row) if i != len(row) - 2] for row in rows]

    assert without_times(made) == without_times(readme)


def test_a_row_that_differs_is_named() -> None:
    changed = json.loads(json.dumps(KNOWN))
    changed["sizes"][0]["width"] += 1
    (line,) = golden.differences(KNOWN, changed)
    assert line.startswith("length none longest-path: was {'layers': 1, 'width': ")
    other = {**changed, "versions": {}}
    changed["sizes"][0]["width"] -= 1
    changed["sizes"][0]["parameters"] += 1
    assert golden.differences(KNOWN, other) == []  # another solver may choose among equals
