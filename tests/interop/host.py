"""Where engines run: this machine, or a Debian root folder beside it.

Every command runs in a mount namespace of its own, so that whatever an engine mounts is gone
with the test run, also when the run is killed. The work folder has the same path inside and out.
"""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Debian's engines come first: a client of another version elsewhere would speak another API.
ENGINE_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

# $1 is the work folder, $2 the root folder or nothing. The root is bound onto itself because
# engines pivot; the last line holds the namespace until standard input ends.
_SETUP = """
set -eu
if [ -n "$2" ]; then
    mount --bind "$2" "$2"
    for dir in proc sys dev; do mount --rbind "/$dir" "$2/$dir"; done
    mkdir -p "$2$1"
    mount --bind "$1" "$2$1"
fi
echo ready
exec cat
"""


class EngineError(Exception):
    """A command of an engine failed."""

    def __init__(self, argv: Sequence[str], status: int, output: str) -> None:
        """Keep the words of the command for the message."""
        super().__init__(f"exit {status}: {shlex.join(argv)}\n{output.strip()}")
        self.status = status
        self.output = output


class Host:
    """Runs commands as root, in the root folder if one is given."""

    def __init__(self, work: Path, root: Path | None = None) -> None:
        """Hold a mount namespace open.

        Args:
            work: an existing folder that every command can see under this path.
            root: a Debian root folder with engines in it; None for this machine.
        """
        self.work = work
        self.root = root
        self.home = work / "home"
        self.home.mkdir()
        setup = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _SETUP, "sh"]
        self._holder = subprocess.Popen(
            [*setup, str(work), str(root or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            raise EngineError(setup, self._holder.wait(), "cannot set up a mount namespace")

    def close(self) -> None:
        """Let go of the namespace."""
        self._holder.communicate(timeout=10)

    def environment(self) -> dict[str, str]:
        """Give what every command sees: nothing of the person who runs the tests."""
        return {
            "PATH": ENGINE_PATH,
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "LANG": "C.UTF-8",
        }

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """Give the command that runs argv inside, environment included, for a shell's pipe."""
        inside = ["chroot", str(self.root)] if self.root else []
        settings = [f"{key}={value}" for key, value in self.environment().items()]
        process = f"/proc/{self._holder.pid}"
        # The root is said too, for tests that run in a changed root themselves.
        enter = ["nsenter", f"--mount={process}/ns/mnt", f"--root={process}/root"]
        return [*enter, *inside, "env", "-i", *settings, *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 120,
    ) -> bytes:
        """Run a command and give its standard output; a failure is an EngineError."""
        done = subprocess.run(
            self.wrap(argv), input=stdin, capture_output=True, timeout=timeout, check=False
        )
        if done.returncode:
            output = (done.stdout[-2000:] + done.stderr[-4000:]).decode(errors="replace")
            raise EngineError(argv, done.returncode, output)
        return done.stdout

    def place(self, path: Path) -> Path:
        """Give a path under which commands inside see a file or folder, copied if need be."""
        path = path.resolve()
        if self.root is None or path.is_relative_to(self.work):
            return path
        copy = self.work / "placed" / path.relative_to("/")
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, copy, symlinks=True)
            else:
                shutil.copyfile(path, copy)
        return copy

    def new_dir(self, name: str) -> Path:
        """Make a folder in the work folder, of the given name and, for the next one, a number."""
        for number in itertools.count(1):
            path = self.work / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            return path
        raise AssertionError


class Daemon:
    """A daemon that ends with the test run."""

    def __init__(
        self, host: Host, argv: Sequence[str], ready: Callable[[], object], log: Path
    ) -> None:
        """Start it and wait until `ready` no longer fails, a minute at most."""
        self._log = log
        # Should the test run be killed, the kernel ends the daemon.
        bound = ["setpriv", "--pdeathsig", "KILL", *host.wrap(argv)]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                bound, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                ready()
            except (EngineError, OSError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise EngineError(argv, self._process.returncode, self._tail()) from error
                time.sleep(0.1)
            else:
                return

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """End it by its own process id, first politely."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=20)


def missing_tools(root: Path | None) -> list[str]:
    """List what engines need and this machine, or the root folder, does not have."""
    top = root or Path("/")
    tools = [
        "containerd",
        "ctr",
        "runc",
        "dockerd",
        "docker",
        "skopeo",
        "podman",
        "umoci",
        "busybox",
        "docker-registry",
    ]
    folders = ENGINE_PATH.split(":")
    found = [
        tool for tool in tools if any((top / folder[1:] / tool).exists() for folder in folders)
    ]
    missing = [tool for tool in tools if tool not in found]
    missing += [tool for tool in ("unshare", "nsenter", "setpriv") if not shutil.which(tool)]
    if os.geteuid() != 0:
        missing.append("root's rights")
    return missing
