"""Batches on a Dask cluster: an executor whose workers come and go, and are of one version."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import uuid4

from shoal.errors import InvalidInputError
from shoal.rasp.values import show_error
from shoal_analysis.engine.child import Child, ChildDiedError
from shoal_analysis.engine.notes import read_note
from shoal_analysis.engine.running import LostBatchError, WorkersError

try:
    from distributed import Client, KilledWorker, WorkerPlugin, get_worker
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in ("distributed", "dask"):
        raise
    raise InvalidInputError(
        "a cluster needs the package 'distributed', which is not installed; "
        "install it by \"pip install 'shoal[cluster]'\""
    ) from error

T = TypeVar("T")

SECONDS_TO_CONNECT = 10.0
"""For so long a scheduler may be silent."""

_SECONDS_KNOWN = 5.0
"""For so long it is believed how many workers there are."""


class DaskCluster(Executor):
    """An executor over the workers of a Dask cluster; see ``engine.running.Cluster``.

    Each thread of a worker runs one batch at a time, in a process of its own. Dask itself runs
    again what was on workers that are gone; a batch that took several workers with it, or whose
    process died, raises ``LostBatchError``.

    Args:
        address: of the scheduler, such as "tcp://host:8786".
        packages: of which workers must have the versions that are here.
        seconds: for how long to wait for the scheduler; None for ``SECONDS_TO_CONNECT``.

    Raises:
        WorkersError: there is no scheduler, or a worker has other versions.
    """

    def __init__(
        self, address: str, packages: tuple[str, ...], seconds: float | None = None
    ) -> None:
        seconds = SECONDS_TO_CONNECT if seconds is None else seconds
        self._address = address
        self._versions = {name: version(name) for name in packages}
        try:
            self._client = Client(address, timeout=seconds, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise WorkersError(
                f"no Dask scheduler answers at {address} within {seconds:g} seconds "
                f'({show_error(error)}); start one by "dask scheduler" and workers by '
                f'"dask worker {address}", or run without a scheduler on this machine alone'
            ) from error
        self._children = f"shoal-{uuid4().hex}"
        self._known: tuple[float, int] = (0.0, 0)
        try:
            self._require_versions()
            self._client.register_plugin(_Children(), name=self._children)
        except BaseException:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)

    @property
    def jobs(self) -> int:
        """How many batches it runs at once, now: threads of all workers.

        Raises:
            WorkersError: the scheduler is gone.
        """
        since, jobs = self._known
        if time.monotonic() - since > _SECONDS_KNOWN:
            try:
                jobs = sum(self._client.nthreads().values())
            except (OSError, RuntimeError, CancelledError) as error:
                raise self._gone() from error
            self._known = (time.monotonic(), jobs)
        return jobs

    def _gone(self) -> WorkersError:
        return WorkersError(
            f"the Dask scheduler at {self._address} is gone; start it again, and then the same "
            "command, which goes on from here"
        )

    def _require_versions(self) -> None:
        for name, wanted in self._versions.items():
            answers = self._client.run(version, name, on_error="return")
            for worker, found in answers.items():
                if isinstance(found, PackageNotFoundError):
                    raise WorkersError(
                        f"the worker {worker} has no package {name!r}, and here is {name} "
                        f"{wanted}; install that there, and start it again"
                    )
                if found != wanted:
                    raise _other_version(worker, name, str(found), wanted)

    def submit(
        self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> Future[T]:  # the signature is that of ``Executor``
        """Let a worker run a batch, whose last argument is the file of its note.

        Raises:
            WorkersError: the scheduler is gone.
        """
        try:
            inner = self._executor.submit(
                run_batch_here, self._children, self._versions, fn, args, **kwargs
            )
        except (OSError, RuntimeError, CancelledError) as error:
            raise self._gone() from error
        outer: Future[T] = Future()
        outer.add_done_callback(lambda future: inner.cancel() if future.cancelled() else None)
        inner.add_done_callback(lambda future: _pass_on(future, outer))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on; what is under way is dropped without ``wait``."""
        try:
            self._executor.shutdown(wait=wait)
            self._client.unregister_worker_plugin(self._children)
        except (OSError, RuntimeError, CancelledError, ValueError):
            pass  # the scheduler is gone, and with it what was to be dropped
        finally:
            self._client.close()


def _pass_on(inner: Future[Any], outer: Future[Any]) -> None:
    """Give an outcome on, in the engine's words."""
    if outer.cancelled():
        return
    if inner.cancelled():
        outer.cancel()
        outer.set_running_or_notify_cancel()
        return
    error = inner.exception()
    if isinstance(error, KilledWorker):
        error = LostBatchError(f"several workers were lost with it: {error}", None)
    if error is not None:
        outer.set_exception(error)
    else:
        outer.set_result(inner.result())


class _Children(WorkerPlugin):
    """The processes of a worker, which end with it."""

    def setup(self, worker: Any) -> None:
        """Called by a worker that begins."""
        self.idle: list[Child] = []
        self.all: list[Child] = []

    def teardown(self, worker: Any) -> None:
        """Called by a worker that ends, or when the run is over."""
        for child in self.all:
            child.close()

    def take(self) -> Child:
        """A process that has nothing to do."""
        try:
            return self.idle.pop()
        except IndexError:
            child = Child()
            self.all.append(child)
            return child

    def drop(self, child: Child) -> None:
        """Forget a process that died."""
        self.all.remove(child)
        child.close()


def run_batch_here(
    children: str,
    versions: Mapping[str, str],
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> Any:
    """Run a batch on a worker, in a process of its own.

    Args:
        children: name of the plugin that has the processes.
        versions: of packages, which must be those here.
        function: what is called.
        arguments: of it; the last is the file of a note, for which one on this machine is taken.

    Raises:
        WorkersError: this worker has other versions.
        LostBatchError: the process died with the batch.
        ChildDiedError: it died before the batch had begun.
    """
    worker = get_worker()
    for name, wanted in versions.items():
        if version(name) != wanted:  # a worker that joined later
            raise _other_version(worker.address, name, version(name), wanted)
    processes: _Children = worker.plugins[children]
    child = processes.take()
    with TemporaryDirectory(prefix="shoal-") as folder:
        note = Path(folder) / "note.json"
        try:
            result = child.call(function, *arguments[:-1], note)
        except ChildDiedError as error:
            processes.drop(child)
            if note.exists():
                raise LostBatchError(str(error), read_note(note)) from error
            raise
        except BaseException:
            processes.idle.append(child)
            raise
    processes.idle.append(child)
    return result


def _other_version(worker: str, name: str, found: str, wanted: str) -> WorkersError:
    return WorkersError(
        f"the worker {worker} has {name} {found}, and here is {name} {wanted}, which may give "
        "other results; install the same version on both, and start the worker again"
    )
