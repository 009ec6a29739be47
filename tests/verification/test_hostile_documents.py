"""Hostile documents: what two parsers would read differently is refused, by its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout.finding import Severity
from tests import corrupt
from tests.builders import go_json, sha256, write_dir, write_files, write_hybrid_archive
from tests.builders.trees import edit
from tests.verification.checking import (
    blob_name,
    codes,
    errors,
    layout_of,
    layout_with,
    of_code,
    report_of,
    serious,
    tiny,
)

IMAGE = tiny()
BLOBS = (IMAGE.config_bytes, *(layer.stored for layer in IMAGE.layers))
MANIFEST = IMAGE.manifest_bytes()
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def index_with(text: bytes, tmp_path: Path) -> Path:
    """A sound layout, but for the text that is put into the entry of `index.json`."""
    files = layout_of(MANIFEST, *BLOBS)
    files["index.json"] = files["index.json"].replace(b'"size":', text + b'"size":')
    return write_files(files, tmp_path / "layout")


@pytest.mark.parametrize(
    ("size", "code"),
    [
        ("1.0", "wrong-type"),
        ("1e3", "wrong-type"),
        ("-1", "wrong-type"),
        ("true", "wrong-type"),
        ('"549"', "wrong-type"),
        ("null", "missing-field"),
        ("[]", "wrong-type"),
        (str(1 << 63), "wrong-type"),
        ("9" * 20, "wrong-type"),
        ("9" * 5000, "bad-json"),
        ("NaN", "bad-json"),
        ("Infinity", "bad-json"),
        ("0x10", "bad-json"),
        ("007", "bad-json"),
        ("+1", "bad-json"),
    ],
)
def test_sizes(size: str, code: str, tmp_path: Path) -> None:
    files = layout_of(MANIFEST, *BLOBS)
    old = f'"size":{len(MANIFEST)}'.encode()
    assert files["index.json"].count(old) == 1
    files["index.json"] = files["index.json"].replace(old, f'"size":{size}'.encode())
    found = report_of(write_files(files, tmp_path / "layout"))
    assert codes(found, Severity.ERROR) == {code}
    (finding,) = of_code(found, code)
    assert finding.where.member == "index.json"
    if code != "bad-json":
        assert finding.where.field == "manifests[0].size"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" \n",
        b"{",
        b"{}{}",
        b"{} trailing",
        b"{'a':1}",
        b'{"a":1,}',
        b"// x\n{}",
        b'\xef\xbb\xbf{"schemaVersion":2,"manifests":[]}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\x00"}',
        b'{"a":"\n"}',
        '{"schemaVersion":2,"manifests":[]}'.encode("utf-16"),
        b"\x1f\x8b\x08\x00",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100_000,
    ],
)
def test_not_json_to_all(raw: bytes, tmp_path: Path) -> None:
    files = {**layout_of(MANIFEST, *BLOBS), "index.json": raw}
    assert "bad-json" in errors(write_files(files, tmp_path / "layout"))
    files = layout_of(raw, *BLOBS)
    assert "bad-json" in errors(write_files(files, tmp_path / "inner"))


@pytest.mark.parametrize("kind", ["[]", '"text"', "1", "null", "true"])
def test_another_value_than_an_object(kind: str, tmp_path: Path) -> None:
    for name in ("index.json", "oci-layout"):
        files = {**layout_of(MANIFEST, *BLOBS), name: kind.encode()}
        assert errors(write_files(files, tmp_path / name)), name
    manifest_is = layout_of(kind.encode(), *BLOBS)
    assert errors(write_files(manifest_is, tmp_path / "manifest"))
    config = kind.encode()
    stated = {**IMAGE.manifest()["config"], "digest": sha256(config), "size": len(config)}
    layers = [layer.stored for layer in IMAGE.layers]
    files = layout_of({**IMAGE.manifest(), "config": stated}, config, *layers)
    assert errors(write_files(files, tmp_path / "config"))


@pytest.mark.parametrize(
    "text",
    [
        b'"size":1,',  # the very same key
        b'"Size":1,',  # what Go takes for the same
        b'"SIZE":1,',
        b'"s\\u0069ze":1,',
    ],
)
def test_keys_that_two_readers_take_differently(text: bytes, tmp_path: Path) -> None:
    assert "duplicate-key" in errors(index_with(text, tmp_path))


def test_the_long_s_is_an_s_to_go(tmp_path: Path) -> None:
    """encoding/json folds as Unicode does: U+017F is a small s, U+212A a capital K."""
    assert "duplicate-key" in errors(index_with('"\u017fize":1,'.encode(), tmp_path))


def test_keys_of_maps_are_free(tmp_path: Path) -> None:
    notes = b'"annotations":{"a":"1","A":"2","Size":"3"},'
    assert serious(index_with(notes, tmp_path)) == set()


def test_lower_case_alone_is_read(tmp_path: Path) -> None:
    """As jib writes it."""
    manifest = MANIFEST.replace(b'"schemaVersion"', b'"schemaversion"')
    manifest = manifest.replace(b'"layers"', b'"LAYERS"')
    files = layout_of(manifest, *BLOBS)
    report = report_of(write_files(files, tmp_path / "layout"))
    assert codes(report, Severity.ERROR) == set()
    assert [len(image.names) for image in report.images] == [0]


@pytest.mark.parametrize(
    "fields",
    [
        {"manifests": []},
        {"Manifests": []},
        {"fsLayers": [{"blobSum": IMAGE.layers[0].digest}]},
    ],
)
def test_two_kinds_in_a_manifest(fields: dict[str, Any], tmp_path: Path) -> None:
    """CVE-2021-41190."""
    files = layout_of({**IMAGE.manifest(), **fields}, *BLOBS)
    assert "two-kinds" in errors(write_files(files, tmp_path / "layout"))


@pytest.mark.parametrize("name", ["layers", "config", "fsLayers", "Layers"])
def test_two_kinds_in_an_index(name: str, tmp_path: Path) -> None:
    index = {"schemaVersion": 2, "manifests": [], name: IMAGE.manifest().get(name.lower(), [])}
    files = {"index.json": go_json(index), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    assert "two-kinds" in errors(write_files(files, tmp_path / "layout"))


def test_the_data_of_a_descriptor(tmp_path: Path) -> None:
    """Some readers use it instead of the blob."""
    config = IMAGE.manifest()["config"]
    for number, data in enumerate(("", "e30=", "e30", "not base64!", "e30=\n", "e30=e30=")):
        files = layout_with(IMAGE, config={**config, "data": data})
        assert "bad-data" in errors(write_files(files, tmp_path / str(number))), data


def test_views_that_name_different_images(tmp_path: Path) -> None:
    """docker-worker#305: names checked in one document, loaded from another."""
    for number, (name, old, new) in enumerate(
        [
            ("repositories", b'"demo"', b'"safe"'),
            ("manifest.json", b"demo:1", b"safe:1"),
            ("index.json", b"docker.io/library/demo:1", b"docker.io/library/safe:1"),
        ]
    ):

        def change(files: dict[str, bytes], name: str = name, old: bytes = old, new: bytes = new):  # type: ignore[no-untyped-def]
            assert old in files[name]
            files[name] = files[name].replace(old, new)

        path = edit(write_hybrid_archive([IMAGE], tmp_path / f"{number}.tar"), change)
        found = {code for _, code in serious(path)}
        assert found & {"names-disagree", "name-conflict", "views-disagree"}, name


