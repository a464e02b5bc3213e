"""Random programs through Tracr and Shoal: which compiler gets how many right.

Tracr is used as a black box through its public interface, in a process of its own. The truth is
what both languages' interpreters agree on: inputs on which they differ, or one of them raises,
are left out, and so are programs that one of the languages cannot express. Numbers count as
right within 1e-2, relative to max(1, size); everything else has to be equal.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shoal.contract import all_agree
from shoal.errors import EvaluationError
from shoal.rasp.annotations import is_numerical
from shoal_analysis.fuzzing import functions
from shoal_analysis.fuzzing.cases import Case, needed
from shoal_analysis.fuzzing.programs import random_cases

COMPILERS = ("tracr", "shoal")
Agreement = Callable[[list[Any], list[Any]], bool]
"""Whether results are those of the interpreter."""

TOLERANCE = 1e-2
INPUTS = 8
_BATCH = 50

INSTALL = """\
Tracr is not installed for {python} ({reason}). Install it, best into an environment of its own:

  python -m venv tracr-env
  tracr-env/bin/python -m pip install tracr-pypi
  python -m benchmarks.tracr_under_fire --tracr-python tracr-env/bin/python
"""


class MissingCompilerError(Exception):
    """A worker cannot import its compiler."""


@dataclass(frozen=True)
class Outcome:
    """What became of one program under one compiler.

    Attributes:
        what: one of ``OUTCOMES``.
        error: the type of what it raised, if it raised.
        message: what that says, or the first wrong result.
        seconds: what compiling took; None if it did not come to an end.
    """

    what: str
    error: str = ""
    message: str = ""
    seconds: float | None = None


RIGHT = "right"
WRONG = "wrong"
WRONG_NONE = "wrong for None alone"
RAISED_COMPILING = "raises when compiling"
RAISED_RUNNING = "raises when run"
TIMED_OUT = "time-out or death"
OUTCOMES = (RIGHT, WRONG, WRONG_NONE, RAISED_COMPILING, RAISED_RUNNING, TIMED_OUT)


class Worker:
    """A compiler in a process of its own, started again when it has hung or died."""

    def __init__(self, python: str, compiler: str, timeout: float) -> None:
        script = Path(__file__).with_name("fire_worker.py")
        self._command = [python, str(script), compiler, functions.__file__]
        self._timeout = timeout
        self._reader = ThreadPoolExecutor(1)
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},  # the vocab is a set
        )
        ready = self._read() or {"ready": False, "message": "the process ended at once"}
        if not ready["ready"]:
            raise MissingCompilerError(ready["message"])

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer; its stage is "hung" after the time-out, and "died" if it died."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        try:
            answer = self._read()
        except TimeoutError:
            answer = {"stage": "hung", "message": f"no answer in {self._timeout:g} s"}
        if answer is None or answer["stage"] == "hung":
            self.stop()
            self._start()
        return answer or {"stage": "died", "message": "the process died"}

    def _read(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = self._reader.submit(self._process.stdout.readline).result(self._timeout)
        return json.loads(line) if line else None

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def different_cases(start: int) -> Iterator[Case]:
    """Endless random programs, the same for the same seed, each once."""
    number = start * 1_000_003
    seen: set[tuple[Any, ...]] = set()
    while True:
        for case in random_cases(_BATCH, number):
            key = tuple(_described(case).values())
            if key not in seen:
                seen.add(key)
                yield case
        number += 1


def examine(case: Case, workers: dict[str, Worker]) -> dict[str, Any]:
    """A row of results: the outcome of each compiler, or why the program does not count."""
    if any(isinstance(token, tuple | frozenset) for token in case.vocab):
        return {"skipped": "its tokens are tuples or sets, which Tracr does not take"}
    truth = list(_interpreted(case))
    if not truth:
        return {"skipped": "Shoal's interpreter raises on all inputs"}
    request = _request(case, [tokens for tokens, _ in truth])
    answers = {"tracr": workers["tracr"].ask(request)}
    if answers["tracr"]["stage"] == "build":
        return {"skipped": "Tracr's language cannot express it"}
    evaluated = _values(answers["tracr"], "evaluated") or [result for _, result in truth]
    both = [e is not None for e in evaluated]
    agree = _agreement(case)
    agreed = [e is not None and agree(r, e) for (_, r), e in zip(truth, evaluated, strict=True)]
    if not any(agreed):
        return {"skipped": "the interpreters agree on no input"}
    answers["shoal"] = workers["shoal"].ask(request)
    outcomes = {name: asdict(_outcome(truth, agreed, a, agree)) for name, a in answers.items()}
    return {"inputs": sum(both), "differing": sum(both) - sum(agreed), **outcomes}


def _interpreted(case: Case) -> Iterator[tuple[list[Any], list[Any]]]:
    program = case.build()
    for tokens in case.inputs(INPUTS):
        try:
            yield tokens, program(tokens, causal=case.options.causal)
        except EvaluationError:
            continue


def _request(case: Case, inputs: list[list[Any]]) -> dict[str, Any]:
    return {
        "lines": [[line.name, line.source] for line in needed(case.lines)],
        "vocab": repr(case.vocab),
        "max_seq_len": case.options.max_seq_len,
        "causal": case.options.causal,
        "inputs": repr(inputs),
    }


def _values(answer: dict[str, Any], what: str) -> list[Any] | None:
    return list(ast.literal_eval(answer[what])) if what in answer else None


def _outcome(
    truth: list[tuple[list[Any], list[Any]]],
    agreed: list[bool],
    answer: dict[str, Any],
    agree: Agreement,
) -> Outcome:
    error, message = answer.get("error", ""), answer.get("message", "")
    results = _values(answer, "results")
    if results is None:
        what = RAISED_COMPILING if answer["stage"] == "compile" else TIMED_OUT
        return Outcome(what, error or answer["stage"], message)
    seconds = answer["seconds"]
    counted = [
        (*pair, result) for pair, result, good in zip(truth, results, agreed, strict=True) if good
    ]
    if any(result is None for *_, result in counted):
        return Outcome(RAISED_RUNNING, error, message, seconds)
    wrong = [(x, wanted, result) for x, wanted, result in counted if not agree(wanted, result)]
    if not wrong:
        return Outcome(RIGHT, seconds=seconds)
    none_alone = all(
        agree([value for value in wanted if value is not None], _where_not_none(wanted, result))
        for _, wanted, result in wrong
    )
    shown = "on {!r} got {!r}, expected {!r}".format(*(wrong[0][i] for i in (0, 2, 1)))
    return Outcome(WRONG_NONE if none_alone else WRONG, message=shown, seconds=seconds)


def _where_not_none(wanted: list[Any], result: list[Any]) -> list[Any]:
    return [value for value, right in zip(result, wanted, strict=False) if right is not None]


def _agreement(case: Case) -> Agreement:
    """The contract for a case's results, with Tracr's tolerance."""
    numerical = is_numerical(case.build())
    return partial(all_agree, numerical=numerical, tolerance=TOLERANCE)


def run(options: argparse.Namespace, console: Console) -> list[dict[str, Any]]:
    """Examine programs until enough count; rows that the file already holds are not run again."""
    path: Path = options.results
    rows = _stored(path, options.seed)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"))
    workers = {
        "tracr": Worker(options.tracr_python, "tracr", options.timeout),
        "shoal": Worker(sys.executable, "shoal", options.timeout),
    }
    try:
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
            task = bar.add_task("programs", total=options.programs)
            for number, case in enumerate(different_cases(options.seed)):
                counted = sum("skipped" not in row for row in rows)
                bar.update(task, completed=counted)
                if counted >= options.programs:
                    break
                if number >= len(rows):
                    about = {"seed": options.seed, "number": number, **_described(case)}
                    rows.append({**about, **examine(case, workers)})
                    with path.open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
    except KeyboardInterrupt:
        console.print(f"interrupted; run the same command again to go on from {path}")
    finally:
        for worker in workers.values():
            worker.stop()
    return rows


def _described(case: Case) -> dict[str, Any]:
    options = case.options
    return {
        "source": case.source(),
        "vocab": repr(case.vocab),
        "max_seq_len": options.max_seq_len,
        "causal": options.causal,
    }


def _stored(path: Path, start: int) -> list[dict[str, Any]]:
    """The rows of a file that belong to a seed: those of the first programs, without gaps."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [row for row in map(json.loads, lines) if row["seed"] == start]


