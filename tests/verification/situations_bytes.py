"""What can be wrong with blobs, and what can be absent."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

from oci_layout import repack
from tests import corrupt
from tests.builders import (
    Image,
    Layer,
    go_json,
    make_image,
    sha256,
    write_docker_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.sparse import with_odd_member
from tests.builders.windows import with_window
from tests.independent import read_files
from tests.verification.checking import TINY, layout_of, tar_of, tiny
from tests.verification.situation import Make, Situation, changed, in_files

Files = dict[str, bytes]
RAW = tiny().layers[0].raw
RAW_TYPE = "application/vnd.oci.image.layer.v1.tar"
GZIP_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"


def written(image: Image) -> Make:
    return lambda folder: write_oci_layout([image], folder)


def blobs(change: Callable[[Files], object]) -> Make:
    """A layout whose blobs are changed, and no document."""
    return changed(written(tiny()), change)


def stored_as(stored: bytes, media_type: str, raw: bytes = RAW) -> Make:
    """A layout of one layer whose stored bytes are anything; every digest of them holds."""
    image = Image(layers=(Layer(raw),), config=make_image([TINY[0]]).config, names=())
    image.config["rootfs"]["diff_ids"] = [sha256(raw)]
    layer = {"mediaType": media_type, "digest": sha256(stored), "size": len(stored)}
    manifest = {**image.manifest(), "layers": [layer]}
    return in_files(layout_of(manifest, image.config_bytes, stored))


def wide_window() -> bytes:
    """A zstd frame that asks for 256 MiB: RFC 8878, 3.1.1.1.2."""

    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    packed = bytearray(compressor.compress(RAW) + compressor.flush())
    packed[5] = (28 - 10) << 3
    return bytes(packed)


def extended(size: int) -> Callable[[Files], None]:
    """The first layer is longer or shorter than stated."""
    name = corrupt.blob(tiny().layers[0].digest)

    def change(files: Files) -> None:
        files[name] = files[name] + bytes(size) if size > 0 else files[name][:size]

    return change


def other_diff_id(value: dict[str, Any]) -> None:
    value["rootfs"]["diff_ids"][0] = "sha256:" + "ab" * 32


def platforms() -> list[Image]:
    return [tiny(), make_image([{"arm": b"x"}], architecture="arm64")]


def sparse(folder: Path) -> Path:
    arm = platforms()[1]
    return write_index_layout(folder / "layout", platforms(), drop=list(arm.blobs()))


def without_subject(folder: Path) -> Path:
    """Attestations of images of which one is absent, manifest and all."""
    arm = platforms()[1]
    return write_index_layout(
        folder / "layout", platforms(), attestations=True, drop=list(arm.blobs())
    )


def artifact_of_absent() -> Files:
    """A signature, say, whose subject stayed in the registry."""
    subject = {"mediaType": "application/x", "digest": sha256(b"absent"), "size": 6}
    empty = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": sha256(b"{}"),
        "size": 2,
    }
    kind = "application/x-signature"
    manifest = {"schemaVersion": 2, "artifactType": kind, "config": empty, "layers": [empty]}
    return layout_of({**manifest, "subject": subject}, b"{}")


def thin(folder: Path) -> Path:
    """An archive without what its base has."""
    base = write_docker_archive([make_image([{"a": b"1"}], names=("base:1",))], folder / "base.tar")
    image = make_image([{"a": b"1"}, {"b": b"2"}], names=("demo:1",))
    path = write_docker_archive([image], folder / "whole.tar")
    repack(str(path), str(folder / "image.tar"), to="oci", have=str(base))
    return folder / "image.tar"


def delta(folder: Path, compression: str = "none") -> Path:
    """An archive with a layer as a delta of that of its base."""
    one, other = ({f"f{n}": b"%d" % n * 300 for n in range(20)} for _ in range(2))
    other["new"] = b"1"
    base = make_image([one], names=("base:1",), compression=compression)
    image = make_image([other], names=("demo:1",), compression=compression)
    there = write_oci_archive([base], folder / "base.tar")
    path = write_oci_archive([image], folder / "whole.tar")
    repack(str(path), str(folder / "image.tar"), to="oci", have=str(there), delta=True)
    return folder / "image.tar"


def packed_delta(folder: Path) -> Path:
    """The same, of layers that somebody else packed."""
    return delta(folder, "gzip")


def broken_delta(folder: Path) -> Path:
    """The same, and the delta makes something else."""
    path = delta(folder)
    files = read_files(path)
    (name,) = [name for name, data in files.items() if data.startswith(b"oci-delta")]
    files[name] = files[name][:-1] + b"\1"
    path.write_bytes(tar_of(files.items()))
    return path


def without_member(folder: Path) -> Path:
    """A docker-archive without its last layer."""
    path = write_docker_archive([tiny()], folder / "image.tar", style="flat")
    files = read_files(path)
    del files[tiny().layers[1].digest[7:] + ".tar"]
    path.write_bytes(tar_of(files.items()))
    return path


def stored_otherwise(folder: Path) -> Path:
    """Two images on one layer, packed in two ways; the first one's blob is not there."""
    one = make_image([{"etc/base": b"1"}], names=("one:1",), compression="gzip")
    other = make_image([{"etc/base": b"1"}], names=("other:1",))
    path = write_oci_archive([one, other], folder / "image.tar")
    files = read_files(path)
    corrupt.drop_blob(files, one.layers[0].digest)
    path.write_bytes(tar_of(files.items()))
    return path


