"""Two layers file by file."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oci_layout import Progress, diff, limits
from oci_layout.comparison import reading
from oci_layout.errors import DamagedError, SelectionError
from oci_layout.filediff.report import FilesReport, Room
from oci_layout.source import sorting
from tests.builders import Layer, layer_tar, write_oci_layout
from tests.comparison.made import IMAGE, layered

CHANGES: dict[str, dict[str, Any]] = {
    "mode": {"mode": 0o600},
    "uid": {"uid": 7},
    "gid": {"gid": 8},
    "mtime": {"mtime": 1.5, "pax_headers": {"mtime": "1.5"}},
    "linkname": {"type": tarfile.SYMTYPE, "linkname": "elsewhere"},
    "xattrs": {"pax_headers": {"SCHILY.xattr.user.a": "1"}},
}


def entry(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tar(*entries: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def compared(tmp_path: Path, a: bytes, b: bytes, packed: str = "none") -> FilesReport:
    """The files of the second layer of two images."""
    sides = []
    for name, raw, compression in (("a", a, "none"), ("b", b, packed)):
        image = layered(IMAGE, (IMAGE.layers[0], Layer(raw, compression)))
        sides.append(str(write_oci_layout([image], tmp_path / name)))
    found = diff(sides[0], sides[1], files=True).pairs[0].files
    assert found is not None
    assert (found.a, found.b) == (1, 1)
    return found


@pytest.mark.parametrize("packed", ["none", "gzip", "zstd"])
def test_added_removed_changed(packed: str, tmp_path: Path) -> None:
    a = tar(entry("gone", b"1"), entry("same", b"2"), entry("other", b"3"))
    b = tar(entry("./same", b"2"), entry("new", b"1"), entry("other", b"4"))
    found = compared(tmp_path, a, b, packed)
    assert (found.added, found.removed, found.changed, found.same) == (1, 1, 1, 1)
    assert [(each.path, each.change, each.attributes) for each in found.differences] == [
        ("gone", "removed", ()),
        ("new", "added", ()),
        ("other", "changed", ("content",)),
    ]


@pytest.mark.parametrize("attribute", CHANGES)
def test_each_attribute(attribute: str, tmp_path: Path) -> None:
    plain: dict[str, Any] = {}
    if attribute == "linkname":
        plain = {"type": tarfile.SYMTYPE, "linkname": "here"}
    a, b = tar(entry("f", **plain)), tar(entry("f", **CHANGES[attribute]))
    (each,) = compared(tmp_path, a, b).differences
    assert each.attributes == (attribute,)


def test_size_type_and_device(tmp_path: Path) -> None:
    a = tar(entry("f", b"1"), entry("t"), entry("d", type=tarfile.CHRTYPE, devmajor=1))
    b = tar(
        entry("f", b"12"),
        entry("t", type=tarfile.FIFOTYPE),
        entry("d", type=tarfile.CHRTYPE, devmajor=2),
    )
    found = {each.path: each.attributes for each in compared(tmp_path, a, b).differences}
    assert found == {"f": ("size", "content"), "t": ("type", "content"), "d": ("device",)}


def test_names_of_owners_do_not_count(tmp_path: Path) -> None:
    found = compared(tmp_path, tar(entry("f", uname="a")), tar(entry("f", uname="b")))
    assert (found.changed, found.same) == (0, 1)


def test_the_same_files_in_another_tar(tmp_path: Path) -> None:
    entries = [entry(f"f{number}", b"x") for number in range(20)]
    found = compared(tmp_path, tar(*entries), tar(*entries[::-1], form=tarfile.GNU_FORMAT))
    assert (found.added, found.removed, found.changed, found.same) == (0, 0, 0, 20)
    assert not found.differences


def test_the_order_is_told_where_the_files_are_the_same(tmp_path: Path) -> None:
    entries = [entry(f"f{number}", b"x") for number in range(5)]
    assert compared(tmp_path / "1", tar(*entries), tar(*entries[::-1])).reordered is True
    same = tar(*entries, form=tarfile.GNU_FORMAT) + bytes(512)
    assert compared(tmp_path / "2", tar(*entries), same).reordered is False
    assert compared(tmp_path / "3", tar(*entries), tar(*entries[1:])).reordered is None


def test_what_is_shown_is_bounded_and_the_rest_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIFFERENCES", 5)
    a = tar(*(entry(f"a{number}") for number in range(7)), entry("both", b"1"))
    b = tar(*(entry(f"b{number}") for number in range(9)), entry("both", b"2"))
    found = compared(tmp_path, a, b)
    assert (found.added, found.removed, found.changed) == (9, 7, 1)
    assert [each.path for each in found.differences] == ["a0", "a1", "a2", "a3", "a4"]
    assert found.left_out == 12


def test_memory_of_what_is_shown_is_bounded_for_all_layers_together(tmp_path: Path) -> None:
    room = Room()
    room.bytes = 5_000
    change = compared(tmp_path, tar(entry("f", b"1")), tar(entry("f", b"2"))).differences[0]
    taken = [room.takes(change) for _ in range(9)]
    assert taken == sorted(taken, reverse=True)
    assert 0 < sum(taken) < 5


def test_files_in_any_order_are_compared_through_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "_RUN_BYTES", 2000)
    names = [f"d{number % 7}/f{number}" for number in range(300)]
    a = tar(*(entry(name, b"1") for name in names))
    b = tar(*(entry(name, b"2" if name.endswith("7") else b"1") for name in names[::-1]))
    found = compared(tmp_path, a, b)
    assert (found.changed, found.same, found.reordered) == (30, 270, True)
    assert [each.path for each in found.differences] == sorted(
        (name for name in names if name.endswith("7")), key=lambda name: name.split("/")
    )


def test_every_layer_that_differs_is_read_and_no_other(tmp_path: Path) -> None:
    bad = Layer(b"this is no tar")
    sides = []
    for name in ("a", "b"):
        layers = [Layer(tar(entry(each, name.encode()))) for each in ("f", "g")]
        image = layered(IMAGE, (bad, layers[0], bad, layers[1]))
        sides.append(str(write_oci_layout([image], tmp_path / name)))
    pair = diff(sides[0], sides[1], files=True).pairs[0]
    assert [(each.a, each.b) for each in pair.layer_files] == [(1, 1), (3, 3)]
    assert [d.path for each in pair.layer_files for d in each.differences] == ["f", "g"]
    assert pair.files is pair.layer_files[0]


def test_a_layer_that_two_images_have_is_read_once(tmp_path: Path) -> None:
    sides = []
    for name in ("a", "b"):
        common = Layer(tar(entry("f", name.encode())))
        images = [
            replace(layered(IMAGE, (*more, common)), names=(f"x:{len(more)}",))
            for more in ((), IMAGE.layers[:1])
        ]
        sides.append(str(write_oci_layout(images, tmp_path / name)))
    read: list[int] = []
    progress = Progress(start=read.append, advance=lambda size: None)
    found = diff(sides[0], sides[1], files=True, progress=progress)
    assert [[(r.a, r.b) for r in pair.layer_files] for pair in found.pairs] == [[(0, 0)], [(1, 1)]]
    assert read[-1] == 2 * len(tar(entry("f", b"a")))
    for number, pair in enumerate(found.pairs):
        (told,) = pair.layer_files[0].to_json()["differences"]
        assert (told["a"]["layer"], told["b"]["layer"]) == (number, number)


def test_far_too_many_layers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DIFFED_LAYERS", 1)
    with pytest.raises(SelectionError, match="2 layers to be read, where at most 1 are"):
        compared(tmp_path, tar(entry("f")), tar(entry("g")))


def test_a_new_layer_is_all_added(tmp_path: Path) -> None:
    more = layered(IMAGE, (*IMAGE.layers, Layer(layer_tar({"a/b": b"1", "a/.wh.c": b""}))))
    a, b = write_oci_layout([IMAGE], tmp_path / "a"), write_oci_layout([more], tmp_path / "b")
    found = diff(str(a), str(b), files=True).pairs[0].files
    assert found is not None
    assert (found.a, found.b, found.added, found.removed) == (None, 2, 3, 0)


def test_where_no_layer_differs_there_is_nothing(tmp_path: Path) -> None:
    a = str(write_oci_layout([IMAGE], tmp_path / "a"))
    assert diff(a, a, files=True).pairs[0].files is None


def test_layers_that_are_no_tar_or_not_there(tmp_path: Path) -> None:
    good = tar(entry("f"))
    with pytest.raises(DamagedError, match=r"/b: layer 1"):
        compared(tmp_path, good, b"no tar" * 100)
    cut = Layer(good, "gzip")
    image = layered(IMAGE, (IMAGE.layers[0], cut))
    other = write_oci_layout([image], tmp_path / "cut")
    (other / "blobs/sha256" / cut.digest[7:]).unlink()
    there = write_oci_layout([IMAGE], tmp_path / "there")
    with pytest.raises(DamagedError, match="not in the source"):
        diff(str(there), str(other), files=True)
