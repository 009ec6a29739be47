"""All sources of a shelf in one result, which is what `merge` makes of each alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from oci_layout import BatchReport, batch, list_images, merge, repack, verify
from oci_layout.errors import DestinationError, UsageError
from oci_layout.plan import merging as merging_of_names
from oci_layout.shelf.merged import Merged
from oci_layout.shelf.staging import Stage
from tests.builders import make_image, write_docker_archive
from tests.builders.shelves import app, cut, put, write_shelf
from tests.builders.trees import fingerprint

SOURCES = ("a/deep/app1.tar", "a/deep/app3.tar", "a/packed.tar.gz", "b/app0.tar", "b/app2.tar")


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return write_shelf(tmp_path / "shelf")


class Merging:
    """A shelf, and one result of it."""

    def __init__(self, shelf: Path, executor: Executor) -> None:
        self.shelf, self.executor = shelf, executor
        self.out = shelf.parent / "all.tar"

    def run(self, **options: Any) -> BatchReport:
        return batch(
            "repack",
            self.shelf,
            executor=self.executor,
            **{"to": "oci", "dest": self.out, "merge": True, **options},
        )

    def counts(self, **options: Any) -> dict[str, int]:
        return {str(status): count for status, count in self.run(**options).counts.items()}

    def pool(self) -> set[str]:
        return set(os.listdir(self.shelf.parent / ".all.tar.layout-batch/merged/blobs/sha256"))

    def names(self) -> list[str]:
        return [str(each.name) for each in list_images(self.out).images]


@pytest.fixture
def merging(shelf: Path, threads: Executor) -> Merging:
    return Merging(shelf, threads)


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz", "all"])
@pytest.mark.parametrize("options", [{"to": "oci"}, {"to": "docker", "compression": "gzip"}])
def test_as_merge_makes_it(
    name: str, options: dict[str, Any], shelf: Path, threads: Executor
) -> None:
    base = shelf.parent
    each = [base / f"each/{number}" for number in range(6)]
    for source, result in zip((*SOURCES, "b/layout"), each, strict=True):
        result.parent.mkdir(exist_ok=True)
        repack(shelf / source, result, **options)
    options = {**options}
    to = {"to": options["to"]}
    merge(each, base / f"by-merge-{name}", compression="keep", **to)
    report = batch("repack", shelf, base / name, merge=True, executor=threads, **options)
    assert fingerprint(base / name) == fingerprint(base / f"by-merge-{name}")
    assert not verify(str(base / name)).failed
    assert report.merged is not None
    assert report.merged.destination == str(base / name)


SIZE = 30 << 10
CUT: dict[str, Any] = {"volume_size": SIZE}


def volumes(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(folder.glob("all.vol*"))}


def test_cut_into_volumes_as_merge_cuts_it(merging: Merging) -> None:
    report, whole = merging.run(**CUT), merging.shelf.parent / "whole"
    assert report.merged is not None
    assert report.merged.destination == str(whole.parent / "all.volumes.json")
    whole.mkdir()
    merging.out = whole / "all.tar"
    merging.run()
    again = merging.shelf.parent / "again"
    again.mkdir()
    merge([whole / "all.tar"], again / "all.tar", to="oci", compression="keep", **CUT)
    assert len(report.merged.volumes) > 2
    assert volumes(whole.parent) == volumes(again)
    assert not verify(str(whole.parent / "all.volumes.json")).failed


def test_volumes_are_written_once_and_whole(merging: Merging) -> None:
    folder = merging.shelf.parent
    merging.run(**CUT)
    before, second = volumes(folder), folder / "all.vol2.tar"
    assert merging.run(**CUT).merged is None
    second.unlink()
    assert merging.run(**CUT).merged is not None
    assert volumes(folder) == before
    second.write_bytes(b"of somebody else")
    with pytest.raises(DestinationError, match="not what layout batch wrote"):
        merging.run(**CUT)
    assert second.read_bytes() == b"of somebody else"


def test_volumes_of_a_longer_set_stay(merging: Merging) -> None:
    merging.run(**CUT)
    before = volumes(merging.shelf.parent)
    report = merging.run(volume_size=2 * SIZE)
    assert report.merged is not None
    assert "other-volumes" in {each.code for each in report.merged.warnings}
    assert volumes(merging.shelf.parent).keys() == before.keys()
    assert merging.run(volume_size=2 * SIZE).merged is None


def test_volumes_on_the_shelf_are_no_sources(merging: Merging) -> None:
    merging.out = merging.shelf / "all.tar"
    assert merging.counts(**CUT) == {"done": 6}
    assert merging.counts(**CUT) == {"unchanged": 6}


@pytest.mark.parametrize("given", [0, 1, 3])
def test_killed_while_volumes_get_their_places(
    given: int, merging: Merging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run gives the others theirs, and writes none anew."""

    class Killed(BaseException):
        pass

    give = Stage.give
    places: list[str] = []

    def killed(self: Stage, staged: str, result: str, known: Any) -> None:
        if len(places) == given:
            raise Killed
        places.append(result)
        give(self, staged, result, known)

    merging.run(**CUT)
    put(70, merging.shelf / "a/packed.tar.gz")
    with monkeypatch.context() as patched:
        patched.setattr(Stage, "give", killed)
        patched.setattr("oci_layout.disk.shifting.remove", lambda _path: None)
        with pytest.raises(Killed):
            merging.run(**CUT)
    assert len(places) == given
    report = merging.run(**CUT)
    assert (report.counts, report.merged) == ({"unchanged": 6}, None)
    listed = merging.shelf.parent / "all.volumes.json"
    assert not verify(str(listed)).failed
    assert "app70:1" in [str(each.name) for each in list_images(listed).images]