def outcome_table(rows: list[dict[str, Any]]) -> Table:
    """How many programs have which outcome, under each compiler."""
    table = Table(box=None, padding=(0, 1))
    table.add_column("")
    for name in COMPILERS:
        table.add_column(name.capitalize(), justify="right")
    counts = {name: Counter(row[name]["what"] for row in rows) for name in COMPILERS}
    table.add_row("programs", *(str(len(rows)) for _ in COMPILERS), style="bold")
    for what in OUTCOMES:
        table.add_row(what, *(str(counts[name][what]) for name in COMPILERS))
    table.add_section()
    times = {n: sorted(row[n]["seconds"] for row in rows if row[n]["seconds"]) for n in COMPILERS}
    medians = (f"{t[len(t) // 2]:.2f}" if t else "-" for t in times.values())
    table.add_row("seconds to compile (median)", *medians)
    return table


def error_table(rows: list[dict[str, Any]]) -> Table:
    """What was raised, by type and by the first reason that the message gives."""
    table = Table(box=None, padding=(0, 1))
    for column in ("", "type", "first reason"):
        table.add_column(column)
    table.add_column("programs", justify="right")
    for name in COMPILERS:
        raised = [row[name] for row in rows if row[name]["error"]]
        types = Counter(entry["error"] for entry in raised)
        for error, total in types.most_common():
            reasons = Counter(_reason(e["message"]) for e in raised if e["error"] == error)
            table.add_row(name.capitalize(), error, "", str(total), style="bold")
            for reason, count in reasons.most_common():
                table.add_row("", "", reason, str(count))
    return table


