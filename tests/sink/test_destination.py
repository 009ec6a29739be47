"""DEST: what may be written over, what never, and what lies there afterwards."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout import repack
from oci_layout.errors import DestinationError, UsageError
from tests import independent
from tests.builders import make_image, write_docker_archive, write_files, write_oci_layout
from tests.independent import read_files
from tests.repacked import packed

IMAGE = make_image()
OTHER = make_image([{"o": b"other"}], names=("other:1",))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "from"
    folder.mkdir()
    return write_docker_archive([IMAGE], folder / "in.tar")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def refused(source: Path, dest: Path, *, force: bool, target: str = "oci") -> str:
    before = shape(dest.parent)
    with pytest.raises(DestinationError) as caught:
        repack(str(source), str(dest), to=target, force=force)
    assert caught.value.exit_status == 5
    assert shape(dest.parent) == before
    return str(caught.value)


def shape(folder: Path) -> list[tuple[str, bytes | str]]:
    """Everything in a folder, content and all."""
    found: list[tuple[str, bytes | str]] = []
    if not folder.is_dir():
        return found
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found.append((name, str(path.readlink())))
        elif path.is_file():
            found.append((name, path.read_bytes()))
        else:
            found.append((name, "dir" if path.is_dir() else "special"))
    return found


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("dest", ["new", "new.tar"])
def test_a_new_destination(dest: str, force: bool, source: Path, work: Path) -> None:
    packed(source, work / dest, force=force)
    assert [path.name for path in work.iterdir()] == [dest]


def test_an_archive_is_replaced_by_force_only(source: Path, work: Path) -> None:
    dest = work / "out.tar"
    dest.write_bytes(b"old")
    assert "--force" in refused(source, dest, force=False)
    packed(source, dest, force=True)
    assert [path.name for path in work.iterdir()] == ["out.tar"]


def test_a_clean_layout_is_replaced_by_force_only(source: Path, work: Path) -> None:
    dest = write_oci_layout([OTHER], work / "out")
    assert "--force" in refused(source, dest, force=False)
    _, result = packed(source, dest, force=True)
    assert list(result.configs) == [IMAGE.config_digest]
    assert [path.name for path in work.iterdir()] == ["out"]


def hybrid(path: Path) -> Path:
    write_oci_layout([OTHER], path)
    return write_files({"manifest.json": b"[]"}, path)


def test_a_hybrid_directory_is_a_clean_layout(source: Path, work: Path) -> None:
    packed(source, hybrid(work / "out"), force=True)


FOREIGN: dict[str, Callable[[Path], object]] = {
    "home": lambda path: write_files({".bashrc": b"x", "notes/a": b"x"}, path),
    "a file beside": lambda path: write_files({"README": b"x"}, write_oci_layout([OTHER], path)),
    "a hidden file": lambda path: write_files({".git/x": b"x"}, write_oci_layout([OTHER], path)),
    "a folder in blobs": lambda path: write_files(
        {"blobs/sha256/dir/x": b"x"}, write_oci_layout([OTHER], path)
    ),
    "a file in blobs": lambda path: write_files({"blobs/x": b"x"}, write_oci_layout([OTHER], path)),
    "no marker": lambda path: (write_oci_layout([OTHER], path) / "oci-layout").unlink(),
    "marker alone is a folder": lambda path: (path / "oci-layout").mkdir(parents=True),
}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_directory_is_never_replaced(
    make: Callable[[Path], object], force: bool, source: Path, work: Path
) -> None:
    make(work / "out")
    refused(source, work / "out", force=force)


def test_an_empty_directory_is_as_good_as_none(source: Path, work: Path) -> None:
    (work / "out").mkdir()
    packed(source, work / "out")


@pytest.mark.parametrize("force", [False, True])
def test_kinds_are_not_exchanged(force: bool, source: Path, work: Path) -> None:
    (work / "file").write_bytes(b"x")
    (work / "dir.tar").mkdir()
    refused(source, work / "file", force=force)
    refused(source, work / "dir.tar", force=force)


@pytest.mark.parametrize("force", [False, True])
def test_no_device_or_pipe_is_replaced(force: bool, source: Path, work: Path) -> None:
    os.mkfifo(work / "fifo.tar")
    refused(source, work / "fifo.tar", force=force)
    assert stat.S_ISFIFO((work / "fifo.tar").stat().st_mode)


@pytest.mark.parametrize("dest", ["absent/out", "absent/out.tar", "file/out.tar"])
def test_a_parent_must_be_there(dest: str, source: Path, work: Path) -> None:
    (work / "file").write_bytes(b"x")
    refused(source, work / dest, force=False)
    assert sorted(path.name for path in work.iterdir()) == ["file"]


def test_a_link_to_an_archive_is_followed_and_stays(source: Path, work: Path) -> None:
    (work / "real.tar").write_bytes(b"old")
    (work / "link.tar").symlink_to("real.tar")
    packed(source, work / "link.tar", force=True)
    assert (work / "link.tar").is_symlink()
    assert independent.check(work / "real.tar").configs


@pytest.mark.parametrize(
    "name", ["x.zip", "x.tar.xz", "x.tar.bz2", "x.tar.lz4", "X.TAR.XZ", "x.txz"]
)
def test_suffixes_of_archives_that_are_not_written(name: str, source: Path, work: Path) -> None:
    with pytest.raises(UsageError, match="suffix") as caught:
        repack(str(source), str(work / name), to="oci")
    assert caught.value.exit_status == 2
    assert list(work.iterdir()) == []


def test_the_source_itself_is_never_replaced(work: Path) -> None:
    """It may be the only copy that there is, and --force names the destination alone."""
    path = write_docker_archive([IMAGE], work / "x.tar")
    layout = write_oci_layout([IMAGE], work / "layout")
    before = path.read_bytes()
    for own in (path, layout):
        with pytest.raises(DestinationError, match="is the source itself") as caught:
            repack(str(own), str(own), to="oci", force=True)
        assert caught.value.exit_status == 5
    assert path.read_bytes() == before
    assert sorted(p.name for p in work.iterdir()) == ["layout", "x.tar"]


def test_files_have_the_modes_of_others(source: Path, work: Path) -> None:
    old = os.umask(0o022)
    try:
        packed(source, work / "out")
        packed(source, work / "out.tar")
    finally:
        os.umask(old)
    for path in [work / "out.tar", *(work / "out").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize("target", ["oci", "docker"])
def test_pure_and_hybrid(target: str, source: Path, work: Path) -> None:
    _, hybrid_archive = packed(source, work / "a.tar", target)
    assert hybrid_archive.docker is not None
    _, folder = packed(source, work / "folder", target)
    assert (folder.docker is None) == (target == "oci")
    _, pure = packed(source, work / "b.tar", target, pure=True)
    assert pure.docker is None
    assert set(read_files(work / "a.tar")) - set(pure.files) == {"manifest.json"}


def test_a_second_image_shares_what_is_the_same(work: Path) -> None:
    shared = {"base": b"x" * 9000}
    images = [make_image([shared, {n: b"1"}], names=(f"{n}:1",)) for n in ("a", "b", "c")]
    source = write_docker_archive(images, work / "in.tar")
    _, result = packed(source, work / "out.tar")
    layers = {layer.digest for image in images for layer in image.layers}
    assert len(layers) == 4
    assert len([n for n in result.files if n.startswith("blobs/")]) == 4 + 3 + 3
