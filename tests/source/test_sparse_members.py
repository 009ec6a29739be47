"""Sparse members of an outer archive are read as Go's archive/tar reads them."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from oci_layout import DamagedError, repack, verify
from oci_layout.finding import Findings
from oci_layout.source.store import ArchiveStore
from oci_layout.streams.reader import HeldFile
from tests.builders import (
    Image,
    Layer,
    layer_tar,
    make_image,
    write_hybrid_archive,
)
from tests.builders.sparse import FORMATS, packed, punched, with_holes, with_odd_member
from tests.independent import check
from tests.source.opened import assert_holds
from tests.streams.tars import END, member, pax

# Zeros that are holes, with data at the beginning, in the middle and after them.
LARGE = layer_tar({"a": b"1", "zeros": bytes(3 << 20), "b": b"2" * 9000, "end": bytes(1 << 20)})
IMAGE = Image(
    layers=(Layer(LARGE), Layer(layer_tar({"c": b"3"}))),
    config=make_image([{"a": b"1"}, {"c": b"3"}]).config,
    names=("demo:1",),
)
IMAGE.config["rootfs"]["diff_ids"] = [layer.diff_id for layer in IMAGE.layers]
EACH = pytest.mark.parametrize("form", FORMATS)


@EACH
def test_it_is_read_with_its_holes(form: str, tmp_path: Path) -> None:
    path = with_holes(IMAGE, tmp_path / "image.tar", form)
    assert path.stat().st_size < len(LARGE)
    assert_holds(path, IMAGE)
    report = verify(str(path))
    assert not report.failed
    assert [each.code for each in report.findings] == (["sparse-member"] if form == "GNU" else [])


@EACH
def test_what_is_written_is_plain(form: str, tmp_path: Path) -> None:
    path = with_holes(IMAGE, tmp_path / "image.tar", form)
    for out, how in (("out", "none"), ("out.tar", "gzip")):
        repack(str(path), str(tmp_path / out), to="oci", compression=how)
        assert check(tmp_path / out).configs.keys() == {IMAGE.config_digest}


@EACH
def test_a_file_beside_the_image(form: str, tmp_path: Path) -> None:
    path = with_holes(IMAGE, tmp_path / "image.tar", form, beside=True)
    assert_holds(path, IMAGE)


def test_many_stretches(tmp_path: Path) -> None:
    """More than a header block of GNU's has room for."""
    data = b"".join(bytes(8192) + b"%06d" % n + bytes(4090) for n in range(60))
    for form in FORMATS:
        folder = tmp_path / form
        punched(folder / "a" / "layer.tar", layer_tar({"x": data}))
        path = packed(folder, tmp_path / f"{form}.tar", form)
        with tarfile.open(path) as tar:
            file = tar.extractfile("a/layer.tar")
            assert file is not None
            assert file.read() == layer_tar({"x": data})


def _archive(records: tuple[tuple[str, str], ...], body: bytes) -> bytes:
    version = (("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"))
    return pax(*version, *records) + member("x", body) + END


@pytest.mark.parametrize(
    ("real", "table"),
    [
        (9, b"1\n0\n4\n"),  # more data than there is
        (2, b"1\n0\n3\n"),  # beyond the end
        (9, b"2\n5\n2\n0\n1\n"),  # backwards
        (9, b"x\n"),
        (9, b"1\n0\n"),  # no length
    ],
)
def test_a_map_that_is_none(real: int, table: bytes, tmp_path: Path) -> None:
    body = table.ljust(512, b"\0") + b"abc"
    path = tmp_path / "image.tar"
    path.write_bytes(_archive((("GNU.sparse.realsize", str(real)),), body))
    findings = Findings()
    ArchiveStore(HeldFile(str(path)), "image.tar", findings).close()
    assert [each.code for each in findings.errors] == ["bad-tar-header"]


def test_holes_are_bounded(tmp_path: Path) -> None:
    """A few hundred bytes that say they are an exabyte."""
    body = b"1\n0\n3\n".ljust(512, b"\0") + b"abc"
    path = tmp_path / "image.tar"
    path.write_bytes(_archive((("GNU.sparse.realsize", str(1 << 60)),), body))
    with pytest.raises(DamagedError, match="holes") as caught:
        verify(str(path))
    assert caught.value.code == "bomb"


@EACH
def test_in_a_layer_gnu_s_own_type_is_an_error(form: str, tmp_path: Path) -> None:
    punched(tmp_path / "files" / "disk.img", bytes(1 << 20) + b"x" * 4096)
    layer = packed(tmp_path / "files", tmp_path / "layer.tar", form).read_bytes()
    image = make_image([{"a": b"1"}], names=("demo:1",))
    image = Image(layers=(Layer(layer, "gzip"),), config=image.config, names=image.names)
    image.config["rootfs"]["diff_ids"] = [image.layers[0].diff_id]
    path = write_hybrid_archive([image], tmp_path / "image.tar")
    codes = [each.code for each in verify(str(path)).findings]
    assert codes == (["layer-member"] if form == "GNU" else [])


@pytest.mark.parametrize("flag", [b"7", b"S", b"V", b"N", b"D"])
def test_members_that_no_engine_unpacks(flag: bytes, tmp_path: Path) -> None:
    image = make_image([{"a": b"1"}, {"b": b"2"}], names=("demo:1",))
    path = with_odd_member(image, tmp_path / "image.tar", flag)
    assert [each.code for each in verify(str(path)).findings] == ["layer-member"]


@pytest.mark.parametrize("packed_as", ["keep", "gzip", "none"])
@pytest.mark.parametrize("to", ["oci", "docker"])
def test_what_verify_refuses_is_not_written(packed_as: str, to: str, tmp_path: Path) -> None:
    image = make_image([{"a": b"1"}, {"b": b"2"}], names=("demo:1",))
    path = with_odd_member(image, tmp_path / "image.tar", b"V")
    with pytest.raises(DamagedError, match="no engine unpacks") as caught:
        repack(str(path), str(tmp_path / "out.tar"), to=to, compression=packed_as)
    assert caught.value.code == "layer-member"
    assert not (tmp_path / "out.tar").exists()
