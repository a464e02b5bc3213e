"""Campaigns: resumed, interrupted, and failing. Pools run in this process unless said otherwise."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from shoal.errors import InvalidOptionError
from shoal_analysis.fuzzing import campaign as module
from shoal_analysis.fuzzing.campaign import (
    BatchResult,
    Campaign,
    CampaignOptions,
    Failure,
    run_batch,
    run_campaign,
)
from shoal_analysis.fuzzing.oracles import Difference
from shoal_cli.main import main
from tests.mutants.faults import FAULTS

DEEP = bool(os.environ.get("SHOAL_DEEP"))
"""Whether to fuzz at length, which takes half an hour on a core."""

PROFILE_SEED = 2026


@pytest.mark.parametrize("number", range(200 if DEEP else 3))
def test_a_fixed_profile_does_not_fail(number: int) -> None:
    """Batches of up to 50 different programs, about one in 50 of them on Haiku as well."""
    result = run_batch(CampaignOptions(seed=PROFILE_SEED, haiku_share=50), number)
    assert result.failure is None, result.failure.script
    assert module.BATCH // 2 < result.programs <= module.BATCH
    assert result.counts["outcome agrees"] >= 0.5 * result.programs
    assert result.counts["inputs compared"] >= 8 * result.counts["outcome agrees"]
    assert result.counts["programs on Haiku"] <= 5


class _Here:
    """A context whose pool has threads, so that what tests change counts in it."""

    @staticmethod
    def Pool(jobs: int, initializer: Callable[[], None]) -> ThreadPool:
        return ThreadPool(jobs)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of five programs, in this process."""
    monkeypatch.setattr(module, "BATCH", 5)
    monkeypatch.setattr(module.multiprocessing, "get_context", lambda method: _Here)


def run(folder: Path, programs: int, progress: Callable[[BatchResult], None] = id) -> Campaign:
    campaign = Campaign(folder, CampaignOptions(seed=1))
    run_campaign(campaign, programs=programs, minutes=None, jobs=1, progress=progress)
    return campaign


def totals(campaign: Campaign) -> tuple[object, ...]:
    return campaign.programs, campaign.counts, campaign.failures, sorted(campaign.results)


@pytest.mark.usefixtures("small")
def test_a_resumed_campaign_is_the_same_as_one_in_one_go(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", 20)
    assert whole.programs == 20
    run(tmp_path / "parts", 10)
    resumed = run(tmp_path / "parts", 20)
    assert totals(resumed) == totals(whole)
    # and it is all on disk
    assert totals(Campaign(tmp_path / "parts", CampaignOptions(seed=1))) == totals(whole)


@pytest.mark.usefixtures("small")
def test_a_finished_campaign_has_nothing_to_do(tmp_path: Path) -> None:
    run(tmp_path, 10)
    done: list[BatchResult] = []
    run(tmp_path, 10, progress=done.append)
    assert done == []


@pytest.mark.usefixtures("small")
def test_a_time_limit_ends_a_campaign_after_whole_batches(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, CampaignOptions())
    assert run_campaign(campaign, programs=None, minutes=0.01, jobs=2, progress=id)
    assert campaign.programs == 5 * len(campaign.results) > 0


def test_a_folder_of_another_campaign_is_refused(tmp_path: Path) -> None:
    Campaign(tmp_path, CampaignOptions(seed=1))
    with pytest.raises(InvalidOptionError, match="other options"):
        Campaign(tmp_path, CampaignOptions(seed=2))
    assert json.loads((tmp_path / "campaign.json").read_text()) == asdict(CampaignOptions(seed=1))


@pytest.mark.usefixtures("small")
def test_an_interrupt_keeps_finished_batches(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, CampaignOptions(seed=1))

    def interrupt(result: BatchResult) -> None:
        if len(campaign.results) == 2:
            raise KeyboardInterrupt

    assert not run_campaign(campaign, programs=40, minutes=None, jobs=1, progress=interrupt)
    kept = Campaign(tmp_path, CampaignOptions(seed=1))
    assert kept.programs == 10
    assert totals(run(tmp_path, 20)) == totals(run(tmp_path / "whole", 20))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_the_command_and_keeps_its_batches(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; from shoal_cli.main import main; sys.exit(main())",
    ]
    process = subprocess.Popen(
        [*command, "fuzz", "--folder", str(tmp_path), "--jobs", "1", "--minutes", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    log = tmp_path / "batches.jsonl"
    while process.poll() is None and not (log.exists() and log.read_text().endswith("\n")):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    output, _ = process.communicate()
    assert process.returncode == 130
    assert "interrupted; resume with --folder" in " ".join(output.split())
    assert Campaign(tmp_path, CampaignOptions()).programs >= 20


@pytest.mark.usefixtures("small")
def test_a_failure_is_shrunk_and_kept_as_a_file(tmp_path: Path) -> None:
    options = CampaignOptions(seed=3, most_steps=2)
    (fault,) = (fault for fault in FAULTS if fault.name == "missing width")
    with fault.apply():
        result = run_batch(options, 0)
    assert result.failure is not None
    assert result.failure.stage == "craft"
    campaign = Campaign(tmp_path, options)
    campaign.record(result)
    (path,) = (tmp_path / "failures").iterdir()
    script = runpy.run_path(str(path))
    assert len(script["PROGRAM"].strip().splitlines()) <= 3
    with fault.apply(), pytest.raises(Difference):
        runpy.run_path(str(path), run_name="__main__")
    assert Campaign(tmp_path, options).failures == [result.failure]


def test_a_crash_of_the_compiler_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(case: object, haiku: bool) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(module, "examine", crash)
    failure = run_batch(CampaignOptions(), 0).failure
    assert failure is not None
    assert (failure.stage, failure.message) == ("crash", "KeyError: 'lost'")
    assert "PROGRAM" in failure.script


def test_the_command_succeeds_if_nothing_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In processes of its own, as users run it."""
    arguments = ["fuzz", "--programs", "30", "--jobs", "2", "--folder", str(tmp_path)]
    assert main([*arguments, "--stats"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    count = Campaign(tmp_path, CampaignOptions()).programs
    assert count >= 30
    assert f"{count} programs" in output
    assert "0 failed" in output
    assert "uses Aggregate" in output
    assert main(arguments) == 0
    assert f"resuming after {count} programs" in capsys.readouterr().out


@pytest.mark.usefixtures("small")
def test_the_command_fails_if_a_program_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: CampaignOptions, number: int) -> BatchResult:
        return BatchResult(number, 5, failure=Failure("craft", "it is wrong", "# a script"))

    monkeypatch.setattr(module, "run_batch", fail)
    assert main(["fuzz", "--programs", "5", "--folder", str(tmp_path)]) == 1
    output = " ".join(capsys.readouterr().out.split())
    assert "FAILED craft: it is wrong" in output
    assert "1 failed" in output
    assert (tmp_path / "failures" / "failure_00000.py").read_text() == "# a script"


def test_the_command_refuses_a_folder_of_another_campaign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Campaign(tmp_path, CampaignOptions(seed=1))
    assert main(["fuzz", "--seed", "2", "--folder", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "other options" in " ".join((captured.out + captured.err).split())


@pytest.mark.usefixtures("small")
def test_a_line_cut_off_by_a_kill_costs_one_batch(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, CampaignOptions(most_steps=2))
    for number in range(2):
        campaign.record(run_batch(campaign.options, number))
    log = tmp_path / "batches.jsonl"
    log.write_text(log.read_text()[:-20])
    again = Campaign(tmp_path, campaign.options)
    assert list(again.results) == [0]
    assert next(again.missing()) == 1
