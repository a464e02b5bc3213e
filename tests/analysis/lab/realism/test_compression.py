"""Compressions: what is learnt, refused, kept in files, and gone on with."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoal
from shoal.errors import InvalidInputError
from shoal.options import ALL
from shoal.rasp.stock import STOCK
from shoal_analysis import lab
from shoal_analysis.lab.realism.compression import column_labels, compress_each
from shoal_analysis.lab.realism.samples import sampled

SHORT = lab.Schedule(steps=40)


@cache
def compiled(name: str = "frac_prevs", passes: Any = (), length: int = 3) -> shoal.Model:
    stock = STOCK[name]
    program, vocab = stock.make(length), sorted(stock.vocab, key=str)[:3]
    return shoal.compile(program, vocab=vocab, max_seq_len=length, passes=passes, reuse=False)


def test_all_of_the_width_is_a_rotation() -> None:
    pytest.importorskip("torch")
    model = compiled()
    still = lab.Schedule(steps=1, learning_rate=0.0)
    made = lab.compress(model, model.d_model, seed=3, schedule=still)
    assert made.accuracy == 1.0
    assert made.shared == pytest.approx(np.eye(model.d_model), abs=1e-5)
    assert made.similarity == pytest.approx([1.0] * len(made.similarity), abs=1e-4)
    assert made.losses[0] < 1e-8


def test_training_makes_the_loss_smaller_and_a_wide_stream_serves_better() -> None:
    pytest.importorskip("torch")
    schedule = lab.Schedule(steps=400)
    narrow, wide = compress_each(compiled(length=2), [(1, 0), (6, 0)], schedule)
    for made in (narrow, wide):
        assert made.losses.shape == (400,)
        assert made.losses[-20:].mean() < made.losses[0] / 3
    assert wide.losses[-20:].mean() < narrow.losses[-20:].mean() / 3
    assert wide.accuracy > narrow.accuracy
    assert sum(wide.similarity) > sum(narrow.similarity)


@pytest.mark.parametrize("name", ["frac_prevs", "sort"])
def test_the_model_that_is_trained_is_the_one_that_is_measured(name: str) -> None:
    """G behind all that is written, and W and its transpose in the weights, are one function."""
    torch = pytest.importorskip("torch")
    from shoal_analysis.lab.realism.compressing import _multiplied

    model = compiled(name)
    made = lab.compress(model, 4, schedule=SHORT)
    ids = model.ids(sampled(model, 20, seed=8).inputs)
    module = model.to_torch()
    with torch.no_grad(), _multiplied(module, torch.tensor(made.shared[None]).float()):
        trained = module.unembed.register_forward_hook(lambda *parts: found.append(parts[2]))
        found: list[Any] = []
        module(torch.from_numpy(ids).long())
        trained.remove()
    measured = made.model(model).run_ids(ids).result
    assert found[0].numpy() == pytest.approx(measured, abs=2e-3, rel=2e-3)


def test_a_compressed_model_runs_and_is_read() -> None:
    pytest.importorskip("torch")
    model = compiled()
    made = lab.compress(model, model.d_model, schedule=lab.Schedule(steps=1, learning_rate=0.0))
    small = made.model(model)
    assert small.d_model == model.d_model
    assert small.run("ab") == pytest.approx(model.run("ab"), abs=1e-4)
    assert small.read("tokens", "abc") == ["a", "b", "c"]
    assert lab.directions(small, "tokens").shape == (3, small.d_model)
    with pytest.raises(InvalidInputError, match="compressed to 9 dimensions"):
        small.patch("ab", shoal.Patch.value("tokens", "a"))
    with pytest.raises(InvalidInputError, match="other weights"):
        made.model(compiled("sort"))


def test_the_same_arguments_give_the_same_matrix() -> None:
    pytest.importorskip("torch")
    one, same, other = (lab.compress(compiled(), 3, seed, SHORT) for seed in (4, 4, 5))
    assert one.matrix.tobytes() == same.matrix.tobytes()
    assert one.matrix.tobytes() != other.matrix.tobytes()


@pytest.mark.parametrize("d", [0, -1, 10, 2.0, "3", True, None])
def test_odd_widths_are_refused(d: Any) -> None:
    with pytest.raises(InvalidInputError, match="9 columns is held in 1 to 9 dimensions"):
        lab.compress(compiled(), d)


def test_what_cannot_be_compressed_is_refused() -> None:
    counts = shoal.compile(STOCK["double_hist"].make(4), vocab={"a", "b", "c"}, max_seq_len=4)
    with pytest.raises(InvalidInputError, match=r"'hist\.count'.*'linear-counts'"):
        lab.compress(counts, 2)
    with pytest.raises(InvalidInputError, match="not rotated"):
        lab.compress(lab.rotate(compiled()), 2)
    with pytest.raises(InvalidInputError, match="only models that were compiled"):
        lab.compress("a model", 2)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="a seed is a whole number"):
        lab.compress(compiled(), 2, seed=-1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": 1.5},
        {"batch_size": 0},
        {"learning_rate": -1.0},
        {"weight_decay": float("nan")},
    ],
)
def test_odd_schedules_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        lab.Schedule(**wrong)


def test_without_torch_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import shoal\nfrom shoal.rasp import tokens\nfrom shoal_analysis import lab\n"
        "model = shoal.compile(tokens, vocab={'a', 'b'}, max_seq_len=2)\n"
        "lab.rotate(model)\n"
        "lab.compress(model, 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'shoal[lab]'" in done.stderr


def test_files_keep_everything(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    made = lab.compress(compiled(), 3, 1, SHORT)
    made.save(tmp_path / "c.safetensors")
    again = lab.Compression.load(tmp_path / "c.safetensors")
    for name in ("d", "seed", "labels", "accuracy", "similarity", "schedule", "fingerprint"):
        assert getattr(again, name) == getattr(made, name)
    assert again.matrix.tobytes() == made.matrix.tobytes()
    assert again.losses.tobytes() == made.losses.tobytes()


def test_other_files_are_refused(tmp_path: Path) -> None:
    compiled().save(tmp_path / "model.safetensors")
    (tmp_path / "text").write_text("nothing")
    for name in ("model.safetensors", "text", "absent"):
        with pytest.raises(InvalidInputError, match="no compression that save wrote"):
            lab.Compression.load(tmp_path / name)


def test_an_interrupted_curve_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from shoal_analysis.lab.realism import curves

    monkeypatch.setattr(curves, "TOGETHER", 2)
    model, asked = compiled(), ([1, 2], [0, 1])

    def stop(done: int, of: int) -> None:
        if done > of // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.compression_curve(model, *asked, SHORT, tmp_path, stop)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "d1-seed0.safetensors",
        "d1-seed1.safetensors",
    ]
    steps: list[tuple[int, int]] = []
    curve = lab.compression_curve(model, *asked, SHORT, tmp_path, lambda *s: steps.append(s))
    assert steps[-1] == (SHORT.steps, SHORT.steps)
    assert [point.d for point in curve.points] == [1, 2]
    assert all(len(point.accuracies) == 2 for point in curve.points)
    assert curve.points[0].deviation >= 0.0
    # what another model, or another schedule, left behind is not taken
    other = lab.compression_curve(compiled("sort"), [1], [0], SHORT, tmp_path)
    assert other.compressions[0].fingerprint != curve.compressions[0].fingerprint


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_learnt(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    def never(done: int, of: int) -> None:
        raise AssertionError("something was learnt")

    with pytest.raises(InvalidInputError, match="cannot make the folder"):
        lab.compression_curve(compiled(), [1], [0], SHORT, tmp_path / "file" / "in", never)


def test_a_curve_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="at least one width"):
        lab.compression_curve(compiled(), [], [0])


def test_columns_are_labelled_by_all_that_they_hold() -> None:
    model = shoal.compile(
        STOCK["sort"].make(3),
        vocab={1, 2, 3},
        max_seq_len=3,
        passes=[p for p in ALL if p != "linear-counts"],
    )
    labels = column_labels(model)
    assert len(labels) == model.d_model
    assert "BOS" in labels


def test_pictures_are_drawn() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    curve = lab.compression_curve(compiled(), [1, 2], [0], SHORT)
    figure = lab.draw_compression({"wide": curve})
    assert [len(ax.lines) for ax in figure.axes] == [4, 4]
    shared = lab.draw_shared(curve.compressions[0])
    assert shared.axes[0].images[0].get_array().shape == (9, 9)
    for ask, wrong in ((lab.draw_compression, [curve]), (lab.draw_shared, curve)):
        with pytest.raises(InvalidInputError, match="give"):
            ask(wrong)
