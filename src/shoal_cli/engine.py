"""Where batches run: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import argparse
import os
from concurrent.futures import Executor

from rich.console import Console
from rich.text import Text

from shoal_cli.wording import CommandLineError

MOST_JOBS = 256
"""Processes that one machine can be asked for."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """How many processes, or which cluster."""
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)"
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="run on the Dask cluster whose scheduler is there, such as tcp://host:8786, instead",
    )


def check_jobs(arguments: argparse.Namespace) -> None:
    """Refuse numbers of processes that make no sense.

    Raises:
        CommandLineError: says which do.
    """
    if arguments.jobs <= 0:
        raise CommandLineError(f"--jobs is {arguments.jobs}; give a number above 0")
    if arguments.jobs > MOST_JOBS:
        raise CommandLineError(f"--jobs is {arguments.jobs}; at most {MOST_JOBS} will do")


def executor_of(arguments: argparse.Namespace, packages: tuple[str, ...]) -> Executor:
    """What runs batches.

    Args:
        arguments: those of ``add_engine``.
        packages: of which workers must have the versions that are here.

    Raises:
        CommandLineError: the number of processes makes no sense.
        ShoalError: the cluster cannot be reached, or is of other versions.
    """
    check_jobs(arguments)
    if arguments.scheduler is None:
        from shoal_analysis.engine.workers import Workers

        return Workers(arguments.jobs)
    from shoal_analysis.engine.dask_cluster import DaskCluster

    cluster = DaskCluster(arguments.scheduler, packages)
    if not cluster.jobs:
        text = f"{arguments.scheduler} has no workers yet; waiting for them (Ctrl-C stops that)"
        Console(stderr=True, highlight=False).print(Text(text), style="yellow")
    return cluster
