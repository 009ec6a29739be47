"""A single folder around an image is entered; of several one is chosen."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from oci_layout import DestinationError, LayoutError, NotAnImageError, repack, verify
from tests.builders import (
    go_json,
    make_image,
    write_dir,
    write_files,
    write_members,
    write_oci_layout,
)
from tests.builders.folders import FORMS, in_folder, members_of
from tests.command import layout
from tests.independent import read_files
from tests.repacked import packed

ONE = make_image([{"a": b"1"}, {"b": b"2"}], names=("one:1",))
TWO = make_image([{"c": b"3"}], names=("two:1",))


@pytest.mark.parametrize("folder", ["saved", "./saved", "a b", "x#y"])
@pytest.mark.parametrize("form", FORMS)
def test_a_single_folder_is_entered(form: str, folder: str, tmp_path: Path) -> None:
    path = in_folder(folder, tmp_path / "image.tar", [ONE], form)
    assert not verify(str(path)).failed
    _, result = packed(path, tmp_path / "out")
    assert set(result.configs) == {ONE.config_digest}


@pytest.mark.parametrize("form", FORMS)
def test_one_of_several_is_chosen(form: str, tmp_path: Path) -> None:
    members = members_of(form, [ONE], "images/a", tmp_path / "1.tar")
    members |= members_of(form, [TWO], "images/b", tmp_path / "2.tar")
    path = write_members(members, tmp_path / "image.tar")
    with pytest.raises(NotAnImageError, match="2 folders with an image") as caught:
        repack(str(path), str(tmp_path / "out"), to="oci")
    assert f"{path}#images/a" in caught.value.hint
    for folder, image in (("images/a", ONE), ("images/b", TWO)):
        report = verify(f"{path}#{folder}")
        assert not report.failed
        dest = tmp_path / folder.replace("/", "-")
        repack(f"{path}#{folder}", str(dest), to="oci")
        files = read_files(dest)
        assert f"blobs/sha256/{image.config_digest[7:]}" in files


def test_a_folder_beside_other_things_is_not_entered_but_named(tmp_path: Path) -> None:
    members = members_of("layout", [ONE], "images", tmp_path / "1.tar")
    path = write_members({**members, "README": b"x"}, tmp_path / "image.tar")
    with pytest.raises(NotAnImageError, match="1 folder with an image: 'images'"):
        verify(str(path))
    assert not verify(f"{path}#images").failed


def test_standard_input(tmp_path: Path) -> None:
    path = in_folder("saved", tmp_path / "image.tar", [ONE])
    assert layout("verify", "-", stdin=path.read_bytes()).returncode == 0


def test_a_folder_on_disk(tmp_path: Path) -> None:
    write_oci_layout([ONE], tmp_path / "outer" / "inner")
    assert not verify(str(tmp_path / "outer")).failed
    assert not verify(f"{tmp_path / 'outer'}#inner").failed
    write_dir(TWO, tmp_path / "outer" / "other")
    with pytest.raises(NotAnImageError, match="2 folders with an image") as caught:
        verify(str(tmp_path / "outer"))
    assert str(tmp_path / "outer" / "inner") in caught.value.hint


def test_a_file_may_have_the_sign_in_its_name(tmp_path: Path) -> None:
    path = FORMS["layout"]([ONE], tmp_path / "image.tar#1")
    assert not verify(str(path)).failed


def test_the_file_itself_is_not_replaced(tmp_path: Path) -> None:
    path = in_folder("saved", tmp_path / "image.tar", [ONE])
    before = path.read_bytes()
    with pytest.raises(DestinationError, match="the source itself"):
        repack(f"{path}#saved", str(path), to="oci", force=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("folder", ["nowhere", "../saved", "saved/blobs"])
def test_a_folder_without_an_image(folder: str, tmp_path: Path) -> None:
    path = in_folder("saved", tmp_path / "image.tar", [ONE])
    with pytest.raises(LayoutError) as caught:
        verify(f"{path}#{folder}")
    assert caught.value.exit_status in (2, 3)


def test_links_out_of_the_folder_stay_in_the_archive(tmp_path: Path) -> None:
    """As where blobs are shared by several layouts of one tar."""
    members = members_of("layout", [ONE], "saved", tmp_path / "1.tar")
    name = f"saved/blobs/sha256/{ONE.config_digest[7:]}"
    data = members.pop(name)
    assert isinstance(data, bytes)
    path = tmp_path / "image.tar"
    write_members({**members, "shared/config": data}, path)
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, "../../../shared/config"
        tar.addfile(link)
    assert not verify(f"{path}#saved").failed


OTHERS = {
    "imgpkg": ({"manifest.json": go_json([{"Image": {"Refs": ["x@sha256:1"]}}])}, "imgpkg"),
    "imgpkg, an index": ({"manifest.json": go_json([{"ImageIndex": {}}])}, "imgpkg"),
    "Zarf": (
        {"zarf.yaml": b"kind: ZarfPackageConfig", "images/index.json": b"{}"},
        "Zarf package",
    ),
    "somebody's manifest.json": (
        {"app/manifest.json": b'{"name": "x"}'},
        "no image",
    ),
}


@pytest.mark.parametrize(("files", "word"), OTHERS.values(), ids=list(OTHERS))
def test_other_formats_are_named(files: dict[str, bytes], word: str, tmp_path: Path) -> None:
    for path in (write_members({**files}, tmp_path / "x.tar"), write_files(files, tmp_path / "x")):
        with pytest.raises(NotAnImageError, match=word):
            verify(str(path))