def _reason(message: str) -> str:
    """The first sentence of a message, or of its first reason, without names and numbers."""
    lines = [line.strip() for line in message.splitlines() if not line.endswith("expressions:")]
    sentence = re.split(r"; |(?<=\w)\. |\.$", lines[0].split(": ", 1)[-1])[0] if lines else ""
    sentence = re.sub(r"^\w+ gives \w+ and \w+", "... gives ... and ...", sentence)
    return re.sub(r"'[^']*'|<[^>]*>?|-?\d[\d,.e+-]*|\w+\(.*?\)", "...", sentence)[:90]


def report(rows: list[dict[str, Any]], console: Console) -> None:
    """Print all that is known."""
    counted = [row for row in rows if "skipped" not in row]
    if not counted:
        console.print("no program counts yet")
        return
    console.print(outcome_table(counted))
    console.print()
    console.print(error_table(counted))
    console.print()
    differing = sum(bool(row["differing"]) for row in counted)
    console.print(
        f"the interpreters differ on {sum(row['differing'] for row in counted)} of "
        f"{sum(row['inputs'] for row in counted)} inputs, of {differing} programs; not counted:"
    )
    skipped = Counter(row["skipped"] for row in rows if "skipped" in row)
    for reason, count in skipped.most_common():
        console.print(f"  {count} programs because {reason}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tracr_under_fire",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--programs", type=int, default=200, help="programs that count")
    parser.add_argument("--seed", type=int, default=0, help="which programs")
    parser.add_argument(
        "--tracr-python",
        default=sys.executable,
        metavar="PATH",
        help="the interpreter of an environment that has tracr-pypi (default: this one)",
    )
    parser.add_argument(
        "--timeout", type=float, default=120.0, metavar="S", help="seconds for one program"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("tracr_under_fire.jsonl"),
        metavar="FILE",
        help="JSON lines, one for each program; a file that is there is gone on from",
    )
    options = parser.parse_args(arguments)
    try:
        rows = run(options, Console(stderr=True))
    except MissingCompilerError as error:
        print(INSTALL.format(python=options.tracr_python, reason=error), file=sys.stderr, end="")
        return 2
    report(rows, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
