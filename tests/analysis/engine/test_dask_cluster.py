"""Batches on a Dask cluster of several worker processes, some of which are killed."""

from __future__ import annotations

import gc
import importlib.metadata
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")

from distributed import Client, LocalCluster

from shoal_analysis.engine import dask_cluster
from shoal_analysis.engine.dask_cluster import DaskCluster
from shoal_analysis.engine.running import Cluster, WorkersError, run_batches
from tests.analysis.engine.toy import Squares, expected

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Three workers, each a process that its nanny starts again when it dies."""
    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def workers_of(cluster: LocalCluster) -> dict[str, int]:
    """The process of each worker."""
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)
        found: dict[str, int] = client.run(os.getpid)
        return found


def wait_until_it_is_replaced(cluster: LocalCluster, process: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if process not in workers_of(cluster).values():
                return
        except OSError:  # it is gone, and the scheduler does not know yet
            pass
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def no_client_is_left() -> Iterator[None]:
    """A client that is collected while another one starts can make both wait for ever."""
    yield
    gc.collect()


def connect(cluster: LocalCluster) -> DaskCluster:
    return DaskCluster(cluster.scheduler_address, ("numpy",))


def test_it_gives_what_runs_here(cluster: LocalCluster, tmp_path: Path) -> None:
    executor = connect(cluster)
    assert isinstance(executor, Cluster)
    assert executor.jobs == 3
    work = Squares(tmp_path, 20)
    assert run_batches(work, executor)
    assert work.results == expected(20)
    assert sorted(work.recorded) == list(range(20))


def test_a_worker_that_is_killed_loses_nothing(cluster: LocalCluster, tmp_path: Path) -> None:
    work = Squares(tmp_path, 30, slow=0.1)
    victims = list(workers_of(cluster).values())

    def kill() -> None:
        while len(work.results) < 5:
            time.sleep(0.01)
        os.kill(victims[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert run_batches(work, connect(cluster))
    killer.join()
    wait_until_it_is_replaced(cluster, victims[0])
    assert work.results == expected(30)
    assert sorted(work.recorded) == list(range(30))
    assert not any(work.failures.values())


def test_a_case_that_kills_its_process_is_one_failure_and_no_worker_dies(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    before = set(workers_of(cluster).values())
    work = Squares(tmp_path, 10, deadly=(4,))
    assert run_batches(work, connect(cluster))
    (failure,) = work.failures[4]
    assert failure.stage == "worker died"
    assert "SIGKILL" in failure.message
    assert failure.script == "# 4"
    assert work.results == expected(10)
    assert set(workers_of(cluster).values()) == before


def test_no_process_of_a_batch_is_left_behind(cluster: LocalCluster, tmp_path: Path) -> None:
    run_batches(Squares(tmp_path, 6), connect(cluster))
    for process in workers_of(cluster).values():
        children = Path(f"/proc/{process}/task/{process}/children")
        end = time.monotonic() + 30
        while children.exists() and children.read_text().split():
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_scheduler_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(WorkersError, match="no Dask scheduler answers at tcp"):
        DaskCluster(address, ("numpy",), seconds=0.5)


@pytest.mark.parametrize("address", ["nonsense://there", "tcp://:::"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(WorkersError, match="no Dask scheduler answers"):
        DaskCluster(address, ("numpy",), seconds=0.5)


def test_workers_of_other_versions_are_refused(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Here:
        """The versions here, which are others than the workers'."""

        def __call__(self, name: str) -> str:
            return "0.0"

        def __reduce__(self) -> Any:  # sent to workers, it is the function there
            return getattr, (importlib.metadata, "version")

    monkeypatch.setattr(dask_cluster, "version", Here())
    with pytest.raises(WorkersError, match=r"has numpy .*, and here is numpy 0\.0"):
        connect(cluster)


def test_a_worker_that_joins_with_another_version_is_refused(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    executor = connect(cluster)
    executor._versions = {"numpy": "0.0"}  # as if the worker had come later
    with pytest.raises(WorkersError, match=r"and here is numpy 0\.0"):
        run_batches(Squares(tmp_path, 5), executor)


def test_a_package_that_workers_lack_is_told(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Here:
        def __call__(self, name: str) -> str:
            return "1.0"

        def __reduce__(self) -> Any:
            return getattr, (importlib.metadata, "version")

    monkeypatch.setattr(dask_cluster, "version", Here())
    with pytest.raises(WorkersError, match="has no package 'nowhere-to-be-found'"):
        DaskCluster(cluster.scheduler_address, ("nowhere-to-be-found",))


def test_a_scheduler_that_ends_on_the_way_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    work = Squares(tmp_path, 1000, slow=0.05)
    other = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    executor = DaskCluster(other.scheduler_address, ("numpy",))

    def end() -> None:
        while len(work.results) < 3:
            time.sleep(0.01)
        other.close()

    ender = threading.Thread(target=end)
    ender.start()
    with pytest.raises(WorkersError, match="start it again"):
        run_batches(work, executor)
    ender.join()
    assert work.results == {n: n**2 for n in work.results}
    assert len(work.results) >= 3