def foreign() -> Files:
    image = tiny()
    layers = [layer.descriptor("oci") for layer in image.layers]
    layers[0]["urls"] = ["https://example.com/layer"]
    return layout_of(
        {**image.manifest(), "layers": layers}, image.config_bytes, image.layers[1].stored
    )


def stray(files: Files) -> None:
    files[corrupt.blob(sha256(b"stray"))] = b"stray"


def empty() -> Files:
    return {
        "index.json": go_json({"schemaVersion": 2, "manifests": []}),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }


PACKED = gzip.compress(RAW, mtime=0)

SITUATIONS = [
    Situation("size-mismatch", "error", blobs(extended(512))),
    Situation(
        "digest-mismatch",
        "error",
        blobs(lambda files: corrupt.flip_blob(files, tiny().layers[0].digest)),
    ),
    Situation(
        "diffid-mismatch",
        "error",
        blobs(lambda files: corrupt.edit_document(files, tiny().config_digest, other_diff_id)),
    ),
    Situation("corrupt-stream", "error", stored_as(corrupt.flip_byte(PACKED, 30), GZIP_TYPE)),
    Situation("truncated-stream", "error", stored_as(PACKED[:-9], GZIP_TYPE)),
    Situation("trailing-garbage", "error", stored_as(PACKED + b"garbage", GZIP_TYPE)),
    Situation("zstd-window", "error", stored_as(wide_window(), ZSTD_TYPE)),
    Situation(
        "layer-member",
        "error",
        lambda folder: with_odd_member(tiny(), folder / "image.tar", b"S"),
    ),
    Situation("layer-cut", "warning", stored_as(RAW[:514], RAW_TYPE, RAW[:514])),
    Situation("layer-cut", "warning", stored_as(gzip.compress(RAW[:514]), GZIP_TYPE, RAW[:514])),
    Situation("zstd-window", "note", lambda folder: with_window(tiny(), folder / "image.tar", 24)),
    Situation(
        "bomb",
        "error",
        stored_as(gzip.compress(bytes(1 << 20)), GZIP_TYPE, bytes(1 << 20)),
        limits={"BOMB_BYTES": 1 << 16},
    ),
    Situation("sparse-index", "error", sparse),
    Situation("stored-otherwise", "warning", stored_otherwise),
    Situation(
        "missing-blob",
        "error",
        blobs(lambda files: corrupt.drop_blob(files, tiny().layers[0].digest)),
    ),
    Situation("delta", "error", delta),
    Situation("delta", "note", delta, {"bases": lambda folder: str(folder / "base.tar")}),
    Situation(
        "delta-repacked", "note", packed_delta, {"bases": lambda folder: str(folder / "base.tar")}
    ),
    Situation(
        "bad-delta", "error", broken_delta, {"bases": lambda folder: str(folder / "base.tar")}
    ),
    Situation("thin", "error", thin),
    Situation("thin", "note", thin, {"bases": lambda folder: str(folder / "base.tar")}),
    Situation("missing-member", "error", without_member),
    Situation("absent-subject", "warning", without_subject),
    Situation("absent-subject", "note", in_files(artifact_of_absent())),
    Situation("foreign-layer", "note", in_files(foreign())),
    Situation("orphan", "note", blobs(stray)),
    Situation("empty", "warning", in_files(empty()), repack={"to": "oci"}),
]
