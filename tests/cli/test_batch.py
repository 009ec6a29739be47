"""What `layout batch` prints, how it ends, and how it is interrupted.

Its workers are processes, which would keep the standard output of these tests open: what starts
any is a process of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from oci_layout import SourceReport
from oci_layout.batchlines.kinds import Status, Verb
from oci_layout.cli import batchtable, screen
from tests.builders import make_image, write_docker_archive
from tests.builders.shelves import cut, put, write_shelf
from tests.builders.trees import heavy_image
from tests.cli.test_progress import Terminal, terminal
from tests.command import argv_of, environment, layout, names_in, process, the_line

__all__ = ["terminal"]
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return write_shelf(tmp_path / "shelf", archives=2)


def test_a_line_for_each_and_the_end(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(shelf / "b/app0.tar")
    (shelf / "b/empty.tar").touch()
    monkeypatch.chdir(tmp_path)
    done = process("batch", "repack", "shelf", "--to", "oci", "-o", "out")
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert sum(line.startswith("done  shelf/") for line in lines) == 3
    assert "failed:" in lines
    assert any("5 sources: 3 done, 2 failed" in line for line in lines)
    assert "passed over: 1 other file, 1 symbolic link" in lines
    errors = sorted(done.stderr.decode().splitlines())
    assert errors[0].startswith("layout: shelf/b/app0.tar: cut short")
    alone = process("verify", "shelf/b/empty.tar").stderr
    assert errors[1] == alone.decode().rstrip()
    again = process("batch", "repack", "shelf", "--to", "oci", "-o", "out", "-q")
    assert (again.returncode, again.stdout) == (1, b"")
    assert sorted(again.stderr.decode().splitlines()) == errors


def test_verify_says_what_was_proven(shelf: Path) -> None:
    done = process("batch", "verify", shelf, "--report", shelf.parent / "report.jsonl")
    lines = done.stdout.decode().splitlines()
    assert sum(line.startswith(f"sound  {shelf}/") for line in lines) == 4
    assert any(line.startswith("4 sources: 4 sound; ") for line in lines)
    last = json.loads((shelf.parent / "report.jsonl").read_bytes().splitlines()[-1])
    assert last["sources"]["done"] == 4


def short_of_its_end(path: Path) -> None:
    """Make an archive one that is whole, and warned of."""
    path.write_bytes(path.read_bytes()[:-1024])


def test_warnings_are_summed_up(shelf: Path) -> None:
    for archive in (shelf / "a/deep/app1.tar", shelf / "b/app0.tar"):
        short_of_its_end(archive)
    done = process("batch", "verify", shelf, "--jobs", "1")
    line, hint = done.stderr.decode().splitlines()
    assert line.startswith(f"warning: {shelf}/a/deep/app1.tar: ")
    assert line.endswith("; as in 1 other source (no-end-marker)")
    assert hint == "--report FILE takes the warnings of each source"
    quiet = process("batch", "verify", shelf, "--quiet")
    assert (quiet.returncode, quiet.stdout + quiet.stderr) == (0, b"")
    kept = process("batch", "verify", shelf, "--report", shelf.parent / "report.jsonl")
    assert kept.stderr.count(b"\n") == 1


def test_a_rule_for_names_that_is_for_no_source(shelf: Path) -> None:
    rules = ("--name", "app0:1=new:1", "--name", "absent:1=new:2")
    batch = ("batch", "repack", shelf, "--to", "oci", *rules, "-o")
    done = process(*batch, shelf.parent / "out")
    assert (done.returncode, done.stdout.count(b"4 done")) == (4, 1)
    text = b"layout: no source has an image for --name absent:1=new:2"
    assert done.stderr == text + b"\n"
    one = process(*batch, shelf.parent / "all.tar", "--merge")
    assert (one.returncode, one.stderr) == (
        4,
        b"%s; %s is not written\n" % (text, os.fsencode(shelf.parent / "all.tar")),
    )
    assert not (shelf.parent / "all.tar").exists()
    cut(shelf / "b/app0.tar")
    done = process(*batch, shelf.parent / "out")
    assert done.returncode == 4  # which says more than that a source failed
    assert b"no source that could be done has an image for" in done.stderr


def test_names_of_two_images(shelf: Path) -> None:
    """Each is told of; what else became of the shelf is told as ever."""
    other = make_image([{"x": b"1"}], names=("app0:1", "app1:1"))
    write_docker_archive([other], shelf / "z.tar")
    done = process("batch", "repack", shelf, "--to", "oci", "--merge", "-o", shelf.parent / "all")
    assert (done.returncode, done.stdout.count(b"5 sources: 5 done")) == (4, 1)
    *lines, last = done.stderr.decode().splitlines()
    assert [line.partition(" names")[0] for line in lines] == [
        f"layout: {shelf}/z.tar: app0:1",
        f"layout: {shelf}/z.tar: app1:1",
    ]
    assert last.startswith(f"layout: {shelf.parent}/all is not written (--on-conflict first or ")


def on_terminals(*streams: str, shelf: Path) -> tuple[str, str]:
    """What a batch prints on a terminal, and elsewhere, where those streams are the terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 300, 0, 0))
    output, errors = (
        theirs if name in streams else subprocess.PIPE for name in ("stdout", "stderr")
    )
    done = subprocess.run(
        argv_of("batch", "verify", shelf),
        env=environment(),
        check=False,
        timeout=60,
        stdout=output,
        stderr=errors,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while data := os.read(ours, 65536):
            shown += data
    os.close(ours)
    elsewhere = (done.stdout or b"") + (done.stderr or b"")
    return " ".join(shown.decode().split()), " ".join(elsewhere.decode().split())


def test_a_failure_stands_once_on_a_screen(shelf: Path) -> None:
    cut(shelf / "b/app0.tar")
    screen, _ = on_terminals("stdout", "stderr", shelf=shelf)
    assert screen.count("app0.tar: cut short") == 1
    assert "1 failed;" in screen
    screen, errors = on_terminals("stdout", shelf=shelf)
    assert (screen.count("app0.tar: cut short"), errors.count("app0.tar: cut short")) == (1, 1)
    screen, output = on_terminals("stderr", shelf=shelf)
    assert (screen.count("app0.tar: cut short"), output.count("app0.tar: cut short")) == (1, 1)


def test_lines_of_json_on_standard_output(shelf: Path) -> None:
    done = process("batch", "verify", shelf, "--report", "/dev/stdout", "-q")
    assert done.returncode == 0, done.stderr
    *lines, last = map(json.loads, done.stdout.splitlines())
    assert {line["report"]["verdict"] for line in lines} == {"sound"}
    assert last["sources"] == {"done": 4, "unchanged": 0, "failed": 0, "no image": 0}
    assert names_in(shelf.parent) == ["shelf"]


def test_paths_on_standard_input(shelf: Path) -> None:
    paths = b"".join(b"%s\0" % os.fsencode(each) for each in sorted(shelf.glob("a/deep/*")))
    done = process("batch", "inspect", "-", stdin=paths)
    assert done.returncode == 0
    assert b"1 source: 1 done" in done.stdout


def test_names_are_harmless(tmp_path: Path) -> None:
    put(1, tmp_path / "shelf/\x1b[31mred\n.tar")
    cut(put(2, tmp_path / "shelf/\x1b[2Jcut.tar"))
    done = process("batch", "verify", tmp_path / "shelf")
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\\x1b[31mred\\n.tar" in done.stdout


def test_without_a_verb_the_help_is_shown(tmp_path: Path) -> None:
    done = layout("batch", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == layout("batch", "--help", cwd=tmp_path).stdout
    assert b"Commands:" in done.stdout


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["verify", "absent"], 3, "No such file"),
        (["verify", "shelf", "--report", "-"], 2, "names no file"),
        (["verify", "shelf", "--sums", "x"], 2, "has no option --sums"),
        (["repack", "shelf", "--to", "oci"], 2, "-o DEST is needed"),
        (["repack", "shelf", "--to", "oci", "-o", "-"], 2, "no place for results"),
        (["repack", "shelf", "-o", "out"], 2, "--to"),
        (["repack", "shelf", "--to", "oci", "-o", "absent/out"], 5, "no such directory"),
        (["repack", "shelf", "--to", "oci", "-o", "shelf/README.md"], 5, "is a file"),
        (["convert", "shelf"], 2, "convert"),
    ],
)
def test_refusals(words: list[str], status: int, text: str, shelf: Path) -> None:
    done = layout("batch", *words, cwd=shelf.parent)
    assert text in the_line(done, status)
    assert names_in(shelf.parent) == ["shelf"]


