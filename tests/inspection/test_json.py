"""The JSON: its schema holds for everything, says something, and describes every key."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oci_layout import inspect
from oci_layout.errors import LayoutError
from oci_layout.source.kinds import KINDS
from tests.builders import make_image, write_hybrid_archive, write_index_layout
from tests.command import printed
from tests.inspection.shown import nodes, schema, tree
from tests.shared import CORPUS, FIXTURES, ROOT, needs_shared, samples

TESTDATA = sorted(path for path in (ROOT / "testdata").iterdir() if path.suffix != ".md")


@pytest.mark.parametrize("path", TESTDATA, ids=lambda path: path.name)
def test_our_own_files(path: Path) -> None:
    tree(path)
    tree(path, largest=2)


@needs_shared
def test_everything_that_can_be_shown_is_valid() -> None:
    paths = [FIXTURES / row["rel"] for row in samples()]
    paths += [*CORPUS.glob("*/*"), *(FIXTURES / "text").rglob("*.json")]
    shown = 0
    for path in paths:
        try:
            value = inspect(str(path)).to_json()
        except LayoutError:
            continue
        shown += 1
        schema().validate(json.loads(json.dumps(value)))
    assert shown > 280


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of all keys of a document."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
        if path and path[-1] in ("annotations", "labels", "healthcheck"):
            return
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        if isinstance(value, dict):
            yield (*path, key)
        yield from places(item, (*path, key))


def test_the_schema_misses_no_key(tmp_path: Path) -> None:
    """Without any one of its keys, or with one more beside it, a document is not valid."""
    layout = write_index_layout(tmp_path / "x", [make_image()], attestations=True)
    value = tree(layout, largest=1)
    optional = {"files"}
    checked = 0
    for path in places(value):
        changed = copy.deepcopy(value)
        holder: Any = changed
        for key in path[:-1]:
            holder = holder[key]
        del holder[path[-1]]
        checked += 1
        assert schema().is_valid(changed) is (path[-1] in optional and path[-2] != "files"), path
        holder["surprise"] = 1
        assert not schema().is_valid(changed), path
    assert checked > 100


def test_the_schema_knows_every_kind_of_source() -> None:
    source = schema().schema["properties"]["source"]
    assert set(source["properties"]["kind"]["enum"]) == {each.json for each in KINDS}


def test_every_key_is_described() -> None:
    def look(node: Any, path: str) -> None:
        for key, item in node.get("properties", {}).items():
            place = f"{path}.{key}"
            named = {"const", "$ref"} & item.keys() or key == "severity"
            assert item.get("description") or named, place
            look(item, place)
            look(item.get("items", {}), place)

    value = schema().schema
    look(value, "")
    for name, node in value["$defs"].items():
        assert name == "node" or node["description"]
        look(node, name)


def test_one_document_and_nothing_else(tmp_path: Path) -> None:
    source = write_hybrid_archive([make_image()], tmp_path / "in.tar")
    value = printed("inspect", source)
    assert value == tree(source)
    assert value["version"] == 1
    assert list(value) == [
        "version",
        "source",
        "roots",
        "totals",
        "findings",
        "findings_left_out",
    ]


def test_what_an_image_says(tmp_path: Path) -> None:
    image = make_image(
        compression=["none", "gzip"],
        config={
            "User": "1",
            "WorkingDir": "/srv",
            "Entrypoint": ["/bin/e"],
            "ExposedPorts": {"80/tcp": {}},
            "Volumes": {"/data": {}},
            "StopSignal": "TERM",
        },
    )
    source = write_hybrid_archive([image], tmp_path / "in.tar")
    (node,) = nodes(tree(source))
    assert node["names"] == ["demo:1"]
    assert node["digest"] == image.manifest_digest()
    assert node["image_id"] == node["config"]["digest"] == image.config_digest
    assert node["platform"] == "linux/amd64"
    assert node["family"] == "oci"
    run = {key: node["config"][key] for key in ("user", "working_dir", "entrypoint", "cmd")}
    assert run == {
        "user": "1",
        "working_dir": "/srv",
        "entrypoint": ["/bin/e"],
        "cmd": ["/bin/busybox", "cat", "/etc/motd"],
    }
    assert node["config"]["exposed_ports"] == ["80/tcp"]
    assert node["config"]["volumes"] == ["/data"]
    assert node["config"]["labels"]["title"] == "demo <&> app"
    assert node["config"]["healthcheck"]["Test"] == ["CMD-SHELL", "true"]
    assert node["config"]["docker_extras"] == ["HEALTHCHECK", "ONBUILD", "SHELL"]
    first, second = node["layers"]
    assert [first["diff_id"], second["diff_id"]] == list(image.diff_ids)
    assert [first["digest"], second["digest"]] == [each.digest for each in image.layers]
    assert (first["labelled"], first["compression"], first["mislabelled"]) == ("none",) * 2 + (
        False,
    )
    assert second["compression"] == "gzip"
    assert second["created_by"] == "COPY layer 1 in / "
    assert [line["layer"] for line in node["history"]] == [0, 1, None]
    assert "files" not in first
