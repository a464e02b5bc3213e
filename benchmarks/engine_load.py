"""Batches that a Dask scheduler passes on in a second, and bytes of their results.

    python -m benchmarks.engine_load --batches 500 --kilobytes 300

Batches do nothing but give bytes, so that what is left is the engine, the scheduler, and the way
there and back, all of which share the cores of this machine with the workers.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distributed import LocalCluster

from shoal_analysis.engine.dask_cluster import DaskCluster
from shoal_analysis.engine.failures import Failure
from shoal_analysis.engine.folder import Folder, Kind
from shoal_analysis.engine.running import run_batches

_WARM = 50
"""So many batches are not timed: they start the processes."""


@dataclass
class _Bytes:
    """Work whose batches give so many bytes each."""

    folder: Folder
    batches: int
    size: int
    done: set[int] = field(default_factory=set)
    times: list[float] = field(default_factory=list)

    def missing(self) -> Iterator[int]:
        yield from range(10**9)

    def has(self, number: int) -> bool:
        return number in self.done

    def will_do(self, under_way: int) -> bool:
        return len(self.done) + under_way >= self.batches

    def has_room(self, number: int) -> bool:
        return True

    def call(self, number: int, skip: tuple[str, ...], note: Path) -> tuple[Any, ...]:
        return importlib.import_module("benchmarks.engine_load").give, self.size, note

    def record(self, number: int, result: bytes, failures: tuple[Failure, ...]) -> None:
        self.done.add(number)
        self.times.append(time.perf_counter())

    def give_up(self, number: int, failures: tuple[Failure, ...]) -> None:
        raise AssertionError(f"batch {number} was lost: {failures}")


def give(size: int, note: Path) -> bytes:
    """So many bytes."""
    return bytes(size)


def main() -> None:
    """Print batches and bytes a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=500)
    parser.add_argument("--kilobytes", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    size = 1000 * arguments.kilobytes
    with (
        TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=arguments.workers, threads_per_worker=2, dashboard_address=None
        ) as cluster,
    ):
        work = _Bytes(Folder(Path(folder), Kind("load", ()), {}), arguments.batches, size)
        run_batches(work, DaskCluster(cluster.scheduler_address, ("shoal",)))
    timed = work.times[_WARM:]
    rate = (len(timed) - 1) / (timed[-1] - timed[0])
    print(f"{rate:.0f} batches/s, {rate * size / 1e6:.1f} MB/s")


if __name__ == "__main__":
    main()
