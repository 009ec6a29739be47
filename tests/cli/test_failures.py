"""Ways of failing that are nobody's finding: each has one line and a status of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import make_image, write_docker_archive

BROKEN = """
import sys
import oci_layout.cli.main as main
import oci_layout

def fail(*arguments, **how):
    raise {error}

oci_layout.verify = fail
main.run(sys.argv[1:])
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_docker_archive([make_image()], tmp_path / "in.tar")


def shell(line: str, *words: object) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell; ``$L`` in it is the command, ``$1`` the first word."""
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$L", f"{sys.executable} -m oci_layout"), "sh"]
        + [str(word) for word in words],
        capture_output=True,
        check=False,
        timeout=60,
    )


def one_line(data: bytes) -> None:
    assert data.startswith(b"layout: ")
    assert data.count(b"\n") == 1
    assert b"Traceback" not in data


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "call",
    [
        "verify $1",
        "verify $1 --json",
        "inspect $1",
        "inspect $1 --json",
        "inspect $1 --raw config",
        "diff $1 $1",
        "diff $1 $1 --json",
        "check $1",
        "check $1 --json",
        "repack $1 --to oci -o $2 --json",
        "repack $1 --to oci -o $2",
        "--help",
        "verify --help",
        "--version",
    ],
)
def test_standard_output_that_takes_nothing(
    call: str, where: str, source: Path, tmp_path: Path
) -> None:
    done = shell(f"$L {call} {where}", source, tmp_path / "out")
    assert done.returncode == 5, done.stderr
    one_line(done.stderr)
    assert b"standard output" in done.stderr


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_standard_error_that_takes_nothing(where: str, source: Path, tmp_path: Path) -> None:
    assert shell(f"$L verify $1 {where}", tmp_path / "absent").returncode == 3
    assert shell(f"$L verify $1 {where}", source).returncode == 0
    assert shell(f"$L verify $1 >/dev/full {where}", source).returncode == 5


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("MemoryError()", 7, [b"memory"]),
        ('RuntimeError("can\'t start new thread")', 7, [b"threads", b"--jobs"]),
        ("OSError(24, 'Too many open files')", 7, [b"files"]),
        ("OSError(12, 'Cannot allocate memory')", 7, [b"memory"]),
        ("OSError(28, 'No space left on device')", 5, [b"No space left"]),
        ("KeyError('digest')", 8, [b"KeyError", b"report"]),
        ("RecursionError('deep')", 8, [b"RecursionError", b"report"]),
        ("ValueError('a\\x1b[31m\\nb' * 5000)", 8, [b"ValueError", b"report"]),
    ],
)
def test_what_is_no_error_of_ours(error: str, status: int, words: list[bytes]) -> None:
    program = BROKEN.format(error=error)
    done = subprocess.run(
        [sys.executable, "-c", program, "verify", "x"], capture_output=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert done.stdout == b""
    one_line(done.stderr)
    assert b"\x1b" not in done.stderr
    assert len(done.stderr) < 2000
    for word in words:
        assert word in done.stderr
    told = subprocess.run(
        [sys.executable, "-c", program, "verify", "x", "--debug"], capture_output=True, check=False
    )
    assert told.returncode == status
    assert b"Traceback" in told.stderr


def test_statuses_are_in_the_help_and_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "statuses.md").read_text()
    done = shell("$L --help")
    shown = " ".join(done.stdout.decode().split())
    for status in (0, 1, 2, 3, 4, 5, 6, 7, 8, 130):
        assert f"| {status} |" in text
        assert f"{status} " in shown.partition("Exit status")[2]


def test_a_folder_that_is_no_image_is_not_walked(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / "deep" / str(number)).mkdir(parents=True)
    program = (
        "import os, sys\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, _: seen.append(1) if event == 'os.scandir' else None)\n"
        "from oci_layout.source.opening import open_source\n"
        "try:\n    open_source(sys.argv[1])\n"
        "except Exception as error:\n    print(type(error).__name__, len(seen))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        check=True,
        env={**os.environ},
    )
    name, count = done.stdout.split()
    assert name == b"NotAnImageError"
    assert int(count) < 20  # a few looks for each kind, of 41 folders


def test_json_is_json_whatever_it_holds() -> None:
    from oci_layout.model.reporttext import json_text  # noqa: PLC0415

    value = {"a\ud800": [float("inf"), float("nan"), "\x7f\x9b\u2028", 10**5000]}
    text = json_text(value)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()

    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(text, parse_constant=refuse)
