"""What each option of ``edit`` does to a config, and that it does nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import oci_layout
from oci_layout.errors import LayoutError, TargetError, UsageError
from oci_layout.plan.change import ChangeKind
from oci_layout.plan.report import Report
from tests import independent
from tests.builders import go_json, make_image, write_docker_archive, write_oci_layout
from tests.command import layout

HEALTH = {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000, "Retries": 3}
ENV = ["PATH=/bin:/usr/bin", "B=<tag>&amp;"]
LABELS = {"maintainer": "\u00fcn\u00efcode", "title": "demo <&> app"}


def config_of(path: Path) -> dict[str, Any]:
    """The one config of a result, every digest checked."""
    (raw,) = independent.check(path).configs.values()
    found: dict[str, Any] = json.loads(raw)
    return found


def edited(
    tmp_path: Path, config: dict[str, Any] | None = None, **asked: Any
) -> tuple[dict[str, Any], dict[str, Any], Report]:
    """The config before and after, and the report."""
    image = make_image(config=config)
    source = write_oci_layout([image], tmp_path / "in")
    report = oci_layout.edit(source, tmp_path / "out", **asked)
    return json.loads(image.config_bytes), config_of(tmp_path / "out"), report


# What is asked, the inner field, and what it becomes; None is no such field.
RUN: list[tuple[dict[str, Any], str, Any]] = [
    ({"labels": ["a=b"]}, "Labels", {**LABELS, "a": "b"}),
    (
        {"labels": ["title=<&>", "x=1=2", "e="]},
        "Labels",
        {**LABELS, "title": "<&>", "x": "1=2", "e": ""},
    ),
    ({"labels": ["title-"]}, "Labels", {"maintainer": LABELS["maintainer"]}),
    ({"labels": ["title-", "maintainer-"]}, "Labels", {}),
    ({"labels": ["gone-"]}, "Labels", LABELS),
    ({"labels": ["a=b", "a-"]}, "Labels", LABELS),
    ({"labels": ["-"]}, "Labels", None),
    ({"labels": ["-", "only=1"]}, "Labels", {"only": "1"}),
    ({"labels": ["k-=v"]}, "Labels", {**LABELS, "k-": "v"}),
    ({"env": ["B=2"]}, "Env", [ENV[0], "B=2"]),
    ({"env": ["C=3"]}, "Env", [*ENV, "C=3"]),
    ({"env": ["B-"]}, "Env", [ENV[0]]),
    ({"env": ["PATH-"]}, "Env", [ENV[1]]),
    ({"env": ["PATH-", "Z=", "B=x y=z"]}, "Env", ["B=x y=z", "Z="]),
    ({"env": ["-"]}, "Env", None),
    ({"env": ["b-"]}, "Env", ENV),
    ({"cmd": ["sleep", "3"]}, "Cmd", ["sleep", "3"]),
    ({"cmd": "sleep 3"}, "Cmd", ["sleep 3"]),
    ({"cmd": '["sh", "-c", "a b"]'}, "Cmd", ["sh", "-c", "a b"]),
    ({"cmd": "-"}, "Cmd", None),
    ({"cmd": ["-", "x"]}, "Cmd", ["-", "x"]),
    ({"cmd": '["-"]'}, "Cmd", ["-"]),
    ({"cmd": "[]"}, "Cmd", []),
    ({"entrypoint": ["/init", "-g", "daemon off;"]}, "Entrypoint", ["/init", "-g", "daemon off;"]),
    ({"entrypoint": "-"}, "Entrypoint", None),
    ({"user": "1000:1000"}, "User", "1000:1000"),
    ({"user": "-"}, "User", None),
    ({"workdir": "/srv/p\u00e4th"}, "WorkingDir", "/srv/p\u00e4th"),
    ({"stop_signal": "SIGQUIT"}, "StopSignal", "SIGQUIT"),
    ({"expose": ["80", "53/udp"]}, "ExposedPorts", {"80/tcp": {}, "53/udp": {}}),
    ({"expose": ["80", "80-"]}, "ExposedPorts", {}),
    ({"expose": ["80-"]}, "ExposedPorts", None),
    ({"volumes": ["/data", "/a-b"]}, "Volumes", {"/data": {}, "/a-b": {}}),
    (
        {"healthcheck": "curl -f x || exit 1"},
        "Healthcheck",
        {**HEALTH, "Test": ["CMD-SHELL", "curl -f x || exit 1"]},
    ),
    ({"healthcheck": '["CMD","/check"]'}, "Healthcheck", {**HEALTH, "Test": ["CMD", "/check"]}),
    ({"healthcheck": "none"}, "Healthcheck", {"Test": ["NONE"]}),
    ({"healthcheck": "-"}, "Healthcheck", None),
    (
        {"healthcheck": '{"test":["CMD","a"],"Interval":"1m30s","Retries":5}'},
        "Healthcheck",
        {"Test": ["CMD", "a"], "Interval": 90 * 10**9, "Retries": 5},
    ),
    (
        {"health_interval": "1h0.5s", "health_timeout": "250ms", "health_retries": "9"},
        "Healthcheck",
        {**HEALTH, "Interval": 3600500000000, "Timeout": 250000000, "Retries": 9},
    ),
    ({"health_retries": "-", "health_interval": "-"}, "Healthcheck", {"Test": HEALTH["Test"]}),
    (
        {"health_start_period": "3s", "health_start_interval": "1s"},
        "Healthcheck",
        {**HEALTH, "StartPeriod": 3 * 10**9, "StartInterval": 10**9},
    ),
]
TOP: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"author": "A <a@b.example>"}, {"author": "A <a@b.example>"}),
    ({"author": "-"}, {"author": None}),
    ({"created": "2020-02-03T04:05:06.7+01:00"}, {"created": "2020-02-03T03:05:06.7Z"}),
    ({"created": "0"}, {"created": "1970-01-01T00:00:00Z"}),
    ({"created": "-"}, {"created": None}),
    ({"platform_of": "linux/arm64"}, {"architecture": "arm64"}),
    ({"platform_of": "linux/arm/v7"}, {"architecture": "arm", "variant": "v7"}),
    ({"platform_of": "windows(10.0.1.2)/amd64"}, {"os": "windows", "os.version": "10.0.1.2"}),
]
REFUSED: list[tuple[dict[str, Any], type[LayoutError], str]] = [
    ({}, UsageError, "nothing is to be edited"),
    ({"labels": ["a"]}, UsageError, "neither KEY=VALUE nor KEY-"),
    ({"labels": ["=b"]}, UsageError, "neither KEY=VALUE nor KEY-"),
    ({"env": ["A"]}, UsageError, "--env"),
    ({"cmd": "[1]"}, UsageError, "no list of texts"),
    ({"cmd": '["a"'}, UsageError, "--cmd.*not JSON"),
    ({"expose": ["http"]}, UsageError, "no port"),
    ({"expose": ["0"]}, UsageError, "no port"),
    ({"expose": ["70000/tcp"]}, UsageError, "no port"),
    ({"healthcheck": '["/check"]'}, UsageError, "begins with NONE, CMD or CMD-SHELL"),
    ({"healthcheck": '{"Every": 1}'}, UsageError, "no field of it"),
    ({"healthcheck": '{"Retries": "x"}'}, UsageError, "invalid config"),
    ({"health_interval": "90"}, UsageError, "no duration"),
    ({"health_interval": "999999999h"}, UsageError, "292 years"),
    ({"health_retries": "x"}, UsageError, "no number"),
    ({"platform_of": "arm64"}, UsageError, "--platform-of"),
    ({"created": "yesterday"}, UsageError, "is no time"),
    ({"created": "2300-01-01T00:00:00Z"}, UsageError, "1970 and 2242"),
    ({"clamp_time": "SOURCE_DATE_EPOCH"}, UsageError, "SOURCE_DATE_EPOCH is ''"),
    ({"clamp_time": "2020-01-01T00:00:00.5Z"}, UsageError, "whole second"),
    ({"layers": True}, UsageError, "without a time"),
    ({"labels": ["a=\udc80"]}, UsageError, "not UTF-8"),
    ({"labels": ["a=b"], "preserve_digests": True}, TargetError, "changes digests"),
    ({"annotations": ["a=b"], "preserve_digests": True}, TargetError, "changes digests"),
    ({"labels": ["a=b"], "in_place": True}, UsageError, "leave one out"),
]


@pytest.mark.parametrize(("asked", "field", "value"), RUN, ids=lambda each: str(each)[:60])
def test_a_field_of_what_runs(asked: Any, field: str, value: Any, tmp_path: Path) -> None:
    before, after, report = edited(tmp_path, **asked)
    assert after["config"].get(field) == value
    expected = copy.deepcopy(before)
    expected["config"].pop(field, None)
    if value is not None:
        expected["config"][field] = value
    assert after == expected
    (image,) = report.images
    changed = before != after
    assert (image.image_id_before != image.image_id_after) == changed
    assert bool(image.config_changes) == changed
    assert all(each.field.startswith(f"config.{field}") for each in image.config_changes)


@pytest.mark.parametrize(("asked", "changed"), TOP, ids=lambda each: str(each)[:60])
def test_a_field_of_the_config_itself(asked: Any, changed: Any, tmp_path: Path) -> None:
    before, after, report = edited(tmp_path, **asked)
    expected = {key: item for key, item in {**before, **changed}.items() if item is not None}
    assert after == expected
    assert {each.kind for each in report.images[0].config_changes} <= {ChangeKind.EDITED}


@pytest.mark.parametrize(("asked", "kind", "message"), REFUSED, ids=lambda each: str(each)[:50])
def test_what_makes_no_sense_is_refused(
    asked: Any,
    kind: type[LayoutError],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    with pytest.raises(kind, match=message):
        edited(tmp_path, **asked)
    assert not (tmp_path / "out").exists()


def test_every_other_byte_of_the_text_stays(tmp_path: Path) -> None:
    """White space, order, escapes, numbers that Go writes otherwise, fields that nobody knows."""
    image = make_image()
    text = go_json(image.config).replace(b'"architecture"', b'\n  "architecture" ')
    text = text.replace(b'"Cmd":', b'"x-odd":[1.0e2,-0,"\\u0041\\/"],"Cmd" : ')
    image.__dict__["config_bytes"] = text  # as the builder would have cached it
    source = write_docker_archive([image], tmp_path / "in.tar")
    oci_layout.edit(source, tmp_path / "out.tar", cmd=["/x"], labels=["a=b", "title-"])
    (new,) = independent.check(tmp_path / "out.tar").configs.values()
    before = text.replace(b'["/bin/busybox","cat","/etc/motd"]', b'["/x"]')
    before = before.replace(b',"title":"demo \\u003c\\u0026\\u003e app"', b',"a":"b"')
    assert new == before


@pytest.mark.parametrize("there", [None, "absent"])
def test_maps_that_are_null_or_absent_are_made(there: str | None, tmp_path: Path) -> None:
    config = {"Labels": None, "ExposedPorts": None, "Env": None, "Healthcheck": None}
    _, after, _ = edited(
        tmp_path,
        config if there is None else {},
        labels=["a=b"],
        env=["A=1"],
        expose=["1"],
        health_retries="2",
        volumes=["/v"],
    )
    assert after["config"]["Labels"]["a"] == "b"
    assert after["config"]["Env"][-1] == "A=1"
    assert after["config"]["ExposedPorts"] == {"1/tcp": {}}
    assert after["config"]["Healthcheck"]["Retries"] == 2


def test_a_merge_patch(tmp_path: Path) -> None:
    """RFC 7396: null takes away, objects are merged, all else is set; options come after it."""
    patch = {
        "author": "p",
        "x-new": {"a": {"b": 1}, "n": None},
        "config": {"Healthcheck": None, "labels": {"title": None, "l": "1"}, "Cmd": ["p"]},
        "comment": "c",
    }
    (tmp_path / "patch").write_text(json.dumps(patch))
    before, after, _ = edited(tmp_path, patch=tmp_path / "patch", author="o")
    expected = copy.deepcopy(before)
    del expected["config"]["Healthcheck"], expected["config"]["Labels"]["title"]
    expected["config"]["Labels"]["l"] = "1"
    expected["config"]["Cmd"] = ["p"]
    expected |= {"author": "o", "x-new": {"a": {"b": 1}}, "comment": "c"}
    assert after == expected


@pytest.mark.parametrize(
    ("patch", "status", "message"),
    [
        (b"[]", 2, "is an object"),
        (b"{", 3, "not JSON"),
        (b'{"a":1,"a":2}', 3, "stands twice"),
        (b'{"rootfs":{"diff_ids":[]}}', 2, "rootfs is not edited"),
        (b'{"RootFS":null}', 2, "rootfs is not edited"),
        (b'{"config":{"Env":"x"}}', 2, "invalid config"),
        (b'{"config":{"Labels":{"a":1}}}', 2, "invalid config"),
        (b'{"history":[]}', 2, "another number of layers"),
        (b'{"os":null}', 2, "invalid config"),
        (b'{"created":"now"}', 2, "invalid config"),
        (b'{"config":null}', 0, ""),
    ],
)
def test_a_patch_leaves_a_config(patch: bytes, status: int, message: str, tmp_path: Path) -> None:
    (tmp_path / "patch").write_bytes(patch)
    source = write_oci_layout([make_image()], tmp_path / "in")
    done = layout("edit", source, "--patch", tmp_path / "patch", "-o", tmp_path / "out")
    assert done.returncode == status
    assert message in done.stderr.decode()


def test_times_are_clamped_and_earlier_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1577836800")
    image = make_image()
    lines = [
        {**line, "created": stamp}
        for line, stamp in zip(
            image.config["history"],
            [
                "2019-12-31T23:59:59.999999999Z",
                "2020-01-01T00:59:59+01:00",
                "2020-01-01T00:00:00.1Z",
            ],
            strict=False,
        )
    ]
    config = {**image.config, "history": lines, "created": "2024-05-05T00:00:00Z"}
    changed = type(image)(layers=image.layers, config=config, names=image.names)
    source = write_oci_layout([changed], tmp_path / "in")
    oci_layout.edit(source, tmp_path / "out", clamp_time="SOURCE_DATE_EPOCH")
    after = config_of(tmp_path / "out")
    assert after["created"] == "2020-01-01T00:00:00Z"
    kept = ["2019-12-31T23:59:59.999999999Z", "2020-01-01T00:59:59+01:00"]
    assert [line["created"] for line in after["history"]][:2] == kept
    assert all(line["created"] == "2020-01-01T00:00:00Z" for line in after["history"][2:])


def test_annotations_are_those_of_the_manifest(tmp_path: Path) -> None:
    image = make_image()
    source = write_oci_layout([image], tmp_path / "in")
    oci_layout.edit(source, tmp_path / "a", annotations=["x=1", "y=2"])
    oci_layout.edit(tmp_path / "a", tmp_path / "b", annotations=["x-", "y=<&>"])
    (manifest,) = independent.check(tmp_path / "b").manifests.values()
    assert manifest["annotations"] == {"y": "<&>"}
    oci_layout.edit(tmp_path / "b", tmp_path / "c", annotations=["-"])
    checked = independent.check(tmp_path / "c")
    assert list(checked.manifests) == [image.manifest_digest()]
    assert "annotations" not in checked.manifests[image.manifest_digest()]
    saved = write_docker_archive([image], tmp_path / "in.tar")
    with pytest.raises(TargetError, match="hold no annotations"):
        oci_layout.edit(saved, tmp_path / "d.tar", annotations=["x=1"])
