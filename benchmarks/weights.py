"""``python -m benchmarks.weights``: are all stock programs' weights bit by bit what they were?

A change that means to move code and nothing else must leave them alone. Digests are held in
tests/golden/weights.json, with what they depend on besides the code: the versions of NumPy and
OR-Tools. They do not depend on the processor, although BLAS adds up in other orders on others:
try OPENBLAS_CORETYPE=Prescott.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

import shoal
from shoal.errors import UnsupportedProgramError
from shoal.rasp.stock import STOCK
from shoal_solvers import SOLVERS

GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "weights.json"


def environment() -> dict[str, str]:
    """What bits depend on besides the code."""
    return {"numpy": version("numpy"), "ortools": version("ortools")}


def digest(model: shoal.Model) -> str:
    """Of all weights, the unembedding and the codes of results included."""
    arrays = {f"{g} {n}": a for g, row in model.params.items() for n, a in row.items()}
    arrays["unembedding w"] = model.weights.unembedding_w
    arrays["unembedding b"] = model.weights.unembedding_b
    if model.output_encoder.codes is not None:
        arrays["codes"] = model.output_encoder.codes
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()[:16]


def digests(names: Sequence[str] = tuple(STOCK)) -> dict[str, str]:
    """By program, attention, passes and allocator; for what is refused, the reason."""
    found = {}
    for name in track(names, console=Console(stderr=True), transient=True):
        stock = STOCK[name]
        for causal in (False, True):
            for passes in ("none", "all"):
                for allocator in SOLVERS:
                    key = f"{name} {'causal' if causal else 'full'} {passes} {allocator}"
                    try:
                        model = shoal.compile(
                            stock.make(stock.max_seq_len),
                            vocab=stock.vocab,
                            max_seq_len=stock.max_seq_len,
                            causal=causal,
                            passes=passes,
                            allocator=allocator,
                        )
                    except UnsupportedProgramError as error:
                        found[key] = f"refused: {error.kind}"
                    else:
                        found[key] = digest(model)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.weights",
        description="Compile all stock programs, and compare their weights with the golden file. "
        "The exit code is 0 only if nothing differs.",
    )
    parser.add_argument("--write", action="store_true", help="write the golden file instead")
    arguments = parser.parse_args()
    found = digests()
    if arguments.write:
        content = {"environment": environment(), "digests": found}
        GOLDEN.write_text(json.dumps(content, indent=1) + "\n")
        print(f"wrote {len(found)} digests")
        return 0
    known = json.loads(GOLDEN.read_text())
    if known["environment"] != environment():
        print(f"the golden file is of {known['environment']}, and this is {environment()}")
    changed = [key for key in found if found[key] != known["digests"].get(key)]
    print("\n".join(changed) or f"all {len(found)} digests are what they were")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
