"""A shelf from end to end: what is done, what is kept, and what the next run does."""

from __future__ import annotations

import contextlib
import json
import os
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from oci_layout import BatchReport, SourceReport, Told, batch, repack, verify
from oci_layout.batchlines.kinds import Status
from oci_layout.errors import DestinationError, LayoutError, NotAnImageError, UsageError
from oci_layout.shelf import run as running
from oci_layout.shelf import staging
from tests.builders import sha256, write_docker_archive
from tests.builders.shelves import app, cut, put, write_shelf
from tests.builders.trees import fingerprint
from tests.sink.registries import require_whole


@pytest.fixture
def threads() -> Iterator[Executor]:
    """Workers that are there at once; those of the command are processes."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


class Shelf:
    """A shelf, a destination, and what one run after the other says."""

    def __init__(self, base: Path, executor: Executor) -> None:
        self.base, self.executor = base, executor
        self.folder, self.out = write_shelf(base / "shelf"), base / "out"
        self.report = base / "report.jsonl"
        self.told: list[SourceReport] = []

    def run(self, verb: str = "repack", **options: Any) -> BatchReport:
        self.told = []
        if verb == "repack":
            options = {"to": "oci", "dest": self.out, **options}
        return batch(
            verb,
            self.folder,
            executor=self.executor,
            told=Told(source=self.told.append),
            **{"report": self.report, **options},
        )

    def counts(self, verb: str = "repack", **options: Any) -> dict[str, int]:
        return {str(status): count for status, count in self.run(verb, **options).counts.items()}

    def status(self) -> dict[str, str]:
        return {os.path.relpath(each.source, self.folder): str(each.status) for each in self.told}

    def error(self, name: str) -> str:
        (found,) = [each.error for each in self.told if each.source == str(self.folder / name)]
        return found

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.report.read_text("ascii").splitlines()]


@pytest.fixture
def shelf(tmp_path: Path, threads: Executor) -> Shelf:
    return Shelf(tmp_path, threads)


RESULTS = [
    "a/deep/app1.tar",
    "a/deep/app3.tar",
    "a/packed.tar",
    "b/app0.tar",
    "b/app2.tar",
    "b/layout.tar",
]


def files_in(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_repack_mirrors_the_tree(shelf: Shelf) -> None:
    assert shelf.counts() == {"done": 6}
    assert files_in(shelf.out) == RESULTS
    assert not any(verify(str(shelf.out / name)).failed for name in RESULTS)
    lines = shelf.lines()
    assert sorted(each["result"] for each in lines[:-1]) == [str(shelf.out / x) for x in RESULTS]
    assert {each["report"]["destination"] for each in lines[:-1]} == {
        str(shelf.out / name) for name in RESULTS
    }
    assert lines[-1]["sources"] == {"done": 6, "unchanged": 0, "failed": 0, "no image": 0}
    assert lines[-1]["passed_over"] == {"links": 1, "others": 1}


def test_folders_as_results(shelf: Shelf) -> None:
    assert shelf.counts(to="dir") == {"done": 6}
    assert not verify(str(shelf.out / "a/packed")).failed
    assert shelf.counts(to="dir") == {"unchanged": 6}
    (shelf.out / "a/packed/version").write_text("changed\n")
    assert shelf.counts(to="dir") == {"unchanged": 5, "failed": 1}


def test_the_failure_of_one_stops_no_other(shelf: Shelf) -> None:
    cut(shelf.folder / "b/app0.tar")
    report = shelf.run()
    assert (report.failed, report.sources) == (1, 6)
    assert "cut short" in report.failures[0][1]
    assert shelf.status()["b/app0.tar"] == "failed"
    (line,) = [each for each in shelf.lines() if each.get("status") == "failed"]
    assert "cut short" in line["error"]
    assert line["exit_status"] == 3
    assert "b/app0.tar" not in files_in(shelf.out)


def test_a_second_run_does_nothing_and_says_the_same(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.run()
    before, said = fingerprint(shelf.out), shelf.lines()
    monkeypatch.setattr(running, "Running", None)  # no worker is needed
    assert shelf.counts() == {"unchanged": 6}
    assert fingerprint(shelf.out) == before
    reports = {each["source"]: each["report"] for each in said[:-1]}
    assert {each["source"]: each["report"] for each in shelf.lines()[:-1]} == reports


def test_what_is_new_or_changed_is_done(shelf: Shelf) -> None:
    shelf.run()
    write_docker_archive([app(50)], shelf.folder / "a/new.tar")
    write_docker_archive([app(51)], shelf.folder / "b/app0.tar")
    (shelf.folder / "b/layout/index.json").touch()
    assert shelf.counts() == {"unchanged": 4, "done": 3}
    assert {name for name, status in shelf.status().items() if status == "done"} == {
        "a/new.tar",
        "b/app0.tar",
        "b/layout",
    }
    (image,) = verify(str(shelf.out / "b/app0.tar")).images
    assert image.names == ("app51:1",)
    assert shelf.counts() == {"unchanged": 7}


def test_other_options_are_another_result(shelf: Shelf) -> None:
    shelf.run()
    assert shelf.counts(compression="gzip") == {"done": 6}
    assert shelf.counts(compression="gzip", tmp=str(shelf.base)) == {"unchanged": 6}


def test_another_version_does_it_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.run()
    for module in ("planning", "settling"):
        monkeypatch.setattr(f"oci_layout.shelf.{module}.__version__", "99")
    assert shelf.counts() == {"done": 6}


def test_failures_are_done_again(shelf: Shelf) -> None:
    whole = (shelf.folder / "b/app0.tar").read_bytes()
    cut(shelf.folder / "b/app0.tar")
    assert shelf.counts() == {"failed": 1, "done": 5}
    assert shelf.counts() == {"failed": 1, "unchanged": 5}
    (shelf.folder / "b/app0.tar").write_bytes(whole)
    assert shelf.counts() == {"done": 1, "unchanged": 5}


def test_a_result_that_went_is_made_again(shelf: Shelf) -> None:
    shelf.run()
    before = fingerprint(shelf.out)
    (shelf.out / "b/app0.tar").unlink()
    assert shelf.counts() == {"done": 1, "unchanged": 5}
    assert fingerprint(shelf.out) == before


def test_what_is_not_ours_is_never_replaced(shelf: Shelf) -> None:
    shelf.run()
    changed = shelf.out / "b/app0.tar"
    changed.write_bytes(b"of somebody else")
    foreign = shelf.out / "a/new.tar"
    foreign.write_bytes(b"of somebody else, too")
    write_docker_archive([app(50)], shelf.folder / "a/new.tar")
    assert shelf.counts() == {"failed": 2, "unchanged": 5}
    assert "is not what layout batch wrote" in shelf.error("a/new.tar")
    assert {each.exit_status for each in shelf.told if each.error} == {5}
    assert foreign.read_bytes() == b"of somebody else, too"
    assert changed.read_bytes() == b"of somebody else"
    assert shelf.counts(force=True) == {"done": 2, "unchanged": 5}
    assert not verify(str(foreign)).failed


def test_a_result_that_could_not_be_made_again_stays_ours(shelf: Shelf) -> None:
    shelf.run()
    whole = (shelf.folder / "b/app0.tar").read_bytes()
    before = (shelf.out / "b/app0.tar").read_bytes()
    cut(shelf.folder / "b/app0.tar")
    assert shelf.counts() == {"failed": 1, "unchanged": 5}
    assert (shelf.out / "b/app0.tar").read_bytes() == before
    (shelf.folder / "b/app0.tar").write_bytes(whole)
    assert shelf.counts() == {"done": 1, "unchanged": 5}


def test_what_takes_the_place_meanwhile_stays(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of somebody else appears after the place was looked at, before the result is there."""
    place = staging.Stage.place

    def late(stage: Any, staged: str, result: str, known: Any) -> None:
        if result.endswith("app0.tar"):
            Path(result).parent.mkdir(exist_ok=True, parents=True)
            Path(result).write_text("mine")
        place(stage, staged, result, known)

    monkeypatch.setattr(staging.Stage, "place", late)
    assert shelf.counts() == {"failed": 1, "done": 5}
    assert (shelf.out / "b/app0.tar").read_text() == "mine"
    assert os.listdir(shelf.base / ".out.layout-batch/staged") == []


