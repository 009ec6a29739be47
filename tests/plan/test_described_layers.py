"""Layers that a manifest says more of: foreign, encrypted, lazily read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests import independent
from tests.builders import (
    Family,
    Image,
    go_json,
    make_image,
    sha256,
    write_dir,
    write_files,
)
from tests.builders.image import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE
from tests.builders.trees import blob_name, layout_files, manifest_of, read
from tests.command import changes_of, codes, layout, names_in, refuse, report

FOREIGN: dict[Family, str] = {
    "oci": "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "docker": "application/vnd.docker.image.rootfs.foreign.diff.tar",
}
GZIP: dict[Family, str] = {"oci": "+gzip", "docker": ".gzip"}
URLS = ["https://go.microsoft.example/fwlink/?linkid=837858", "https://example.com/<&>"]


def source_of(
    image: Image,
    stored: list[bytes],
    family: Family,
    tmp: Path,
    *said: dict[str, Any],
    gone: int = 0,
) -> Path:
    """A layout of an image whose layer descriptors carry more; the first `gone` are not there."""
    layers = [
        {"mediaType": LAYER_TYPE[family], "size": len(data), "digest": sha256(data), **extra}
        for data, extra in zip(stored, said, strict=True)
    ]
    manifest = {**image.manifest(family), "layers": layers}
    blobs = [*stored[gone:], image.config_bytes]
    return write_files(layout_files(go_json(manifest), *blobs), tmp / "in")


@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_foreign_layer(
    family: Family, target: Family, gone: int, dest: str, tmp_path: Path
) -> None:
    """Its type follows the target, its `urls` stay; absent it is a note, and no error."""
    image = make_image(compression="gzip")
    stored = [layer.stored for layer in image.layers]
    foreign = {"mediaType": FOREIGN[family] + GZIP[family], "urls": URLS}
    plain = {"mediaType": LAYER_TYPE[family] + GZIP[family]}
    source = source_of(image, stored, family, tmp_path, foreign, plain, gone=gone)
    said = report(source, "--to", target, "-o", tmp_path / dest)
    first, second = said["images"][0]["layers"]
    assert (first["action"], second["action"]) == ("absent" if gone else "kept", "kept")
    found = independent.check(tmp_path / dest)
    (manifest,) = found.manifests.values()
    assert manifest["layers"][0]["mediaType"] == FOREIGN[target] + GZIP[target]
    assert manifest["layers"][0]["urls"] == URLS
    assert manifest["layers"][0]["digest"] == sha256(stored[0])
    assert "urls" not in manifest["layers"][1]
    assert (blob_name(sha256(stored[0])) in found.files) is not gone
    if gone:
        # docker load cannot fetch it, so no manifest.json may promise the image: that is said.
        people = layout("repack", source, "--to", target, "--dry-run").stdout.decode()
        assert "1 absent" in people
        assert found.docker is None
        if dest == "out.tar":
            assert "foreign-layer" in codes(said)
    elif dest == "out.tar":
        assert found.docker


@pytest.mark.parametrize("how", ["gzip", "none", "zstd"])
def test_absent_foreign_layer_is_never_packed_anew(how: str, tmp_path: Path) -> None:
    image = make_image(compression="gzip")
    stored = [layer.stored for layer in image.layers]
    foreign = {"mediaType": FOREIGN["oci"] + "+gzip", "urls": URLS}
    plain = {"mediaType": LAYER_TYPE["oci"] + "+gzip"}
    source = source_of(image, stored, "oci", tmp_path, foreign, plain, gone=1)
    report(source, "--to", "oci", "--compression", how, "-o", tmp_path / "out")
    layers = manifest_of(tmp_path / "out")["layers"]
    assert layers[0]["digest"] == sha256(stored[0])
    assert layers[0]["mediaType"] == FOREIGN["oci"] + "+gzip"
    assert layers[1]["mediaType"] == LAYER_TYPE["oci"] + ("" if how == "none" else f"+{how}")
    independent.check(tmp_path / "out")


def test_absent_without_urls_is_missing(tmp_path: Path) -> None:
    image = make_image(compression="gzip")
    stored = [layer.stored for layer in image.layers]
    both = {"mediaType": FOREIGN["oci"] + "+gzip"}
    source = source_of(image, stored, "oci", tmp_path, both, both, gone=1)
    assert sha256(stored[0]) in refuse(3, source, "--to", "oci", "-o", tmp_path / "out")


@pytest.mark.parametrize("form", ["layout", "dir"])
def test_encrypted_layer(form: str, tmp_path: Path) -> None:
    """Opaque bytes are copied and held against their digest, not against a diff_id."""
    image = make_image()
    secret = b"\x1f\x8b\x08 looks packed, and is a cipher" * 40
    label = LAYER_TYPE["oci"] + "+gzip+encrypted"
    keys = {"org.opencontainers.image.enc.keys.jwe": "eyJ<&>", "org.example": "kept"}
    said = {"mediaType": label, "annotations": keys}
    plain = image.layers[1].stored
    source = source_of(image, [secret, plain], "oci", tmp_path, said, {})
    if form == "dir":
        report(source, "--to", "dir", "-o", tmp_path / "dir")
        source = tmp_path / "dir"
    for how in ("auto", "keep", "gzip"):
        words = (source, "--to", "oci", "--compression", how, "--name", "a:1")
        got = report(*words, "-o", tmp_path / how)
        assert got["images"][0]["layers"][0]["action"] == "kept"
        (layer, _) = manifest_of(tmp_path / how)["layers"]
        assert layer == {"size": len(secret), "digest": sha256(secret), **said}
        assert read(tmp_path / how)[blob_name(sha256(secret))] == secret
    before = names_in(tmp_path)
    assert "encrypted" in refuse(6, source, "--to", "docker", "-o", tmp_path / "docker.tar")
    assert names_in(tmp_path) == before


def test_damaged_encrypted_layer(tmp_path: Path) -> None:
    image = make_image([{"a": b"1"}])
    secret = b"cipher" * 100
    said = {"mediaType": LAYER_TYPE["oci"] + "+encrypted"}
    source = source_of(image, [secret], "oci", tmp_path, said)
    (source / blob_name(sha256(secret))).write_bytes(secret.replace(b"ci", b"CI"))
    assert sha256(secret) in refuse(3, source, "--to", "oci", "-o", tmp_path / "out")


def lazy_layers(image: Image) -> list[tuple[bytes, dict[str, Any]]]:
    """An eStargz layer (a gzip member a file, a footer) and a zstd:chunked one (two frames)."""
    first, second = (layer.raw for layer in image.layers)
    footer = bytes.fromhex("1f8b08040000000000ff") + b"\x1a\x00" + b"SG\x16\x00" + b"0" * 16
    footer += b"STARGZ" + bytes.fromhex("010000ffff0000000000000000")
    stargz = gzip.compress(first[:512], mtime=0) + gzip.compress(first[512:], mtime=0) + footer
    pack = zstandard.ZstdCompressor(write_checksum=True).compress
    table = b'{"version":1,"entries":[]}'
    skipped = b"\x50\x2a\x4d\x18" + len(table).to_bytes(4, "little") + table
    chunked = pack(second[:700]) + pack(second[700:]) + skipped
    return [
        (
            stargz,
            {
                "mediaType": LAYER_TYPE["oci"] + "+gzip",
                "annotations": {
                    "containerd.io/snapshot/stargz/toc.digest": sha256(b"toc"),
                    "io.containers.estargz.uncompressed-size": str(len(first)),
                    "org.example.kept": "yes",
                },
            },
        ),
        (
            chunked,
            {
                "mediaType": LAYER_TYPE["oci"] + "+zstd",
                "annotations": {
                    "io.github.containers.zstd-chunked.manifest-checksum": sha256(table),
                    "io.github.containers.zstd-chunked.manifest-position": "9:26:26:1",
                },
            },
        ),
    ]


def test_lazy_layers_kept(tmp_path: Path) -> None:
    """As they are when they are kept: bytes, table of contents, annotations, digest."""
    image = make_image()
    lazy = lazy_layers(image)
    stored, said = [data for data, _ in lazy], [extra for _, extra in lazy]
    source = source_of(image, stored, "oci", tmp_path, *said)
    got = report(source, "--to", "oci", "--preserve-digests", "-o", tmp_path / "out")
    assert got["images"][0]["changes"] == []
    layers = manifest_of(tmp_path / "out")["layers"]
    assert [layer["annotations"] for layer in layers] == [each["annotations"] for each in said]
    assert [read(tmp_path / "out")[blob_name(sha256(data))] for data in stored] == stored
    independent.check(tmp_path / "out")


@pytest.mark.parametrize(("how", "packed"), [("zstd", (0,)), ("gzip", (1,)), ("none", (0, 1))])
def test_lazy_layers_packed_anew(how: str, packed: tuple[int, ...], tmp_path: Path) -> None:
    """What describes the old bytes goes, with a line each; other annotations stay."""
    image = make_image()
    lazy = lazy_layers(image)
    said = [extra for _, extra in lazy]
    source = source_of(image, [data for data, _ in lazy], "oci", tmp_path, *said)
    got = report(source, "--to", "oci", "--compression", how, "-o", tmp_path / "out")
    changes = changes_of(got["images"][0])
    layers = manifest_of(tmp_path / "out")["layers"]
    for number, extra in enumerate(said):
        before = extra["annotations"]
        gone = [key for key in before if not key.startswith("org.") and number in packed]
        left = {key: value for key, value in before.items() if key not in gone}
        assert layers[number].get("annotations", {}) == left
        for key in before:
            told = [line for line in changes if key in line and f"layer {number}" in line]
            assert len(told) == (key in gone)
    independent.check(tmp_path / "out")


def test_lazy_layers_to_docker(tmp_path: Path) -> None:
    """Docker has no annotations at all: each is told once, the zstd layer becomes gzip."""
    image = make_image()
    lazy = lazy_layers(image)
    said = [extra for _, extra in lazy]
    source = source_of(image, [data for data, _ in lazy], "oci", tmp_path, *said)
    got = report(source, "--to", "docker", "-o", tmp_path / "out")
    for number, extra in enumerate(said):
        for key in extra["annotations"]:
            lines = [
                text
                for text in changes_of(got["images"][0])
                if key in text and f"layer {number}" in text
            ]
            assert len(lines) == 1, lines
    assert "annotations" not in json.dumps(manifest_of(tmp_path / "out"))
    independent.check(tmp_path / "out")


def test_dir_keeps_descriptors(tmp_path: Path) -> None:
    """A `dir:` of Docker's family, unpacked from one and written again."""
    source = write_dir(make_image(compression="gzip"), tmp_path / "in")
    report(source, "--to", "dir", "-o", tmp_path / "out")
    assert read(source) == read(tmp_path / "out")
    assert {CONFIG_TYPE["docker"], MANIFEST_TYPE["docker"]} <= set(
        (tmp_path / "out/manifest.json").read_text().split('"')
    )
