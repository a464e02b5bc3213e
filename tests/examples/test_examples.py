"""Every example runs; those whose packages are missing are left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS = {
    "patching": ["torch", "transformer_lens"],
    "to_torch": ["torch"],
    "to_transformer_lens": ["transformer_lens"],
    "to_huggingface": ["transformers", "torch"],
    "to_onnx": ["onnx", "onnxruntime"],
}


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_examples_run(example: str) -> None:
    for package in NEEDS.get(example, []):
        pytest.importorskip(package)
    command = [sys.executable, str(EXAMPLES / f"{example}.py")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout
