"""Workers of a cluster: Dask hands out, tries again and counts deaths; the file system is shared.

Nothing of Dask is imported before a cluster is asked for.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import attrs

from oci_layout import __version__
from oci_layout.closing import Closing
from oci_layout.counting import plural
from oci_layout.disk.outputs import STANDARD_STREAM
from oci_layout.errors import ResourceError, UsageError
from oci_layout.extras import how_to_install
from oci_layout.shelf.marks import NAMED

_PACKAGE = "oci-layout"
_ANSWER = 10.0  # seconds for a scheduler to answer
_WORKERS = 30.0  # seconds for the first worker to be there
_LOOK = 5.0  # seconds between two looks at how many threads there are
_PATIENCE = 300.0  # seconds without any worker
_END = 0.5  # seconds for the last words to the scheduler
_OWN = ("/dev/stdin", "/dev/fd/", "/proc/")  # of this process alone
_LOGGERS = ("distributed", "distributed.client", "distributed.comm", "distributed.core")


def require(address: str) -> None:
    """Refuse an address that is none, before any work.

    Raises:
        UsageError: it is none, or Dask is not installed.
    """
    if "://" not in address:
        raise UsageError(
            what=f"--cluster {address!r} is no address", hint="such as tcp://scheduler:8786"
        )
    if find_spec("distributed") is None:
        raise UsageError(
            what="--cluster needs Dask, which is not installed",
            hint=how_to_install("cluster"),
        )


def from_root(request: Any) -> Any:
    """A request whose files are named from the root on: workers are in other folders.

    Raises:
        UsageError: it names what no other machine sees.
    """
    changed: dict[str, Any] = {}
    for name in NAMED:
        given = getattr(request, name, ())
        for path in given:
            if path == STANDARD_STREAM or os.path.abspath(path).startswith(_OWN):
                raise UsageError(
                    what=f"--cluster: no other machine sees {path}",
                    hint="a file that all of them see",
                )
        # What is no path here (a digest, another way to name a source) stays as it is.
        changed[name] = tuple(os.path.abspath(x) if os.path.lexists(x) else x for x in given)
    if request.tmp is not None:
        changed["tmp"] = os.path.abspath(request.tmp)
    known = {field.name for field in attrs.fields(type(request))}
    return attrs.evolve(request, **{name: each for name, each in changed.items() if name in known})


def deaths_of(error: BaseException) -> int:
    """How many workers died of a task, where that is what an exception says; else 0."""
    scheduler = sys.modules.get("distributed.scheduler")
    if scheduler is None or not isinstance(error, scheduler.KilledWorker):
        return 0
    return int(error.allowed_failures) + 1


def unseen(paths: Sequence[str]) -> str:
    """The first of some paths that is not there; empty for none. Workers are asked this."""
    return next((path for path in paths if not os.path.lexists(path)), "")


class Cluster(Closing):
    """A connection to the scheduler of a cluster.

    Args:
        address: of the scheduler.
        ahead: tasks for each thread of a worker that are given out.
        most: tasks that may be given out; None for as many as that makes.
        seen: paths that each worker must see.

    Raises:
        UsageError: it is no address, or a worker has another version or does not see a path.
        ResourceError: nobody answers, or there is no worker.
    """

    def __init__(self, address: str, *, ahead: int, most: int | None, seen: Iterable[str]) -> None:
        from distributed import Client  # noqa: PLC0415  optional, and takes half a second

        for name in _LOGGERS:  # what matters of it is said as one error
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._address, self._ahead, self._most = address, ahead, most
        self._made = False
        self._threads = 1
        self._looked = self._any = time.monotonic()
        try:
            self._client = Client(address, timeout=_ANSWER, set_as_default=False, name=_PACKAGE)
        except ValueError as error:  # of a protocol that nobody speaks
            raise UsageError(what=f"--cluster {address}: {error}") from error
        except OSError as error:  # its TimeoutError is one
            raise ResourceError(
                what=f"no Dask scheduler answers at {address}", hint="is it running there?"
            ) from error
        try:
            self._require_workers(tuple(seen))
        except BaseException:
            self.close()
            raise

    def _require_workers(self, seen: tuple[str, ...]) -> None:
        """Refuse workers that would not do the same."""
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS)
            versions = self._client.run(version, _PACKAGE, on_error="return")
            for worker, found in versions.items():
                if found != __version__:
                    told = f"has {_PACKAGE} {found}" if isinstance(found, str) else "has none"
                    raise UsageError(
                        what=f"worker {worker} {told}, and this is {_PACKAGE} {__version__}",
                        hint="install the same version on all",
                    )
            for worker, path in self._client.run(unseen, seen, on_error="return").items():
                if isinstance(path, str) and path:
                    raise UsageError(
                        what=f"worker {worker} does not see {path}",
                        hint="sources and DEST must be on a file system that all share",
                    )
            self._look()
        except TimeoutError as error:
            raise ResourceError(
                what=f"the cluster at {self._address} has no worker", hint="start some"
            ) from error
        except OSError as error:
            raise self._gone() from error

    def _gone(self) -> ResourceError:
        return ResourceError(
            what=f"the Dask scheduler at {self._address} is gone, or let go of the work",
            hint="what is done is kept: run this again when it is there",
        )

    def make(self) -> Executor:
        """What takes tasks, once: workers that die are made up for by Dask.

        Raises:
            ResourceError: what was given out came to nothing, since the scheduler is gone.
        """
        if self._made:
            raise self._gone()
        self._made = True
        return _Submitting(self._client.get_executor(pure=False))

    def window(self) -> int:
        """How many tasks may be given out now.

        Raises:
            ResourceError: there has been no worker for minutes.
        """
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._looked = now
            try:
                self._look()
            except OSError:  # if it is gone, what was given out will say so
                return self._window()
            if now - self._any > _PATIENCE:
                raise ResourceError(
                    what=f"the cluster at {self._address} has had no worker for "
                    f"{plural(int(_PATIENCE), 'second')}",
                    hint="what is done is kept: start some, and run this again",
                )
        return self._window()

    def _window(self) -> int:
        given = self._ahead * max(1, self._threads)
        return given if self._most is None else min(given, self._most)

    def _look(self) -> None:
        client = self._client
        found = client.sync(client.scheduler.ncores, workers=None, callback_timeout=_ANSWER)
        self._threads = sum(found.values())
        if self._threads:
            self._any = time.monotonic()

    def end(self, executor: Executor, pending: Sequence[Future[Any]]) -> None:
        """Let go of all that was given out: Dask drops what only this client asked for."""
        del executor, pending
        self.close()

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close(timeout=_END)


class _Submitting(Executor):
    """Dask's executor, which says as those of Python do that it takes nothing any more.

    Args:
        inner: it.
    """

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def submit(self, do: Any, /, *given: Any, **options: Any) -> Future[Any]:
        """Give a task out.

        Raises:
            BrokenExecutor: the way to the scheduler is cut.
        """
        try:
            return self._inner.submit(do, *given, **options)
        except Exception as error:
            raise BrokenExecutor(str(error)) from error
