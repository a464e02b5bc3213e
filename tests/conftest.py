"""What holds for all tests: Hypothesis profiles, Ctrl-C, nothing that hangs, shapes that fit."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

import tests.shapes  # noqa: F401 - the hook finds it by its name

settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")

# many CI runners start tests with Ctrl-C ignored, and what tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)

SHAPED = (
    "shoal.craft.fitting",
    "shoal.forms",
    "shoal.lowering.cuts",
    "shoal.lowering.held",
    "shoal.lowering.radii",
    "shoal.lowering.selectors",
    "shoal.lowering.synthesis.affine",
    "shoal.lowering.synthesis.lines",
    "shoal.lowering.synthesis.tables",
    "shoal.program.facts.joint",
    "shoal.targets.in_numpy",
    "shoal.transformer.decoding",
)
"""Modules whose annotations give shapes."""


def pytest_configure(config: pytest.Config) -> None:
    """Check shapes, but where a quick answer is wanted."""
    if config.option.markexpr != "not slow":
        install_import_hook(SHAPED, "tests.shapes.check")
