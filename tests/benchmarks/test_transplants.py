"""Half-layers of hosts are replaced, and all that is measured is shown and written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

import torch

from benchmarks.transplants.__main__ import main
from benchmarks.transplants.figures import HEAD, spread
from benchmarks.transplants.host import BOS, PAD, Host, accuracy, batch, train
from benchmarks.transplants.relearning import LEARNERS, compiled
from benchmarks.transplants.replacing import REPLACEMENTS, replaced, seen_by

PAGE = "# Title\n\n<!-- figures -->\n\nold\n\n<!-- end of figures -->\n\nmore\n"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices are small, and threads would wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_counts_are_of_letters() -> None:
    words = batch(50, torch.Generator().manual_seed(0))
    for ids, counts, letters in zip(words.ids, words.counts, words.letters, strict=True):
        word = [n for n in ids.tolist() if n not in (BOS, PAD)]
        assert ids[0] == BOS
        assert ids[1 : 1 + len(word)].tolist() == word
        assert counts[letters].tolist() == [word.count(n) for n in word]


def test_the_compiled_model_does_what_hosts_learn() -> None:
    assert accuracy(compiled().to_torch()) == 1.0


@pytest.mark.slow
def test_replacing_leaves_the_host_and_the_part_as_they_are() -> None:
    torch.manual_seed(0)
    host = Host()
    before = {name: tensor.clone() for name, tensor in host.state_dict().items()}
    seen = seen_by(host, 0)
    for half_layer, what, make in REPLACEMENTS:
        made = make(seen)
        frozen = {name: tensor.clone() for name, tensor in made.module.state_dict().items()}
        found = replaced(host, half_layer, made, seed=0, steps=2)
        assert (found.read is None) == (what == "removed")
        for name, tensor in made.module.state_dict().items():
            assert torch.equal(tensor, frozen[name])
    for name, tensor in host.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.slow
def test_training_learns() -> None:
    torch.manual_seed(0)
    host = Host()
    before = accuracy(host)
    train(host, 60, 0, 3e-3)
    assert accuracy(host) > before


@pytest.mark.slow
def test_figures_are_written_into_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    arguments = ["--small", "--seeds", "2", "--workers", "1", "--write", str(page)]
    assert main(arguments) == 0
    text = page.read_text()
    assert "| " + " | ".join(HEAD) + " |" in text
    assert "old" not in text
    assert text.startswith("# Title")
    assert text.endswith("more\n")
    assert text.count("±") == 3 * (len(LEARNERS) + len(REPLACEMENTS)) + 2 * (len(REPLACEMENTS) - 2)
    assert (tmp_path / "images" / "transplants.png").read_bytes().startswith(b"\x89PNG")
    assert "MLP" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--seeds", "0"], "at least 1"), (["--write", "/no/such/page.md"], "is no page")],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert says in capsys.readouterr().err


def test_spread_is_over_seeds() -> None:
    assert spread([0.5, 0.7]) == "60.0 ± 14.1"
    assert spread([1.0]) == "100.0"
    assert spread([None]) == "-"
