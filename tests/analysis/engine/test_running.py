"""The scheduling loop, with executors that lose things, are slow, or go away."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shoal_analysis.engine import running
from shoal_analysis.engine.notes import Note
from shoal_analysis.engine.running import LostBatchError, WorkersError, run_batches
from tests.analysis.engine.toy import Squares, expected, square

Outcome = Callable[[Future[Any], int], bool]
"""What happens to a submission of a batch instead; False if it runs as usual."""


class Scripted(ThreadPoolExecutor):
    """Runs batches at once, but for what a script says of them."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(1)
        self.outcome = outcome
        self.submitted: list[int] = []
        self.cancelled: list[Future[Any]] = []

    def submit(self, fn: Any, /, *arguments: Any, **others: Any) -> Any:
        future: Future[Any] = Future()
        self.submitted.append(arguments[0])
        if not self.outcome(future, arguments[0]):
            future.set_result(fn(*arguments))
        return future


class ScriptedCluster(Scripted):
    jobs = 4


def test_batches_run_until_there_are_enough(tmp_path: Path) -> None:
    work = Squares(tmp_path, 20)
    assert run_batches(work, ThreadPoolExecutor(2), 2)
    assert work.results == expected(20)
    assert sorted(work.recorded) == list(range(20))


def test_a_batch_that_was_lost_once_runs_again_and_counts_once(tmp_path: Path) -> None:
    lost = iter([True])

    def outcome(future: Future[Any], number: int) -> bool:
        if number == 3 and next(lost, False):
            future.set_exception(LostBatchError("gone", Note("case 3", "# 3")))
            return True
        return False

    work = Squares(tmp_path, 10)
    assert run_batches(work, Scripted(outcome), 2)
    assert work.results == expected(10)
    assert sorted(work.recorded) == list(range(10))
    assert [death.key for death in work.folder.deaths] == ["case 3"]


def test_two_deaths_on_one_case_are_one_failure(tmp_path: Path) -> None:
    lost = iter([True, True])

    def outcome(future: Future[Any], number: int) -> bool:
        if number == 3 and next(lost, False):
            future.set_exception(LostBatchError("gone", Note("case 3", "# 3")))
            return True
        return False

    work = Squares(tmp_path, 10)
    run_batches(work, Scripted(outcome), 2)
    (failure,) = work.failures[3]
    assert (failure.stage, failure.script) == ("worker died", "# 3")
    assert work.results == expected(10)
    assert not any(work.failures[number] for number in range(10) if number != 3)


def test_what_takes_workers_with_it_unseen_is_given_up(tmp_path: Path) -> None:
    def outcome(future: Future[Any], number: int) -> bool:
        if number == 3:
            future.set_exception(LostBatchError("several workers were lost", None))
        return number == 3

    work = Squares(tmp_path, 10)
    run_batches(work, Scripted(outcome), 2)
    assert work.results == {**expected(10), 3: -1}
    assert len(work.failures[3]) == 1


def test_an_error_of_ours_ends_the_run_and_keeps_what_there_is(tmp_path: Path) -> None:
    def outcome(future: Future[Any], number: int) -> bool:
        if number == 3:
            future.set_exception(WorkersError("another version"))
        return number == 3

    work = Squares(tmp_path, 10)
    with pytest.raises(WorkersError, match="another version"):
        run_batches(work, Scripted(outcome), 1)
    assert {0, 1}.issubset(work.results)
    assert 3 not in work.results


def test_a_scheduler_that_drops_what_is_under_way_is_an_error(tmp_path: Path) -> None:
    def outcome(future: Future[Any], number: int) -> bool:
        return number == 3 and future.cancel() and not future.set_running_or_notify_cancel()

    with pytest.raises(WorkersError, match="dropped what was under way"):
        run_batches(Squares(tmp_path, 10), Scripted(outcome), 1)


def test_a_straggler_runs_elsewhere_too_and_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "PATIENCE", 0.0)
    stuck: list[Future[Any]] = []

    def outcome(future: Future[Any], number: int) -> bool:
        if number == 3 and not stuck:
            stuck.append(future)
            return True
        return False

    work = Squares(tmp_path, 10)
    executor = ScriptedCluster(outcome)
    assert run_batches(work, executor, 1)
    assert work.results == expected(10)
    assert sorted(work.recorded) == list(range(10))
    assert executor.submitted.count(3) == 2
    assert stuck[0].cancelled()


def test_on_one_machine_nothing_runs_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE", 0.0)
    executor = Scripted(lambda future, number: False)
    run_batches(Squares(tmp_path, 10), executor, 3)
    assert executor.submitted == list(range(10))


def test_no_batch_begins_far_ahead_of_one_that_is_missing(tmp_path: Path) -> None:
    stuck: list[Future[Any]] = []
    work = Squares(tmp_path, 30, room=5)
    ahead: list[int] = []

    def outcome(future: Future[Any], number: int) -> bool:
        ahead.append(number - len(work.results))
        if number == 3 and not stuck:
            stuck.append(future)
            return True
        if stuck and len(work.results) >= 6 and not stuck[0].done():
            stuck[0].set_result(square(3, False, 0.0, tmp_path / "note"))
        return False

    assert run_batches(work, Scripted(outcome), 20)
    assert max(ahead) < 5
    assert work.results == expected(30)
