"""``python -m benchmarks.golden``: are the sizes of all stock programs what they were?

The sizes are held in tests/golden/sizes.json, exactly, and the README's table of totals is made
from the same measurement.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from shoal.rasp.stock import STOCK
from shoal_analysis.comparison import Candidate, Failure, Measurement, compare, totals
from shoal_cli.commands.compare import print_comparison
from shoal_solvers import SOLVERS

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "sizes.json"
README = ROOT / "README.md"
PACKAGES = ("numpy", "ortools")
"""Of other versions of these, ``_OF_VERSIONS`` may differ where several models cost the same."""

_OF_VERSIONS = ("parameters", "parameters_with_unembedding", "width_bound")

_BLOCK = re.compile(r"(```console\n\$ shoal compare --totals\n).*?(```)", re.DOTALL)


def measured(names: Sequence[str] = tuple(STOCK)) -> list[Measurement]:
    """Every stock program as written and with all passes, under every allocator."""
    found = []
    for name in track(names, console=Console(stderr=True), transient=True):
        stock = STOCK[name]
        program = stock.make(stock.max_seq_len)
        candidate = Candidate(name, program, stock.vocab, stock.max_seq_len)
        for each in compare([candidate], {"none": "none", "all": "all"}, SOLVERS):
            if isinstance(each, Failure):
                raise each.error
            found.append(each)
    return found


def as_golden(found: Sequence[Measurement]) -> dict[str, Any]:
    """What the golden file holds: all of a measurement but times."""
    rows = [asdict(measurement) for measurement in found]
    for row in rows:
        del row["solve_seconds"]
    return {"versions": {name: version(name) for name in PACKAGES}, "sizes": rows}


def differences(known: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """A line for each row that is not what it was."""
    rows = []
    for golden in (known, found):
        same_versions = known["versions"] == found["versions"]
        named = {}
        for row in golden["sizes"]:
            kept = {k: v for k, v in row.items() if same_versions or k not in _OF_VERSIONS}
            named[kept.pop("program"), kept.pop("passes"), kept.pop("allocator")] = kept
        rows.append(named)
    before, after = rows
    return [
        f"{' '.join(key)}: was {before.get(key)}, is {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def readme_with(text: str, found: Sequence[Measurement]) -> str:
    """The README with the table of totals of a measurement."""
    benchmark = [m for m in found if STOCK[m.program].benchmark]
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_comparison(console, totals(benchmark))
    assert isinstance(console.file, io.StringIO)
    table = "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())
    return _BLOCK.sub(lambda match: f"{match[1]}{table}{match[2]}", text)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.golden",
        description="Measure the sizes of all stock programs, and compare them with the golden "
        "file. The exit code is 0 only if nothing differs.",
    )
    parser.add_argument(
        "--write", action="store_true", help="write the golden file and the README's table instead"
    )
    arguments = parser.parse_args()
    found = measured()
    golden = as_golden(found)
    if arguments.write:
        GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
        README.write_text(readme_with(README.read_text(), found))
        print(f"wrote {GOLDEN.relative_to(ROOT)} and the table of totals in README.md")
        return 0
    lines = differences(json.loads(GOLDEN.read_text()), golden)
    print("\n".join(lines) or "all sizes are what they were")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
