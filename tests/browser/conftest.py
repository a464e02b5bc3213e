"""A headless Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = os.environ.get("SHOAL_CHROMIUM")
"""Where Chromium has to be; where nothing says so, it is looked for, and tests are skipped."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = CHROMIUM or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium here; install it, or say where it is by SHOAL_CHROMIUM")
    assert Path(path).exists()
    if CHROMIUM is None:
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield started
        started.close()
