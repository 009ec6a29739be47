"""Manifests and indexes: read as one kind and no other."""

from __future__ import annotations

from typing import Any

import pytest

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.mediatype import Family, Kind
from oci_layout.model.manifest import Index, Manifest, names_no_config, read_document
from oci_layout.where import Where
from tests import corrupt
from tests.builders import go_json, make_image

IMAGE = make_image(names=())
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST: dict[str, Any] = IMAGE.manifest()
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": OCI_INDEX,
    "manifests": [IMAGE.descriptor()],
}


def read(
    value: Any, media_type: str = "", default: Kind = Kind.MANIFEST
) -> tuple[object, list[str], list[str]]:
    findings = Findings()
    raw = value if isinstance(value, bytes) else go_json(value)
    document = read_document(
        raw, Where(member="m"), findings, media_type=media_type, default=default
    )
    errors = [finding.code for finding in findings.errors]
    return document, errors, [finding.code for finding in findings.warnings]


def without(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in keys}


@pytest.mark.parametrize("media_type", ["", OCI_MANIFEST])
def test_a_manifest(media_type: str) -> None:
    document, errors, warnings = read(MANIFEST, media_type)
    assert isinstance(document, Manifest)
    assert (errors, warnings) == ([], [])
    assert document.family is Family.OCI
    assert document.is_image
    assert document.raw == IMAGE.manifest_bytes()
    assert [str(layer.digest) for layer in document.layers] == [x.digest for x in IMAGE.layers]


def test_the_family_is_what_the_document_says() -> None:
    document, errors, _ = read(IMAGE.manifest("docker"))
    assert isinstance(document, Manifest)
    assert (document.family, errors) == (Family.DOCKER, [])
    mixed = {**IMAGE.manifest("docker"), "mediaType": OCI_MANIFEST}
    document, errors, _ = read(mixed)
    assert isinstance(document, Manifest)
    assert (document.family, errors) == (Family.OCI, [])


def test_an_index_keeps_what_it_does_not_know() -> None:
    document, errors, _ = read({**INDEX, "x-unknown": [1]})
    assert isinstance(document, Index)
    assert errors == []
    assert document.fields["x-unknown"] == [1]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (without(MANIFEST, "mediaType"), Manifest),
        (without(INDEX, "mediaType"), Index),
    ],
)
def test_without_a_media_type_the_fields_tell(value: dict[str, Any], kind: type) -> None:
    document, errors, _ = read(value)
    assert isinstance(document, kind)
    assert errors == []


def test_a_media_type_that_the_fields_contradict() -> None:
    document, errors, _ = read({**MANIFEST, "mediaType": "application/json"})
    assert isinstance(document, Manifest)
    assert errors == ["media-type-mismatch"]


