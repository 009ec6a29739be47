"""Each document is read once however often it is mentioned, and all together are bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import limits, repack
from oci_layout.errors import DamagedError, LayoutError
from oci_layout.finding import FailFast, Findings
from oci_layout.model import jsontext
from oci_layout.source.opening import open_source
from tests.builders import (
    go_json,
    make_image,
    sha256,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_oci_layout,
)
from tests.builders.trees import edit
from tests.source.opened import collected

IMAGE = make_image([{"a": b"one"}, {"b": b"two"}])
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def layout_of(folder: Path, blobs: list[bytes], entries: list[dict[str, Any]]) -> Path:
    files = {f"blobs/sha256/{sha256(blob)[7:]}": blob for blob in blobs}
    files["index.json"] = go_json({"schemaVersion": 2, "manifests": entries})
    files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    return write_files(files, folder)


def entry(blob: bytes, media_type: str, **notes: str) -> dict[str, Any]:
    stated = {"mediaType": media_type, "digest": sha256(blob), "size": len(blob)}
    return stated | ({"annotations": notes} if notes else {})


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that is parsed."""
    seen: list[bytes] = []
    parse = jsontext.parse

    def counted(raw: bytes, *rest: Any) -> Any:
        seen.append(raw)
        return parse(raw, *rest)

    monkeypatch.setattr(jsontext, "parse", counted)
    return seen


@pytest.mark.parametrize("media_type", ["application/x", MANIFEST_TYPE])
def test_a_document_that_is_mentioned_often(
    media_type: str, parsed: list[bytes], tmp_path: Path
) -> None:
    manifest = go_json(IMAGE.manifest("oci"))
    mentions = [entry(manifest, media_type, n=str(number)) for number in range(50)]
    blobs = [manifest, IMAGE.config_bytes, *(layer.stored for layer in IMAGE.layers)]
    findings = collected(layout_of(tmp_path / "layout", blobs, mentions))
    assert not findings.errors
    assert 1 <= parsed.count(manifest) <= 2
    assert len(findings.warnings) <= 2


def test_a_config_that_is_mentioned_often(parsed: list[bytes], tmp_path: Path) -> None:
    def repeated(files: dict[str, bytes]) -> None:
        (item,) = json.loads(files["manifest.json"])
        tags = [{**item, "RepoTags": [f"x:{number}"]} for number in range(50)]
        files["manifest.json"] = go_json(tags)

    source = edit(write_docker_archive([IMAGE], tmp_path / "x.tar"), repeated)
    collected(source)
    assert parsed.count(IMAGE.config_bytes) == 1


@pytest.mark.parametrize("padded", ["manifest", "config"])
def test_all_documents_together_are_bounded(
    padded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "DOCUMENTS_BYTES", 100_000)
    blobs, entries = [], []
    for number in range(30):
        room = b" " * 10_000
        config = IMAGE.config_bytes + (room if padded == "config" else b"") + b" " * number
        value = {**IMAGE.manifest("oci"), "annotations": {"n": str(number)}}
        value["config"] = entry(config, value["config"]["mediaType"])
        manifest = go_json(value) + (room if padded == "manifest" else b"")
        blobs += [config, manifest]
        entries.append(entry(manifest, MANIFEST_TYPE))
    source = layout_of(tmp_path / "x", [*blobs, *(x.stored for x in IMAGE.layers)], entries)
    assert [each.code for each in collected(source).errors] == ["document-too-large"]
    with pytest.raises(DamagedError, match="come to more than 100000 bytes"):
        open_source(str(source), findings=FailFast())


def test_within_the_bound_nothing_is_said(tmp_path: Path) -> None:
    findings = collected(write_oci_layout([IMAGE], tmp_path / "x"))
    assert not findings.errors


def test_a_dir_must_begin_with_a_manifest(tmp_path: Path) -> None:
    source = layout_of(tmp_path / "x", [b"hello"], [entry(b"hello", "application/x")])
    with pytest.raises(LayoutError, match="begins with a manifest"):
        repack(str(source), str(tmp_path / "dir"), to="dir")
    assert not (tmp_path / "dir").exists()


def test_a_dir_whose_manifest_says_it_is_another_thing(tmp_path: Path) -> None:
    source, made = tmp_path / "dir", write_oci_layout([IMAGE], tmp_path / "x")
    repack(str(made), str(source), to="dir")
    raw = (source / "manifest.json").read_bytes()
    (source / "manifest.json").write_bytes(raw.replace(b"manifest.v1+json", b"manifest.v1+jsonx"))
    with pytest.raises(DamagedError, match="jsonx"):
        repack(str(source), str(tmp_path / "out"), to="oci")
    assert not (tmp_path / "out").exists()


def wrong_layer(files: dict[str, bytes]) -> None:
    """What manifest.json lists is another layer, whole in itself."""
    value = json.loads(files["manifest.json"])
    other = make_image([{"evil": b"evil"}]).layers[0]
    files[f"blobs/sha256/{other.digest[7:]}"] = other.stored
    value[0]["Layers"][0] = f"blobs/sha256/{other.digest[7:]}"
    files["manifest.json"] = go_json(value)


def missing_layer(files: dict[str, bytes]) -> None:
    value = json.loads(files["manifest.json"])
    value[0]["Layers"].pop()
    files["manifest.json"] = go_json(value)


@pytest.mark.parametrize("change", [wrong_layer, missing_layer])
def test_two_images_in_one_archive(change: Any, tmp_path: Path) -> None:
    """Engines that read manifest.json would load another image than those that read index.json."""
    source = edit(write_hybrid_archive([IMAGE], tmp_path / "x.tar"), change)
    findings: Findings = collected(source)
    assert "views-disagree" in {each.code for each in findings.errors}
    with pytest.raises(DamagedError, match="lists layers that are not those"):
        repack(str(source), str(tmp_path / "out"), to="oci")
    assert not (tmp_path / "out").exists()
