"""Memory and speed of the process that keeps a corpus, while the corpus grows.

    python -m benchmarks.corpus_memory --models 200000
    python -m benchmarks.corpus_memory --models 5000 --batch 3

Workers are left out: the same tiny model, or the models of one batch of a corpus, come again and
again, under digests that are new.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from shoal_analysis.corpora.batches import BATCH, BatchMade, make_batch, make_model
from shoal_analysis.corpora.corpus import Corpus
from shoal_analysis.corpora.drafts import Arrays, Draft, pack, unpack
from shoal_analysis.corpora.drawing import case_options
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.corpora.structure import digest
from shoal_analysis.fuzzing.cases import Case, Line

_PROGRAM = "v0 = tokens == 'a'"
_STEPS = 10


def main() -> None:
    """Print a table: models, memory, models per second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=200_000)
    parser.add_argument("--batch", type=int, help="repeat the models of this batch")
    arguments = parser.parse_args()
    drafts = _tiny_models() if arguments.batch is None else _models_of(arguments.batch)
    batches = arguments.models // len(drafts)
    print(f"{'models':>10}  {'peak MiB':>8}  {'models/s':>8}")
    with TemporaryDirectory() as folder:
        corpus = Corpus(Path(folder), CorpusOptions())
        seconds = 0.0
        for count, batch in enumerate(_batches(drafts, batches), start=1):
            start = time.perf_counter()
            corpus.record(count - 1, batch)
            corpus.settle(arguments.models)
            seconds += time.perf_counter() - start  # what workers do is not counted
            if count % max(1, batches // _STEPS) == 0:
                rate = corpus.models / seconds
                print(f"{corpus.models:>10,}  {_peak():>8.0f}  {rate:>8.0f}", flush=True)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(f"{size / corpus.models:,.0f} bytes of disk for each model")


def _tiny_models() -> list[tuple[Draft, Arrays]]:
    case = Case(Line.parse(_PROGRAM), ("a", "b"), case_options(CorpusOptions(max_seq_len=2)), 0)
    made = make_model(case, Counter())
    assert made is not None
    return [made] * BATCH


def _models_of(batch: int) -> list[tuple[Draft, Arrays]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "parcel"
        path.write_bytes(make_batch(CorpusOptions(), batch).parcel)
        return list(unpack(path))


def _batches(drafts: list[tuple[Draft, Arrays]], count: int) -> Iterator[BatchMade]:
    for number in range(count):
        renamed = [
            (
                replace(
                    draft,
                    structure=digest(f"structure {number} {place}"),
                    function=digest(f"function {number} {place}"),
                ),
                arrays,
            )
            for place, (draft, arrays) in enumerate(drafts)
        ]
        yield BatchMade(pack(renamed), {"drawn": BATCH})


def _peak() -> float:
    """The most memory that the process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
