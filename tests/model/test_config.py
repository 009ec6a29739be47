"""Configs: valid ones make no repairs, invalid ones make one for each thing that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oci_layout.finding import Findings
from oci_layout.model import dockersave
from oci_layout.model.config import Config
from oci_layout.model.layout import MARKER_BYTES, check_marker
from oci_layout.platform import Platform
from oci_layout.where import Where
from tests.builders import go_json, hex_of, make_image

IMAGE = make_image(names=(), variant="v2")


def read(value: Any) -> tuple[Config | None, list[str]]:
    findings = Findings()
    raw = value if isinstance(value, bytes) else go_json(value)
    config = Config.from_bytes(raw, Where(member="c"), findings)
    return config, [finding.code for finding in findings.errors]


def changed(**fields: Any) -> dict[str, Any]:
    value = {**json.loads(IMAGE.config_bytes), **fields}
    return {key: item for key, item in value.items() if item is not ...}


def test_a_docker_config_is_valid_as_it_is() -> None:
    config, errors = read(IMAGE.config_bytes)
    assert config is not None
    assert (config.repairs, errors) == ((), [])
    assert str(config.digest) == IMAGE.config_digest
    assert config.size == len(IMAGE.config_bytes)
    assert config.platform == Platform("linux", "amd64", "v2")
    assert tuple(map(str, config.diff_ids or ())) == IMAGE.diff_ids
    assert config.history == len(IMAGE.layers)


def test_an_image_without_layers_has_null_diff_ids() -> None:
    config, errors = read(changed(rootfs={"type": "layers", "diff_ids": None}))
    assert config is not None
    assert (config.diff_ids, config.repairs, errors) == ((), (), [])


@pytest.mark.parametrize(
    ("fields", "path", "word"),
    [
        ({"architecture": ...}, ("architecture",), "missing"),
        ({"os": ...}, ("os",), "missing"),
        ({"architecture": 7}, ("architecture",), "not a string"),
        ({"created": 1700000000}, ("created",), "not an RFC 3339 time"),
        ({"created": "yesterday"}, ("created",), "not an RFC 3339 time"),
        ({"author": ["x"]}, ("author",), "not a string"),
        ({"config": []}, ("config",), "not an object"),
        ({"config": {"Cmd": "sh"}}, ("config", "Cmd"), "not a list"),
        ({"config": {"Entrypoint": {"a": 1}}}, ("config", "Entrypoint"), "not a list"),
        ({"config": {"Env": "A=1"}}, ("config", "Env"), "not a list"),
        ({"config": {"Env": ["A=1", 2]}}, ("config", "Env", 1), "not a string"),
        ({"config": {"Labels": {"a": 1}}}, ("config", "Labels", "a"), "not a string"),
        ({"config": {"Labels": []}}, ("config", "Labels"), "object of strings"),
        ({"config": {"Volumes": ["/data"]}}, ("config", "Volumes"), "not an object"),
        ({"config": {"ExposedPorts": ["80/tcp"]}}, ("config", "ExposedPorts"), "not an object"),
        ({"config": {"User": 1000}}, ("config", "User"), "not a string"),
        ({"config": {"WorkingDir": True}}, ("config", "WorkingDir"), "not a string"),
        ({"history": {}}, ("history",), "not a list"),
        ({"history": [{"empty_layer": "yes"}]}, ("history", 0, "empty_layer"), "not a boolean"),
        ({"rootfs": {"type": "x", "diff_ids": []}}, ("rootfs", "type"), "layers"),
        ({"rootfs": {"type": "layers"}}, ("rootfs", "diff_ids"), "missing"),
    ],
)
def test_each_wrong_thing_is_repaired_for_a_reason(
    fields: dict[str, Any], path: tuple[str | int, ...], word: str
) -> None:
    config, _ = read(changed(**fields))
    assert config is not None
    assert [repair.path for repair in config.repairs] == [path]
    assert word in config.repairs[0].reason
    assert config.problems


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"config": {"Cmd": "sh"}}, ["sh"]),
        ({"config": {"ExposedPorts": {"80/tcp": 1}}}, {}),
        ({"config": {"Healthcheck": {"Interval": "1m30s"}}}, 90 * 10**9),
        ({"config": {"Healthcheck": {"Test": "true"}}}, ["true"]),
        ({"config": {"Labels": {"a": 1}}}, "1"),
        ({"config": {"User": 1000}}, "1000"),
        ({"config": {"Volumes": ["/data"]}}, {"/data": {}}),
        ({"config": {"ExposedPorts": ["80/tcp"]}}, {"80/tcp": {}}),
    ],
)
def test_what_was_meant_is_kept_where_it_is_beyond_doubt(
    fields: dict[str, Any], value: Any
) -> None:
    config, _ = read(changed(**fields))
    assert config is not None
    assert config.repairs[0].value == value


@pytest.mark.parametrize(
    "fields",
    [
        {"config": {"Labels": {"a": None}}},
        {"config": {"Env": ["A=1", None]}},
        {"config": {"ExposedPorts": {"80/tcp": None}}},
        {"config": {"Healthcheck": None}},
        {"history": [None]},
        {"created": None},
        {"config": {"Memory": "much"}},
    ],
)
def test_what_go_takes_is_not_touched(fields: dict[str, Any]) -> None:
    config, errors = read(changed(**fields))
    assert config is not None
    assert (config.repairs, config.problems, errors) == ((), (), [])


def test_a_time_that_is_spelled_with_an_escape() -> None:
    raw = go_json(changed(created="2024-05-06T07:08:09+01:00"))
    config, errors = read(raw.replace(b"+01:00", b"\\u002B01:00"))
    assert config is not None
    assert [(each.path, each.value) for each in config.repairs] == [
        (("created",), "2024-05-06T07:08:09+01:00")
    ]
    assert errors == []


@pytest.mark.parametrize("text", ['"', 'a"b', "\\", '\\"', 'a\\"b', '"created": "\\', ": +"])
@pytest.mark.parametrize("place", ["created", "comment"])
def test_any_text_may_stand_where_a_time_belongs_or_beside_it(text: str, place: str) -> None:
    config, errors = read(changed(history=[{place: text, "created_by": text}]))
    assert config is not None
    wanted = [("history", 0, "created")] if place == "created" else []
    assert [repair.path for repair in config.repairs] == wanted
    assert errors == []


def test_a_config_without_rootfs_knows_no_diff_ids() -> None:
    config, _ = read(changed(rootfs=...))
    assert config is not None
    assert config.diff_ids is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"{", "bad-json"),
        (b"[]", "wrong-type"),
        (b"null", "wrong-type"),
        (b'{"os":"linux","os":"linux"}', "duplicate-key"),
        (changed(OS="windows"), "duplicate-key"),
        (changed(config={"Cmd": ["a"], "cmd": ["b"]}), "duplicate-key"),
        (changed(history=[{"created_by": "a", "Created_By": "b"}]), "duplicate-key"),
        (changed(rootfs={"type": "layers", "diff_ids": [], "DIFF_IDS": []}), "duplicate-key"),
        (changed(rootfs={"type": "layers", "diff_ids": ["sha256:xx"]}), "bad-digest"),
        (changed(rootfs={"type": "layers", "diff_ids": [5]}), "wrong-type"),
        (changed(rootfs={"type": "layers", "diff_ids": {}}), "wrong-type"),
    ],
)
def test_what_no_repair_can_help_is_an_error(value: Any, code: str) -> None:
    _, errors = read(value)
    assert code in errors


def test_labels_may_differ_by_case() -> None:
    config, errors = read(changed(config={"Labels": {"a": "1", "A": "2", "os": "x"}}))
    assert config is not None
    assert (config.repairs, errors) == ((), [])


def saved(value: Any) -> tuple[list[dockersave.SavedImage] | None, list[str]]:
    findings = Findings()
    read = dockersave.read_saved(go_json(value), findings)
    return read, [finding.code for finding in findings.errors]


def test_manifest_json() -> None:
    entry = {"Config": "c.json", "RepoTags": ["a:1", "b:2"], "Layers": ["x.tar"], "Parent": "p"}
    images, errors = saved([entry, {"config": "d.json", "repoTags": None, "layers": None}])
    assert errors == []
    assert images is not None
    assert [(i.config, i.tags, i.layers, i.number) for i in images] == [
        ("c.json", ("a:1", "b:2"), ("x.tar",), 0),
        ("d.json", (), (), 1),
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({}, "wrong-type"),
        (None, "wrong-type"),
        ([1], "wrong-type"),
        ([{"Layers": []}], "missing-field"),
        ([{"Config": 1}], "wrong-type"),
        ([{"Config": "c", "config": "d"}], "duplicate-key"),
        ([{"Config": "c", "Layers": "x.tar"}], "wrong-type"),
        ([{"Config": "c", "Layers": [1]}], "wrong-type"),
        ([{"Config": "c", "RepoTags": [None]}], "wrong-type"),
    ],
)
def test_a_manifest_json_that_is_none(value: Any, code: str) -> None:
    assert code in saved(value)[1]


def test_repositories() -> None:
    findings = Findings()
    raw = go_json({"demo": {"1": hex_of(IMAGE.config_digest)}})
    assert dockersave.read_repositories(raw, findings)["demo"].keys() == {"1"}
    assert not findings.found
    dockersave.read_repositories(b'{"demo": []}', findings)
    assert findings.errors


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (MARKER_BYTES, None),
        (b' {"imageLayoutVersion" : "1.0.0"}\n', None),
        (b'{"imageLayoutVersion":"1.1.0"}', "layout-version"),
        (b'{"imageLayoutVersion":1}', "layout-version"),
        (b"{}", "layout-version"),
        (b"[]", "layout-version"),
        (b"", "bad-json"),
    ],
)
def test_the_marker_of_a_layout(raw: bytes, code: str | None) -> None:
    findings = Findings()
    check_marker(raw, findings)
    assert [finding.code for finding in findings.errors] == ([code] if code else [])
