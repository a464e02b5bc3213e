"""The page's forward pass, its readings and its patches are the model's."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoal
from shoal import Patch, rasp
from shoal.errors import InvalidInputError, UnreadableError, UnwritableError
from shoal.rasp.stock import STOCK
from shoal.rasp.values import Value
from tests.browser.support import opened, results

RUN = Path(__file__).with_name("run.js").read_text()
PATCH = Path(__file__).with_name("patch.js").read_text()

MODELS = [
    *(
        (name, passes, False)
        for name in ("reverse", "hist", "sort_freq")
        for passes in ("all", "none")
    ),
    *((name, "all", False) for name in ("frac_prevs", "shuffle_dyck2", "most_freq", "double_hist")),
    ("count_less_freq", "all", True),
    ("copy_previous", "all", True),
]


def stock_model(name: str, passes: str, causal: bool) -> shoal.Model:
    stock = STOCK[name]
    length = min(stock.max_seq_len, 6)
    return shoal.compile(
        stock.make(length), vocab=stock.vocab, max_seq_len=length, passes=passes, causal=causal
    )


def inputs_of(model: shoal.Model, number: int) -> list[list[int]]:
    generator = random.Random(7)
    encoder = model.input_encoder
    return [
        [
            generator.randrange(len(encoder.vocab))
            for _ in range(generator.randint(1, encoder.max_seq_len))
        ]
        for _ in range(number)
    ]


def same(wanted: list[Value], found: list[Any] | None) -> bool:
    if found is None or len(wanted) != len(found):
        return False
    for value, shown in zip(wanted, found, strict=True):
        if value is None or shown is None:
            if value is not None or shown is not None:
                return False
        elif isinstance(shown, str):
            if repr(value) != shown:
                return False
        elif not abs(float(value) - shown) <= 1e-4 * max(1.0, abs(shown)):  # type: ignore[arg-type]
            return False
    return True


@pytest.mark.parametrize(("name", "passes", "causal"), MODELS)
def test_the_forward_pass_is_that_of_numpy(
    name: str, passes: str, causal: bool, browser: Any, tmp_path: Path
) -> None:
    model = stock_model(name, passes, causal)
    inputs = inputs_of(model, 100)
    with opened(browser, model, tmp_path) as page:
        found = page.evaluate(RUN, inputs)
    for numbers, one in zip(inputs, found, strict=True):
        tokens = model.input_encoder.decode(numbers)
        assert same(model.run(tokens), one["results"]), (tokens, one["results"])
        passed = model.run_ids(model.ids([tokens]))
        states = [passed.input_embeddings, *passed.residuals]
        for here, there in zip(states, one["states"], strict=True):
            largest = max(1.0, float(np.abs(here).max()))
            np.testing.assert_allclose(
                here[0, : 1 + len(tokens)], np.array(there), rtol=0, atol=2e-5 * largest
            )


@pytest.mark.parametrize(("name", "passes", "causal"), MODELS)
def test_every_value_is_read_as_the_model_reads_it(
    name: str, passes: str, causal: bool, browser: Any, tmp_path: Path
) -> None:
    model = stock_model(name, passes, causal)
    inputs = inputs_of(model, 20)
    with opened(browser, model, tmp_path) as page:
        found = page.evaluate(RUN, inputs)
    for numbers, one in zip(inputs, found, strict=True):
        tokens = model.input_encoder.decode(numbers)
        for label in model.atlas.values:
            try:
                wanted = model.read(label, tokens)
            except UnreadableError:
                assert one["values"][label] is None
                continue
            shown = as_numbers(model, label, one["values"][label], wanted)
            assert same(wanted, shown), (label, tokens, shown)


def as_numbers(
    model: shoal.Model, label: str, shown: list[Any] | None, wanted: list[Value]
) -> list[Any] | None:
    """What a page shows by its value, where the model gives its number: True, and not 1.0."""
    members = {repr(group[0]): group[0] for group in model.atlas.values[label].classes or ()}
    return shown and [
        float(members[text]) if isinstance(text, str) and isinstance(value, float) else text
        for text, value in zip(shown, wanted, strict=True)
    ]


@pytest.mark.parametrize(("name", "passes", "causal"), MODELS)
def test_values_are_replaced_as_the_model_replaces_them(
    name: str, passes: str, causal: bool, browser: Any, tmp_path: Path
) -> None:
    model = stock_model(name, passes, causal)
    generator = random.Random(3)
    cases, wanted = [], []
    for numbers in inputs_of(model, 60):
        tokens = model.input_encoder.decode(numbers)
        labels = [label for label, value in model.atlas.values.items() if value.classes]
        chosen = generator.sample(labels, min(len(labels), generator.choice([1, 1, 2])))
        each = {label: random_classes(model, label, len(tokens), generator) for label in chosen}
        cases.append((numbers, each))
        wanted.append(patched(model, tokens, each))
    with opened(browser, model, tmp_path) as page:
        found = page.evaluate(PATCH, cases)
    for case, mine, theirs in zip(cases, wanted, found, strict=True):
        if mine is None:
            assert isinstance(theirs, str), (case, theirs)
        else:
            assert not isinstance(theirs, str), (case, theirs)
            assert same(mine, theirs), (case, mine, theirs)
    assert any(result is not None for result in wanted)


def random_classes(
    model: shoal.Model, label: str, length: int, generator: random.Random
) -> list[int | None]:
    """A class, or -1 for None, or nothing, for each position."""
    value = model.atlas.values[label]
    choices = [*range(len(value.classes or ())), *([-1] * value.nullable)]
    found = [generator.choice([None, generator.choice(choices)]) for _ in range(length)]
    if all(number is None for number in found):
        found[0] = choices[0]
    return found


def patched(
    model: shoal.Model, tokens: list[Value], each: dict[str, list[int | None]]
) -> list[Value] | None:
    patches = []
    for label, numbers in each.items():
        classes = model.atlas.values[label].classes or ()
        where = tuple(p for p, number in enumerate(numbers) if number is not None)
        values = [None if n is None or n < 0 else classes[n][0] for n in numbers]
        patches.append(Patch.values(label, values, positions=where))
    try:
        return model.patch(tokens, *patches)
    except (UnwritableError, UnreadableError):
        return None


ODD = ["</script>", "<b>&amp;", "a b", '"', "'", "\\", "", "é", (1, 2), True, 1, 1.0, 2**60]


def test_odd_tokens_are_shown_and_typed(browser: Any, tmp_path: Path) -> None:
    model = shoal.compile(rasp.tokens, vocab=ODD, max_seq_len=len(ODD))
    with opened(browser, model, tmp_path) as page:
        words = page.evaluate("shoal.app.data.words")
        page.fill("#tokens", " ".join(words))
        assert page.inner_text("#input-error") == ""
        assert page.evaluate("shoal.app.tokens") == list(range(len(ODD)))
        assert results(page) == [repr(token) for token in model.input_encoder.vocab]


def test_a_loaded_model_has_a_page_too(browser: Any, tmp_path: Path) -> None:
    model = stock_model("reverse", "all", False)
    model.save(tmp_path / "model.safetensors")
    loaded = shoal.load(tmp_path / "model.safetensors")
    assert isinstance(loaded, shoal.Model)
    with opened(browser, loaded, tmp_path) as page:
        (one,) = page.evaluate(RUN, [[0, 1, 2]])
    assert same(model.run(model.input_encoder.decode([0, 1, 2])), one["results"])


def test_a_model_without_layers_and_with_one_token(browser: Any, tmp_path: Path) -> None:
    model = shoal.compile(rasp.indices, vocab=["x"], max_seq_len=1)
    with opened(browser, model, tmp_path) as page:
        assert page.inner_text("#result td") == "0"
        assert page.is_disabled("#back")
        assert page.is_disabled("#forth") == (model.num_layers == 0)


def test_what_is_too_large_to_draw_is_said(browser: Any, tmp_path: Path) -> None:
    model = shoal.compile(rasp.tokens, vocab=list(range(700)), max_seq_len=3, result="one-hot")
    with opened(browser, model, tmp_path) as page:
        assert "left out" in page.inner_text("#stream")
        assert "left out" in page.inner_text("#columns")
        page.fill("#tokens", "699 3")
        assert results(page) == ["699", "3"]


def test_pages_are_not_written_where_they_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot write"):
        stock_model("hist", "all", False).save_html(tmp_path / "no such folder" / "page.html")