def test_one_name_for_two_images_in_two_views(tmp_path: Path) -> None:
    other = tiny(architecture="arm64")
    archive = write_hybrid_archive([IMAGE, other], tmp_path / "image.tar")

    def rename(files: dict[str, bytes]) -> None:
        value = json.loads(files["index.json"])
        for entry, name in zip(value["manifests"], ("b", "a"), strict=True):
            entry["annotations"] = {"io.containerd.image.name": f"docker.io/library/{name}:1"}
        files["index.json"] = go_json(value)
        saved = json.loads(files["manifest.json"])
        for item, name in zip(saved, ("a", "b"), strict=True):
            item["RepoTags"] = [f"{name}:1"]
        files["manifest.json"] = go_json(saved)

    assert "name-conflict" in errors(edit(archive, rename))


def test_the_top_manifest_against_its_entry(tmp_path: Path) -> None:
    """`skopeo copy oci:` does not check it."""
    files = layout_of(MANIFEST, *BLOBS)
    files[blob_name(MANIFEST)] = MANIFEST.replace(b"tar", b"TAR", 1)
    assert "digest-mismatch" in errors(write_files(files, tmp_path / "layout"))


def test_a_blob_is_not_trusted_by_its_name(tmp_path: Path) -> None:
    layout = write_files(layout_of(MANIFEST, *BLOBS), tmp_path / "layout")
    stray = layout / corrupt.blob("sha256:" + "1" * 64)
    stray.write_bytes(b"anything")
    report = report_of(layout)
    assert {finding.code for finding in report.findings} == {"orphan", "digest-mismatch"}


def test_an_index_that_holds_itself(tmp_path: Path) -> None:
    """By name only: the digest cannot hold."""
    name = "sha256:" + "2" * 64
    entry = {"mediaType": INDEX_TYPE, "digest": name, "size": 200}
    raw = go_json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]})
    files = {corrupt.blob(name): raw, "index.json": raw}
    files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    assert errors(write_files(files, tmp_path / "layout")) >= {"digest-mismatch", "index-depth"}


def test_a_dir_without_measure(tmp_path: Path) -> None:
    """The one document that is read before anything is known of it."""
    source = write_dir(IMAGE, tmp_path / "dir")
    raw = (source / "manifest.json").read_bytes()
    (source / "manifest.json").write_bytes(raw + b" " * (21 << 20))
    assert errors(source) == {"document-too-large"}


def test_what_is_there_is_not_called_absent(tmp_path: Path) -> None:
    """A manifest that cannot be read is damaged; nothing of it is missing."""
    files = layout_of(b"{", *BLOBS)
    assert errors(write_files(files, tmp_path / "layout")) == {"bad-json"}
