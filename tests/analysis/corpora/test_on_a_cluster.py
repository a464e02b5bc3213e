"""Corpora and campaigns on a Dask cluster, a worker of which is killed, are those made here."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("distributed")

from distributed import Client, LocalCluster

from shoal_analysis.fuzzing.batches import CampaignOptions
from shoal_analysis.fuzzing.campaign import Campaign
from shoal_cli.main import main
from tests.analysis.corpora.making import content

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def kill_a_worker_after(log: Path, cluster: LocalCluster) -> threading.Thread:
    """Kill one of the workers when the first batch is recorded."""
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        victim = next(iter(client.run(os.getpid).values()))

    def kill() -> None:
        end = time.monotonic() + 120
        while not (log.exists() and log.stat().st_size) and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    return killer


def test_a_corpus_is_the_same(cluster: LocalCluster, tmp_path: Path) -> None:
    arguments = ["corpus", "--programs", "60", "--steps", "4", "--max-seq-len", "3"]
    folder = tmp_path / "cluster"
    killer = kill_a_worker_after(folder / "work/batches.jsonl", cluster)
    address = cluster.scheduler_address
    assert main([*arguments, "--folder", str(folder), "--scheduler", address]) == 0
    killer.join()
    assert main([*arguments, "--folder", str(tmp_path / "here"), "--jobs", "1"]) == 0
    assert content(folder) == content(tmp_path / "here")


def test_a_campaign_is_the_same(cluster: LocalCluster, tmp_path: Path) -> None:
    arguments = ["fuzz", "--programs", "45", "--steps", "2", "--seed", "5"]
    folder = tmp_path / "cluster"
    killer = kill_a_worker_after(folder / "batches.jsonl", cluster)
    address = cluster.scheduler_address
    assert main([*arguments, "--folder", str(folder), "--scheduler", address]) == 0
    killer.join()
    assert main([*arguments, "--folder", str(tmp_path / "here"), "--jobs", "1"]) == 0
    options = CampaignOptions(seed=5, most_steps=2)
    campaigns = [Campaign(path, options) for path in (folder, tmp_path / "here")]
    one, other = ({n: replace(r, seconds=0) for n, r in c.results.items()} for c in campaigns)
    assert one == other
    assert len((folder / "batches.jsonl").read_text().splitlines()) == len(one)