def test_nothing_is_done_again(merging: Merging) -> None:
    assert merging.counts() == {"done": 6}
    before = os.stat(merging.out)
    again = merging.run()
    assert (again.counts, again.merged) == ({"unchanged": 6}, None)
    assert os.stat(merging.out) == before


def test_what_changes_goes_into_the_result(merging: Merging) -> None:
    merging.counts()
    pool = merging.pool()
    (merging.shelf / "b/app0.tar").unlink()
    put(70, merging.shelf / "b/app2.tar")
    put(71, merging.shelf / "c/new.tar")
    assert merging.counts() == {"unchanged": 4, "done": 2}
    assert merging.names() == [
        "app1:1",
        "app3:1",
        "app100:1",
        "app70:1",
        "app200:1",
        "app71:1",
    ]
    assert not verify(str(merging.out)).failed
    assert pool - merging.pool()  # what is gone from the shelf is gone from the pool
    assert merging.counts() == {"unchanged": 6}


def test_the_failure_of_one_leaves_it_out(merging: Merging) -> None:
    cut(merging.shelf / "b/app0.tar")
    assert merging.counts() == {"failed": 1, "done": 5}
    assert "app0:1" not in merging.names()
    put(0, merging.shelf / "b/app0.tar")
    assert merging.counts() == {"done": 1, "unchanged": 5}
    assert "app0:1" in merging.names()


def test_one_name_for_two_images(merging: Merging) -> None:
    """It is settled in the order of the sources; and no source is done again for it."""
    other = make_image([{"other": b"x"}], names=("app1:1",))
    write_docker_archive([other], merging.shelf / "c.tar")
    report = merging.run()
    (conflict,) = report.conflicts
    assert (conflict.name, conflict.source) == ("app1:1", str(merging.shelf / "c.tar"))
    assert (report.merged, report.exit_status, report.failed) == (None, 4, 0)
    assert not merging.out.exists()
    assert merging.counts(on_conflict="first") == {"unchanged": 7}
    (first,) = [each for each in verify(str(merging.out)).images if "app1:1" in each.names]
    assert str(first.image_id) == app(1, 1).config_digest
    assert merging.counts(on_conflict="last") == {"unchanged": 7}
    (last,) = [each for each in verify(str(merging.out)).images if "app1:1" in each.names]
    assert str(last.image_id) == other.config_digest


