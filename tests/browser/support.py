"""Pages of models, opened in a browser that is watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import shoal


@contextmanager
def opened(
    browser: Any, model: shoal.Model, folder: Path, width: int = 1280, **options: Any
) -> Iterator[Any]:
    """The page of a model; nothing may go wrong in it, and nothing may be fetched."""
    path = folder / "page.html"
    model.save_html(path)
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            wrong.append(f"fetches {request.url}")
            if not request.url.startswith(("file:", "data:"))
            else None
        ),
    )
    try:
        page.goto(path.as_uri())
        yield page
        assert wrong == []
    finally:
        page.close()


def results(page: Any) -> list[str]:
    """The program's result, as it is shown."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#result td')].map((cell) => cell.textContent)"
    )
    return found
