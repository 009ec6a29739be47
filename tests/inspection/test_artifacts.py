"""Artifacts: what kind, and which image they belong to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    REF_NAME,
    go_json,
    hex_of,
    make_image,
    sha256,
    write_files,
    write_index_layout,
    write_oci_layout,
)
from tests.independent import read_files
from tests.inspection.shown import nodes, text, tree
from tests.shared import FIXTURES, needs_shared
from tests.verification.checking import layout_of

EMPTY = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": sha256(b"{}"),
    "size": 2,
}


def artifact(layer_type: str, config: dict[str, Any] = EMPTY, **fields: Any) -> dict[str, bytes]:
    """The files of a layout that holds one artifact."""
    data = b"the artifact"
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [{"mediaType": layer_type, "digest": sha256(data), "size": len(data)}],
        **fields,
    }
    return layout_of(manifest, data, b"{}")


IMAGE_CONFIG = {**EMPTY, "mediaType": "application/vnd.oci.image.config.v1+json"}


@pytest.mark.parametrize(
    ("layer", "fields", "kind"),
    [
        (
            "application/vnd.dev.cosign.simplesigning.v1+json",
            {"config": IMAGE_CONFIG},
            "cosign signature",
        ),
        ("application/vnd.dsse.envelope.v1+json", {"config": IMAGE_CONFIG}, "signed attestation"),
        (
            "application/jose+json",
            {"artifactType": "application/vnd.cncf.notary.signature"},
            "Notary signature",
        ),
        (
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            {"config": {**EMPTY, "mediaType": "application/vnd.cncf.helm.config.v1+json"}},
            "Helm chart",
        ),
        ("application/spdx+json", {}, "SPDX SBOM"),
        ("application/vnd.cyclonedx+json", {}, "CycloneDX SBOM"),
        (
            "application/wasm",
            {"artifactType": "application/vnd.wasm.config.v0+json"},
            "WebAssembly module",
        ),
        ("text/plain", {"artifactType": "application/vnd.example"}, "application/vnd.example"),
        ("text/plain", {}, "text/plain"),
    ],
)
def test_kinds(layer: str, fields: dict[str, Any], kind: str, tmp_path: Path) -> None:
    source = write_files(artifact(layer, **fields), tmp_path / "in")
    value = tree(source)
    (node,) = nodes(value, "artifact")
    assert node["kind"] == kind
    assert not node["attestation"]
    assert value["totals"]["artifacts"] == 1
    shown = text(source)
    assert f"\n  {kind}\n" in shown
    assert "no image, 1 artifact\n" in shown


def test_an_attestation_belongs_to_an_image(tmp_path: Path) -> None:
    images = [make_image([{"a": name.encode()}], architecture=name) for name in ("amd64", "arm64")]
    source = write_index_layout(tmp_path / "in", images, attestations=True)
    found = nodes(tree(source), "artifact")
    assert [node["subject"] for node in found] == [image.manifest_digest() for image in images]
    assert all(node["attestation"] and node["kind"] == "attestation" for node in found)
    assert found[0]["predicates"] == ["https://slsa.dev/provenance/v0.2"]
    shown = text(source)
    for image, platform in zip(images, ("linux/amd64", "linux/arm64"), strict=True):
        assert f"attestation of {platform}, {image.manifest_digest()[:19]}\n" in shown
    assert "states    https://slsa.dev/provenance/v0.2\n" in shown
    assert "OCI: 2 platforms, 2 attestations\n" in shown


def test_subject_and_tag_scheme(tmp_path: Path) -> None:
    """A signature names its image by subject, or by a tag made of the digest."""
    image = make_image()
    plain = read_files(write_oci_layout([image], tmp_path / "plain"))
    subject = image.descriptor()
    for number, (more, name) in enumerate(
        (
            ({"subject": subject}, None),
            ({}, f"sha256-{hex_of(image.manifest_digest())}.sig"),
        )
    ):
        files = artifact("application/vnd.dev.cosign.simplesigning.v1+json", IMAGE_CONFIG, **more)
        index: dict[str, Any] = {"schemaVersion": 2, "manifests": []}
        for each in (plain, files):
            entries = json.loads(each["index.json"])["manifests"]
            index["manifests"] += entries
        if name is not None:
            index["manifests"][-1]["annotations"] = {REF_NAME: name}
        source = write_files(
            {**plain, **files, "index.json": go_json(index)}, tmp_path / str(number)
        )
        (node,) = nodes(tree(source), "artifact")
        assert node["subject"] == image.manifest_digest()
        digest = image.manifest_digest()[:19]
        assert f"cosign signature of linux/amd64, {digest}\n" in text(source)


def test_blobs_and_what_is_missing_of_them(tmp_path: Path) -> None:
    files = artifact("text/plain", artifactType="application/vnd.example")
    manifest_name = next(name for name, data in files.items() if b"schemaVersion" in data)
    assert manifest_name.startswith("blobs/")
    name = f"blobs/sha256/{hex_of(sha256(b'the artifact'))}"
    del files[name]
    source = write_files(files, tmp_path / "in")
    (node,) = nodes(tree(source), "artifact")
    assert [blob["present"] for blob in node["blobs"]] == [True, False]
    assert node["missing"] == [sha256(b"the artifact")]
    shown = text(source)
    assert "blob      12 B, text/plain\n" in shown
    assert "! 1 blob of it not in this source\n" in shown
    assert "oci.empty" not in shown


@needs_shared
def test_signatures_of_notation() -> None:
    folder = "notaryproject+notation/test/e2e/testdata/registry/oci_layout/e2e-valid-signature"
    shown = text(FIXTURES / folder)
    assert "Notary signature of sha256:b8479de3f88f\n" in shown
    assert "index sha256:13e107e0dd24, OCI: 1 artifact\n" in shown
