"""Fields and descriptors: every wrong type is found, and named by its path."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.model.descriptor import DESCRIPTOR_FIELDS, Descriptor, platform_json
from oci_layout.model.fields import Fields
from oci_layout.platform import Platform
from oci_layout.where import Where

DIGEST = str(Digest.of(b"x"))
TYPE = "application/vnd.oci.image.manifest.v1+json"


def descriptor(**changes: Any) -> tuple[Descriptor | None, list[tuple[str, str]]]:
    """Read a descriptor; it, and (code, field) of each error."""
    value = {"mediaType": TYPE, "digest": DIGEST, "size": 1, **changes}
    value = {key: item for key, item in value.items() if item is not ...}
    findings = Findings()
    where = Where(member="m", field="manifests[2]")
    read = Descriptor.from_fields(Fields(value, where, findings, DESCRIPTOR_FIELDS), entry=True)
    return read, [(finding.code, finding.where.field) for finding in findings.errors]


def test_all_that_a_descriptor_holds() -> None:
    platform = {
        "os": "windows",
        "architecture": "amd64",
        "os.version": "10.0",
        "os.features": ["win32k"],
        "variant": "v2",
    }
    read, errors = descriptor(
        urls=["https://a"],
        annotations={"k": "v"},
        platform=platform,
        artifactType="t/x",
        data=base64.b64encode(b"x").decode(),
        unknown={"kept": True},
    )
    assert errors == []
    assert read is not None
    assert (read.media_type, str(read.digest), read.size) == (TYPE, DIGEST, 1)
    assert (read.urls, read.annotations, read.artifact_type) == (("https://a",), {"k": "v"}, "t/x")
    assert read.platform == Platform("windows", "amd64", "v2", "10.0", ("win32k",))
    assert platform_json(read.platform) == platform
    assert read.source["unknown"] == {"kept": True}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"size": 1.0}, "wrong-type", "size"),
        ({"size": -1}, "wrong-type", "size"),
        ({"size": True}, "wrong-type", "size"),
        ({"size": "1"}, "wrong-type", "size"),
        ({"size": 2**63}, "wrong-type", "size"),
        ({"size": None}, "missing-field", "size"),
        ({"size": ...}, "missing-field", "size"),
        ({"digest": ...}, "missing-field", "digest"),
        ({"digest": 5}, "wrong-type", "digest"),
        ({"digest": "sha256:../../etc/passwd"}, "bad-digest", "digest"),
        ({"digest": "md5:" + "0" * 32}, "bad-digest", "digest"),
        ({"mediaType": ["x"]}, "wrong-type", "mediaType"),
        ({"urls": "https://a"}, "wrong-type", "urls"),
        ({"urls": ["https://a", 1]}, "wrong-type", "urls[1]"),
        ({"annotations": []}, "wrong-type", "annotations"),
        ({"annotations": {"k": 1}}, "wrong-type", "annotations['k']"),
        ({"platform": "linux/amd64"}, "wrong-type", "platform"),
        ({"platform": {"os": 1}}, "wrong-type", "platform.os"),
        ({"platform": {"os.features": "x"}}, "wrong-type", "platform.os.features"),
        ({"data": "!"}, "bad-data", "data"),
        ({"data": base64.b64encode(b"y").decode()}, "bad-data", "data"),
        ({"data": base64.b64encode(b"xx").decode()}, "bad-data", "data"),
        ({"Size": 2}, "duplicate-key", ""),
        ({"DIGEST": DIGEST}, "duplicate-key", ""),
        ({"mediatype": TYPE}, "duplicate-key", ""),
        ({"platform": {"os": "linux", "OS": "windows"}}, "duplicate-key", "platform"),
    ],
)
def test_each_wrong_field_is_named(changes: dict[str, Any], code: str, field: str) -> None:
    _, errors = descriptor(**changes)
    assert errors == [(code, f"manifests[2].{field}" if field else "manifests[2]")]


def test_without_media_type_is_a_warning() -> None:
    read, errors = descriptor(mediaType=...)
    assert errors == []
    assert read is not None
    assert read.media_type == ""


def test_lower_case_alone_is_read() -> None:
    read, errors = descriptor(mediaType=..., mediatype=TYPE, digest=..., Digest=DIGEST)
    assert errors == []
    assert read is not None
    assert (read.media_type, str(read.digest)) == (TYPE, DIGEST)


def test_keys_of_maps_are_free() -> None:
    read, errors = descriptor(annotations={"Size": "1", "size": "2", "digest": "x"})
    assert errors == []
    assert read is not None
    assert read.annotations == {"Size": "1", "size": "2", "digest": "x"}


def test_unknown_fields_may_differ_by_case() -> None:
    _, errors = descriptor(extra=1, Extra=2)
    assert errors == []


def test_a_list_of_objects_keeps_its_numbers() -> None:
    findings = Findings()
    fields = Fields({"list": [{"a": "x"}, 5, {"a": 7}]}, Where(), findings, frozenset({"list"}))
    read = [(number, inner.text("a")) for number, inner in fields.objects("list", frozenset({"a"}))]
    assert read == [(0, "x"), (2, None)]
    assert [finding.where.field for finding in findings.errors] == ["list[1]", "list[2].a"]
