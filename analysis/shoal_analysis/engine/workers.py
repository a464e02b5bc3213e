"""Local processes that batches run in, each replaced when it dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import connection
from typing import Any, TypeVar

T = TypeVar("T")


class Workers(Executor):
    """Processes that work side by side; the death of one is noticed, and takes no other along.

    A future whose process died raises ``BrokenExecutor``, and the next call goes to a new process.

    Args:
        jobs: how many processes.
    """

    def __init__(self, jobs: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._others = set(multiprocessing.active_children())
        self._pools = [self._new_pool() for _ in range(jobs)]
        self._pending: list[set[Future[Any]]] = [set() for _ in range(jobs)]

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, self._context, initializer=_begin)

    def submit(
        self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> Future[T]:  # the signature is that of ``Executor``
        """Let the process that has least to do call a function."""
        for pending in self._pending:
            pending.difference_update([future for future in pending if future.done()])
        slot = min(range(len(self._pools)), key=lambda i: len(self._pending[i]))
        try:
            future = self._pools[slot].submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pools[slot].shutdown(wait=False)
            self._pools[slot] = self._new_pool()
            future = self._pools[slot].submit(fn, *args, **kwargs)
        self._pending[slot].add(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, when they are done or, without ``wait``, at once."""
        if not wait:
            for child in multiprocessing.active_children():
                if child not in self._others:
                    child.kill()
        for pool in self._pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)


def _begin() -> None:
    """Ctrl-C is for the parent, which ends the processes; without a parent they end themselves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