def test_help_says_how(shelf: Path) -> None:
    text = layout("batch", "--help").stdout.decode()
    assert all(verb in text for verb in Verb)
    for verb in Verb:
        assert b"SHELF..." in layout("batch", verb, "--help").stdout


def told(status: Status, size: int) -> SourceReport:
    return SourceReport(source="s", verb=Verb.VERIFY, status=status, size=size, error="why")


def test_the_table(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batchtable, "_EVERY", 0.0)
    monkeypatch.setattr(screen, "hand_over", lambda: None)
    with batchtable.Table(Verb.VERIFY, quiet=False) as to:
        to.tick()
        to.planned(4, 3, 4_000_000)
        to.source(told(Status.UNCHANGED, 9_000_000))
        to.source(told(Status.DONE, 2_000_000))
        to.source(told(Status.FAILED, 1_000_000))
    looking, first, second, failure, last = terminal.lines
    assert looking == "looking for sources: 1 found"
    assert first.startswith("[........................] 1 of 4 done, 0 failed, 0 B/s")
    assert second.startswith("[############............] 2 of 4 done, 0 failed, ")
    assert second.endswith(" left")
    assert failure == "layout: why\n"
    assert last.startswith("[##################......] 2 of 4 done, 1 failed, ")


def test_a_quiet_table_draws_nothing(terminal: Terminal) -> None:
    with batchtable.Table(Verb.VERIFY, quiet=True) as to:
        to.planned(1, 1, 1)
        to.tick()
    assert not terminal.lines