def test_two_sources_with_one_result(shelf: Shelf) -> None:
    write_docker_archive([app(1)], shelf.folder / "a/packed.tar")
    with pytest.raises(DestinationError, match=r"packed\.tar and .*packed\.tar\.gz"):
        shelf.run()
    assert files_in(shelf.out) == []
    assert shelf.counts(exclude=["packed.tar.gz"]) == {"done": 6}


def test_an_archive_without_an_image(shelf: Shelf) -> None:
    """It is none of the sources, but told of; and looked at once."""
    with tarfile.open(shelf.folder / "home.tar", "w") as tar:
        tar.add(__file__, "file.py")
    assert shelf.counts() == {"done": 6, "no image": 1}
    assert shelf.counts() == {"unchanged": 6, "no image": 1}
    assert [each["source"] for each in shelf.lines()[:-1] if each["status"] == "no image"] == [
        str(shelf.folder / "home.tar")
    ]
    named = batch("verify", [shelf.folder / "home.tar"], executor=shelf.executor)
    assert named.failed == 1


@pytest.mark.parametrize("verb", ["repack", "verify", "inspect"])
def test_a_source_that_stopped_being_one_fails_in_each_run(shelf: Shelf, verb: str) -> None:
    """Its name does not matter, and what is left of it neither."""
    names = {"a/plain", "b/app0.tar", "b/app2.tar"}
    put(7, shelf.folder / "a/plain")
    assert shelf.counts(verb) == {"done": 7}
    (shelf.folder / "a/plain").write_bytes(b"")
    (shelf.folder / "b/app0.tar").write_bytes(b"")
    with tarfile.open(shelf.folder / "b/app2.tar", "w") as tar:
        tar.add(__file__, "file.py")
    for _ in range(2):
        assert shelf.counts(verb) == {"failed": 3, "unchanged": 4}
        failed = {name for name, status in shelf.status().items() if status == "failed"}
        assert failed == names
        assert "empty, where an image archive was expected" in shelf.error("a/plain")
        assert "no image" in shelf.error("b/app2.tar")


