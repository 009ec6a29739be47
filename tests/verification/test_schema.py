"""What `verify` says of a document agrees with the schema of the image spec."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oci_layout.finding import Severity
from tests.builders import go_json, sha256, write_files
from tests.shared import needs_shared
from tests.verification.checking import blob_name, layout_of, report_of, tiny
from tests.verification.schemas import DEVIATIONS, exact, holds

pytestmark = needs_shared

IMAGE = tiny()
LAYERS = [layer.stored for layer in IMAGE.layers]
SPOKEN = {  # the codes that speak of what a schema speaks of
    "wrong-type",
    "mistyped-field",
    "missing-field",
    "bad-digest",
    "schema-version",
    "missing-media-type",
    "missing-config",
    "null-list",
    "layout-version",
}
NOTES = {"org.opencontainers.image.title": "demo"}
DESCRIPTOR = {"mediaType": "application/x", "digest": sha256(b"x"), "size": 1}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "layout": {"imageLayoutVersion": "1.0.0"},
    "index": {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                **IMAGE.descriptor(),
                "platform": {
                    "architecture": "amd64",
                    "os": "linux",
                    "os.version": "1",
                    "os.features": ["a"],
                    "variant": "v1",
                },
                "urls": ["https://example.com"],
                "annotations": NOTES,
            }
        ],
        "subject": DESCRIPTOR,
        "annotations": NOTES,
    },
    "manifest": {**IMAGE.manifest(), "subject": DESCRIPTOR, "annotations": NOTES},
    "config": {
        "architecture": "amd64",
        "os": "linux",
        "variant": "v1",
        "os.version": "1",
        "os.features": ["a"],
        "author": "a",
        "created": "2024-05-06T07:08:09Z",
        "rootfs": IMAGE.config["rootfs"],
        "history": [
            {
                "created_by": "a",
                "comment": "b",
                "author": "c",
                "empty_layer": True,
                "created": "2024-05-06T07:08:09Z",
            }
        ],
        "config": {
            "User": "0",
            "Env": ["A=1"],
            "Cmd": ["a"],
            "Entrypoint": ["a"],
            "Labels": NOTES,
            "ExposedPorts": {"80/tcp": {}},
            "Volumes": {"/a": {}},
            "WorkingDir": "/",
            "StopSignal": "TERM",
            "ArgsEscaped": True,
        },
    },
}
_SCALARS = [None, True, False, 0, 1, 2, 3, -1, 1.5, 1 << 62, "", "text", "1", "sha256:x"]
_OTHERS = ["md5:d41d8cd9", [], [1], ["a"], [None], [{}], {}, {"a": 1}, {"a": "b"}, {"a": None}]
REPLACEMENTS = st.sampled_from([*_SCALARS, sha256(b"y"), *_OTHERS])


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of all values in a document."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            found += places(item, (*path, key))
    return found


def changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """The document with another value in one place; ... removes it."""
    result = copy.deepcopy(value)
    holder = result
    for key in path[:-1]:
        holder = holder[key]
    if new is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return result


def spoken(kind: str, value: Any) -> set[str]:
    """What `verify` says of the types and fields of one document in a whole layout."""
    raw = go_json(value)
    if kind == "config":
        stated = {**IMAGE.manifest()["config"], "digest": sha256(raw), "size": len(raw)}
        files = layout_of({**IMAGE.manifest(), "config": stated}, raw, *LAYERS)
    elif kind == "manifest":
        files = layout_of(raw, IMAGE.config_bytes, *LAYERS)
    else:
        files = layout_of(IMAGE.manifest(), IMAGE.config_bytes, *LAYERS)
        files["index.json" if kind == "index" else "oci-layout"] = raw
    member = {"index": "index.json", "layout": "oci-layout"}.get(kind, blob_name(raw))
    with tempfile.TemporaryDirectory() as folder:
        report = report_of(write_files(files, Path(folder) / "layout"), check="quick")
    return {
        finding.code
        for finding in report.findings
        if finding.where.member == member and finding.severity is not Severity.NOTE
    } & SPOKEN


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_valid_ones(kind: str) -> None:
    assert exact(kind).is_valid(DOCUMENTS[kind])
    assert holds(kind, DOCUMENTS[kind])
    assert spoken(kind, DOCUMENTS[kind]) == set()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_field_removed(kind: str) -> None:
    for path in places(DOCUMENTS[kind]):
        value = changed(DOCUMENTS[kind], path, ...)
        assert holds(kind, value) == (not spoken(kind, value)), path


@pytest.mark.parametrize("kind", DOCUMENTS)
@settings(
    max_examples=250, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_one_field_replaced(kind: str, data: st.DataObject) -> None:
    document = DOCUMENTS[kind]
    path = data.draw(st.sampled_from(places(document)))
    new = data.draw(REPLACEMENTS)
    value = changed(document, path, new)
    found = spoken(kind, value)
    assert holds(kind, value) == (not found), (path, new, found)


@pytest.mark.parametrize("kind", DOCUMENTS)
@settings(
    max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_two_fields_replaced(kind: str, data: st.DataObject) -> None:
    value: Any = DOCUMENTS[kind]
    for _ in range(2):
        path = data.draw(st.sampled_from(places(value)))
        value = changed(value, path, data.draw(REPLACEMENTS))
        if not isinstance(value, dict) or not places(value):
            break
    assert holds(kind, value) == (not spoken(kind, value)), value


SHOWN: list[tuple[str, str, tuple[str | int, ...], Any, bool]] = [
    # deviation, document, place, value, whether verify finds it
    ("null", "manifest", ("annotations",), None, False),
    ("diff_ids", "config", ("rootfs", "diff_ids"), None, False),
    ("empty", "manifest", ("config", "mediaType"), "", True),
    ("layers", "manifest", ("layers",), [], False),
    ("media type", "manifest", ("subject", "mediaType"), "no media type", False),
    ("algorithm", "index", ("subject", "digest"), "md5:d41d8cd9", True),
    ("negative", "index", ("manifests", 0, "size"), -1, True),
    ("data", "manifest", ("config", "data"), "text", True),
    ("time", "config", ("created",), "yesterday", True),
    ("names", "config", ("config", "Shell"), "sh", True),
]


@pytest.mark.parametrize(("deviation", "kind", "path", "new", "found"), SHOWN)
def test_deviations(
    deviation: str, kind: str, path: tuple[str | int, ...], new: Any, found: bool
) -> None:
    """Each of them is one: the schema says otherwise."""
    assert deviation in DEVIATIONS
    value = changed(DOCUMENTS[kind], path, new)
    if deviation != "empty":  # both say that something is wrong, but not the same
        assert exact(kind).is_valid(value) is found
    if deviation != "data":
        assert bool(spoken(kind, value)) is found


def test_no_deviation_is_only_claimed() -> None:
    assert [each[0] for each in SHOWN] == list(DEVIATIONS)