def test_every_name_for_two_images_is_told_of(
    merging: Merging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a conflict of the later source; of very many the first ones."""
    for name in ("d", "c"):
        images = [make_image([{name: b"x"}], names=(f"app{each}:1",)) for each in (2, 0, 100)]
        write_docker_archive(images, merging.shelf / f"{name}.tar")
    report = merging.run()
    assert [(each.name, each.source[-5:]) for each in report.conflicts] == [
        (name, source) for source in ("c.tar", "d.tar") for name in ("app2:1", "app0:1", "app100:1")
    ]
    monkeypatch.setattr(merging_of_names, "CONFLICTS", 4)
    report = merging.run()
    assert (len(report.conflicts), report.conflicting) == (4, 6)
    assert merging.run(on_conflict="first").exit_status == 0


def test_a_rule_for_names_is_for_some_source(merging: Merging) -> None:
    assert merging.run(names=["app0:1=new:0", "absent:1=new:1"]).idle == ("absent:1=new:1",)
    assert not merging.out.exists()
    assert merging.run(names=["app0:1=new:0"]).idle == ()
    assert "new:0" in merging.names()
    assert merging.run(names=["app0:1=new:0"]).idle == ()


def test_a_result_that_went_or_is_of_somebody_else(merging: Merging) -> None:
    merging.counts()
    before = fingerprint(merging.out)
    merging.out.unlink()
    assert merging.counts() == {"unchanged": 6}
    assert fingerprint(merging.out) == before
    merging.out.write_text("of somebody else")
    with pytest.raises(DestinationError, match="not what layout batch wrote"):
        merging.run()
    assert merging.out.read_text() == "of somebody else"
    assert merging.counts(force=True) == {"unchanged": 6}
    assert fingerprint(merging.out) == before


def test_a_blob_that_went_from_the_pool(merging: Merging) -> None:
    merging.counts()
    blobs = merging.shelf.parent / ".all.tar.layout-batch/merged/blobs/sha256"
    for name in merging.pool():
        (blobs / name).unlink()
    assert merging.counts() == {"done": 6}


@pytest.mark.parametrize("moved", [0, 1])
def test_killed_while_blobs_move(
    moved: int, merging: Merging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept before is taken up: the stage is still there."""

    class Killed(BaseException):
        pass

    take = Merged._take
    taken: list[int] = []

    def killed(self: Merged, row: Any) -> None:
        if len(taken) == 2:
            if moved:
                take(self, row)
            raise Killed
        taken.append(1)
        take(self, row)

    with monkeypatch.context() as patched:
        patched.setattr(Merged, "_take", killed)
        patched.setattr("oci_layout.disk.shifting.remove", lambda _path: None)
        with pytest.raises(Killed):
            merging.run()
    counts = merging.counts()
    assert counts["unchanged"] >= 3
    assert sum(counts.values()) == 6
    assert len(merging.names()) == 6
    assert os.listdir(merging.shelf.parent / ".all.tar.layout-batch/staged") == []


def test_nothing_to_merge(tmp_path: Path, threads: Executor) -> None:
    (tmp_path / "shelf").mkdir()
    report = batch(
        "repack", tmp_path / "shelf", tmp_path / "x.tar", to="oci", merge=True, executor=threads
    )
    assert (report.sources, report.merged) == (0, None)
    assert not (tmp_path / "x.tar").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"to": "dir"},
        {"to": "registry", "force": True},
        {"to": "oci", "have": "x"},
        {"to": "oci", "dest": "-"},
        {"to": "oci", "dest": "."},
        {"to": "oci", "volume_size": "1G"},
        {"to": "registry", "volume_size": "1G"},
        {"to": "oci", "volume_size": "1G", "merge": False},
    ],
)
def test_what_makes_no_sense(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        batch("repack", tmp_path, **{"merge": True, "dest": tmp_path / "out", **options})
    assert os.listdir(tmp_path) == []
