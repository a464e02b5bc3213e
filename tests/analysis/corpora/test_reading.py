"""Corpora as their readers find them: pandas, datasets, Shoal, and what checks them."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from safetensors.numpy import load_file, save_file

from shoal.contract import all_agree
from shoal.errors import EvaluationError, InvalidInputError
from shoal.rasp.annotations import is_numerical
from shoal_analysis.corpora.checking import check_corpus
from shoal_analysis.corpora.index import COLUMNS
from shoal_analysis.corpora.reading import case_of, model_of, program_of, rows_of
from shoal_analysis.corpora.splits import split_of


def test_models_do_what_their_programs_do(folder: Path) -> None:
    for row in rows_of(folder):
        model, program = model_of(folder, row), program_of(row)
        for tokens in case_of(row).inputs(6):
            with suppress(EvaluationError):
                wanted = program(tokens)
                assert all_agree(wanted, model.run(tokens), numerical=is_numerical(program))
        assert model.num_layers == row["num_layers"]
        assert model.d_model == row["d_model"]
        assert model.num_parameters == row["num_parameters"]
        assert model.atlas.source
        assert row["split"] == split_of(row["family"])


def test_columns_and_splits_can_be_chosen(folder: Path) -> None:
    everything = list(rows_of(folder))
    assert set(everything[0]) == set(COLUMNS)
    train = list(rows_of(folder, "train", ["source"]))
    assert [row["source"] for row in train] == [
        row["source"] for row in everything if row["split"] == "train"
    ]


def test_pandas_reads_it(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.concat(map(pandas.read_parquet, sorted(folder.glob("data/*.parquet"))))
    assert sorted(table.number) == list(range(20))
    assert set(table.columns) == set(COLUMNS)
    assert json.loads(table.iloc[0].atlas)


def test_datasets_reads_it_by_its_card(folder: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path))
    counts = {split: len(rows) for split, rows in found.items()}
    rows = list(rows_of(folder))
    assert {split: n for split, n in counts.items() if n} == {
        split: sum(row["split"] == split for row in rows) for split in {r["split"] for r in rows}
    }
    assert found["train"][0]["source"] == next(r["source"] for r in rows if r["split"] == "train")


def test_the_card_has_a_header_and_says_how_to_make_it_again(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    _, header, text = card.split("---\n", 2)
    assert "license: cc0-1.0" in header
    assert "n<1K" in header
    assert "shoal corpus --programs 20 --seed 3 --steps 6 --max-seq-len 3 --shard-models 8" in (
        " ".join(text.split())
    )
    assert all(f"`{name}`" in text for name in COLUMNS)
    assert "* 20 stay" in text


def test_schema_version_and_licence_are_in_every_file(folder: Path) -> None:
    import pyarrow.parquet
    from safetensors import safe_open

    for path in folder.glob("data/*.parquet"):
        facts = pyarrow.parquet.read_schema(path).metadata
        assert facts[b"shoal schema"] == b"1"
        assert facts[b"shoal licence"] == b"cc0-1.0"
        assert facts[b"shoal version of shoal"]
    for path in folder.glob("weights/*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            facts = json.loads(file.metadata()["shoal"])
            assert facts == {"format": "shoal corpus 1", "licence": "cc0-1.0"}


def test_a_whole_corpus_has_no_faults(folder: Path) -> None:
    looked_at: list[int] = []
    assert list(check_corpus(folder, share=5, progress=looked_at.append)) == []
    assert looked_at == list(range(1, 21))


def tampered(folder: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    return copy, load_file(copy / "weights/00001.safetensors")


def test_arrays_that_were_changed_are_found(folder: Path, tmp_path: Path) -> None:
    copy, arrays = tampered(folder, tmp_path)
    name = next(name for name in arrays if name.startswith("00000008/token_embedding"))
    arrays[name] = arrays[name] + 1
    save_file(arrays, copy / "weights/00001.safetensors")
    faults = list(check_corpus(copy, share=1))
    assert faults[0] == "00000008: its arrays are not those that its index speaks of"


def test_arrays_that_are_missing_are_found(folder: Path, tmp_path: Path) -> None:
    copy, arrays = tampered(folder, tmp_path)
    kept = {name: a for name, a in arrays.items() if not name.startswith("00000009/")}
    save_file(kept, copy / "weights/00001.safetensors")
    (copy / "weights/00002.safetensors").unlink()
    faults = list(check_corpus(copy, share=1000))
    assert {fault.partition(":")[0] for fault in faults} == {
        "00000009", "00000016", "00000017", "00000018", "00000019"
    }  # fmt: skip


def test_a_shard_that_is_left_out_is_found(folder: Path, tmp_path: Path) -> None:
    copy, _ = tampered(folder, tmp_path)
    for path in copy.glob("data/*-00001.parquet"):
        path.unlink()
    assert next(check_corpus(copy)) == "00000016: it should be the model 00000008"


def test_what_is_no_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds no corpus"):
        list(rows_of(tmp_path))
