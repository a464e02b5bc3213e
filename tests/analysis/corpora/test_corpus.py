"""A corpus's folder: whatever the order and the interruptions, the same bytes."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyarrow")

from shoal import files
from shoal.errors import InvalidInputError, InvalidOptionError
from shoal.files import write_text
from shoal_analysis.corpora import corpus as module
from shoal_analysis.corpora.batches import BatchMade
from shoal_analysis.corpora.card import card_of
from shoal_analysis.corpora.corpus import Corpus
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.corpora.reading import rows_of
from shoal_analysis.corpora.running import make_corpus
from shoal_analysis.engine import folder as folder_module
from shoal_analysis.engine.failures import Failure
from tests.analysis.corpora.making import OPTIONS, Premade, build, content


def test_it_has_as_many_models_as_were_asked_for(folder: Path) -> None:
    rows = list(rows_of(folder))
    assert [row["number"] for row in rows] == list(range(20))
    assert sorted(path.name for path in (folder / "weights").iterdir()) == [
        f"{shard:05}.safetensors" for shard in range(3)
    ]
    for name in ("structure", "function", "key"):
        assert len({row[name] for row in rows}) == 20


@pytest.mark.parametrize("order", [reversed, lambda n: sorted(n, key=lambda x: x % 2)])
def test_batches_in_another_order_give_the_same_bytes(
    folder: Path, made: list[BatchMade], tmp_path: Path, order: Callable[[list[int]], list[int]]
) -> None:
    executor = Premade(made)
    build(tmp_path / "usual", made, 20, executor=executor)
    corpus = Corpus(tmp_path / "other", OPTIONS)
    for number in order(executor.submitted):
        corpus.record(number, made[number])
        corpus.settle(20)
    corpus.close()
    write_text(corpus.path / "README.md", card_of(corpus))
    assert content(corpus.path) == content(folder)


def test_a_corpus_that_grew_is_one_made_in_one_go(
    folder: Path, made: list[BatchMade], tmp_path: Path
) -> None:
    for programs in (1, 7, 8, 13, 20):
        build(tmp_path, made, programs)
    assert content(tmp_path) == content(folder)


class Interrupted(Exception):
    """Ends a corpus as the death of its process does."""


@settings(max_examples=12, deadline=None)
@given(deaths=st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_one_that_dies_anywhere_and_is_resumed_is_the_same(
    folder: Path, made: list[BatchMade], deaths: list[int], tmp_path_factory: Any
) -> None:
    """Each time it dies before one of the files that it writes is there."""
    path = tmp_path_factory.mktemp("interrupted")
    write = files._write_beside
    for death in deaths:
        left = [death]

        def write_or_die(place: Path, content: Any, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Interrupted
            write(place, content)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "_write_beside", write_or_die)
            try:
                build(path, made, 20)
            except Interrupted:
                continue
    build(path, made, 20)
    assert content(path) == content(folder)


def test_a_finished_corpus_makes_no_batch(made: list[BatchMade], tmp_path: Path) -> None:
    build(tmp_path, made, 20)
    executor = Premade(made)
    build(tmp_path, made, 20, executor=executor)
    assert executor.submitted == []


def test_a_batch_that_comes_twice_counts_once(made: list[BatchMade], tmp_path: Path) -> None:
    corpus = Corpus(tmp_path, OPTIONS)
    for _ in range(2):
        corpus.record(0, made[0])
    assert corpus.counts["drawn"] == 10
    corpus.settle(100)
    corpus.record(0, made[0])
    corpus.settle(100)
    assert corpus.counts["drawn"] == 10
    assert Corpus(tmp_path, OPTIONS).counts == corpus.counts


def test_parcels_of_full_shards_are_removed(made: list[BatchMade], tmp_path: Path) -> None:
    corpus = build(tmp_path, made, 20)
    first = json.loads((tmp_path / "work/shards.jsonl").read_text().splitlines()[-1])["batch"]
    left = sorted(int(path.stem) for path in (tmp_path / "work/parcels").iterdir())
    assert left == list(range(first, max(left) + 1))
    assert corpus.next_batch in left


def test_it_does_not_get_smaller(made: list[BatchMade], tmp_path: Path) -> None:
    build(tmp_path, made, 20)
    with pytest.raises(InvalidOptionError, match="holds a corpus of 20 models, more than 19"):
        build(tmp_path, made, 19)


def test_a_full_disk_is_told_and_nothing_is_lost(
    folder: Path, made: list[BatchMade], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(place: Path, content: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    build(tmp_path, made, 9)
    with monkeypatch.context() as patch:
        patch.setattr(files, "_write_beside", fail)
        with pytest.raises(InvalidInputError, match=r"cannot write .*No space left on device"):
            build(tmp_path, made, 20)
    build(tmp_path, made, 20)
    assert content(tmp_path) == content(folder)


def test_a_folder_of_another_corpus_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    with pytest.raises(InvalidOptionError, match="holds a corpus with other options"):
        Corpus(tmp_path / "copy", CorpusOptions(seed=4))
    (tmp_path / "copy/corpus.json").write_text("{}")
    with pytest.raises(InvalidOptionError, match="is no description of a corpus"):
        Corpus(tmp_path / "copy", OPTIONS)


def test_another_version_or_schema_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "version", lambda name: "0.0")
        with pytest.raises(InvalidOptionError, match="of other versions"):
            Corpus(tmp_path / "copy", OPTIONS)
    stored = tmp_path / "copy/corpus.json"
    stored.write_text(stored.read_text().replace('"schema": "1"', '"schema": "0"'))
    with pytest.raises(InvalidOptionError, match="whose schema is '0' and not '1'"):
        Corpus(tmp_path / "copy", OPTIONS)
    with pytest.raises(InvalidInputError, match="a corpus of schema '0'"):
        list(rows_of(tmp_path / "copy"))


def test_a_damaged_index_is_told(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy/data/train-00000.parquet").write_bytes(b"nothing")
    with pytest.raises(InvalidInputError, match=r"train-00000.parquet cannot be read"):
        Corpus(tmp_path / "copy", OPTIONS)


def test_programs_that_run_out_are_told(
    made: list[BatchMade], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BARREN", 2)
    corpus = Corpus(tmp_path, OPTIONS)
    for number in range(3):
        corpus.record(number, made[0])
    with pytest.raises(InvalidOptionError, match="2 batches of programs had no model that is new"):
        corpus.settle(100)


@pytest.mark.usefixtures("small")
def test_failures_are_kept_as_files_and_counted_again(
    made: list[BatchMade], tmp_path: Path
) -> None:
    failure = Failure("numpy", "it is wrong", "# a script")
    bad = BatchMade(made[0].parcel, made[0].counts, (failure,))
    corpus = Corpus(tmp_path, OPTIONS)
    seen: list[tuple[int, tuple[Failure, ...]]] = []
    make_corpus(
        corpus,
        Premade([bad, *made[1:]]),
        programs=3,
        jobs=1,
        progress=lambda number, failures: seen.append((number, failures)),
    )
    assert seen == [(0, (failure,))]
    assert (tmp_path / "failures/failure_00000.py").read_text() == "# a script"
    assert Corpus(tmp_path, OPTIONS).failures == [(0, failure)]


def test_balance_is_kept_through_a_resumption(made: list[BatchMade], tmp_path: Path) -> None:
    options = CorpusOptions(
        seed=3, most_steps=6, max_seq_len=3, shard_models=4, balance=("depth", "constructs")
    )
    build(tmp_path / "whole", made, 14, options)
    build(tmp_path / "parts", made, 6, options)
    build(tmp_path / "parts", made, 14, options)
    assert content(tmp_path / "parts") == content(tmp_path / "whole")