def test_a_layout_that_stopped_being_one_fails(shelf: Shelf) -> None:
    assert shelf.counts("verify") == {"done": 6}
    for name in ("oci-layout", "index.json"):
        (shelf.folder / "b/layout" / name).unlink()
    for _ in range(2):
        shelf.run("verify")
        assert shelf.status()["b/layout"] == "failed"


def test_what_is_called_like_an_archive_fails_and_takes_no_place(shelf: Shelf) -> None:
    (shelf.folder / "a/packed.tar").touch()  # beside packed.tar.gz, with the same result
    assert shelf.counts() == {"done": 6, "failed": 1}
    assert shelf.counts() == {"unchanged": 6, "failed": 1}
    assert shelf.error("a/packed.tar")
    assert (shelf.out / "a/packed.tar").stat().st_size


def test_verify_and_inspect_resume_beside_their_report(shelf: Shelf) -> None:
    data = bytearray((shelf.folder / "b/app0.tar").read_bytes())
    data[data.index(b"base 0")] ^= 1
    (shelf.folder / "b/app0.tar").write_bytes(data)
    assert shelf.counts("verify") == {"done": 5, "failed": 1}
    assert "diffid-mismatch" in shelf.error("b/app0.tar")
    assert shelf.counts("verify") == {"unchanged": 5, "failed": 1}
    assert shelf.counts("inspect") == {"done": 6}
    assert shelf.counts("inspect") == {"unchanged": 6}
    assert all(each["report"]["roots"] for each in shelf.lines()[:-1])
    assert shelf.counts("inspect", report=None) == {"done": 6}


def test_strict(shelf: Shelf) -> None:
    whole = shelf.folder / "b/app0.tar"
    whole.write_bytes(whole.read_bytes()[:-1024])
    counts = shelf.counts("verify", strict=True, report=None)
    assert counts == {"done": 5, "failed": 1}
    assert shelf.counts("verify", report=None) == {"done": 6}


@pytest.mark.parametrize("verb", ["repack", "verify", "inspect"])
def test_warnings_are_counted_by_code_with_one_example(shelf: Shelf, verb: str) -> None:
    for name in ("b/app0.tar", "b/app2.tar"):
        whole = shelf.folder / name
        whole.write_bytes(whole.read_bytes()[:-1024])
    (warned,) = shelf.run(verb).warned
    assert (warned.code, warned.severity, warned.sources) == ("no-end-marker", "warning", 2)
    assert warned.first.startswith(f"{shelf.folder}/b/app")
    assert shelf.run(verb).warned == ()  # nothing was done
    shelf.run("verify", strict=True, report=None)
    assert shelf.run("verify", strict=True, report=None).warned == ()  # they are failures there


