"""The command under test as a process, and what must hold however it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oci_layout.cli.main import run

REPOSITORY = Path(__file__).resolve().parents[1]
LEFTOVER = re.compile(r"\..+\.layout-[0-9a-f]{8}(-old)?\.tmp")


def argv_of(*words: object) -> list[str]:
    """Give the command line of `layout` with the given words."""
    return [sys.executable, "-m", "oci_layout", *map(str, words)]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Find the package of this checkout from any folder."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **(extra or {})}


def layout(
    *words: object,
    stdin: bytes | None = None,
    stdout: int = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    unprivileged: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run `layout` as a process, to its end.

    Args:
        stdin: goes in through a pipe; nothing by default.
        stdout: a descriptor instead of a pipe.
        unprivileged: heed permissions, which root would not.
    """
    heed = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    return subprocess.run(
        [*(heed if unprivileged and os.geteuid() == 0 else []), *argv_of(*words)],
        input=b"" if stdin is None else stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(env),
        cwd=cwd,
        timeout=120,
        check=False,
    )


def call(*words: object) -> subprocess.CompletedProcess[bytes]:
    """Run `layout` in this process, which is faster; for all but its standard streams."""
    out, err = io.StringIO(), io.StringIO()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    status: object = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run([str(word) for word in words])
    except SystemExit as end:
        status = end.code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert isinstance(status, int)
    said = out.getvalue().encode(), err.getvalue().encode()
    return subprocess.CompletedProcess(["layout"], status, *said)


def succeed(*words: object) -> bytes:
    """Call `layout`, which must succeed, and give its standard output."""
    done = call(*words)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def changes_of(part: dict[str, Any], key: str = "changes") -> list[str]:
    """What a report, or an image in one, says was done, each as it is printed."""
    return [f"{each['kind']}: {each['text']}" for each in part[key]]


def report(*words: object) -> dict[str, Any]:
    """Call `layout repack ... --json`, which must succeed, and give the report."""
    value: dict[str, Any] = json.loads(succeed("repack", *words, "--json"))
    assert value["version"] == 1
    return value


def refuse(status: int, *words: object) -> str:
    """Call `layout repack`, which must fail with a status, and give its one line."""
    return the_line(call("repack", *words), status)


def codes(value: Mapping[str, Any]) -> set[str]:
    """Give the codes of the warnings of a report."""
    return {warning["code"] for warning in value["warnings"]}


def the_line(done: subprocess.CompletedProcess[bytes], status: int) -> str:
    """The one line that a failed run must say, with its exit status."""
    text = done.stderr.decode()
    assert done.returncode == status, f"exit {done.returncode}: {text}"
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if not line.startswith(("warning: ", "note: "))]
    assert len(lines) == 1, text
    assert lines[0].startswith("layout: ")
    return lines[0]


def names_in(folder: Path) -> list[str]:
    """What is in a folder, hidden or not."""
    return sorted(os.listdir(folder))