@pytest.mark.parametrize(
    ("value", "media_type", "code"),
    [
        ({**MANIFEST, "manifests": []}, "", "two-kinds"),
        ({**MANIFEST, "manifests": []}, OCI_INDEX, "two-kinds"),
        ({**without(MANIFEST, "mediaType"), "manifests": []}, "", "two-kinds"),
        ({**INDEX, "layers": []}, "", "two-kinds"),
        ({**INDEX, "config": MANIFEST["config"]}, "", "two-kinds"),
        ({**MANIFEST, "fsLayers": []}, "", "two-kinds"),
        ({**INDEX, "fsLayers": []}, "", "two-kinds"),
        ({**MANIFEST, "Manifests": INDEX["manifests"]}, "", "two-kinds"),
        ({**INDEX, "LAYERS": []}, "", "two-kinds"),
        (MANIFEST, OCI_INDEX, "media-type-mismatch"),
        (INDEX, OCI_MANIFEST, "media-type-mismatch"),
        ({**MANIFEST, "schemaVersion": 1}, "", "schema-version"),
        ({**MANIFEST, "schemaVersion": 2.0}, "", "wrong-type"),
        ({**MANIFEST, "schemaVersion": True}, "", "wrong-type"),
        ({**MANIFEST, "schemaVersion": "2"}, "", "wrong-type"),
        (without(MANIFEST, "schemaVersion"), "", "missing-field"),
        (without(MANIFEST, "config"), OCI_MANIFEST, "missing-field"),
        (without(MANIFEST, "layers"), OCI_MANIFEST, "missing-field"),
        (without(INDEX, "manifests"), OCI_INDEX, "missing-field"),
        ({**MANIFEST, "layers": {}}, "", "wrong-type"),
        ({**MANIFEST, "layers": [[]]}, "", "wrong-type"),
        ({**MANIFEST, "SchemaVersion": 2}, "", "duplicate-key"),
        ({**MANIFEST, "annotations": {"a": 1}}, "", "mistyped-field"),
        ([], "", "wrong-type"),
        ("text", "", "wrong-type"),
        (corrupt.dup_key(go_json(MANIFEST), "layers"), "", "duplicate-key"),
        (corrupt.bom(go_json(MANIFEST)), "", "bad-json"),
        (corrupt.trailing(go_json(MANIFEST)), "", "bad-json"),
    ],
)
def test_refused(value: Any, media_type: str, code: str) -> None:
    _, errors, _ = read(value, media_type)
    assert code in errors


def test_one_family_s_type_under_the_other_s_descriptor_is_only_odd() -> None:
    document, errors, warnings = read(MANIFEST, DOCKER_MANIFEST)
    assert isinstance(document, Manifest)
    assert errors == []
    assert "media-type-mismatch" in warnings


def test_null_where_a_list_belongs_is_only_odd() -> None:
    document, errors, warnings = read({**INDEX, "manifests": None}, default=Kind.INDEX)
    assert isinstance(document, Index)
    assert document.manifests == ()
    assert errors == []
    assert warnings == ["null-list"]


def test_the_path_leads_to_the_field() -> None:
    findings = Findings()
    value = {**INDEX, "manifests": [IMAGE.descriptor(), {**IMAGE.descriptor(), "size": -4}]}
    read_document(go_json(value), Where(member="index.json"), findings)
    assert [str(finding.where) for finding in findings.errors] == ["index.json: manifests[1].size"]


def test_artifacts() -> None:
    empty = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": str(Digest.of(b"{}")),
        "size": 2,
        "data": "e30=",
    }
    value = {
        **MANIFEST,
        "config": empty,
        "layers": [empty],
        "artifactType": "application/x",
        "subject": IMAGE.descriptor(),
    }
    document, errors, _ = read(value)
    assert isinstance(document, Manifest)
    assert (document.is_image, document.artifact_type, errors) == (False, "application/x", [])
    assert document.subject is not None
    assert str(document.subject.digest) == IMAGE.manifest_digest()


@pytest.mark.parametrize("size", [None, -1, "7"])
def test_a_layer_whose_size_is_none_is_there(size: Any) -> None:
    """Go reads null as zero, and few compare sizes."""
    value = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "x", "digest": f"sha256:{'a' * 64}", "size": 2},
        "layers": [{"mediaType": "x", "digest": f"sha256:{'b' * 64}", "size": size}],
    }
    findings = Findings()
    found = read_document(go_json(value), Where(), findings)
    assert isinstance(found, Manifest)
    assert [(layer.size, layer.stated_size) for layer in found.layers] == [(0, None)]
    assert findings.errors


@pytest.mark.parametrize(
    ("config", "none"),
    [(None, True), ({}, True), ({"digest": ""}, True), ({"digest": {}}, False), ([], False)],
)
def test_manifests_that_name_no_config(config: Any, none: bool) -> None:
    raw = go_json({"schemaVersion": 2, "layers": [], "config": config})
    assert names_no_config(raw) is none
    assert names_no_config(b'{"layers": []}')
