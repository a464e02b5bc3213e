"""``shoal corpus``, with batches that are there already."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from shoal_analysis.corpora.batches import BatchMade
from shoal_analysis.corpora.corpus import Corpus
from shoal_analysis.engine import workers
from shoal_analysis.engine.failures import Failure
from shoal_cli.main import main
from tests.analysis.corpora.making import OPTIONS, Premade, content

ARGUMENTS = ["corpus", "--seed", "3", "--steps", "6", "--max-seq-len", "3", "--shard-models", "8"]


@pytest.fixture
def batches(made: list[BatchMade], small: None, monkeypatch: pytest.MonkeyPatch) -> list[BatchMade]:
    """What the command's workers give; tests may change it."""
    batches = list(made)
    monkeypatch.setattr(workers, "Workers", lambda jobs: Premade(batches))
    return batches


def run(folder: Path, programs: int, *more: str) -> int:
    return main([*ARGUMENTS, "--folder", str(folder), "--programs", str(programs), *more])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


@pytest.mark.usefixtures("batches")
def test_it_makes_what_the_library_makes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, 20) == 0
    assert content(tmp_path) == content(folder)
    output = said(capsys)
    assert "20 models" in output
    assert "0 failed" in output
    assert "README.md says what is in it" in output


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(
    batches: list[BatchMade],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(self: Corpus, programs: int) -> None:
        settle(self, programs)
        if self.models > 10:
            raise KeyboardInterrupt

    settle = Corpus.settle
    with monkeypatch.context() as patch:
        patch.setattr(Corpus, "settle", interrupt)
        assert run(tmp_path, 20) == 130
    assert f"interrupted; the same command goes on: --folder {tmp_path}" in said(capsys)
    assert not (tmp_path / "README.md").exists()
    assert run(tmp_path, 20) == 0
    assert content(tmp_path) == content(folder)


def test_a_failure_is_told_and_is_no_model(
    batches: list[BatchMade], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = Failure("numpy", "it is wrong", "# a script")
    batches[0] = BatchMade(batches[0].parcel, batches[0].counts, (failure,))
    assert run(tmp_path, 12) == 1
    output = said(capsys)
    assert "FAILED numpy in batch 0: it is wrong" in output
    assert "1 failed" in output


@pytest.mark.usefixtures("batches")
def test_a_corpus_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, 9) == 0
    assert main(["corpus", "--check", "--folder", str(tmp_path)]) == 0
    assert "9 models, 0 faults" in said(capsys)
    (tmp_path / "weights/00001.safetensors").unlink()
    assert main(["corpus", "--check", "--folder", str(tmp_path)]) == 1
    assert "00000008: " in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--programs", "0"], "--programs is 0"),
        (["--jobs", "0"], "--jobs is 0"),
        (["--balance", "colour"], "cannot be balanced over 'colour'"),
        (["--steps", "1"], "--steps is 1"),
        (["--passes", "nonsense"], "nonsense"),
        (["--max-seq-len", "0"], "is 0; give a number from 1 to 64"),
    ],
)
def test_bad_arguments_are_told(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", "--folder", str(tmp_path / "new"), *arguments]) == 2
    assert message in said(capsys)
    assert not (tmp_path / "new").exists()


def test_a_folder_without_a_corpus_cannot_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", "--check", "--folder", str(tmp_path)]) == 2
    assert "holds no corpus" in said(capsys)


def test_a_corpus_of_other_options_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", "--folder", str(folder), "--seed", "4", "--programs", "30"]) == 2
    assert "holds a corpus with other options" in said(capsys)
    assert Corpus(folder, OPTIONS).models in (16, 20)  # as it was


@pytest.mark.usefixtures("batches")
def test_two_commands_in_one_folder_are_refused(
    made: list[BatchMade], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = Corpus(tmp_path, OPTIONS)
    corpus.record(0, made[0])
    with corpus.locked():
        assert run(tmp_path, 20) == 2
    assert "another corpus is running" in said(capsys)
    assert not any((tmp_path / "weights").iterdir())  # the second has touched nothing


def test_without_pyarrow_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert run(tmp_path / "new", 5) == 2
    assert "pip install 'shoal[corpus]'" in said(capsys)
    assert not (tmp_path / "new").exists()


def test_a_scheduler_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    from shoal_analysis.engine import dask_cluster

    monkeypatch.setattr(dask_cluster, "SECONDS_TO_CONNECT", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    assert run(tmp_path, 5, "--scheduler", address) == 2
    assert f"no Dask scheduler answers at {address} within 0.5 seconds" in said(capsys)
