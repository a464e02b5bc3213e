from __future__ import annotations

from pathlib import Path

import pytest

from shoal_analysis.corpora import batches
from shoal_analysis.corpora.batches import BatchMade, make_batch
from tests.analysis.corpora.making import OPTIONS, build


@pytest.fixture(scope="session")
def made() -> list[BatchMade]:
    """The first batches of a small corpus, of ten programs each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BATCH", 10)
        return [make_batch(OPTIONS, number) for number in range(5)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of ten programs."""
    monkeypatch.setattr(batches, "BATCH", 10)


@pytest.fixture(scope="session")
def folder(made: list[BatchMade], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of twenty models, not to be changed."""
    pytest.importorskip("pyarrow")
    path = tmp_path_factory.mktemp("corpus") / "corpus"
    build(path, made, 20)
    return path