def slow_batch(shelf: Path, count: int, compression: str) -> tuple[object, ...]:
    """The words of a batch that takes a while: so many archives, packed so."""
    shelf.mkdir()
    for each in range(count):
        write_docker_archive([heavy_image(each, f"app{each}:1")], shelf / f"{each}.tar")
    return ("batch", "repack", shelf, "--to", "oci", "--compression", compression, "--jobs", "2")


@pytest.mark.parametrize("group", [True, False], ids=["terminal", "kill"])
@pytest.mark.parametrize("number", SIGNALS)
def test_interrupted(number: signal.Signals, group: bool, tmp_path: Path) -> None:
    """By a terminal, which tells all processes, or the main one alone: all end, and at once."""
    words = slow_batch(tmp_path / "shelf", 8, "zstd:19")
    with subprocess.Popen(
        argv_of(*words, "-o", tmp_path / "out"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    ) as begun:
        staged = tmp_path / ".out.layout-batch/staged"
        while not list(staged.glob("*/*/.*.tmp")):
            time.sleep(0.01)
            assert begun.poll() is None
        (os.killpg if group else os.kill)(begun.pid, number)
        out, said = begun.communicate(timeout=30)
        done = subprocess.CompletedProcess([], begun.returncode, out, said)
        assert "nothing was left" in the_line(done, SIGNALS[number])
        for _ in range(500):  # until the last process of the group is gone
            try:
                os.killpg(begun.pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.01)
        else:
            pytest.fail("a process goes on")
    assert names_in(staged) == []
    results = {f"out/{name}" for name in names_in(tmp_path / "out")}
    shown = {line.split(" -> ")[1].split("  ")[0] for line in out.decode().splitlines()}
    assert {str(tmp_path / name) for name in results} == shown


def test_workers_end_with_a_killed_run(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for each in range(4):
        write_docker_archive([heavy_image(each, f"app{each}:1")], shelf / f"{each}.tar")
    words = ("batch", "repack", shelf, "--to", "oci", "--compression", "zstd:19")
    with subprocess.Popen(
        argv_of(*words, "-o", tmp_path / "out"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    ) as begun:
        while not list((tmp_path / ".out.layout-batch/staged").glob("*/*/.*.tmp")):
            time.sleep(0.01)
            assert begun.poll() is None
        begun.kill()
    for _ in range(1000):
        try:
            os.killpg(begun.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("a worker goes on")


def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    """As for want of memory: its source is done all the same, and those beside it."""
    words = slow_batch(tmp_path / "shelf", 6, "zstd:12")
    with subprocess.Popen(
        argv_of(*words, "-o", tmp_path / "out"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as begun:
        killed = False
        while not killed:
            assert begun.poll() is None
            killed = _kill_who_writes(begun.pid, tmp_path / ".out.layout-batch/staged")
        out, said = begun.communicate(timeout=60)
    assert begun.returncode == 0, said
    assert b"6 sources: 6 done" in out
    assert names_in(tmp_path / "out") == [f"{each}.tar" for each in range(6)]
    assert names_in(tmp_path / ".out.layout-batch/staged") == []


def _kill_who_writes(parent: int, folder: Path) -> bool:
    """Kill a child that has a file below a folder open."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for link in [each for child in children for each in Path("/proc").glob(f"{child}/fd/*")]:
        try:
            if link.readlink().is_relative_to(folder):
                os.kill(int(link.parts[2]), signal.SIGKILL)
                return True
        except OSError:
            continue
    return False
