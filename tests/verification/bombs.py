"""The bombs: small to send, large to read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import zstandard

from tests.builders import go_json, sha256, write_files
from tests.verification.checking import blob_name, layout_of, tar_of, tiny
from tests.verification.hostile import Bomb

GIB = 1 << 30
OCI = "application/vnd.oci.image."
MARKER = b'{"imageLayoutVersion":"1.0.0"}'
LOWERED = {"BOMB_BYTES": 64 << 20}
# Very many members take time, to write and to read: four fifths of as many as are allowed.
SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"
MANY = 400_000 if SLOW else 100_000
FEWER = {} if SLOW else {"MEMBERS": MANY * 5 // 4}


def zeros(packing: str, size: int) -> Iterator[bytes]:
    """Packed zeros: one long stream for zstd and xz, many short ones for gzip and bzip2."""
    chunk = bytes(64 << 20)
    if packing == "gzip":
        packer = zlib.compressobj(9, wbits=31)
        one = packer.compress(chunk) + packer.flush()
    elif packing == "bzip2":
        one = bz2.compress(chunk)
    elif packing == "xz":
        one = lzma.compress(chunk)
    else:
        one = zstandard.ZstdCompressor().compress(chunk)
    for _ in range(size // len(chunk)):
        yield one


def layer_bomb(packing: str) -> Callable[[Path], Path]:
    """A layout whose layer grows to 9 GiB."""

    def build(folder: Path) -> Path:
        stored = b"".join(zeros(packing, 9 * GIB))
        suffix = f"+{packing}" if packing in {"gzip", "zstd"} else ""
        layer = {
            "mediaType": f"{OCI}layer.v1.tar{suffix}",
            "digest": sha256(stored),
            "size": len(stored),
        }
        image = tiny()
        config = {**image.config, "rootfs": {"type": "layers", "diff_ids": [sha256(b"")]}}
        raw = go_json(config)
        stated = {"mediaType": f"{OCI}config.v1+json", "digest": sha256(raw), "size": len(raw)}
        manifest = {**image.manifest(), "config": stated, "layers": [layer]}
        return write_files(layout_of(manifest, raw, stored), folder / "layout")

    return build


def outer_bomb(packing: str) -> Callable[[Path], Path]:
    """An archive that grows to 9 GiB as a whole: one member of zeros."""

    def build(folder: Path) -> Path:
        info = tarfile.TarInfo("zeros")
        info.size = 9 * GIB
        head = info.tobuf(tarfile.GNU_FORMAT)
        path = folder / f"image.tar.{packing}"
        with path.open("wb") as file:
            pack = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}[packing]
            file.write(pack(head))
            for piece in zeros(packing, 9 * GIB):
                file.write(piece)
        return path

    return build


def window_bomb(folder: Path) -> Path:
    """An archive in one zstd frame that asks for 2 GiB of memory."""
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    packed = bytearray(packer.compress(tar_of([("x", b"x" * 4096)])) + packer.flush())
    packed[5] = (31 - 10) << 3
    path = folder / "image.tar.zst"
    path.write_bytes(packed)
    return path


def dictionary_bomb(folder: Path) -> Path:
    """An archive in an xz stream that asks for 1.5 GiB of memory."""
    path = folder / "image.tar.xz"
    packed = bytearray(lzma.compress(tar_of([("x", b"x" * 4096)]), filters=SMALL_DICTIONARY))
    # xz-file-format.txt, 5.3.1: the filter flags hold the size of the dictionary in one byte.
    at = packed.index(b"\x21\x01", 12) + 2
    packed[at] = 37  # 1.5 GiB
    end = 12 + (packed[12] + 1) * 4
    packed[end - 4 : end] = zlib.crc32(packed[12 : end - 4]).to_bytes(4, "little")
    path.write_bytes(packed)
    return path


SMALL_DICTIONARY = [{"id": lzma.FILTER_LZMA2, "preset": 0}]


def members(count: int, kind: bytes = tarfile.REGTYPE, same: bool = False) -> Iterator[bytes]:
    """Headers of empty members; only name and checksum differ."""
    info = tarfile.TarInfo("m/0000000")
    info.type = kind
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    plain = sum(header) - sum(header[148:156]) + 8 * 32
    for number in range(count):
        digits = b"%07d" % (0 if same else number)
        header[2:9] = digits
        header[148:155] = b"%06o\0" % (plain + sum(digits) - 7 * 48)
        yield bytes(header)


def many_members(
    count: int, kind: bytes = tarfile.REGTYPE, same: bool = False
) -> Callable[[Path], Path]:
    """A sound layout behind very many members."""

    def build(folder: Path) -> Path:
        image = tiny()
        blobs = [layer.stored for layer in image.layers]
        files = layout_of(image.manifest(), image.config_bytes, *blobs)
        path = folder / "image.tar"
        with path.open("wb") as file:
            file.writelines(members(count, kind, same))
            file.write(tar_of(files.items()))
        return path

    return build


def index_json(text: Callable[[], bytes]) -> Callable[[Path], Path]:
    """A layout with this `index.json`."""
    return lambda folder: write_files(
        {"index.json": text(), "oci-layout": MARKER}, folder / "layout"
    )


def an_index(entries: list[dict[str, Any]]) -> bytes:
    return go_json({"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json", "manifests": entries})


def nested(width: int, depth: int) -> Callable[[Path], Path]:
    """Indexes that each list the next one many times: width to the power of depth nodes."""

    def build(folder: Path) -> Path:
        raw, files = an_index([]), {}
        for _ in range(depth):
            files[blob_name(raw)] = raw
            entry = {
                "mediaType": f"{OCI}index.v1+json",
                "digest": sha256(raw),
                "size": len(raw),
            }
            raw = an_index([{**entry, "annotations": {"n": str(n)}} for n in range(width)])
        return write_files({**files, "index.json": raw, "oci-layout": MARKER}, folder / "layout")

    return build


def same_layer(count: int) -> Callable[[Path], Path]:
    """One blob as very many layers, each with a diff_id of its own."""

    def build(folder: Path) -> Path:
        image = tiny()
        layer = image.layers[0]
        diff_ids = [sha256(str(number).encode()) for number in range(count)]
        raw = go_json({**image.config, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        config = {"mediaType": f"{OCI}config.v1+json", "digest": sha256(raw), "size": len(raw)}
        manifest = {
            **image.manifest(),
            "config": config,
            "layers": [layer.descriptor("oci")] * count,
        }
        return write_files(layout_of(manifest, raw, layer.stored), folder / "layout")

    return build


def many_entries(entries: int, layers: int) -> Callable[[Path], Path]:
    """One manifest of many layers under many entries of `index.json`: a product of two."""

    def build(folder: Path) -> Path:
        image = tiny()
        raw = go_json({**image.manifest(), "layers": [image.layers[0].descriptor("oci")] * layers})
        entry = {"mediaType": f"{OCI}manifest.v1+json", "digest": sha256(raw), "size": len(raw)}
        listed = [{**entry, "annotations": {"n": str(n)}} for n in range(entries)]
        files = layout_of(raw, image.config_bytes, image.layers[0].stored)
        return write_files({**files, "index.json": an_index(listed)}, folder / "layout")

    return build


def head(text: bytes) -> bytes:
    return b'{"schemaVersion":2,"manifests":[' + text + b"]}"


BOMBS = [
    *(
        Bomb(f"{packing} layer of zeros", layer_bomb(packing), "bomb", LOWERED)
        for packing in ("gzip", "zstd", "xz", "bzip2")
    ),
    *(
        Bomb(f"{packing} archive of zeros", outer_bomb(packing), "refused", LOWERED)
        for packing in ("gzip", "zstd")
    ),
    Bomb("zstd window of 2 GiB", window_bomb, "refused"),
    Bomb("xz dictionary of 1.5 GiB", dictionary_bomb, "refused"),
    Bomb(f"{MANY * 5 // 2:,} empty files", many_members(MANY * 5 // 2), "refused", FEWER),
    Bomb(f"{MANY:,} empty files", many_members(MANY), "", FEWER),
    Bomb(f"{MANY:,} FIFOs", many_members(MANY, tarfile.FIFOTYPE), "special-member", FEWER),
    Bomb(f"{MANY:,} times one name", many_members(MANY, same=True), "repeated-member", FEWER),
    Bomb(
        "index.json: ten million brackets",
        index_json(lambda: b"[" * 10_000_000),
        "document-too-large",
    ),
    Bomb(
        "index.json: 400,000 numbers in a list of objects",
        index_json(lambda: head(b",".join([b"1"] * 399_000))),
        "wrong-type",
    ),
    Bomb(
        "index.json: 200,000 empty objects",
        index_json(lambda: head(b",".join([b"{}"] * 199_000))),
        "missing-field",
    ),
    Bomb(
        "index.json: five million numbers",
        index_json(lambda: head(b",".join([b"1"] * 5_000_000))),
        "document-too-large",
    ),
    Bomb(
        "index.json: one string of 19 MB",
        index_json(lambda: b'{"a":[' + b"{}," * 100 + b'"' + b"a" * 19_000_000 + b'"]}'),
        "missing-field",
    ),
    Bomb(
        "index.json: a string of escapes, 19 MB",
        index_json(lambda: b'{"a":[' + b"{}," * 100 + b'"' + b'\\"' * 9_500_000 + b'"]}'),
        "missing-field",
    ),
    Bomb(
        "index.json: quotes without end, 19 MB",
        index_json(lambda: b"[" * 100 + b'"' + b"\\" * 19_000_001),
        "bad-json",
    ),
    Bomb(
        "index.json: a number of 19 million digits",
        index_json(lambda: b'{"a":' + b"9" * 19_000_000 + b"}"),
        "bad-json",
    ),
    Bomb(
        "index.json: a fraction of 19 million digits",
        index_json(lambda: b'{"a":0.' + b"9" * 19_000_000 + b"}"),
        "missing-field",
    ),
    Bomb("indexes: 30 to the power of 7", nested(30, 7), ""),
    Bomb("one blob as 60,000 layers", same_layer(60_000), "diffid-mismatch"),
    Bomb("2,000 entries of 20,000 layers", many_entries(2_000, 20_000), "layer-count"),
]
