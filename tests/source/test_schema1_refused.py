"""Schema 1 manifests that do not hold: a clear error, exit 3, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import compress, go_json, sha256, write_files
from tests.builders.legacy import ids_of, schema1, schema1_dir, steps_of
from tests.builders.signing import signed
from tests.command import layout, names_in
from tests.converting import refused, verified

THREE = steps_of({"a": b"1"}, {"b": b"2"}, {"c": b"3"})
BASE, MIDDLE, TOP = ids_of(THREE)
Change = Callable[[dict[str, Any]], object]


def inner(value: dict[str, Any], number: int, **fields: Any) -> None:
    """Change fields of one v1Compatibility; None removes one. Number 0 is the newest."""
    step = json.loads(value["history"][number]["v1Compatibility"]) | fields
    kept = {key: item for key, item in step.items() if item is not None}
    value["history"][number]["v1Compatibility"] = go_json(kept).decode()


CHANGES: dict[str, tuple[str, Change]] = {
    "no parent": ("v1-parent-missing", lambda value: inner(value, 0, parent=None)),
    "another parent": ("v1-parent-missing", lambda value: inner(value, 1, parent=TOP)),
    "base with parent": ("v1-parent-missing", lambda value: inner(value, 2, parent="a" * 64)),
    "not reversed": (
        "v1-parent-missing",
        lambda value: (value["history"].reverse(), value["fsLayers"].reverse()),
    ),
    "a step left out": (
        "v1-parent-missing",
        lambda value: (value["history"].pop(1), value["fsLayers"].pop(1)),
    ),
    "id climbs": ("bad-v1-id", lambda value: inner(value, 2, id="../../../etc")),
    "short id": ("bad-v1-id", lambda value: inner(value, 2, id="a" * 63)),
    "upper-case id": ("bad-v1-id", lambda value: inner(value, 2, id="A" * 64)),
    "no id": ("bad-v1-id", lambda value: inner(value, 2, id=None)),
    "loop": (
        "v1-loop",
        lambda value: (
            value["history"].append(value["history"][0]),
            value["fsLayers"].append(value["fsLayers"][0]),
        ),
    ),
    "more layers": ("layer-count", lambda value: value["fsLayers"].pop()),
    "more history": ("layer-count", lambda value: value["history"].pop()),
    "nothing": ("layer-count", lambda value: value.update(history=[], fsLayers=[])),
    "no history": ("missing-field", lambda value: value.pop("history")),
    "no layers": ("missing-field", lambda value: value.pop("fsLayers")),
    "bad digest": ("bad-digest", lambda value: value["fsLayers"][1].update(blobSum="sha256:x")),
    "climbing digest": (
        "bad-digest",
        lambda value: value["fsLayers"][1].update(blobSum="sha256:../../../etc"),
    ),
    "bad step": ("bad-json", lambda value: value["history"][1].update(v1Compatibility="{")),
    "step is null": (
        "wrong-type",
        lambda value: value["history"][1].update(v1Compatibility="null"),
    ),
    "step is empty": ("bad-json", lambda value: value["history"][1].update(v1Compatibility="")),
    "step is an object": (
        "wrong-type",
        lambda value: value["history"][1].update(v1Compatibility={}),
    ),
    "history of texts": ("wrong-type", lambda value: value.update(history=["a", "b", "c"])),
    "two kinds": ("two-kinds", lambda value: value.update(layers=[])),
    "two kinds, list": ("two-kinds", lambda value: value.update(manifests=[])),
    "name is a number": ("wrong-type", lambda value: value.update(name=7)),
    "signatures is a text": ("wrong-type", lambda value: value.update(signatures="x")),
    "no signatures": ("bad-signature", lambda value: value.update(signatures=[])),
}


@pytest.mark.parametrize("name", CHANGES)
def test_document(name: str, tmp_path: Path) -> None:
    code, change = CHANGES[name]
    value = json.loads(schema1(THREE))
    change(value)
    files = schema1_dir(THREE, json.dumps(value, indent=3).encode())
    line = refused(write_files(files, tmp_path / "in"), tmp_path / "to", code)
    assert "manifest.json" in line


@pytest.mark.parametrize("name", ["no parent", "id climbs", "more layers", "two kinds"])
def test_lone_document(name: str, tmp_path: Path) -> None:
    """The same without blobs."""
    code, change = CHANGES[name]
    value = json.loads(schema1(THREE))
    change(value)
    (tmp_path / "manifest").write_text(json.dumps(value))
    status, found = verified(tmp_path / "manifest")
    assert status == 1
    assert ("error", code) in found


@pytest.mark.parametrize("name", ["no parent", "id climbs", "bad digest"])
def test_a_signature_does_not_make_it_right(name: str, tmp_path: Path) -> None:
    code, change = CHANGES[name]
    value = json.loads(schema1(THREE))
    change(value)
    raw = signed(json.dumps(value, indent=3).encode())
    files = schema1_dir(THREE, raw)
    refused(write_files(files, tmp_path / "in"), tmp_path / "to", code)


def test_duplicate_key(tmp_path: Path) -> None:
    """Two readers would take two images from it."""
    raw = schema1(THREE)
    twice = raw[:-2] + b',\n   "fsLayers": []\n}'
    refused(
        write_files(schema1_dir(THREE, twice), tmp_path / "in"), tmp_path / "to", "duplicate-key"
    )


def blob(number: int) -> str:
    return sha256(compress(THREE[number].layer, "gzip"))[7:]


def test_blob_missing(tmp_path: Path) -> None:
    files = schema1_dir(THREE, schema1(THREE))
    del files[blob(1)]
    source = write_files(files, tmp_path / "in")
    (tmp_path / "to").mkdir()
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "to/out")
    assert done.returncode == 3
    assert blob(1) in done.stderr.decode()
    assert names_in(tmp_path / "to") == []
    status, found = verified(source)
    assert status == 1
    assert ("error", "missing-blob") in found


def test_blob_damaged(tmp_path: Path) -> None:
    """Another layer, well packed, under the name of this one."""
    files = schema1_dir(THREE, schema1(THREE))
    files[blob(1)] = compress(THREE[0].layer, "gzip")
    source = write_files(files, tmp_path / "in")
    refused(source, tmp_path / "to", "digest-mismatch")


def test_blob_truncated(tmp_path: Path) -> None:
    files = schema1_dir(THREE, schema1(THREE))
    files[blob(1)] = files[blob(1)][:-5]
    refused(write_files(files, tmp_path / "in"), tmp_path / "to", "digest-mismatch")
