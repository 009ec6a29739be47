"""Processes of the command that are forked off one in which all modules are loaded already.

Such a process is as real as any: it has its own signals, threads, locks and descriptors. But the
interpreter is neither started nor taken down, which is most of the time that a short run of the
command takes. What is about its start or its end has `tests.command.argv_of`.

This module is a program too: it forks whatever is asked of it through a socket. A request is one
message, `[words, folder, environment, code]`, with descriptors for standard input, output and
error; where there is code, it is run in place of the command. Two answers follow: the number of the
process, and how it ended as `os.waitpid` has it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from oci_layout.closing import Closing

ROOT = Path(__file__).resolve().parents[1]
_REQUEST_BYTES = 1 << 18


class Forked(Closing):
    """A running command, with what it says in files; as much of `subprocess.Popen` as is needed.

    Args:
        words: the command line, without the program's name.
        cwd: where it runs.
        env: its whole environment.
        code: a program in place of the command; it finds its words in `sys.argv`.
        stdin: a descriptor; /dev/null by default.
    """

    def __init__(
        self,
        *words: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        code: str = "",
        stdin: int | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._used = 0.0
        self._said: list[bytes] = []
        self._files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115
        with open(os.devnull, "rb") as null:
            fds = [null.fileno() if stdin is None else stdin, *(x.fileno() for x in self._files)]
            request = [[*map(str, words)], str(cwd or Path.cwd()), dict(env or os.environ), code]
            self._answers = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._answers.connect(f"\0{address()}")
            socket.send_fds(self._answers, [json.dumps(request).encode()], fds)
        self.pid = int(self._answers.recv(64))

    def close(self) -> None:
        """Wait for its end."""
        self.wait()

    def used(self) -> float:
        """Seconds of processor time so far: a clock that stands while others have the processor."""
        with contextlib.suppress(OSError):  # it has ended
            self._used = time.clock_gettime((~self.pid << 3) | 2)  # CPUCLOCK_SCHED, linux/time.h
        return self._used

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None:
            with contextlib.suppress(BlockingIOError):
                self._settle(self._answers.recv(64, socket.MSG_DONTWAIT))
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            self._settle(self._answers.recv(64))
        assert self.returncode is not None
        return self.returncode

    def _settle(self, answer: bytes) -> None:
        self.returncode = os.waitstatus_to_exitcode(int(answer))
        self._answers.close()
        for file in self._files:
            file.seek(0)
            self._said.append(file.read())
            file.close()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ends in this moment
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Wait for its end; what it said on standard output and on standard error."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
        self.wait()
        out, err = self._said
        return out, err

    def done(self, timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Wait for its end, as `subprocess.run` does."""
        out, err = self.communicate(timeout)
        assert self.returncode is not None
        return subprocess.CompletedProcess(["layout"], self.returncode, out, err)


@cache
def address() -> str:
    """The name of the socket, in the kernel's own name space, after the program is started.

    It ends with this process, whose end of a pipe it watches.
    """
    name = f"oci-layout-tests-{os.urandom(8).hex()}"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forking", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,  # what ends the tests by a key ends the pipe
    )
    assert server.stdout is not None
    assert server.stdout.read(1) == b"."
    atexit.register(_end, server)
    return name


def _end(server: subprocess.Popen[bytes]) -> None:
    server.communicate()


def _serve(name: str) -> list[Any]:
    """Fork at every request; comes back in a process that is to do what was asked."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"\0{name}")
    listener.listen(100)
    os.write(1, b".")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        ready, _, _ = select.select([0, listener.fileno()], [], [])
        if 0 in ready:
            os._exit(0)
        link, _ = listener.accept()
        if os.fork():
            link.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        message, fds, _, _ = socket.recv_fds(link, _REQUEST_BYTES, 3)
        number = os.fork()
        if number:
            link.send(b"%d" % number)
            with contextlib.suppress(BrokenPipeError):  # who asked may have gone
                link.send(b"%d" % os.waitpid(number, 0)[1])
            os._exit(0)
        link.close()
        listener.close()
        for place, fd in enumerate(fds):
            os.dup2(fd, place)
            os.close(fd)
        request: list[Any] = json.loads(message)
        return request


if __name__ == "__main__":
    from oci_layout.cli import check, diff, inspect, merge, repack, start, verify  # noqa: F401

    gc.freeze()  # or each process copies what the collector touches
    words, folder, environment, program = _serve(sys.argv[1])
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["layout", *words]
    # What stood there was made for other files, and knows of them whether they seek.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    status: object = None
    try:
        if program:
            exec(program, {"__name__": "__main__"})  # noqa: S102  it came from a test
        else:
            start.run()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001  as the interpreter does
        traceback.print_exc()
        status = 1
    # To take down the interpreter takes five times as long as all else, and frees memory alone.
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))
