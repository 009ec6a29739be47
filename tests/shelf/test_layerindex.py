"""The layers of a shelf: each is unpacked and packed once, and only the very same bytes count."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import DamagedError, repack, verify
from oci_layout.errors import StaleError
from oci_layout.shelf.layerindex import LayerIndex
from oci_layout.streams.compression import decoded
from oci_layout.streams.encoding import Encoding
from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.builders.trees import read

BASE = {"base": bytes(range(256)) * 400}
FORMS = {
    "layout": ("oci", ""),
    "archive": ("oci", ".tar"),
    "docker": ("docker", ".tar"),
    "registry": ("registry", ""),
}


@pytest.fixture
def index(tmp_path: Path) -> LayerIndex:
    return LayerIndex(str(tmp_path / "state" / "packed"), str(tmp_path))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often a layer was packed, and unpacked."""
    done = {"packed": 0, "unpacked": 0}
    encoder = Encoding.encoder

    def packing(self: Encoding, *args: object) -> object:
        done["packed"] += 1
        return encoder(self, *args)  # type: ignore[arg-type]

    def unpacking(*args: object, **words: object) -> object:
        done["unpacked"] += 1
        return decoded(*args, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoding, "encoder", packing)
    monkeypatch.setattr("oci_layout.blobs.run.decoded", unpacking)
    return done


def source(folder: Path, number: int, write: Callable[..., Path] = write_docker_archive) -> Path:
    """An image with a layer that all have, and one of its own."""
    folder.mkdir(exist_ok=True)
    image = make_image([BASE, {"own": str(number).encode() * 9000}], names=(f"app:{number}",))
    return write([image], folder / f"in{number}.tar")


@pytest.mark.parametrize(
    ("form", "compression"), [*((form, "gzip") for form in FORMS), ("archive", "zstd:3")]
)
def test_a_layer_is_packed_once(
    form: str, compression: str, tmp_path: Path, index: LayerIndex, work: dict[str, int]
) -> None:
    """The results are those that nobody's memory has part in."""
    to, suffix = FORMS[form]
    sources = [source(tmp_path / "s", number) for number in range(3)]
    how: dict[str, Any] = {"to": to, "compression": compression}
    for number, each in enumerate(sources):
        repack(each, tmp_path / f"alone{number}{suffix}", **how)
    assert work["packed"] == 6
    work["packed"] = 0
    for number, each in enumerate(sources):
        dest = tmp_path / f"out{number}{suffix}"
        repack(each, dest, remembered=index, **how)
        index.placed(str(dest))
        assert read(dest) == read(tmp_path / f"alone{number}{suffix}")
    assert work["packed"] == 4
    repack(sources[0], tmp_path / f"again{suffix}", remembered=index, **how)
    assert work["packed"] == 4
    assert read(tmp_path / f"again{suffix}") == read(tmp_path / f"alone0{suffix}")


def test_a_packed_layer_is_unpacked_once(
    tmp_path: Path, index: LayerIndex, work: dict[str, int]
) -> None:
    """By verify, by repack that keeps it, and by one that packs it another way."""
    layouts = [
        write_oci_layout(
            [make_image([BASE, {"n": bytes([n]) * 999}], names=("a:1",), compression="gzip")],
            tmp_path / f"in{n}",
        )
        for n in range(2)
    ]
    assert not verify(layouts[0], remembered=index).failed
    assert work["unpacked"] == 2
    assert not verify(layouts[1], remembered=index).failed
    assert work["unpacked"] == 3
    report = repack(layouts[1], tmp_path / "kept.tar", to="oci", remembered=index)
    assert work["unpacked"] == 3
    assert len(report.images[0].layers) == 2
    for number, each in enumerate(layouts):
        dest = tmp_path / f"z{number}"
        repack(each, dest, to="oci", compression="zstd", remembered=index)
        index.placed(str(dest))
    assert work["packed"] == 3
    assert not verify(tmp_path / "z1").failed


def test_damage_is_found_all_the_same(tmp_path: Path, index: LayerIndex) -> None:
    """A layer that others hold whole is damaged here."""
    whole = source(tmp_path / "s", 0)
    repack(whole, tmp_path / "out.tar", to="oci", compression="gzip", remembered=index)
    index.placed(str(tmp_path / "out.tar"))
    data = whole.read_bytes()
    at = data.index(BASE["base"])
    bad = tmp_path / "bad.tar"
    bad.write_bytes(data[:at] + b"X" + data[at + 1 :])
    with pytest.raises(DamagedError) as without:
        repack(bad, tmp_path / "new.tar", to="oci", compression="gzip")
    with pytest.raises(DamagedError) as found:
        repack(bad, tmp_path / "new.tar", to="oci", compression="gzip", remembered=index)
    assert str(found.value) == str(without.value)
    assert not (tmp_path / "new.tar").exists()
    kept = write_oci_layout(
        [make_image([BASE], names=("a:1",), compression="gzip")], tmp_path / "kept"
    )
    assert not verify(kept, remembered=index).failed
    blob = max((kept / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-9] + b"\0" * 9)
    expected = [each.code for each in verify(kept).findings]
    assert [each.code for each in verify(kept, remembered=index).findings] == expected
    assert "digest-mismatch" in expected


@pytest.mark.parametrize("how", ["gone", "cut", "another file"])
def test_an_earlier_result_that_changed_is_not_taken_from(
    how: str, tmp_path: Path, index: LayerIndex, work: dict[str, int]
) -> None:
    """The layer is packed anew."""
    first, second = source(tmp_path / "s", 1), source(tmp_path / "s", 2)
    out = tmp_path / "out.tar"
    repack(first, out, to="oci", compression="gzip", remembered=index)
    index.placed(str(out))
    if how == "gone":
        out.unlink()
    else:
        out.write_bytes(out.read_bytes()[:2000] if how == "cut" else b"other")
    work["packed"] = 0
    repack(second, tmp_path / "new.tar", to="oci", compression="gzip", remembered=index)
    assert work["packed"] == 2
    assert not verify(tmp_path / "new.tar").failed


def test_rot_in_an_earlier_result_is_seen(tmp_path: Path, index: LayerIndex) -> None:
    """Nothing but its bytes tells; what was learnt of it is dropped."""
    first, second = source(tmp_path / "s", 1), source(tmp_path / "s", 2)
    out = tmp_path / "out"
    repack(first, out, to="oci", compression="gzip", remembered=index)
    index.placed(str(out))
    for blob in (out / "blobs" / "sha256").iterdir():
        before, data = blob.stat(), blob.read_bytes()
        blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(StaleError, match="is not what it was"):
        repack(second, tmp_path / "new.tar", to="oci", compression="gzip", remembered=index)
    assert not (tmp_path / "new.tar").exists()
    index.distrust()
    repack(second, tmp_path / "new.tar", to="oci", compression="gzip", remembered=index)
    assert not verify(tmp_path / "new.tar").failed


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": "0"}', "null", '{"packed": 1}'])
def test_an_entry_that_is_torn_counts_as_absent(
    text: str, tmp_path: Path, index: LayerIndex
) -> None:
    """A run may be killed at any moment."""
    first = source(tmp_path / "s", 1)
    repack(first, tmp_path / "out.tar", to="oci", compression="gzip", remembered=index)
    index.placed(str(tmp_path / "out.tar"))
    entries = list((tmp_path / "state" / "packed").rglob("*.json"))
    assert len(entries) == 2
    for entry in entries:
        entry.write_text(text)
    repack(first, tmp_path / "new.tar", to="oci", compression="gzip", remembered=index)
    assert read(tmp_path / "new.tar") == read(tmp_path / "out.tar")
