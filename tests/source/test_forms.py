"""Every form of saved image is read as the same images: names, config, layers."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from oci_layout.mediatype import Compression
from oci_layout.source import kinds
from oci_layout.source.kinds import SourceKind
from tests.builders import (
    Image,
    go_json,
    make_image,
    pack_tree,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.source.opened import assert_holds, opened

ONE = make_image([{"a": b"one"}, {"b": b"1" * 3000}], names=("demo:1", "reg.example:5000/team/x:v"))
TWO = make_image([{"c": b"two"}], names=("demo:2",), architecture="arm64")
BOTH = [ONE, TWO]

Write = Callable[[list[Image], Path], Path]
ARCHIVES: dict[str, tuple[Write, SourceKind]] = {
    "docker 1.10 to 24": (
        lambda i, p: write_docker_archive(i, p, style="v1dirs"),
        kinds.DOCKER,
    ),
    "kaniko, crane": (lambda i, p: write_docker_archive(i, p, style="flat"), kinds.DOCKER),
    "jib": (lambda i, p: write_docker_archive(i, p, style="lowercase"), kinds.DOCKER),
    "podman": (lambda i, p: write_docker_archive(i, p, style="podman"), kinds.DOCKER),
    "docker 25": (write_hybrid_archive, kinds.HYBRID),
    "docker 25, docker types": (
        lambda i, p: write_hybrid_archive(i, p, family="docker"),
        kinds.HYBRID,
    ),
    "oci archive": (write_oci_archive, kinds.LAYOUT),
    "oci archive, docker types": (
        lambda i, p: write_oci_archive(i, p, family="docker"),
        kinds.LAYOUT,
    ),
}
EACH = pytest.mark.parametrize(("write", "kind"), ARCHIVES.values(), ids=ARCHIVES)


def shuffled(names: list[str]) -> list[str]:
    return random.Random(5).sample(names, len(names))  # noqa: S311  the same each time


@EACH
def test_archives(write: Write, kind: SourceKind, tmp_path: Path) -> None:
    path = write(BOTH, tmp_path / "x.bin")
    assert_holds(path, *BOTH)
    with opened(path) as source:
        assert (source.kind, source.archive, source.outer) == (kind, True, Compression.NONE)
        assert not source.findings.found


@EACH
def test_unpacked_into_a_directory(write: Write, kind: SourceKind, tmp_path: Path) -> None:
    path = write(BOTH, tmp_path / "x.tar")
    with tarfile.open(path) as archive:
        for member in archive:
            target = tmp_path / "dir" / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if member.issym():
                target.symlink_to(member.linkname)
            else:
                data = archive.extractfile(member)
                assert data is not None
                target.write_bytes(data.read())
    assert_holds(tmp_path / "dir", *BOTH)


@EACH
@pytest.mark.parametrize("order", [sorted, lambda n: sorted(n, reverse=True), shuffled])
@pytest.mark.parametrize("prefix", ["", "./", "././/"])
def test_any_order_and_dotted_names(
    write: Write,
    kind: SourceKind,
    order: Callable[[list[str]], list[str]],
    prefix: str,
    tmp_path: Path,
) -> None:
    plain = write(BOTH, tmp_path / "plain.tar")
    with tarfile.open(plain) as old, tarfile.open(tmp_path / "x.tar", "w") as new:
        members = {member.name: member for member in old}
        for name in order(list(members)):
            member = members[name]
            data = old.extractfile(member) if member.isreg() else None
            member.name = prefix + name
            new.addfile(member, data)
    assert_holds(tmp_path / "x.tar", *BOTH)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@EACH
@pytest.mark.parametrize(
    ("pack", "outer"),
    [
        (gzip.compress, Compression.GZIP),
        (bz2.compress, Compression.BZIP2),
        (lzma.compress, Compression.XZ),
        (zstd, Compression.ZSTD),
    ],
    ids=["gzip", "bzip2", "xz", "zstd"],
)
def test_packed_outside(
    write: Write,
    kind: SourceKind,
    pack: Callable[[bytes], bytes],
    outer: Compression,
    tmp_path: Path,
) -> None:
    raw = write(BOTH, tmp_path / "x.tar").read_bytes()
    path = tmp_path / "wrong-suffix.tar"
    path.write_bytes(pack(raw[:700]) + pack(raw[700:]))
    assert_holds(path, *BOTH)
    with opened(path) as source:
        assert source.outer is outer
    assert sorted(p.name for p in tmp_path.iterdir()) == ["wrong-suffix.tar", "x.tar"]


@EACH
@pytest.mark.parametrize("compression", ["gzip", "zstd", "bzip2", "xz"])
def test_packed_layers(write: Write, kind: SourceKind, compression: str, tmp_path: Path) -> None:
    image = make_image(compression=[compression, "none"])
    assert_holds(write([image], tmp_path / "x.tar"), image)


@EACH
def test_untagged_images_count_too(write: Write, kind: SourceKind, tmp_path: Path) -> None:
    nameless = make_image([{"n": b"x"}], names=())
    assert_holds(write([ONE, nameless], tmp_path / "x.tar"), ONE, nameless)


@EACH
def test_one_layer_twice(write: Write, kind: SourceKind, tmp_path: Path) -> None:
    image = make_image([{"a": b"same"}, {"b": b"other"}, {"a": b"same"}])
    assert_holds(write([image], tmp_path / "x.tar"), image)


@EACH
def test_no_layers_at_all(write: Write, kind: SourceKind, tmp_path: Path) -> None:
    image = make_image([])
    assert_holds(write([image], tmp_path / "x.tar"), image)


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_dir_of_skopeo(family: str, tmp_path: Path) -> None:
    image = make_image(names=(), compression="gzip")
    path = write_dir(image, tmp_path / "dir", family="oci" if family == "oci" else "docker")
    assert_holds(path, image)
    with opened(path) as source:
        assert source.kind is kinds.DIR
        assert not source.archive


def test_layout_directory_with_links_for_blobs(tmp_path: Path) -> None:
    layout = write_oci_layout([ONE], tmp_path / "layout")
    for number, blob in enumerate(sorted((layout / "blobs/sha256").iterdir())):
        stored = tmp_path / f"elsewhere-{number}"
        blob.rename(stored)
        blob.symlink_to(f"../../../{stored.name}" if number % 2 else str(stored))
    assert_holds(layout, ONE)


def test_an_unpacked_tree_packed_again(tmp_path: Path) -> None:
    layout = write_oci_layout([ONE], tmp_path / "layout")
    assert_holds(pack_tree(layout, tmp_path / "x.tar", "./"), ONE)


def test_a_fifo_for_a_blob_is_not_opened(tmp_path: Path) -> None:
    layout = write_oci_layout([ONE, TWO], tmp_path / "layout")
    blob = layout / "blobs/sha256" / TWO.layers[0].digest.partition(":")[2]
    blob.unlink()
    os.mkfifo(blob)
    with opened(layout) as source:
        complete = [image.complete for root in source.roots for image in [root.node]]  # type: ignore[union-attr]
        assert sorted(complete) == [False, True]


def test_sha512_blobs(tmp_path: Path) -> None:
    def put(data: bytes) -> dict[str, object]:
        digest = hashlib.sha512(data).hexdigest()
        path = tmp_path / "layout/blobs/sha512" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {"digest": f"sha512:{digest}", "size": len(data)}

    manifest = json.loads(ONE.manifest_bytes())
    manifest["config"].update(put(ONE.config_bytes))
    for layer, built in zip(manifest["layers"], ONE.layers, strict=True):
        layer.update(put(built.stored))
    entry = {"mediaType": manifest["mediaType"], **put(go_json(manifest))}
    index = {"schemaVersion": 2, "manifests": [entry]}
    (tmp_path / "layout/index.json").write_bytes(go_json(index))
    (tmp_path / "layout/oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    with opened(tmp_path / "layout") as source:
        (image,) = [root.node for root in source.roots]
        assert image.config.digest.algorithm == "sha512"  # type: ignore[union-attr]
        assert image.complete  # type: ignore[union-attr]