def test_a_record_of_its_own(shelf: Shelf) -> None:
    record = shelf.base / "record"
    assert shelf.counts("verify", state=str(record), report=None) == {"done": 6}
    assert shelf.counts("verify", state=str(record), report=None) == {"unchanged": 6}
    record.write_text("something else" * 100)
    with pytest.raises(DestinationError, match="no record"):
        shelf.run("verify", state=str(record), report=None)
    assert record.read_text() == "something else" * 100


def test_by_content(shelf: Shelf) -> None:
    assert shelf.counts(rehash=True) == {"done": 6}
    for path in shelf.folder.rglob("*.tar"):
        os.utime(path, (1, 1))
    silently = shelf.folder / "b/app2.tar"
    data = silently.read_bytes()
    write_docker_archive([app(52)], silently)
    assert len(silently.read_bytes()) == len(data)
    os.utime(silently, (1, 1))
    assert shelf.counts(rehash=True) == {"unchanged": 5, "done": 1}
    assert shelf.counts() == {"unchanged": 6}


def test_only_one_at_a_time(shelf: Shelf) -> None:
    def second(_report: SourceReport) -> None:
        with pytest.raises(DestinationError, match="another layout batch"):
            batch("repack", shelf.folder, shelf.out, to="oci", executor=shelf.executor)

    report = batch(
        "repack",
        shelf.folder,
        shelf.out,
        to="oci",
        executor=shelf.executor,
        told=Told(source=second),
    )
    assert report.sources == 6


def test_the_destination_inside_of_the_shelf(shelf: Shelf) -> None:
    out = shelf.folder / "out"
    assert shelf.counts(dest=out) == {"done": 6}
    assert shelf.counts(dest=out) == {"unchanged": 6}
    with pytest.raises(DestinationError, match="is a shelf itself"):
        shelf.run(dest=shelf.folder)


