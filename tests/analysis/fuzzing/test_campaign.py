"""Campaigns: resumed, interrupted, and failing. They run in this process unless said otherwise."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from shoal.errors import InvalidOptionError
from shoal_analysis.engine import folder as folder_module
from shoal_analysis.engine import workers
from shoal_analysis.engine.failures import Failure
from shoal_analysis.engine.notes import Note, NoteError
from shoal_analysis.engine.running import WorkersError
from shoal_analysis.engine.workers import Workers
from shoal_analysis.fuzzing import batches as module
from shoal_analysis.fuzzing import running
from shoal_analysis.fuzzing.batches import BatchResult, CampaignOptions, run_batch
from shoal_analysis.fuzzing.campaign import Campaign
from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import Difference, Verdict
from shoal_analysis.fuzzing.running import run_campaign
from shoal_cli.main import main
from tests.mutants.faults import FAULTS

DEEP = bool(os.environ.get("SHOAL_DEEP"))
"""Whether to fuzz at length, which takes half an hour on a core."""

PROFILE_SEED = 2026
NESTED = "[" * 100_000


@pytest.mark.slow
@pytest.mark.parametrize("number", range(200 if DEEP else 3))
def test_a_fixed_profile_does_not_fail(number: int) -> None:
    """Batches of up to 50 different programs, about one in 50 of them on Haiku as well."""
    result = run_batch(CampaignOptions(seed=PROFILE_SEED, haiku_share=50), number)
    assert result.failures == (), result.failures[0].script
    assert module.BATCH // 2 < result.programs <= module.BATCH
    assert result.counts["outcome agrees"] >= 0.5 * result.programs
    assert result.counts["inputs compared"] >= 8 * result.counts["outcome agrees"]
    assert result.counts["programs on Haiku"] <= 5


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of five programs."""
    monkeypatch.setattr(module, "BATCH", 5)


def here() -> ThreadPoolExecutor:
    """Workers in this process, so that what tests change counts in them."""
    return ThreadPoolExecutor(1)


def run(folder: Path, programs: int, progress: Callable[[BatchResult], None] = id) -> Campaign:
    campaign = Campaign(folder, CampaignOptions(seed=1))
    run_campaign(campaign, here(), programs=programs, minutes=None, jobs=1, progress=progress)
    return campaign


def totals(campaign: Campaign) -> tuple[object, ...]:
    return campaign.programs, campaign.counts, campaign.failures, sorted(campaign.results)


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_time_limit_ends_a_campaign_after_whole_batches(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, CampaignOptions())
    assert run_campaign(campaign, here(), programs=None, minutes=0.01, jobs=2, progress=id)
    assert campaign.programs == 5 * len(campaign.results) > 0


def test_a_folder_of_another_campaign_is_refused(tmp_path: Path) -> None:
    Campaign(tmp_path, CampaignOptions(seed=1))
    with pytest.raises(InvalidOptionError, match="other options"):
        Campaign(tmp_path, CampaignOptions(seed=2))
    stored = json.loads((tmp_path / "campaign.json").read_text())
    assert stored["options"] == asdict(CampaignOptions(seed=1))
    assert set(stored["versions"]) == {"shoal", "hypothesis"}


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_an_interrupt_keeps_finished_batches(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, CampaignOptions(seed=1))

    def interrupt(result: BatchResult) -> None:
        if len(campaign.results) == 2:
            raise KeyboardInterrupt

    arguments = {"programs": 40, "minutes": None, "jobs": 1}
    assert not run_campaign(campaign, here(), **arguments, progress=interrupt)
    kept = Campaign(tmp_path, CampaignOptions(seed=1))
    assert kept.programs == 10
    assert totals(run(tmp_path, 20)) == totals(run(tmp_path / "whole", 20))


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_batch_that_cannot_be_ended_does_not_disturb_a_resumed_campaign(tmp_path: Path) -> None:
    """Threads, and machines elsewhere, may go on with a batch after an interrupt."""
    campaign = Campaign(tmp_path, CampaignOptions(seed=1))
    notes = []
    for _ in range(2):  # an interrupted run, and the one after it
        with campaign.locked():
            notes.append(campaign.new_note(0))
    results: list[BatchResult] = []

    def examine_batch(note: Path) -> None:
        for _ in range(3):
            results.append(run_batch(campaign.options, 0, note=note))

    threads = [threading.Thread(target=examine_batch, args=(note,)) for note in notes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert [failure for result in results for failure in result.failures] == []
    same = [replace(result, seconds=0) for result in results]
    assert same == same[:1] * 6


@pytest.mark.usefixtures("small")
def test_what_fails_once_around_a_program_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("no space left")])

    def tally(case: Case, verdict: Verdict) -> dict[str, int]:
        for error in failures:
            raise error
        return {}

    monkeypatch.setattr(module, "tally", tally)
    (failure,) = run_batch(CampaignOptions(), 0).failures
    assert failure.message == "OSError: no space left"


