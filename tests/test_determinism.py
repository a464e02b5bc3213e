"""The same program, vocab and options give the same weights, whatever the hash seed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, sys
import numpy as np
import shoal
from shoal.rasp.stock import STOCK
stock = STOCK[sys.argv[1]]
model = shoal.compile(
    stock.make(6), vocab=set(stock.vocab), max_seq_len=6, passes=sys.argv[2],
    workers=int(sys.argv[3]),
)
digest = hashlib.sha256()
for name, group in sorted(model.params.items()):
    for key, array in sorted(group.items()):
        digest.update(f"{name} {key} {array.shape}".encode() + array.tobytes())
print(digest.hexdigest(), "jax" in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "passes", "workers"),
    [("reverse", "all", 1), ("shuffle_dyck2", "none", 1), ("dyck2_ptf", "all", 2)],
)
def test_weights_do_not_depend_on_the_hash_seed(name: str, passes: str, workers: int) -> None:
    outputs = set()
    for seed in ("0", "1", "42"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", SCRIPT, name, passes, str(workers)]
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        outputs.add(result.stdout)
    assert len(outputs) == 1
    assert outputs.pop().split()[1] == "False"  # compiling does not import JAX
