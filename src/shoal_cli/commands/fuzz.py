"""``shoal fuzz``."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shoal.errors import InvalidOptionError

SUMMARY = "attack the compiler with random programs"

EXAMPLES = """\
examples:
  shoal fuzz --programs 500                 random programs through every stage
  shoal fuzz --minutes 10 --seed 7 --stats  and what the programs look like
  shoal fuzz --programs 20000 --folder campaign --haiku 100
                                            Ctrl-C stops it; the same command resumes it

Every program runs in the interpreter, in craft and on the weights, and a share of them is
also recompiled, renamed, batched and compiled by every allocator. A failure is shrunk and
saved as a Python file that shows it. The exit code is 0 only if nothing failed.
"""

MOST_JOBS = 256
"""Processes that one machine can be asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument(
        "--programs", type=int, metavar="N", help="examine so many programs in all (default: 1000)"
    )
    parser.add_argument("--minutes", type=float, metavar="M", help="stop after so many minutes")
    parser.add_argument("--seed", type=int, default=0, help="which programs (default: 0)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)"
    )
    parser.add_argument(
        "--haiku", type=int, default=0, metavar="K", help="run every K-th program on Haiku as well"
    )
    parser.add_argument(
        "--steps", type=int, default=14, metavar="N", help="programs take up to N steps to write"
    )
    parser.add_argument(
        "--folder", metavar="DIR", help="keep the campaign here; the same folder resumes it"
    )
    parser.add_argument("--stats", action="store_true", help="show what the programs look like")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run a campaign; the exit code is 0 only if nothing failed."""
    # Hypothesis takes a moment to import, and only this command needs it
    from shoal_analysis.fuzzing.batches import BatchResult, CampaignOptions
    from shoal_analysis.fuzzing.campaign import Campaign
    from shoal_analysis.fuzzing.running import run_campaign
    from shoal_analysis.fuzzing.workers import Workers

    _check(arguments)
    programs = arguments.programs
    if programs is None and arguments.minutes is None:
        programs = 1000
    options = CampaignOptions(arguments.seed, arguments.haiku, arguments.steps)
    folder = Path(arguments.folder or tempfile.mkdtemp(prefix="shoal-fuzz-"))
    campaign = Campaign(folder, options)
    for warning in campaign.warnings:
        Console(stderr=True, highlight=False).print(Text(f"warning: {warning}"), style="yellow")
    if campaign.results:
        console.print(f"resuming after {campaign.programs:,} programs", highlight=False)
    columns = (
        TextColumn("{task.completed:.0f} programs"),
        BarColumn(),
        TextColumn("{task.fields[rate]:.1f}/s  {task.fields[tallies]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=programs, completed=campaign.programs, rate=0.0, tallies="")
        before = campaign.programs

        def show(result: BatchResult) -> None:
            elapsed = bar.tasks[0].elapsed or 1e-9
            bar.update(
                task,
                completed=campaign.programs,
                rate=(campaign.programs - before) / elapsed,
                tallies=_tallies(campaign.counts, len(campaign.failures)),
            )
            for failure in result.failures:
                bar.console.print(Text(f"batch {result.number}: {failure.message}"))

        finished = run_campaign(
            campaign,
            Workers(arguments.jobs),
            programs=programs,
            minutes=arguments.minutes,
            jobs=arguments.jobs,
            progress=show,
        )
        elapsed = bar.tasks[0].elapsed or 1e-9
    rate = (campaign.programs - before) / elapsed
    console.print(
        Text(
            f"{campaign.programs:,} programs, {_tallies(campaign.counts, len(campaign.failures))} "
            f"({rate:.1f} programs/s, seed {arguments.seed})"
        )
    )
    if arguments.stats:
        console.print(statistics_table(campaign.counts, campaign.programs))
    for failure in campaign.failures:
        console.print(Text(f"FAILED {failure.stage}: {failure.message}"), style="red")
    if campaign.failures:
        console.print(Text(f"files that show the failures: {folder / 'failures'}"))
    if not finished:
        console.print(Text(f"interrupted; resume with --folder {folder}"))
        return 130
    return 1 if campaign.failures else 0


def _check(arguments: argparse.Namespace) -> None:
    for name in ("programs", "minutes", "jobs", "steps"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < float("inf"):
            raise InvalidOptionError(f"--{name} is {value}; give a number above 0")
    if arguments.jobs > MOST_JOBS:
        raise InvalidOptionError(f"--jobs is {arguments.jobs}; at most {MOST_JOBS} will do")


def _tallies(counts: Counter[str], failures: int) -> str:
    names = ("agrees", "refused", "outside float32", "undefined")
    parts = [f"{counts[f'outcome {name}']:,} {name}" for name in names]
    return ", ".join([*parts, f"{failures} failed"])


def statistics_table(counts: Counter[str], programs: int) -> Table:
    """The distribution of a campaign's programs, in groups."""
    table = Table(box=None, padding=(0, 1))
    table.add_column("")
    table.add_column("")
    table.add_column("programs", justify="right")
    table.add_column("share", justify="right")
    previous = ""
    for key in sorted(counts, key=_order):
        if key == "inputs compared":
            continue
        group, _, entry = key.partition(" ")
        if previous and group != previous:
            table.add_section()
        share = f"{100 * counts[key] / max(programs, 1):.1f}%"
        label = group if group != previous else ""
        table.add_row(label, Text(entry), f"{counts[key]:,}", share)
        previous = group
    return table


def _order(key: str) -> tuple[str, int, str]:
    group, _, entry = key.partition(" ")
    digits = entry.split("-")[0]
    return (group, int(digits) if digits.isdigit() else -1, entry)