def test_a_report_takes_the_place_of_no_archive(shelf: Shelf) -> None:
    archive = shelf.folder / "b/app0.tar"
    before = archive.read_bytes()
    with pytest.raises(DestinationError, match="is an archive"):
        shelf.run("verify", report=archive)
    assert archive.read_bytes() == before


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("repack", {"to": "oci"}),
        ("repack", {"dest": "out"}),
        ("repack", {"dest": "out", "to": "oci", "append": True}),
        ("verify", {"dest": "out"}),
        ("verify", {"sums": "x"}),
        ("convert", {}),
        ("inspect", {"strict": True}),
    ],
)
def test_what_makes_no_sense(verb: str, options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        batch(verb, tmp_path, **options)
    with pytest.raises(UsageError):
        batch(verb, [], **options)


def test_a_source_named_twice_is_done_once(shelf: Shelf) -> None:
    report = batch("verify", [shelf.folder, shelf.folder / "b"], executor=shelf.executor)
    assert report.sources == 6
    assert report.passed["twice"] == 3


def test_a_long_report_is_left_out(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oci_layout.limits.REPORTED_BYTES", 100)
    shelf.run("verify")
    line = shelf.lines()[0]
    assert line["report"] is None
    assert line["report_left_out"] > 100


def test_the_worker_is_told_of_in_order_of_the_record(shelf: Shelf) -> None:
    """Whatever is told of was kept before, by the one thread that has the record."""
    seen: Counter[int] = Counter()

    def told(_report: SourceReport) -> None:
        seen[threading.get_ident()] += 1

    batch("verify", shelf.folder, executor=shelf.executor, told=Told(source=told))
    assert seen == {threading.get_ident(): 6}


def test_processes_by_default(shelf: Shelf) -> None:
    assert batch("repack", shelf.folder, shelf.out, to="oci", jobs=2).counts == {"done": 6}
    assert files_in(shelf.out) == RESULTS


def test_a_given_executor_goes_on(shelf: Shelf) -> None:
    """What was not begun is not begun; whoever gave it uses it further."""

    class Stopped(BaseException):
        pass

    def told(_report: SourceReport) -> None:
        raise Stopped

    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(Stopped):
            batch("verify", shelf.folder, executor=executor, jobs=1, told=Told(source=told))
        assert executor.submit(len, "abc").result(10) == 3


def remembered(shelf: Shelf, name: str = ".out.layout-batch") -> list[dict[str, Any]]:
    """Where packed layers are, as is remembered beside the destination."""
    files = (shelf.base / name / "packed").rglob("*.json")
    entries = [json.loads(each.read_text()) for each in files]
    return [place for entry in entries for place in entry["packed"].values()]


def test_a_layer_of_many_sources_is_packed_once(shelf: Shelf) -> None:
    """It is remembered where its result lies in the end, and taken from there by later runs."""
    shelf.run(compression="gzip")
    places = remembered(shelf)
    assert places
    for place in places:
        with open(shelf.base / place["path"], "rb") as file:
            file.seek(place["offset"])
            assert sha256(file.read(place["size"])) == place["digest"]
    put(50, shelf.folder / "a/new.tar")
    assert shelf.counts(compression="gzip") == {"unchanged": 6, "done": 1}
    alone = shelf.base / "alone.tar"
    repack(shelf.folder / "a/new.tar", alone, to="oci", compression="gzip")
    assert (shelf.out / "a/new.tar").read_bytes() == alone.read_bytes()


def test_an_earlier_result_that_changed_in_silence(shelf: Shelf) -> None:
    """Its size and time are the old ones, its bytes are not: nothing is taken from it."""
    shelf.run(compression="gzip")
    for place in remembered(shelf):
        path = shelf.base / place["path"]
        before = path.stat()
        with open(path, "r+b") as file:
            file.seek(place["offset"] + place["size"] // 2)
            file.write(b"\xff\x00\xff")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    put(50, shelf.folder / "a/new.tar")
    assert shelf.counts(compression="gzip") == {"unchanged": 6, "done": 1}
    assert not verify(str(shelf.out / "a/new.tar")).failed


def test_all_sources_into_a_registry(shelf: Shelf) -> None:
    """As `repack` adds each; what is there is left, and the next run adds what is new."""
    alone = shelf.base / "alone"
    for each in sorted(shelf.folder.rglob("*.tar*")):
        with contextlib.suppress(LayoutError):
            repack(each, alone, to="registry", append=True, compression="gzip")
    repack(shelf.folder / "b/layout", alone, to="registry", append=True, compression="gzip")
    how: dict[str, Any] = {"to": "registry", "merge": True, "compression": "gzip"}
    assert shelf.counts(**how)["done"] == 6
    assert require_whole(shelf.out) == require_whole(alone)
    assert shelf.counts(**how)["unchanged"] == 6
    put(50, shelf.folder / "a/new.tar")
    counts = shelf.counts(**how)
    assert (counts["unchanged"], counts["done"]) == (6, 1)
    assert len(require_whole(shelf.out)) == len(require_whole(alone)) + 1
    with pytest.raises(UsageError, match="--force"):
        shelf.counts(force=True, **how)


def test_every_error_names_its_source(shelf: Shelf) -> None:
    """Also one of a choice, which is of no file."""
    report = shelf.run(images=["absent:1"])
    assert report.failures
    assert all(source in error for source, error in report.failures)


RULES = ["app0:1=new:0", "app2:1=+new:2", "gone/=new/", "absent:1=new:1"]


@pytest.mark.parametrize("how", [{}, {"merge": True, "to": "registry", "compression": "gzip"}])
def test_a_rule_for_names_is_for_some_source(shelf: Shelf, how: dict[str, Any]) -> None:
    """It need not be for each; and that it was for one is still known when nothing is done."""
    cut(shelf.folder / "b/app2.tar")
    rules = shelf.base / "rules"
    rules.write_text("\n".join(RULES))
    for done, unchanged in ((5, 0), (0, 5)):
        report = shelf.run(name_files=[rules], **how)
        assert report.idle == ("app2:1=+new:2", "gone/=docker.io/new/", "absent:1=new:1")
        counts = [report.counts.get(each, 0) for each in (Status.DONE, Status.UNCHANGED)]
        assert counts == [done, unchanged]
    put(2, shelf.folder / "b/app2.tar")
    put(3, shelf.folder / "b/app0.tar")
    report = shelf.run(name_files=[rules], **how)
    assert report.idle == ("app0:1=new:0", "gone/=docker.io/new/", "absent:1=new:1")


def test_a_rule_that_is_none_fails_before_anything_is_done(shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="says no old name"):
        shelf.run(names=["=new:1"])
    assert not shelf.told


def test_a_shelf_that_is_not_there_makes_nothing(shelf: Shelf) -> None:
    with pytest.raises(NotAnImageError, match="SHELF is a folder"):
        batch("repack", [shelf.folder, shelf.base / "absent"], shelf.out, to="oci")
    assert sorted(os.listdir(shelf.base)) == [shelf.folder.name]
