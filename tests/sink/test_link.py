"""--link and --check digests: what is believed, what is still checked, and that it is said."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from oci_layout import repack, verify
from oci_layout.disk.folder import Folder
from oci_layout.errors import DamagedError
from oci_layout.sink import layoutdir
from tests import independent
from tests.builders import Image, make_image, sha256, write_dir, write_oci_layout
from tests.command import layout, printed
from tests.repacked import packed

IMAGE = make_image([{"a": b"1" * 5000}, {"b": b"2"}], names=("demo:1",), compression="gzip")


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")


def with_rootfs(rootfs: object) -> Image:
    """The image with another ``rootfs`` in its config."""
    return replace(IMAGE, config={**IMAGE.config, "rootfs": rootfs})


def wrong_diff_id() -> Image:
    """An image whose config says another diff_id than its first layer has."""
    diff_ids = [sha256(b"another"), *IMAGE.diff_ids[1:]]
    return with_rootfs({"type": "layers", "diff_ids": diff_ids})


def test_blobs_are_the_very_files(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    report, _ = packed(source, tmp_path / "out", "docker", link=True)
    assert report.linked == 2
    for layer in IMAGE.layers:
        assert blob(tmp_path / "out", layer.digest).samefile(blob(source, layer.digest))
    assert verify(str(source)).findings == ()
    assert not list((tmp_path / "out").glob(".*"))


def test_what_is_packed_anew_is_not_linked(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    report, _ = packed(source, tmp_path / "out", link=True, compression="zstd")
    assert report.linked == 0


def test_a_size_that_does_not_hold_is_still_refused(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    path = blob(source, IMAGE.layers[0].digest)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError):
        repack(str(source), str(tmp_path / "out"), to="oci", link=True)
    assert not (tmp_path / "out").exists()


def test_where_links_cannot_be_bytes_are_copied_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(layoutdir, "cloned", lambda *_: False)
    source = write_oci_layout([IMAGE], tmp_path / "in")
    report, _ = packed(source, tmp_path / "out", link=True)
    assert report.linked == 0
    raw = bytearray(blob(source, IMAGE.layers[0].digest).read_bytes())
    raw[20] ^= 1
    blob(source, IMAGE.layers[0].digest).write_bytes(raw)
    with pytest.raises(DamagedError):
        repack(str(source), str(tmp_path / "again"), to="oci", link=True)


def test_a_symbolic_link_in_a_layout_becomes_its_file(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    path = blob(source, IMAGE.layers[0].digest)
    path.rename(tmp_path / "rootfs.tar.gz")
    path.symlink_to(tmp_path / "rootfs.tar.gz")
    packed(source, tmp_path / "out", link=True)
    result = blob(tmp_path / "out", IMAGE.layers[0].digest)
    assert not result.is_symlink()
    assert result.samefile(tmp_path / "rootfs.tar.gz")


def test_dir_to_dir(tmp_path: Path) -> None:
    source = write_dir(IMAGE, tmp_path / "in")
    report = repack(str(source), str(tmp_path / "out"), to="dir", link=True)
    assert report.linked == 2


def test_an_archive_cannot_hold_links(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out.tar", "--link")
    assert done.returncode == 2
    assert b"--link" in done.stderr


def test_the_report_says_so(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out", "--link")
    assert b"linked, not copied: 2 blobs" in done.stdout
    said = b" ".join(done.stdout.split())
    assert b"only the size was checked" in said
    assert b"who changes one in place changes both" in said
    value = printed("repack", source, "--to", "oci", "-o", tmp_path / "2", "--check", "digests")
    assert (value["check"], value["linked"]) == ("digests", 0)


def test_digests_believes_diff_ids_and_nothing_else(tmp_path: Path) -> None:
    source = write_oci_layout([wrong_diff_id()], tmp_path / "in")
    with pytest.raises(DamagedError, match="diff_id"):
        repack(str(source), str(tmp_path / "out"), to="oci")
    repack(str(source), str(tmp_path / "out"), to="oci", check="digests")
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "3", "--check", "digests")
    assert b"kept packed were not unpacked" in done.stdout

    sound = write_oci_layout([IMAGE], tmp_path / "sound")
    path = blob(sound, IMAGE.layers[0].digest)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DamagedError):
        repack(str(sound), str(tmp_path / "out2"), to="oci", check="digests")


def test_digests_still_unpacks_what_is_packed_anew(tmp_path: Path) -> None:
    source = write_oci_layout([wrong_diff_id()], tmp_path / "in")
    for compression in ("zstd", "none"):
        with pytest.raises(DamagedError, match="diff_id"):
            repack(
                str(source),
                str(tmp_path / "out"),
                to="oci",
                compression=compression,
                check="digests",
            )


def test_digests_learns_what_nothing_states(tmp_path: Path) -> None:
    """A config without rootfs gets one from the layers, which have to be unpacked for it."""
    image = with_rootfs(None)
    source = write_oci_layout([image], tmp_path / "in")
    repack(str(source), str(tmp_path / "out"), to="oci", check="digests")
    independent.check(tmp_path / "out")


def test_a_document_does_not_go_through_a_link(tmp_path: Path) -> None:
    """A blob that was linked, and is a document as well, is not opened for writing."""
    (tmp_path / "source").write_bytes(b"the source's")
    (tmp_path / "out").mkdir()
    os.link(tmp_path / "source", tmp_path / "out/name")
    with Folder.at(str(tmp_path / "out")) as root, layoutdir.BlobFolder(root) as folder:
        folder.put_file("name", b"a document")
    assert (tmp_path / "source").read_bytes() == b"the source's"
    assert (tmp_path / "out/name").read_bytes() == b"a document"
    assert os.listdir(tmp_path / "out") == ["name"]