@pytest.mark.usefixtures("small")
def test_a_full_disk_is_no_failure_of_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, note: Note | None) -> None:
        if note is not None:
            raise NoteError("cannot write: No space left on device")

    monkeypatch.setattr(module, "write_note", full)
    campaign = Campaign(tmp_path, CampaignOptions())
    with pytest.raises(NoteError, match="No space left"):
        run_campaign(campaign, here(), programs=10, minutes=None, jobs=1, progress=id)
    assert campaign.failures == []
    assert campaign.deaths == []


@contextmanager
def under_way(folder: Path, jobs: int, ignoring: bool) -> Iterator[subprocess.Popen[str]]:
    """``shoal fuzz`` after its first batch, in a process group that is killed whatever happens.

    ``ignoring`` starts it as background jobs and many CI runners do, with SIGINT ignored.
    """
    command = "import sys; from shoal_cli.entry import main; sys.exit(main())"
    handler = signal.SIG_IGN if ignoring else signal.default_int_handler
    arguments = ["fuzz", "--folder", str(folder), "--jobs", str(jobs), "--minutes", "60"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, handler),
    )
    try:
        wait_for_a_batch(folder, process)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


def wait_for_a_batch(folder: Path, process: subprocess.Popen[str]) -> None:
    log = folder / "batches.jsonl"
    end = time.monotonic() + 120
    while not (log.exists() and log.read_text().endswith("\n")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for one process")


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("ignoring", [False, True])
def test_ctrl_c_ends_the_command_and_keeps_its_batches(tmp_path: Path, ignoring: bool) -> None:
    with under_way(tmp_path, jobs=1, ignoring=ignoring) as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "interrupted; resume with --folder" in " ".join(output.split())
        assert "Traceback" not in errors
    assert Campaign(tmp_path, CampaignOptions()).programs >= 20


@POSIX
@pytest.mark.slow
def test_a_terminated_command_leaves_no_worker_behind(tmp_path: Path) -> None:
    with under_way(tmp_path, jobs=2, ignoring=True) as process:
        process.terminate()
        process.communicate(timeout=60)  # which waits for all who hold its pipes
        assert process.returncode == 143


@POSIX
@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    with under_way(tmp_path, jobs=2, ignoring=False) as process:
        process.kill()
        process.communicate(timeout=60)


@POSIX
@pytest.mark.slow
def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    """One of two processes dies in the middle; the results are those of a campaign in peace."""
    others = set(multiprocessing.active_children())
    killed: list[int] = []

    def kill(result: BatchResult) -> None:
        if not killed:
            victim = next(p for p in multiprocessing.active_children() if p not in others)
            killed.append(victim.pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    campaign = Campaign(tmp_path / "killed", CampaignOptions(seed=1))
    arguments: dict[str, Any] = {"programs": 150, "minutes": None, "jobs": 2}
    assert run_campaign(campaign, Workers(2), **arguments, progress=kill)
    assert killed
    peaceful = Campaign(tmp_path / "peaceful", CampaignOptions(seed=1))
    assert run_campaign(peaceful, Workers(2), **arguments, progress=id)
    both = set(campaign.results) & set(peaceful.results)
    assert len(both) >= 3
    for number in both:
        first, second = campaign.results[number], peaceful.results[number]
        assert replace(first, seconds=0) == replace(second, seconds=0)
    assert campaign.failures == []


class Death(BaseException):
    """Ends a batch as the death of its worker does: without a result, and with its note left."""


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("deaths", [1, 2, 99])
def test_a_program_is_a_failure_if_two_workers_die_on_it(
    tmp_path: Path, deaths: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct = module.examine
    victims: list[Case] = []

    def examine(case: Case, haiku: bool) -> Verdict:
        if not victims or (case == victims[0] and len(victims) < deaths):
            victims.append(case)
            raise Death
        return correct(case, haiku)

    monkeypatch.setattr(module, "examine", examine)
    campaign = run(tmp_path, 20)
    assert min(deaths, 2) <= len(victims) <= 4  # a batch under way may have drawn it, too
    if deaths == 1:
        assert campaign.failures == []
        assert campaign.programs >= 20
        return
    (failure,) = campaign.failures
    assert failure.stage == "worker died"
    assert victims[0].source() in failure.script
    (path,) = (tmp_path / "failures").iterdir()
    assert path.read_text() == failure.script
    assert all(result.programs > 0 for result in campaign.results.values())
    assert Campaign(tmp_path, CampaignOptions(seed=1)).failures == [failure]


@pytest.mark.usefixtures("small")
def test_a_batch_that_dies_before_it_has_drawn_a_program_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct = module.cases

    def cases(most_steps: int) -> Any:
        if most_steps == 14:
            raise Death
        return correct(most_steps)

    monkeypatch.setattr(module, "cases", cases)
    campaign = Campaign(tmp_path, CampaignOptions())
    assert run_campaign(campaign, here(), programs=None, minutes=0.002, jobs=1, progress=id)
    assert campaign.failures
    assert {failure.stage for failure in campaign.failures} == {"worker died"}


class Broken(ThreadPoolExecutor):
    """Loses everything before it begins."""

    def submit(self, *arguments: Any, **others: Any) -> Any:
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("no process could be started"))
        return future


def test_workers_that_cannot_work_are_an_error_and_no_endless_loop(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, CampaignOptions())
    with pytest.raises(WorkersError, match="no process could be started"):
        run_campaign(campaign, Broken(1), programs=10, minutes=None, jobs=2, progress=id)


def test_two_campaigns_in_one_folder_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = Campaign(tmp_path, CampaignOptions())
    with campaign.locked():
        assert main(["fuzz", "--programs", "5", "--folder", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "another campaign is running" in " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"options": 5, "versions": {}}', "\0", NESTED], ids=len
)
def test_a_broken_description_is_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "campaign.json").write_text(text)
    assert main(["fuzz", "--programs", "5", "--folder", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "is no description of a campaign" in " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize(
    "death", ['{"key": []}', '{"key": [], "batch": 1, "message": "", "script": ""}', NESTED]
)
def test_a_death_that_cannot_be_read_is_left_out_with_a_warning(tmp_path: Path, death: str) -> None:
    Campaign(tmp_path, CampaignOptions())
    (tmp_path / "deaths.jsonl").write_text(death)
    again = Campaign(tmp_path, CampaignOptions())
    assert again.deaths == []
    assert len(again.warnings) == 1


def test_another_version_draws_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Campaign(tmp_path, CampaignOptions())
    monkeypatch.setattr(folder_module, "version", lambda name: "0.0")
    with pytest.raises(InvalidOptionError, match="of other versions"):
        Campaign(tmp_path, CampaignOptions())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--minutes", "nan"], "--minutes is nan"),
        (["--minutes", "inf"], "--minutes is inf"),
        (["--programs", "0"], "--programs is 0"),
        (["--jobs", "1000000000000"], "--jobs is 1000000000000; at most 256"),
        (["--folder", os.devnull], "cannot be a campaign's folder"),
    ],
)
def test_bad_arguments_are_told_clearly(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fuzz", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in " ".join((captured.out + captured.err).split())


ENTRY = '{"number": 7, "programs": 3, "counts": {}, "failures": [], "seconds": 0.1}'


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", "5", '{"number": 1}', "\x00", '{"failures": 3}', NESTED),
        ENTRY.replace("7", "null"),
        ENTRY.replace("7", "[1]"),
        ENTRY.replace("3", '"x"'),
        ENTRY.replace("3", "-1000000"),
        ENTRY.replace("3", "1e999"),
        ENTRY.replace("{}", "5"),
        ENTRY.replace("{}", '{"a": "b"}'),
        ENTRY.replace("[]", '[{"stage": 1, "message": "", "script": ""}]'),
        ENTRY.replace("0.1", '"soon"'),
    ],
    ids=str.__len__,
)
def test_a_line_that_cannot_be_read_is_left_out_with_a_warning(tmp_path: Path, line: str) -> None:
    campaign = Campaign(tmp_path, CampaignOptions(most_steps=2))
    for number in range(2):
        campaign.record(run_batch(campaign.options, number))
    log = tmp_path / "batches.jsonl"
    first, second = log.read_text().splitlines()
    log.write_text("\n".join([first, line, second]))
    again = Campaign(tmp_path, campaign.options)
    assert list(again.results) == [0, 1]
    assert again.warnings == [f"line 2 of {log} cannot be read; left out"]
    again.record(run_batch(campaign.options, 2))  # after a line that has no end
    assert list(Campaign(tmp_path, campaign.options).results) == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_failure_is_shrunk_and_kept_as_a_file(tmp_path: Path) -> None:
    options = CampaignOptions(seed=5, most_steps=2)
    (fault,) = (fault for fault in FAULTS if fault.name == "missing width")
    with fault.apply():
        batches = (run_batch(options, number) for number in range(50))
        result = next(batch for batch in batches if len(batch.failures) == 1)
    (failure,) = result.failures
    assert failure.stage == "craft"
    campaign = Campaign(tmp_path, options)
    campaign.record(result)
    (path,) = (tmp_path / "failures").iterdir()
    script = runpy.run_path(str(path))
    assert len(script["PROGRAM"].strip().splitlines()) <= 3
    with fault.apply(), pytest.raises(Difference):
        runpy.run_path(str(path), run_name="__main__")
    assert Campaign(tmp_path, options).failures == [failure]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("lost"), "KeyError: 'lost'"),
        (AssertionError(), "AssertionError"),
        (ValueError(1, 2), "ValueError: (1, 2)"),
    ],
)
def test_a_crash_of_the_compiler_is_a_failure(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(case: object, haiku: bool) -> None:
        raise error

    monkeypatch.setattr(module, "examine", crash)
    (failure,) = run_batch(CampaignOptions(), 0).failures
    assert (failure.stage, failure.message) == ("crash", message)
    program = failure.script.split('"""')[3].strip()
    assert len(program.splitlines()) == 1  # it is shrunk, whether the error has a text or not


@pytest.mark.slow
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
    def fail(options: CampaignOptions, number: int, *others: object) -> BatchResult:
        return BatchResult(number, 5, failures=(Failure("craft", "it is wrong", "# a script"),))

    monkeypatch.setattr(running, "run_batch", fail)
    monkeypatch.setattr(workers, "Workers", lambda jobs: here())
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
