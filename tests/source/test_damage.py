"""Damaged sources: the error names the member, the field, and both values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout.errors import DamagedError
from tests import corrupt
from tests.builders import (
    go_json,
    layer_tar,
    make_image,
    sha256,
    write_docker_archive,
    write_members,
    write_oci_layout,
)
from tests.builders.legacy import Step, write_v1
from tests.corrupt import Files
from tests.independent import read_files
from tests.source.opened import collected, opened, refused

IMAGE = make_image(names=("demo:1",), compression="gzip")
CONFIG, MANIFEST = IMAGE.config_digest, IMAGE.manifest_digest()
LAYER = IMAGE.layers[0].digest


def set_index(key: str, value: object) -> Callable[[Files], object]:
    return lambda files: corrupt.edit_index(files, lambda index: index.update({key: value}))


def set_entry(key: str, value: object) -> Callable[[Files], object]:
    return lambda files: corrupt.edit_index(
        files, lambda index: index["manifests"][0].update({key: value})
    )


def replace(name: str, data: bytes) -> Callable[[Files], object]:
    return lambda files: files.update({name: data})


def drop(name: str) -> Callable[[Files], object]:
    return lambda files: files.pop(name)


def in_manifest(key: str, value: object) -> Callable[[Files], object]:
    return lambda files: corrupt.edit_document(
        files, MANIFEST, lambda manifest: manifest.update({key: value})
    )


def rename(name: str, change: Callable[[bytes], bytes]) -> Callable[[Files], object]:
    return lambda files: files.update({name: change(files[name])})


DAMAGE: dict[str, tuple[Callable[[Files], object], str, tuple[str, ...]]] = {
    "no marker": (drop("oci-layout"), "no-layout-marker", ("oci-layout",)),
    "empty marker": (replace("oci-layout", b""), "bad-json", ("oci-layout",)),
    "null marker": (replace("oci-layout", b"null"), "wrong-type", ("oci-layout",)),
    "marker of another version": (
        replace("oci-layout", b'{"imageLayoutVersion":"2.0.0"}'),
        "layout-version",
        ("oci-layout", "2.0.0", "1.0.0"),
    ),
    "no index": (drop("index.json"), "missing-index", ("index.json",)),
    "index cut": (rename("index.json", lambda raw: raw[:-9]), "bad-json", ("index.json",)),
    "index with a BOM": (rename("index.json", corrupt.bom), "bad-json", ("index.json",)),
    "data after the index": (rename("index.json", corrupt.trailing), "bad-json", ("index.json",)),
    "a key twice in the index": (
        rename("index.json", lambda raw: corrupt.dup_key(raw, "manifests")),
        "duplicate-key",
        ("index.json", "manifests"),
    ),
    "index is a manifest": (
        lambda files: files.update({"index.json": IMAGE.manifest_bytes()}),
        "two-kinds",
        ("index.json",),
    ),
    "index is null": (replace("index.json", b"null"), "wrong-type", ("index.json",)),
    "index with layers": (set_index("layers", []), "two-kinds", ("index.json",)),
    "wrong schema version": (set_index("schemaVersion", 1), "schema", ("index.json",)),
    "size lies": (set_entry("size", 1), "size-mismatch", ("says 1",)),
    "size is a float": (set_entry("size", 1.5), "wrong-type", ("manifests[0].size",)),
    "digest leaves": (
        set_entry("digest", "sha256:../../../../etc/passwd"),
        "bad-digest",
        ("manifests[0].digest",),
    ),
    "digest algorithm": (set_entry("digest", "md5:" + "0" * 32), "bad-digest", ("md5",)),
    "manifest flipped": (
        lambda files: corrupt.flip_blob(files, MANIFEST, 60),
        "digest-mismatch",
        (MANIFEST,),
    ),
    "config flipped": (
        lambda files: corrupt.flip_blob(files, CONFIG, 60),
        "digest-mismatch",
        (CONFIG,),
    ),
    "config cut": (lambda files: corrupt.cut_blob(files, CONFIG), "size-mismatch", ("bytes",)),
    "layer cut": (lambda files: corrupt.cut_blob(files, LAYER), "size-mismatch", (LAYER[7:],)),
    "manifest of two kinds": (in_manifest("manifests", []), "two-kinds", ("manifests",)),
    "manifest of schema 1": (in_manifest("fsLayers", []), "two-kinds", ("fsLayers",)),
    "layers is no list": (in_manifest("layers", {}), "wrong-type", ("layers",)),
}


@pytest.mark.parametrize(("damage", "code", "words"), DAMAGE.values(), ids=DAMAGE)
def test_layouts(
    damage: Callable[[Files], object], code: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    layout = write_oci_layout([IMAGE], tmp_path / "whole")
    path = corrupt.damaged(layout, tmp_path / "damaged", damage)
    error = refused(path)
    assert error.code.startswith(code)
    for word in words:
        assert word in str(error)
    assert any(finding.code == error.code for finding in collected(path).errors)


def test_a_document_is_null_behind_a_right_digest(tmp_path: Path) -> None:
    """A config or manifest that is the JSON value null is no image, and says so."""

    def null_config(files: Files) -> None:
        del files[corrupt.blob(CONFIG)]
        digest = sha256(b"null")
        files[corrupt.blob(digest)] = b"null"
        corrupt.edit_document(
            files, MANIFEST, lambda manifest: manifest["config"].update(digest=digest, size=4)
        )

    layout = write_oci_layout([IMAGE], tmp_path / "whole")
    assert refused(corrupt.damaged(layout, tmp_path / "damaged", null_config)).code == "wrong-type"


def saved(change: Callable[[Files], object], tmp_path: Path) -> Path:
    files = read_files(write_docker_archive([IMAGE], tmp_path / "plain.tar", style="flat"))
    change(files)
    return write_members(files, tmp_path / "damaged.tar")


def in_saved(key: str, value: object) -> Callable[[Files], object]:
    def change(files: Files) -> None:
        documents = json.loads(files["manifest.json"])
        documents[0][key] = value
        files["manifest.json"] = go_json(documents)

    return change


LAYER_FILE = f"{LAYER[7:]}.tar.gz"
SAVED: dict[str, tuple[Callable[[Files], object], str, tuple[str, ...]]] = {
    "null": (replace("manifest.json", b"null"), "wrong-type", ("manifest.json",)),
    "no list": (replace("manifest.json", b'"x"'), "wrong-type", ("manifest.json",)),
    "cut": (rename("manifest.json", lambda raw: raw[:-3]), "bad-json", ("manifest.json",)),
    "no config": (in_saved("Config", None), "missing-field", ("[0].Config",)),
    "config absent": (in_saved("Config", "x.json"), "missing-member", ("x.json",)),
    "config leaves": (in_saved("Config", "../x.json"), "missing-member", ("../x.json",)),
    "config absolute": (in_saved("Config", "/etc/passwd"), "missing-member", ("/etc/passwd",)),
    "layers null": (in_saved("Layers", None), "layer-count", ("0 layers", "2 diff_ids")),
    "config flipped": (rename(CONFIG, corrupt.flip_byte), "bad-json", (CONFIG,)),
}


@pytest.mark.parametrize(("damage", "code", "words"), SAVED.values(), ids=SAVED)
def test_docker_archives(
    damage: Callable[[Files], object], code: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    error = refused(saved(damage, tmp_path))
    assert error.code == code
    for word in words:
        assert word in str(error)


def test_a_config_that_is_not_the_one_of_its_name(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        name = f"{CONFIG[7:]}.json"
        files[name] = files.pop(CONFIG).replace(b"amd64", b"arm64")
        in_saved("Config", name)(files)

    error = refused(saved(change, tmp_path))
    assert error.code == "digest-mismatch"
    assert CONFIG[7:] in str(error)


def test_cut_archives(tmp_path: Path) -> None:
    raw = write_docker_archive([IMAGE], tmp_path / "whole.tar").read_bytes()
    path = tmp_path / "cut.tar"
    end = len(raw.rstrip(b"\0"))
    for size in (514, end // 2, end - 1):
        path.write_bytes(raw[:size])
        assert refused(path).code == "truncated"
    path.write_bytes(raw[: end + -end % 512])
    with opened(path) as source:
        assert [finding.code for finding in source.findings.warnings] == ["no-end-marker"]
    path.write_bytes(raw[: end + -end % 512 + 1024])
    with opened(path) as source:
        assert not source.findings.found


def test_a_cut_archive_of_today_is_not_taken_for_an_old_one(tmp_path: Path) -> None:
    """It has folders as before 1.10, and its list comes last."""
    whole = (Path(__file__).parents[2] / "testdata/docker20.tar").read_bytes()
    path = tmp_path / "cut.tar"
    for size in (8_000, 16_000, 23_552, len(whole) * 9 // 10):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedError, match="cut short, before the list of its images") as error:
            collected(path)
        assert error.value.code == "truncated"
        assert str(error.value).startswith(f"{path}: cut short")


def test_an_old_archive_that_lost_its_end_is_read(tmp_path: Path) -> None:
    """``repositories`` is its last file: what comes before is whole."""
    source = write_v1([Step(layer_tar({"a": b"1"}))], tmp_path / "in.tar", "demo:1")
    raw = source.read_bytes()
    end = len(raw.rstrip(b"\0"))
    source.write_bytes(raw[: end + -end % 512])
    assert [finding.code for finding in collected(source).found] == ["no-end-marker"]
