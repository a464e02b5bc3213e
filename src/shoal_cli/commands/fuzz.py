"""``shoal fuzz``."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from shoal_cli.engine import add_engine, check_jobs, executor_of
from shoal_cli.progress import progress_bar
from shoal_cli.tables import Column, print_table
from shoal_cli.wording import CommandLineError

SUMMARY = "attack the compiler with random programs"

EXAMPLES = """\
examples:
  shoal fuzz --programs 500                 random programs through every stage
  shoal fuzz --minutes 10 --seed 7 --stats  and what the programs look like
  shoal fuzz --programs 20000 --folder campaign --haiku 100
                                            Ctrl-C stops it; the same command resumes it
  shoal fuzz --programs 100000 --folder campaign --scheduler tcp://host:8786
                                            on a Dask cluster, with the same results

Every program runs in the interpreter, in craft and on the weights, and a share of them is
also recompiled, renamed, batched and compiled by every allocator. A failure is shrunk and
saved as a Python file that shows it. The exit code is 0 only if nothing failed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument(
        "--programs", type=int, metavar="N", help="examine so many programs in all (default: 1000)"
    )
    parser.add_argument("--minutes", type=float, metavar="M", help="stop after so many minutes")
    parser.add_argument("--seed", type=int, default=0, help="which programs (default: 0)")
    parser.add_argument(
        "--haiku", type=int, default=0, metavar="K", help="run every K-th program on Haiku as well"
    )
    parser.add_argument(
        "--steps", type=int, default=14, metavar="N", help="programs take up to N steps to write"
    )
    parser.add_argument(
        "--folder", metavar="DIR", help="keep the campaign here; the same folder resumes it"
    )
    add_engine(parser)
    parser.add_argument("--stats", action="store_true", help="show what the programs look like")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run a campaign; the exit code is 0 only if nothing failed."""
    # Hypothesis takes a moment to import, and only this command needs it
    from shoal_analysis.fuzzing.batches import BatchResult, CampaignOptions
    from shoal_analysis.fuzzing.campaign import CAMPAIGN, Campaign
    from shoal_analysis.fuzzing.running import run_campaign

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
    with progress_bar(*columns) as bar:
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
            executor_of(arguments, CAMPAIGN.packages),
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
        print_statistics(console, campaign.counts, campaign.programs)
    for failure in campaign.failures:
        console.print(Text(f"FAILED {failure.stage}: {failure.message}"), style="red")
    if campaign.failures:
        console.print(Text(f"files that show the failures: {folder / 'failures'}"))
    if not finished:
        console.print(Text(f"interrupted; resume with --folder {folder}"))
        return 130
    return 1 if campaign.failures else 0


def _check(arguments: argparse.Namespace) -> None:
    for name in ("programs", "minutes", "steps"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < float("inf"):
            raise CommandLineError(f"--{name} is {value}; give a number above 0")
    check_jobs(arguments)


def _tallies(counts: Counter[str], failures: int) -> str:
    names = ("agrees", "refused", "outside float32", "undefined")
    parts = [f"{counts[f'outcome {name}']:,} {name}" for name in names]
    return ", ".join([*parts, f"{failures} failed"])


def print_statistics(console: Console, counts: Counter[str], programs: int) -> None:
    """The distribution of a campaign's programs, in groups."""
    columns = (Column(""), Column(" "), Column("programs", 1, "right"), Column("share", 2, "right"))
    keys = sorted((key for key in counts if key != "inputs compared"), key=_order)
    sections = []
    for group, members in groupby(keys, key=lambda key: key.partition(" ")[0]):
        section = []
        for number, key in enumerate(members):
            share = f"{100 * counts[key] / max(programs, 1):.1f}%"
            entry = key.partition(" ")[2]
            section.append(["" if number else group, entry, f"{counts[key]:,}", share])
        sections.append(section)
    print_table(console, columns, sections)


def _order(key: str) -> tuple[str, int, str]:
    group, _, entry = key.partition(" ")
    digits = entry.split("-")[0]
    return (group, int(digits) if digits.isdigit() else -1, entry)
