"""``python -m tests.browser.screenshots``: takes the pictures of pages that documents show."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import shoal
from shoal.rasp.stock import STOCK

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "page.png"


def main() -> None:
    """The page of reverse, with a value replaced, at the half-layer that moves the tokens."""
    model = shoal.compile(STOCK["reverse"].make(5), vocab=list("abcd"), max_seq_len=5)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "reverse.html"
        model.save_html(path)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1000, "height": 1130})
        page.goto(path.as_uri())
        page.evaluate(
            "shoal.app.replace('opposite', [1], "
            "shoal.runner.atlas.values.get('opposite').shown.indexOf('0')); shoal.app.goTo(3)"
        )
        page.screenshot(path=PICTURE)
        browser.close()
    print(PICTURE)


if __name__ == "__main__":
    main()
