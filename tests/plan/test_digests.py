"""Archives packed as a whole, sha512, and digests that must not change."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from oci_layout import repack
from oci_layout.errors import TargetError
from tests import independent
from tests.builders import (
    make_image,
    name_annotations,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.artifacts import make_index, of_image, write_layout
from tests.builders.image import Family
from tests.builders.trees import manifest_of, read, sha512, sha512_layout
from tests.command import codes, names_in, refuse, report

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "tar.gz": gzip.decompress,
    "tgz": gzip.decompress,
    "TAR.GZ": gzip.decompress,
    "tar.zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "tzst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@pytest.mark.parametrize("suffix", UNPACK)
@pytest.mark.parametrize("flags", [(), ("--compression", "gzip")])
def test_packed_archive(suffix: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    """Inside is the very archive that would have been written; who cannot read it is said."""
    source = write_docker_archive([make_image()], tmp_path / "in.tar")
    dest = tmp_path / f"out.{suffix}"
    said = report(source, "--to", "oci", *flags, "-o", dest)
    (warning,) = [each for each in said["warnings"] if each["code"] == "compressed-archive"]
    assert "ctr images import" in warning["message"]
    assert ("Docker before 23" in warning["message"]) is ("z" in suffix and "st" in suffix)
    plain = report(source, "--to", "oci", *flags, "-o", tmp_path / "plain.tar")
    assert "compressed-archive" not in codes(plain)
    data = dest.read_bytes()
    assert UNPACK[suffix](data) == (tmp_path / "plain.tar").read_bytes()
    assert said["bytes_written"] == len(data)
    # Read again, by its bytes and not by its name.
    dest.rename(tmp_path / "anything")
    report(tmp_path / "anything", "--to", "oci", *flags, "-o", tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "plain.tar").read_bytes()
    report(source, "--to", "oci", *flags, "-o", dest, "--jobs", "4")
    assert dest.read_bytes() == data


@pytest.mark.parametrize(
    "suffix", ["tar.xz", "txz", "tar.bz2", "tbz2", "tar.lz4", "zip", "7z", "gz", "zst", "TAR.XZ"]
)
def test_suffix_that_is_not_written(suffix: str, tmp_path: Path) -> None:
    source = write_docker_archive([make_image()], tmp_path / "in.tar")
    assert f".{suffix.lower()}" in refuse(2, source, "--to", "oci", "-o", tmp_path / f"x.{suffix}")
    assert names_in(tmp_path) == ["in.tar"]


@pytest.mark.parametrize("packed", ["none", "gzip"])
def test_sha512_in_and_out(packed: str, tmp_path: Path) -> None:
    """Kept as it is: not one digest changes; names of blobs past 100 bytes survive a tar."""
    image = make_image(compression=packed)
    source = sha512_layout(image, tmp_path / "in")
    for dest in ("out", "out.tar"):
        said = report(source, "--to", "oci", "--pure", "--preserve-digests", "-o", tmp_path / dest)
        assert said["images"][0]["image_id_after"] == sha512(image.config_bytes)
        found = independent.check(tmp_path / dest)
        blobs = {name for name in found.files if name.startswith("blobs/")}
        assert blobs == {name for name in read(source) if name.startswith("blobs/")}
        assert next(iter(found.diff_ids.values())) == list(image.diff_ids)


def test_damaged_sha512_blob(tmp_path: Path) -> None:
    image = make_image()
    source = sha512_layout(image, tmp_path / "in")
    digest = hashlib.sha512(image.layers[0].stored).hexdigest()
    blob = source / f"blobs/sha512/{digest}"
    blob.write_bytes(blob.read_bytes().replace(b"hello", b"HELLO"))
    assert digest in refuse(3, source, "--to", "oci", "-o", tmp_path / "out")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("flags", [(), ("--compression", "gzip"), ("--config", "oci")])
def test_digest_of_new_blobs(algorithm: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    """What is made anew has the algorithm that was asked for; what is kept keeps its digest."""
    image = make_image()
    source = write_docker_archive([image], tmp_path / "in.tar")
    said = report(source, "--to", "oci", "--digest", algorithm, *flags, "-o", tmp_path / "out")
    found = independent.check(tmp_path / "out")
    (digest,) = found.manifests
    assert digest.startswith(f"{algorithm}:")
    (manifest,) = found.manifests.values()
    if "gzip" in flags:
        assert {layer["digest"].partition(":")[0] for layer in manifest["layers"]} == {algorithm}
    config = manifest["config"]["digest"]
    if "--config" in flags:
        assert config.startswith(f"{algorithm}:")
    else:
        assert config == image.config_digest  # the image ID survives
    assert said["images"][0]["manifest_after"] == digest
    assert next(iter(found.diff_ids.values())) == list(image.diff_ids)


def test_sha512_source_to_sha256(tmp_path: Path) -> None:
    image = make_image()
    source = sha512_layout(image, tmp_path / "in")
    words = ("--digest", "sha256", "--compression", "gzip", "--config", "oci")
    report(source, "--to", "oci", *words, "-o", tmp_path / "out")
    independent.check(tmp_path / "out")
    assert {name.split("/")[1] for name in read(tmp_path / "out") if "/" in name} == {"sha256"}
    refuse(2, source, "--to", "oci", "--digest", "md5", "-o", tmp_path / "no")


def test_sha512_follows_when_nothing_is_asked(tmp_path: Path) -> None:
    """A manifest that changes keeps the algorithm that it had."""
    source = sha512_layout(make_image(), tmp_path / "in")
    report(source, "--to", "oci", "--compression", "gzip", "-o", tmp_path / "out")
    (digest,) = independent.check(tmp_path / "out").manifests
    assert digest.startswith("sha512:")


CHANGING = {
    "types": ("--to", "docker"),
    "compression": ("--to", "oci", "--compression", "zstd"),
    "config": ("--to", "oci", "--config", "oci"),
}


@pytest.mark.parametrize("step", CHANGING)
@pytest.mark.parametrize("dry", [True, False])
def test_preserve_digests_refuses(step: str, dry: bool, tmp_path: Path) -> None:
    """Any step that would change a manifest: exit 6, and nothing is written."""
    source = write_oci_layout([make_image(compression="gzip")], tmp_path / "in")
    words = [*CHANGING[step], "--preserve-digests", *(["--dry-run"] if dry else [])]
    line = refuse(6, source, *words, "-o", tmp_path / "out.tar")
    assert "digest" in line
    assert names_in(tmp_path) == ["in"]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("suffix", ["", ".tar"])
def test_preserved_digests_of_two_vocabularies(suffix: str, wrapped: bool, tmp_path: Path) -> None:
    """containerd, podman and skopeo take both side by side; --to docker is of Docker's alone."""
    images = [make_image([{"a": name.encode()}], names=(name,)) for name in ("one:1", "two:1")]
    built = []
    families: tuple[Family, ...] = ("docker", "oci")
    for each, family in zip(images, families, strict=True):
        plain = of_image(each, family)
        listed = [plain.entry(platform=each.platform)] * 2
        built.append(make_index(listed, plain, family=family) if wrapped else plain)
    entries = [
        each.entry(annotations=name_annotations(image.names[0]))
        for each, image in zip(built, images, strict=True)
    ]
    path = write_layout(tmp_path / "in", entries, *built)
    dest = tmp_path / f"out{suffix}"
    done = repack(str(path), str(dest), to="oci", preserve_digests=True)
    result = independent.check(dest)
    assert [each["digest"] for each in result.index["manifests"]] == [e.digest for e in built]
    assert [each["mediaType"] for each in result.index["manifests"]] == [
        each.media_type for each in built
    ]
    assert "Docker's" in str(done.images[0].changes[-1])
    with pytest.raises(TargetError, match="the digest would change"):
        repack(str(path), str(tmp_path / "refused"), to="docker", preserve_digests=True)


