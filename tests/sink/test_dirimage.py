"""`dir:` in and out: one image, or a list with its children beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import independent
from tests.builders import (
    Family,
    Image,
    go_json,
    hex_of,
    make_image,
    sha256,
    write_dir,
    write_docker_archive,
    write_files,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.image import INDEX_TYPE
from tests.builders.trees import Files, blob_name, read
from tests.command import codes, names_in, refuse, report

VERSION = b"Directory Transport Version: 1.1\n"


def two_platforms() -> list[Image]:
    return [
        make_image([{"arch": b"amd64"}], compression="gzip"),
        make_image([{"arch": b"arm64"}], compression="gzip", architecture="arm64", variant="v8"),
    ]


def list_dir(images: list[Image], dest: Path, family: Family) -> Path:
    """What `skopeo copy --all` writes into a folder."""
    files: Files = {"version": VERSION}
    entries = []
    for image in images:
        entries.append({**image.descriptor(family), "platform": image.platform})
        for digest, data in image.blobs(family).items():
            manifest = digest == image.manifest_digest(family)
            files[hex_of(digest) + (".manifest.json" if manifest else "")] = data
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE[family], "manifests": entries}
    return write_files({**files, "manifest.json": go_json(index)}, dest)


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_list_in(family: Family, tmp_path: Path) -> None:
    """Both platforms come out, in OCI's words, with one name."""
    images = two_platforms()
    source = list_dir(images, tmp_path / "in", family)
    report(source, "--to", "oci", "--name", "demo:1", "-o", tmp_path / "out")
    found = independent.check(tmp_path / "out")
    assert found.names == {"docker.io/library/demo:1"}
    assert set(found.configs) == {image.config_digest for image in images}
    (top,) = found.index["manifests"]
    if family == "oci":
        assert top["digest"] == sha256((source / "manifest.json").read_bytes())


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_list_in_and_out(family: Family, tmp_path: Path) -> None:
    """Written again as `dir:` it is the same, file by file."""
    source = list_dir(two_platforms(), tmp_path / "in", family)
    said = report(source, "--to", "dir", "-o", tmp_path / "out")
    assert read(tmp_path / "out") == read(source)
    assert all(each["manifest_before"] == each["manifest_after"] for each in said["images"])


def test_layout_to_dir(tmp_path: Path) -> None:
    """The index becomes `manifest.json`, its children files of their own; attestations go along."""
    images = two_platforms()
    source = write_index_layout(tmp_path / "in", images, attestations=True)
    said = report(source, "--to", "dir", "-o", tmp_path / "out")
    assert "names-dropped" in codes(said)
    files, blobs = read(tmp_path / "out"), read(source)
    (top,) = json.loads(blobs["index.json"])["manifests"]
    nested = blobs[blob_name(top["digest"])]
    assert files.pop("manifest.json") == nested
    assert files.pop("version") == VERSION
    children = {hex_of(entry["digest"]) for entry in json.loads(nested)["manifests"]}
    assert len(children) == 4
    for name, data in files.items():
        digest = name.removesuffix(".manifest.json")
        assert sha256(data) == f"sha256:{digest}"
        assert (digest in children) is name.endswith(".manifest.json")
        assert data == blobs[blob_name(f"sha256:{digest}")]
    back = report(tmp_path / "out", "--to", "oci", "--name", "demo:1", "-o", tmp_path / "back")
    assert [image["manifest_after"] for image in back["images"]] == [
        image["manifest_before"] for image in said["images"]
    ]
    assert read(tmp_path / "back").keys() == blobs.keys()


@pytest.mark.parametrize("name", ["demo:1", None])
def test_docker_archive_to_dir(name: str | None, tmp_path: Path) -> None:
    """Docker's words for what came from Docker; readable as what it was."""
    image = make_image(names=(name,) if name else ())
    source = write_docker_archive([image], tmp_path / "in.tar")
    report(source, "--to", "dir", "-o", tmp_path / "out")
    assert read(tmp_path / "out") == read(write_dir(image, tmp_path / "want"))


def test_one_platform_of_a_list(tmp_path: Path) -> None:
    images = two_platforms()
    source = list_dir(images, tmp_path / "in", "oci")
    report(source, "--to", "dir", "--platform", "linux/arm64", "-o", tmp_path / "out")
    assert read(tmp_path / "out") == read(write_dir(images[1], tmp_path / "want", "oci"))


def test_refused(tmp_path: Path) -> None:
    """Several images, a name that is an archive's, and whatever is there already."""
    several = [make_image([{"a": b"1"}], names=("a:1",)), make_image(names=("b:1", "c:1"))]
    source = write_oci_layout(several, tmp_path / "in")
    line = refuse(4, source, "--to", "dir", "-o", tmp_path / "out")
    assert "--image" in line
    assert "a:1" in line
    for dest in ("out.tar", "out.tar.gz"):
        refuse(2, source, "--to", "dir", "--image", "a:1", "-o", tmp_path / dest)
    refuse(2, source, "--to", "dir", "--image", "a:1", "-o", "-")
    refuse(2, source, "--to", "dir", "--image", "a:1", "--append", "-o", tmp_path / "out")
    assert names_in(tmp_path) == ["in"]
    report(source, "--to", "dir", "--image", "b:1", "-o", tmp_path / "out")
    before = read(tmp_path / "out")
    for flags in ((), ("--force",)):
        refuse(5, source, "--to", "dir", "--image", "a:1", "-o", tmp_path / "out", *flags)
    assert read(tmp_path / "out") == before


def test_missing_child(tmp_path: Path) -> None:
    """`skopeo copy` without `--all` of a list: the children that are there go out."""
    images = two_platforms()
    source = list_dir(images, tmp_path / "in", "oci")
    (source / f"{hex_of(images[1].manifest_digest())}.manifest.json").unlink()
    said = report(source, "--to", "oci", "--name", "demo:1", "-o", tmp_path / "out")
    assert "sparse-index" in codes(said)
    assert set(independent.check(tmp_path / "out").configs) == {images[0].config_digest}


def test_damaged_child(tmp_path: Path) -> None:
    images = two_platforms()
    source = list_dir(images, tmp_path / "in", "oci")
    child = source / f"{hex_of(images[1].manifest_digest())}.manifest.json"
    child.write_bytes(child.read_bytes().replace(b"gzip", b"zstd"))
    line = refuse(3, source, "--to", "oci", "-o", tmp_path / "out")
    assert child.name in line
    assert images[1].manifest_digest() in line
