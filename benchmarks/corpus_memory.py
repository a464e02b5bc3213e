"""Memory of the process that keeps a corpus, while the corpus grows.

    python -m benchmarks.corpus_memory --models 200000

Workers are left out: the same tiny model comes again and again, under digests that are new.
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

from shoal_analysis.corpora.batches import BATCH, BatchMade, make_model
from shoal_analysis.corpora.corpus import Corpus
from shoal_analysis.corpora.drafts import Arrays, Draft, pack
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
    arguments = parser.parse_args()
    draft, arrays = _tiny_model()
    print(f"{'models':>10}  {'peak MiB':>8}  {'models/s':>8}")
    with TemporaryDirectory() as folder:
        corpus = Corpus(Path(folder), CorpusOptions())
        start = time.perf_counter()
        for count, batch in enumerate(_batches(draft, arrays, arguments.models // BATCH), start=1):
            corpus.record(count - 1, batch)
            corpus.settle(arguments.models)
            if count % max(1, arguments.models // BATCH // _STEPS) == 0:
                rate = corpus.models / (time.perf_counter() - start)
                print(f"{corpus.models:>10,}  {_peak():>8.0f}  {rate:>8.0f}", flush=True)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(f"{size / corpus.models:,.0f} bytes of disk for each model")


def _tiny_model() -> tuple[Draft, Arrays]:
    case = Case(Line.parse(_PROGRAM), ("a", "b"), case_options(CorpusOptions(max_seq_len=2)), 0)
    made = make_model(case, Counter())
    assert made is not None
    return made


def _batches(draft: Draft, arrays: Arrays, count: int) -> Iterator[BatchMade]:
    for number in range(count):
        names = [f"{number} {place}" for place in range(BATCH)]
        drafts = [
            replace(draft, structure=digest(f"s {name}"), function=digest(f"f {name}"))
            for name in names
        ]
        yield BatchMade(pack([(each, arrays) for each in drafts]), {"drawn": BATCH})


def _peak() -> float:
    """The most memory that the process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
