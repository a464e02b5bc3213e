"""``shoal corpus``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from shoal.errors import InvalidOptionError
from shoal_cli.arguments import passes_of
from shoal_cli.engine import add_engine, check_jobs, executor_of
from shoal_cli.progress import progress_bar
from shoal_cli.wording import CommandLineError, in_options

if TYPE_CHECKING:
    from shoal_analysis.corpora.corpus import Corpus
    from shoal_analysis.corpora.options import CorpusOptions
    from shoal_analysis.engine.failures import Failure

SUMMARY = "make a corpus of different compiled models"

EXAMPLES = """\
examples:
  shoal corpus --programs 1000 --folder corpus      1,000 models, weights and index
  shoal corpus --programs 5000 --folder corpus      the same, and 4,000 more
  shoal corpus --programs 1000 --folder even --balance depth,constructs
  shoal corpus --programs 100000 --folder large --scheduler tcp://host:8786
                                                    on a Dask cluster
  shoal corpus --check --folder corpus              read it all, and run some of it again

Ctrl-C stops it; the same command goes on. The same seed gives the same models, byte for byte,
on any number of processes. Read it with datasets or pandas; docs/corpora.md shows how.
The exit code is 0 only if every model agreed with the interpreter.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument(
        "--folder", metavar="DIR", required=True, help="where it goes; the same folder resumes it"
    )
    parser.add_argument(
        "--programs", type=int, default=1000, metavar="N", help="so many models (default: 1000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which programs (default: 0)")
    parser.add_argument(
        "--steps", type=int, default=14, metavar="N", help="programs take up to N steps to write"
    )
    parser.add_argument(
        "--max-seq-len",
        type=int,
        default=6,
        metavar="N",
        help="the greatest number of tokens (default: 6)",
    )
    parser.add_argument("--causal", action="store_true", help="compile for causal attention")
    parser.add_argument(
        "--passes", default="all", metavar="LIST", help="as of shoal compile (default: all)"
    )
    parser.add_argument(
        "--balance",
        metavar="LIST",
        help="let no kind of program have much more than its even part: depth, constructs, or both",
    )
    parser.add_argument(
        "--shard-models",
        type=int,
        default=1000,
        metavar="N",
        help="models in one file of weights (default: 1000)",
    )
    parser.add_argument(
        "--check", action="store_true", help="make nothing: check what the folder holds"
    )
    add_engine(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make or check a corpus."""
    if arguments.check:
        return _check(Path(arguments.folder), console)
    from shoal_analysis.corpora.corpus import Corpus
    from shoal_analysis.corpora.options import PACKAGES

    if arguments.programs < 1:
        raise CommandLineError(f"--programs is {arguments.programs}; give a number above 0")
    check_jobs(arguments)
    corpus = Corpus(Path(arguments.folder), _options(arguments))
    for warning in corpus.warnings:
        Console(stderr=True, highlight=False).print(Text(f"warning: {warning}"), style="yellow")
    corpus.require_no_more(arguments.programs)
    finished, rate = _make(corpus, arguments, PACKAGES)
    console.print(Text(f"{_tallies(corpus)} ({rate:.1f} models/s, seed {arguments.seed})"))
    for number, failure in corpus.failures:
        console.print(
            Text(f"FAILED {failure.stage} in batch {number}: {failure.message}"), style="red"
        )
    if corpus.failures:
        console.print(Text(f"files that show the failures: {corpus.path / 'failures'}"))
    if not finished:
        console.print(Text(f"interrupted; the same command goes on: --folder {corpus.path}"))
        return 130
    console.print(Text(f"the corpus is in {corpus.path}; its README.md says what is in it"))
    return 1 if corpus.failures else 0


def _options(arguments: argparse.Namespace) -> CorpusOptions:
    """What the corpus is made of.

    Raises:
        CommandLineError: it makes no sense; options are named as here.
    """
    from shoal_analysis.corpora.options import CorpusOptions

    passes = passes_of(arguments)
    try:
        return CorpusOptions(
            seed=arguments.seed,
            most_steps=arguments.steps,
            max_seq_len=arguments.max_seq_len,
            causal=arguments.causal,
            passes=passes if isinstance(passes, str) else tuple(passes),
            balance=tuple(arguments.balance.split(",")) if arguments.balance else (),
            shard_models=arguments.shard_models,
        )
    except InvalidOptionError as error:
        text = str(error).replace("most_steps", "--steps")
        text = text.replace("shard_models", "--shard-models")
        raise CommandLineError(in_options(text)) from error


def _make(
    corpus: Corpus, arguments: argparse.Namespace, packages: tuple[str, ...]
) -> tuple[bool, float]:
    """Make it; whether it was finished, and models per second."""
    from shoal_analysis.corpora.running import make_corpus

    columns = (
        TextColumn("{task.completed:.0f} models"),
        BarColumn(),
        TextColumn("{task.fields[rate]:.1f}/s  {task.fields[tallies]}"),
        TimeElapsedColumn(),
    )
    with progress_bar(*columns) as bar:
        before = corpus.models
        task = bar.add_task("", total=arguments.programs, completed=before, rate=0.0, tallies="")

        def show(number: int, failures: tuple[Failure, ...]) -> None:
            rate = (corpus.models - before) / (bar.tasks[0].elapsed or 1e-9)
            bar.update(task, completed=corpus.models, rate=rate, tallies=_tallies(corpus, False))
            for failure in failures:
                bar.console.print(Text(f"batch {number}: {failure.message}"))

        finished = make_corpus(
            corpus,
            executor_of(arguments, packages),
            programs=arguments.programs,
            jobs=arguments.jobs,
            progress=show,
        )
        return finished, (corpus.models - before) / (bar.tasks[0].elapsed or 1e-9)


def _tallies(corpus: Corpus, with_models: bool = True) -> str:
    """What became of the programs, in words."""
    from shoal_analysis.corpora.selection import STAYS

    tally = corpus.selection.tally
    twice = sum(count for verdict, count in tally.items() if verdict != STAYS)
    parts = [f"{corpus.models:,} models"] if with_models else []
    parts += [
        f"{corpus.counts['drawn']:,} drawn",
        f"{corpus.counts['refused']:,} refused",
        f"{twice + corpus.counts['same structure in its batch']:,} left out",
        f"{len(corpus.failures)} failed",
    ]
    return ", ".join(parts)


def _check(folder: Path, console: Console) -> int:
    from shoal_analysis.corpora.checking import check_corpus

    faults = 0
    with progress_bar(
        TextColumn("{task.completed:.0f} models"), BarColumn(), TimeElapsedColumn()
    ) as bar:
        task = bar.add_task("", total=None)

        def show(models: int) -> None:
            bar.update(task, completed=models)

        for fault in check_corpus(folder, progress=show):
            faults += 1
            bar.console.print(Text(fault), style="red")
        models = int(bar.tasks[0].completed)
    console.print(Text(f"{models:,} models, {faults} faults"))
    return 1 if faults else 0