def test_preserve_digests_refuses_inside_an_index(tmp_path: Path) -> None:
    """A child that is absent would leave its index: the digest of that changes."""
    images = [make_image([{"a": b"1"}]), make_image([{"b": b"1"}], architecture="arm64")]
    whole = write_index_layout(tmp_path / "whole", images)
    report(whole, "--to", "oci", "--preserve-digests", "-o", tmp_path / "out")
    sparse = write_index_layout(tmp_path / "sparse", images, drop=set(images[1].blobs()))
    refuse(6, sparse, "--to", "oci", "--preserve-digests", "-o", tmp_path / "no")
    label = manifest_of(write_oci_layout(images[:1], tmp_path / "plain"))
    assert label["schemaVersion"] == 2


def test_preserve_digests_allows(tmp_path: Path) -> None:
    """Names, forms and what had no manifest are free to change."""
    image = make_image(compression="gzip")
    source = write_hybrid_archive([image], tmp_path / "in.tar")
    said = report(
        source, "--to", "oci", "--preserve-digests", "--name", "x:2", "-o", tmp_path / "o"
    )
    assert said["images"][0]["manifest_after"] == image.manifest_digest()
    saved = write_docker_archive([image], tmp_path / "saved.tar")
    for target in ("oci", "docker"):
        report(saved, "--to", target, "--preserve-digests", "-o", tmp_path / target)
        independent.check(tmp_path / target)
    assert json.loads(read(tmp_path / "o")["index.json"])["schemaVersion"] == 2
