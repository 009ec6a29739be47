"""What the target cannot hold is dropped and listed; what follows a digest follows it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests import corrupt
from tests.builders import (
    Family,
    go_json,
    make_attestation,
    make_image,
    sha256,
    write_docker_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.repacked import image_docs, packed

IMAGE = make_image(compression="zstd")
STARGZ = "containerd.io/snapshot/stargz/toc.digest"


def annotated(tmp_path: Path) -> Path:
    """A layout whose manifest carries all that Docker has no field for."""
    layout = write_oci_layout([IMAGE], tmp_path / "plain")

    def dress(manifest: dict[str, Any]) -> None:
        manifest["annotations"] = {"org.example.kept": "1", "esc\x1b[31m": "2"}
        manifest["subject"] = make_image(names=()).descriptor()
        manifest["artifactType"] = "application/x-example"
        manifest["layers"][0]["annotations"] = {STARGZ: "sha256:1", "org.example.layer": "3"}
        manifest["config"]["annotations"] = {"org.example.config": "4"}
        manifest["x-unknown"] = True

    return corrupt.damaged(
        layout,
        tmp_path / "in",
        lambda files: corrupt.edit_document(files, IMAGE.manifest_digest(), dress),
    )


def test_docker_has_no_annotations_and_that_is_said(tmp_path: Path) -> None:
    report, result = packed(annotated(tmp_path), tmp_path / "out.tar", "docker")
    ((manifest, _),) = image_docs(result)
    assert not manifest.keys() & {"annotations", "subject", "artifactType"}
    assert not any("annotations" in layer for layer in [manifest["config"], *manifest["layers"]])
    assert manifest["x-unknown"] is True
    said = "\n".join(map(str, report.images[0].changes))
    for word in (
        "org.example.kept",
        "esc",
        "subject",
        "artifactType",
        "org.example.layer",
        "org.example.config",
    ):
        assert word in said
    assert all(line.startswith("dropped") for line in said.splitlines() if "org.example" in line)


def test_oci_keeps_them_all(tmp_path: Path) -> None:
    source = annotated(tmp_path)
    report, result = packed(source, tmp_path / "out", "oci")
    ((manifest, _),) = image_docs(result)
    assert manifest["annotations"]["org.example.kept"] == "1"
    assert manifest["artifactType"] == "application/x-example"
    assert manifest["subject"] == make_image(names=()).descriptor()
    assert manifest["layers"][0]["annotations"][STARGZ] == "sha256:1"
    assert report.images[0].manifest_before == report.images[0].manifest_after


def test_annotations_about_the_bytes_go_with_the_bytes(tmp_path: Path) -> None:
    report, result = packed(annotated(tmp_path), tmp_path / "out", compression="gzip")
    ((manifest, _),) = image_docs(result)
    assert manifest["layers"][0]["annotations"] == {"org.example.layer": "3"}
    assert any(STARGZ in change for change in map(str, report.images[0].changes))


def test_embedded_data_goes_with_what_it_was_a_copy_of(tmp_path: Path) -> None:
    layout = write_oci_layout([IMAGE], tmp_path / "plain")

    def embed(manifest: dict[str, Any]) -> None:
        manifest["layers"][0]["data"] = base64.b64encode(IMAGE.layers[0].stored).decode()
        manifest["config"]["data"] = base64.b64encode(IMAGE.config_bytes).decode()

    source = corrupt.damaged(
        layout,
        tmp_path / "in",
        lambda files: corrupt.edit_document(files, IMAGE.manifest_digest(), embed),
    )
    _, kept = packed(source, tmp_path / "kept")
    assert "data" in image_docs(kept)[0][0]["layers"][0]
    report, moved = packed(source, tmp_path / "moved", compression="none")
    ((manifest, _),) = image_docs(moved)
    assert "data" not in manifest["layers"][0]
    assert "data" in manifest["config"]
    assert any("embedded data" in change for change in map(str, report.images[0].changes))


AMD = make_image([{"a": b"amd"}], names=())
ARM = make_image([{"a": b"arm"}], names=(), architecture="arm64")


def test_an_attestation_follows_its_image(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM], attestations=True)
    report, result = packed(source, tmp_path / "out", compression="gzip")
    (entry,) = result.index["manifests"]
    nested = json.loads(result.files[corrupt.blob(entry["digest"])])
    images, attestations = nested["manifests"][:2], nested["manifests"][2:]
    for image, attestation, built in zip(images, attestations, (AMD, ARM), strict=True):
        assert image["digest"] != built.manifest_digest()
        notes = attestation["annotations"]
        assert notes["vnd.docker.reference.digest"] == image["digest"]
        assert notes["vnd.docker.reference.type"] == "attestation-manifest"
        assert attestation["digest"] == make_attestation(built)[0]["digest"]
        assert any(
            built.manifest_digest() in change and "old digest" in change
            for change in map(str, report.changes)
        )


def test_docker_has_no_attestations_and_that_is_said(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM], attestations=True)
    report, result = packed(source, tmp_path / "out.tar", "docker", platforms=("linux/amd64",))
    assert list(result.configs) == [AMD.config_digest]
    assert any("attestation" in change for change in map(str, report.changes))


def test_a_subject_follows_its_image(tmp_path: Path) -> None:
    layout = write_oci_layout([AMD], tmp_path / "in")
    empty = b"{}"
    config = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": sha256(empty),
        "size": 2,
    }
    referrer = go_json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/x-signature",
            "config": config,
            "layers": [config],
            "subject": AMD.descriptor(),
        }
    )
    index = {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": sha256(referrer),
                "size": len(referrer),
            },
            AMD.descriptor(),
        ],
    }
    for data in (empty, referrer):
        (layout / corrupt.blob(sha256(data))).write_bytes(data)
    (layout / "index.json").write_bytes(go_json(index))
    _, kept = packed(layout, tmp_path / "kept")
    assert sha256(referrer) in kept.manifests
    report, moved = packed(layout, tmp_path / "moved", compression="gzip")
    (subject,) = [each["subject"] for each in moved.manifests.values() if "subject" in each]
    (image,) = [digest for digest, each in moved.manifests.items() if "subject" not in each]
    assert subject["digest"] == image
    assert subject["size"] == len(moved.files[corrupt.blob(image)])
    assert any("subject" in change for change in map(str, report.changes))


@pytest.mark.parametrize("target", ["oci", "docker"])
def test_mixed_manifests_are_put_right(target: str, tmp_path: Path) -> None:
    """An OCI manifest with a Docker config and Docker layers, as some tools wrote it."""
    layout = write_oci_layout([AMD], tmp_path / "plain")
    docker = AMD.manifest("docker")

    def mix(manifest: dict[str, Any]) -> None:
        manifest["config"]["mediaType"] = docker["config"]["mediaType"]
        manifest["layers"][0]["mediaType"] = docker["layers"][0]["mediaType"]

    source = corrupt.damaged(
        layout,
        tmp_path / "in",
        lambda files: corrupt.edit_document(files, AMD.manifest_digest(), mix),
    )
    _, result = packed(source, tmp_path / "out.tar", target)
    ((manifest, config),) = image_docs(result)
    family: Family = "docker" if target == "docker" else "oci"
    assert manifest["config"]["mediaType"] == AMD.manifest(family)["config"]["mediaType"]
    assert manifest["layers"][0]["mediaType"] == AMD.manifest(family)["layers"][0]["mediaType"]
    assert config == AMD.config_bytes


def test_fields_of_the_index_are_carried_over(tmp_path: Path) -> None:
    layout = write_oci_layout([AMD], tmp_path / "in")
    index = json.loads((layout / "index.json").read_bytes())
    index |= {"annotations": {"made.by": "x"}, "x-unknown": 1}
    (layout / "index.json").write_bytes(go_json(index))
    _, result = packed(layout, tmp_path / "out")
    assert result.index["annotations"] == {"made.by": "x"}
    assert result.index["x-unknown"] == 1


def test_nothing_is_said_where_nothing_is_lost(tmp_path: Path) -> None:
    source = write_docker_archive([AMD], tmp_path / "in.tar")
    report, _ = packed(source, tmp_path / "out.tar")
    assert (report.changes, report.warnings, report.images[0].changes) == ((), (), ())
