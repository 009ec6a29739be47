"""An error about damage names the source, whoever finds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import oci_layout
from oci_layout import DamagedError
from tests.builders import compress, make_image, write_oci_archive, write_oci_layout

IMAGE = make_image([{"a": b"1" * 5000}], names=("demo:1",))
LAYER = IMAGE.layers[0].digest.replace(":", "/")


def flipped(path: Path) -> Path:
    """One bit of the layer is another."""
    data = bytearray(path.read_bytes())
    data[bytes(data).index(b"1" * 5000) + 9] ^= 1
    path.write_bytes(data)
    return path


def archive(folder: Path) -> Path:
    return flipped(write_oci_archive([IMAGE], folder / "in.tar"))


def packed(folder: Path) -> Path:
    path = folder / "in.tar.gz"
    path.write_bytes(compress(archive(folder).read_bytes(), "gzip"))
    return path


def layout(folder: Path) -> Path:
    path = write_oci_layout([IMAGE], folder / "in")
    flipped(path / "blobs" / LAYER)
    return path


def sparse(folder: Path) -> Path:
    path = write_oci_layout([IMAGE], folder / "in")
    (path / "blobs" / LAYER).unlink()
    return path


def cut(folder: Path) -> Path:
    path = write_oci_archive([IMAGE], folder / "in.tar")
    path.write_bytes(path.read_bytes()[:9000])
    return path


@pytest.mark.parametrize("make", [archive, packed, layout, sparse, cut])
@pytest.mark.parametrize("out", ["out", "out.tar"])
def test_a_conversion(make: Callable[[Path], Path], out: str, tmp_path: Path) -> None:
    source = make(tmp_path)
    with pytest.raises(DamagedError) as caught:
        oci_layout.repack(source, tmp_path / out, to="oci")
    assert str(caught.value).startswith(f"{source}: ")
    assert str(caught.value).count(str(source)) == 1


def test_a_merge_names_the_one_that_is_damaged(tmp_path: Path) -> None:
    source = archive(tmp_path)
    whole = write_oci_archive([make_image(names=("whole:1",))], tmp_path / "whole.tar")
    with pytest.raises(DamagedError) as caught:
        oci_layout.merge([whole, source], tmp_path / "out", to="oci")
    assert str(caught.value).startswith(f"{source}: ")
