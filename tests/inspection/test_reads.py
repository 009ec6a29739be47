"""No blob is read unless asked: documents, and the first 512 bytes of each layer, once."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from oci_layout import inspect
from oci_layout.streams.compression import SNIFF_BYTES
from oci_layout.streams.member import FileMember
from oci_layout.streams.reader import ClosableReader
from tests.builders import (
    Image,
    hex_of,
    make_image,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.shared import ROOT


class Recorder:
    """Passes a reader on, and notes how much is taken."""

    def __init__(self, reader: ClosableReader, taken: Counter[str], name: str) -> None:
        self._reader, self._taken, self._name = reader, taken, name

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self._taken[self._name] += len(data)
        return data

    def close(self) -> None:
        self._reader.close()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Bytes that are read of each member."""
    counter: Counter[str] = Counter()
    opened = FileMember.open

    def recorded(self: FileMember) -> ClosableReader:
        return Recorder(opened(self), counter, self.name)

    stretch = FileMember.stretch

    def noted(self: FileMember, start: int, size: int) -> bytes:
        data = stretch(self, start, size)
        counter[self.name] += len(data)
        return data

    monkeypatch.setattr(FileMember, "open", recorded)
    monkeypatch.setattr(FileMember, "stretch", noted)
    return counter


def layer_hexes(*images: Image) -> set[str]:
    return {
        hex_of(text)
        for image in images
        for layer in image.layers
        for text in (layer.digest, layer.diff_id)
    }


RANDOM = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(255)) * 2
BIG = ({"a": RANDOM}, {"b": RANDOM[::-1]})  # nothing that packs into 512 bytes


def check(source: Path, taken: Counter[str], names: set[str], layers: int) -> None:
    inspect(str(source))
    found = {name: size for name, size in taken.items() if any(part in name for part in names)}
    assert len(found) == layers, taken
    assert all(size <= SNIFF_BYTES for size in found.values()), found
    assert taken.total() - sum(found.values()) > 0  # the documents


def test_an_archive_of_docker(taken: Counter[str], tmp_path: Path) -> None:
    image = make_image(BIG)
    source = write_docker_archive([image], tmp_path / "in.tar", style="flat")
    check(source, taken, layer_hexes(image), 2)


def test_a_hybrid(taken: Counter[str], tmp_path: Path) -> None:
    image = make_image(BIG, compression=["gzip", "none"])
    source = write_hybrid_archive([image], tmp_path / "in.tar")
    check(source, taken, {hex_of(layer.digest) for layer in image.layers}, 2)


def test_layers_that_images_share(taken: Counter[str], tmp_path: Path) -> None:
    images = [make_image(BIG, architecture=name) for name in ("amd64", "arm64", "s390x")]
    source = write_index_layout(tmp_path / "in", images)
    check(source, taken, layer_hexes(*images), 2)


def test_a_layout_a_dir_and_v1_folders(taken: Counter[str], tmp_path: Path) -> None:
    image = make_image(BIG)
    check(write_oci_layout([image], tmp_path / "oci"), taken, layer_hexes(image), 2)
    taken.clear()
    check(write_dir(image, tmp_path / "dir"), taken, layer_hexes(image), 2)
    taken.clear()
    check(write_docker_archive([image], tmp_path / "v1.tar"), taken, {"/layer.tar"}, 2)


def test_selection_reads_no_other_images(taken: Counter[str], tmp_path: Path) -> None:
    one, other = make_image(BIG, names=["a:1"]), make_image([{"z": b"z" * 9000}], names=["b:1"])
    source = write_docker_archive([one, other], tmp_path / "in.tar", style="flat")
    inspect(str(source), images=("b:1",))
    assert not any(hex_of(layer.digest) in name for layer in one.layers for name in taken)


def test_layers_are_read_when_asked(taken: Counter[str]) -> None:
    inspect(str(ROOT / "testdata" / "docker20.tar"), layers=True, largest=1)
    layers = [size for name, size in taken.items() if name.endswith("layer.tar")]
    assert len(layers) == 3
    assert all(size > 2000 for size in layers)
