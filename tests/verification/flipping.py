"""Where a flipped bit goes unseen in an archive or directory, told from its structure alone."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.builders import (
    Image,
    Layer,
    go_json,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.independent import read_files
from tests.verification.checking import tar_of
from tests.verification.meaning import MODELS, unseen

FAMILIES = list(MODELS)
BLOCK = 512
# Nothing reads them: V1 folders, where there is a manifest.json, and the version of a dir:.
UNREAD = ("/VERSION", "/json")


def smallest() -> Image:
    """Two layers of three blocks and a config of one: every kind of field, in few bits."""
    layers = tuple(Layer(tar_of([(name, b"")])) for name in ("a", "b"))
    config = {
        "created": "2024-05-06T07:08:09Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    return Image(layers=layers, config=config, names=("demo:1",))


def build(family: str, folder: Path) -> Path:
    """One small source of a family."""
    image = [smallest()]
    if family == "docker-archive":
        return shortened(write_docker_archive(image, folder / "image.tar"))
    if family == "hybrid":
        return shortened(write_hybrid_archive(image, folder / "image.tar"))
    if family == "oci-archive":
        return shortened(write_oci_archive(image, folder / "image.tar"))
    if family == "dir":
        return write_dir(image[0], folder / "dir")
    layout = write_oci_layout(image, folder / "layout")
    # White space, too, is flipped somewhere.
    value = json.loads((layout / "index.json").read_bytes())
    (layout / "index.json").write_text(json.dumps(value, indent=1) + "\n")
    assert go_json(value) != (layout / "index.json").read_bytes()
    return layout


def shortened(path: Path) -> Path:
    """An archive with one block after the end marker, not with all that fill a record."""
    with path.open("r+b") as file:
        file.truncate(end_of(path) + 3 * BLOCK)
    return path


def end_of(path: Path) -> int:
    """Where the end marker begins."""
    with tarfile.open(path) as tar:
        last = tar.getmembers()[-1]
    return last.offset_data + -(-last.size // BLOCK) * BLOCK


@dataclass(frozen=True)
class Flip:
    """One bit: where it is on disk, and whether a flip there must go unseen."""

    path: Path
    offset: int
    bit: int
    unseen: bool


def checksum_stands(header: bytes, offset: int, bit: int) -> bool:
    """Whether the checksum field still reads as the same number (ustar: octal, NUL or space)."""
    field = bytearray(header[148:156])
    before = _octal(bytes(field))
    field[offset - 148] ^= 1 << bit
    return _octal(bytes(field)) == before


def _octal(field: bytes) -> int | None:
    digits = field.split(b"\0")[0].strip(b" ")
    return int(digits, 8) if digits and set(digits) <= set(b"01234567") else None


def _flipped(data: bytes, offset: int, bit: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ 1 << bit]) + data[offset + 1 :]


def data_unseen(family: str, files: Mapping[str, bytes], name: str, offset: int, bit: int) -> bool:
    """Whether a flip in the content of a file goes unseen."""
    if name in MODELS[family][1]:
        return unseen(family, {**files, name: _flipped(files[name], offset, bit)})
    return name.endswith(UNREAD) or (family == "dir" and name == "version")


def bits(size: int, step: int) -> Iterator[tuple[int, int]]:
    """Every `step`-th bit: byte and bit."""
    for number in range(0, size * 8, step):
        yield divmod(number, 8)


def flips(family: str, source: Path, step: int) -> Iterator[Flip]:
    """The bits of a source, each with what must come of it."""
    files = read_files(source)
    if source.is_dir():
        for name, content in files.items():
            for offset, bit in bits(len(content), step):
                yield Flip(
                    source / name, offset, bit, data_unseen(family, files, name, offset, bit)
                )
        return
    raw = source.read_bytes()
    regions: list[tuple[int, str, int, int]] = []  # up to where, whose, header, data
    with tarfile.open(source) as tar:
        for member in tar.getmembers():
            assert member.offset_data == member.offset + BLOCK, "no extended headers here"
            regions.append((member.offset_data, "", member.offset, 0))
            regions.append((member.offset_data + member.size, member.name, 0, member.offset_data))
            padded = member.offset_data + -(-member.size // BLOCK) * BLOCK
            regions.append((padded, "padding", -1, -1))
    at = 0
    for offset, bit in bits(len(raw), step):
        while at < len(regions) and offset >= regions[at][0]:
            at += 1
        if at == len(regions):
            yield Flip(source, offset, bit, unseen=False)  # the end marker, and what follows it
            continue
        _, name, header, data = regions[at]
        if header < 0:
            gone = True
        elif name:
            gone = data_unseen(family, files, name, offset - data, bit)
        else:
            inside = offset - header
            block = raw[header : header + BLOCK]
            gone = 148 <= inside < 156 and checksum_stands(block, inside, bit)
        yield Flip(source, offset, bit, gone)
