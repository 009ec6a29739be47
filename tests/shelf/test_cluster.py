"""A shelf on a cluster of Dask: what processes make of it, whoever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from oci_layout import SourceReport, Told, batch
from oci_layout.errors import ResourceError, UsageError
from oci_layout.plan.request import Format, Repack
from oci_layout.shelf import cluster as clusters
from tests.builders.shelves import cut, put, write_shelf
from tests.builders.trees import fingerprint
from tests.clusters import DaskCluster
from tests.command import argv_of, environment, layout, process, the_line

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    made = DaskCluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return write_shelf(tmp_path / "shelf")


def lines(path: Path) -> dict[str, dict[str, Any]]:
    """The lines of a report by their source, without what differs from run to run."""
    found = {}
    for line in path.read_text("ascii").splitlines()[:-1]:
        value = json.loads(line)
        value.pop("seconds")
        value.pop("result")
        for name in ("seconds", "destination"):
            (value["report"] or {}).pop(name, None)
        found[value.pop("source")] = value
    return found


def wait_for_lines(path: Path, count: int) -> None:
    """Wait until a report has so many lines, or a minute is over."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} does not come to {count} lines")


@pytest.mark.parametrize("merge", [False, True], ids=["mirrored", "merged"])
def test_as_processes_do_it(
    merge: bool, dask: DaskCluster, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By relative paths, and from a folder that no worker is in."""
    cut(shelf / "b/app0.tar")
    monkeypatch.chdir(shelf.parent)
    more = ["--merge"] if merge else []
    words = ["batch", "repack", str(shelf), "--to", "oci", "--compression", "gzip", *more, "-q"]
    here = process(*words, "-o", "here", "--report", "here.jsonl")
    far = process(*words, "-o", "far", "--report", "far.jsonl", "--cluster", dask.address)
    assert (here.returncode, far.returncode) == (1, 1), far.stderr
    assert far.stderr == here.stderr
    assert fingerprint(shelf.parent / "far") == fingerprint(shelf.parent / "here")
    assert lines(Path("far.jsonl")) == lines(Path("here.jsonl"))
    assert os.listdir(".far.layout-batch/staged") == []
    again = process("batch", "repack", "shelf", *words[3:], "-o", "far", "--cluster", dask.address)
    assert (again.returncode, again.stderr.count(b"\n")) == (1, 1)
    assert b"cut short" in again.stderr


def test_an_unchanged_shelf_asks_nobody(dask: DaskCluster, shelf: Path) -> None:
    report = shelf.parent / "r.jsonl"
    first = batch("verify", shelf, report=report, cluster=dask.address)
    assert first.counts == {"done": 6}
    again = batch("verify", shelf, report=report, cluster="tcp://127.0.0.1:1")
    assert again.counts == {"unchanged": 6}


def test_a_worker_that_is_killed_in_the_middle(dask: DaskCluster, shelf: Path) -> None:
    for number in range(8):
        put(300 + number, shelf / f"slow/{number}.tar")
    killed: list[int] = []

    def kill(report: SourceReport) -> None:
        if not killed:
            killed.append(dask.kill_a_worker())

    report = batch(
        "repack",
        shelf,
        shelf.parent / "far",
        to="oci",
        cluster=dask.address,
        told=Told(source=kill),
    )
    assert killed
    assert report.counts == {"done": 14}
    batch("repack", shelf, shelf.parent / "here", to="oci", executor=None, jobs=1)
    assert fingerprint(shelf.parent / "far") == fingerprint(shelf.parent / "here")


def test_a_source_that_kills_is_reported_and_nobody_else_is_blamed(
    dask: DaskCluster, shelf: Path
) -> None:
    dask.deaths.write_text("")
    put(400, shelf / "a/deadly.tar")
    told: list[SourceReport] = []
    report = batch("verify", shelf, cluster=dask.address, told=Told(source=told.append))
    assert report.counts == {"done": 6, "failed": 1}
    (failed,) = [each for each in told if each.error]
    assert failed.source == str(shelf / "a/deadly.tar")
    assert failed.error == f"{failed.source}: 3 workers died of it: out of memory, or killed"
    assert failed.exit_status == 7
    assert len(dask.deaths.read_text().splitlines()) <= 6  # beside others, then alone


def test_the_scheduler_goes_and_the_next_run_goes_on(shelf: Path) -> None:
    for number in range(8):
        put(300 + number, shelf / f"slow/{number}.tar")
    report = shelf.parent / "r.jsonl"
    words = ("batch", "repack", shelf, "--to", "oci", "-o", shelf.parent / "far", "-q")
    folder = shelf.parent / "dask"
    folder.mkdir()
    own = DaskCluster(folder, workers=1)
    try:
        running = subprocess.Popen(
            argv_of(*words, "--report", report, "--cluster", own.address),
            env=environment(),
            stderr=subprocess.PIPE,
        )
        wait_for_lines(report, 8)
        own.scheduler.kill()
        _, error = running.communicate(timeout=60)
    finally:
        own.close()
    assert running.returncode == 7, error
    text = error.decode()
    assert text.startswith(f"layout: the Dask scheduler at {own.address} is gone")
    assert text.count("\n") == 1
    done = report.read_bytes().count(b"\n")
    assert 8 <= done < 14
    again = batch("repack", shelf, shelf.parent / "far", to="oci", jobs=1)
    assert again.counts == {"unchanged": done, "done": 14 - done}


def test_interrupted(dask: DaskCluster, shelf: Path) -> None:
    """What is done is kept, what was under way is gone, and the cluster is there for others."""
    for number in range(8):
        put(300 + number, shelf / f"slow/{number}.tar")
    report = shelf.parent / "r.jsonl"
    words = ("batch", "repack", shelf, "--to", "oci", "-o", shelf.parent / "far", "-q")
    running = subprocess.Popen(
        argv_of(*words, "--report", report, "--cluster", dask.address),
        env=environment(),
        stderr=subprocess.PIPE,
    )
    wait_for_lines(report, 8)
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=60)
    assert (running.returncode, error.count(b"\n")) == (130, 1), error
    assert os.listdir(shelf.parent / ".far.layout-batch/staged") == []
    done = report.read_bytes().count(b"\n")
    again = batch("repack", shelf, shelf.parent / "far", to="oci", cluster=dask.address)
    assert again.counts == {"unchanged": done, "done": 14 - done}


def test_an_executor_of_ones_own_client(dask: DaskCluster, shelf: Path) -> None:
    dask.deaths.write_text("")
    put(400, shelf / "a/deadly.tar")
    with distributed.Client(dask.address, set_as_default=False) as client:
        executor = client.get_executor(pure=False)
        report = batch("verify", shelf, executor=executor, jobs=2)
        assert report.counts == {"done": 6, "failed": 1}
        assert executor.submit(len, "abc").result(30) == 3  # it is not shut down


def test_no_scheduler(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_ANSWER", 0.3)
    done = layout("batch", "verify", shelf, "--cluster", "tcp://127.0.0.1:1")
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in the_line(done, 7)


def test_another_version(dask: DaskCluster, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "__version__", "9.9")
    with pytest.raises(UsageError, match=r"worker tcp://.* has oci-layout .*, and this is .* 9\.9"):
        batch("verify", shelf, cluster=dask.address)


def test_workers_that_do_not_see_the_same(dask: DaskCluster, shelf: Path) -> None:
    with pytest.raises(UsageError, match="does not see /only/here"):
        clusters.Cluster(dask.address, ahead=2, most=None, seen=["/", "/only/here"])


def test_without_any_worker(tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_WORKERS", 0.3)
    own = DaskCluster(tmp_path, workers=0)
    try:
        with pytest.raises(ResourceError, match="has no worker"):
            batch("verify", shelf, cluster=own.address)
    finally:
        own.close()


def test_the_window_follows_the_threads(dask: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with clusters.Cluster(dask.address, ahead=2, most=None, seen=()) as far:
        assert far.window() == 4
        monkeypatch.setattr(far, "_looked", 0.0)
        monkeypatch.setattr(far._client, "sync", lambda *_, **__: {})
        assert far.window() == 2
        monkeypatch.setattr(far, "_looked", 0.0)
        monkeypatch.setattr(clusters, "_PATIENCE", 0.0)
        with pytest.raises(ResourceError, match="has had no worker"):
            far.window()
    with clusters.Cluster(dask.address, ahead=2, most=3, seen=()) as far:
        assert far.window() == 3


def test_without_the_extra(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "find_spec", lambda _name: None)
    done = layout("batch", "verify", shelf, "--cluster", "tcp://127.0.0.1:1")
    line = the_line(done, 2)
    assert "oci-layout[cluster]" in line
    assert util.find_spec("distributed") is not None


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"cluster": "scheduler:8786"}, "is no address"),
        ({"cluster": "tcp://127.0.0.1:1", "bases": "-"}, "no other machine sees -"),
        ({"cluster": "tcp://127.0.0.1:1", "bases": "/dev/stdin"}, "no other machine sees /dev"),
        ({"cluster": "tcp://127.0.0.1:1", "executor": object()}, "one of them does the work"),
    ],
)
def test_what_makes_no_sense(options: dict[str, Any], text: str, shelf: Path) -> None:
    with pytest.raises(UsageError, match=text):
        batch("verify", shelf, **options)


def test_files_that_a_request_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.tar").touch()
    far = clusters.from_root(Repack(to=Format.OCI, bases=["base.tar", "oci:x"], tmp="t"))
    assert far.bases == (str(tmp_path / "base.tar"), "oci:x")
    assert far.tmp == str(tmp_path / "t")
