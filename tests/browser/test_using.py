"""The page is used: by keyboard, on screens of two sizes, in light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import shoal
from shoal import rasp
from shoal.rasp.stock import STOCK
from tests.browser.support import opened, results

CONTRAST = 4.5
"""Of text and what is behind it, by WCAG 2.2, success criterion 1.4.3."""

FAINT = Path(__file__).with_name("faint.js").read_text()


@pytest.fixture(scope="module")
def model() -> shoal.Model:
    return shoal.compile(STOCK["reverse"].make(5), vocab=list("abcd"), max_seq_len=5)


def test_an_input_is_typed(browser: Any, model: shoal.Model, tmp_path: Path) -> None:
    with opened(browser, model, tmp_path) as page:
        page.fill("#tokens", "a b d")
        assert results(page) == ["'d'", "'b'", "'a'"]
        page.click("#vocab-hint button:has-text('c')")
        assert results(page) == ["'c'", "'d'", "'b'", "'a'"]
        page.click("#random")
        assert page.inner_text("#input-error") == ""


@pytest.mark.parametrize(
    ("typed", "says"),
    [("", "at least one token"), ("a b a b a b", "up to 5"), ("a x", "“x” at position 1")],
)
def test_what_does_not_fit_is_said(
    typed: str, says: str, browser: Any, model: shoal.Model, tmp_path: Path
) -> None:
    with opened(browser, model, tmp_path) as page:
        before = results(page)
        page.fill("#tokens", typed)
        assert says in page.inner_text("#input-error")
        assert results(page) == before
        page.fill("#tokens", "a")
        assert page.inner_text("#input-error") == ""


def test_a_value_is_replaced_by_keyboard(browser: Any, model: shoal.Model, tmp_path: Path) -> None:
    with opened(browser, model, tmp_path) as page:
        page.focus("#tokens")
        page.keyboard.press("Control+a")
        page.keyboard.type("a b c")
        page.focus("#value-opposite td:nth-of-type(1) button")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "replace-value"
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "replace-go"
        page.keyboard.press("Enter")
        assert [text.removeprefix("≠ ") for text in results(page)] == ["'b'", "'b'", "'a'"]
        assert model.write("opposite", list("abc"), [1, 1, 0]) == ["b", "b", "a"]
        page.wait_for_function("document.activeElement.title.includes('opposite')")  # focus is back
        assert page.inner_text("#value-opposite td:nth-of-type(1)").startswith("✎")
        page.focus("#clear")
        page.keyboard.press("Space")
        assert results(page) == ["'c'", "'b'", "'a'"]


def test_what_is_refused_is_said(browser: Any, tmp_path: Path) -> None:
    wanted = rasp.Map(lambda x: x, rasp.tokens).named("wanted")
    same = rasp.Select(rasp.tokens, wanted, rasp.Comparison.EQ)
    program = rasp.Aggregate(same, rasp.indices, default=7).named("first")
    model = shoal.compile(program, vocab=[0, 1], max_seq_len=2, passes="none")
    with opened(browser, model, tmp_path) as page:
        page.fill("#tokens", "0 0")
        before = results(page)
        page.click("#value-wanted td:nth-of-type(1) button")
        page.select_option("#replace-value", label="1")
        page.click("#replace-go")
        assert "select 0 keys" in page.inner_text("#input-error")
        assert results(page) == before
        assert page.is_disabled("#clear")


def test_half_layers_are_stepped_through(browser: Any, model: shoal.Model, tmp_path: Path) -> None:
    with opened(browser, model, tmp_path) as page:
        page.focus("#state")
        titles = []
        for _ in range(2 * model.num_layers):
            page.keyboard.press("ArrowRight")
            titles.append(page.inner_text("#state-name"))
        assert titles == [
            "after attention 0",
            "after MLP 0",
            "after attention 1",
            "after MLP 1",
        ]
        page.click("#back")
        assert "select(indices, opposite" in page.inner_text("#happened")
        rows = page.evaluate("document.querySelectorAll('#stream tbody tr').length")
        assert rows == model.d_model
        labels = [label or "free" for label in model.labels_at(3)]
        shown = page.evaluate(
            "[...document.querySelectorAll('#stream tbody th')].map((cell) => cell.textContent)"
        )
        assert shown == [f"{column} {label}" for column, label in enumerate(labels)]


def test_the_circuit_steps_there(browser: Any, model: shoal.Model, tmp_path: Path) -> None:
    with opened(browser, model, tmp_path) as page:
        page.focus("#circuit .node[aria-label^='reverse: head']")
        page.keyboard.press("Enter")
        assert page.inner_text("#state-name") == "after attention 1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_is_legible(
    scheme: str, width: int, browser: Any, model: shoal.Model, tmp_path: Path
) -> None:
    with opened(browser, model, tmp_path, width=width, color_scheme=scheme) as page:
        for state in range(2 * model.num_layers + 1):
            page.evaluate(f"shoal.app.goTo({state})")
            page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
            assert page.evaluate(FAINT, CONTRAST) == []
        page.evaluate("shoal.app.replace('opposite', [0], 2)")
        assert page.evaluate(FAINT, CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name(browser: Any, model: shoal.Model, tmp_path: Path) -> None:
    with opened(browser, model, tmp_path) as page:
        nameless = page.evaluate(
            """[...document.querySelectorAll("button, input, select, [role=button]")].filter((e) =>
            !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)"""
        )
        assert nameless == []


def test_inputs_that_are_not_promised_are_refused(browser: Any, tmp_path: Path) -> None:
    def sorted_ones(xs: list[Any]) -> bool:
        return xs == sorted(xs) and len(xs) > 1

    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT))
    model = shoal.compile(program, vocab=list("abc"), max_seq_len=4, inputs=sorted_ones)
    with opened(browser, model, tmp_path) as page:
        assert page.inner_text("#input-error") == ""
        page.fill("#tokens", "a b c")
        assert results(page) == ["0", "1", "2"]
        page.fill("#tokens", "b a")
        assert "none of them: inputs=" in page.inner_text("#input-error")
        for _ in range(20):
            page.click("#random")
            assert page.inner_text("#input-error") == ""
