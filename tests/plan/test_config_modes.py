"""`--config auto|keep|oci`: what may become of a config, to the byte."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import independent
from tests.builders import (
    Image,
    go_json,
    make_image,
    sha256,
    write_docker_archive,
    write_oci_layout,
)
from tests.builders.trees import config_of, edit, manifest_of
from tests.command import codes, report, succeed

# image-spec specs-go/v1/config.go, written down a second time.
SPEC: dict[str, set[str]] = {
    "": {
        "created", "author", "architecture", "variant", "os", "os.version", "os.features",
        "config", "rootfs", "history",
    },
    "config": {
        "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels",
        "StopSignal", "ArgsEscaped",
    },
    "rootfs": {"type", "diff_ids"},
    "history": {"created", "created_by", "author", "comment", "empty_layer"},
}  # fmt: skip


def with_config(text: str) -> Image:
    """An image whose config is exactly this text, `%s` standing for its diff_ids."""
    image = make_image([{"etc/motd": b"hello\n"}])

    class Exact(Image):
        @property
        def config_bytes(self) -> bytes:
            return text.replace("%s", json.dumps(list(self.diff_ids))).encode()

    return Exact(image.layers, image.config, image.names)


# White space, order, escapes, numbers and unknown fields as no encoder would write them.
ODD = """{ "rootfs" : {"diff_ids": %s ,"type":"layers"},
\t"zz": [1.50, 1e3, -0, {"a\\u003cb": "\\/<&>"}],
  "os":"linux" , "architecture": "amd64",
  "config": {"Cmd": ["sh","-c","a \\u0026& b"], "Env": ["A=b"], "Healthcheck": {"Retries":3 }},
  "created" : "2024-05-06T07:08:09.120000000+02:00",
  "history": [ {"created_by":"<x>", "empty_layer" : false} ]
}
"""


@pytest.mark.parametrize("mode", ["auto", "keep"])
@pytest.mark.parametrize("target", ["oci", "docker"])
def test_valid_config_is_kept_to_the_byte(mode: str, target: str, tmp_path: Path) -> None:
    image = with_config(ODD)
    source = write_docker_archive([image], tmp_path / "in.tar")
    said = report(source, "--to", target, "--config", mode, "-o", tmp_path / "out")
    assert config_of(tmp_path / "out") == image.config_bytes
    assert said["images"][0]["image_id_after"] == image.config_digest
    assert said["images"][0]["config_changes"] == []
    independent.check(tmp_path / "out")


# What is wrong with a config, what stands there instead, and what the report says.
FAULTS = {
    "no architecture": (' "architecture": "amd64",', "", "architecture was missing"),
    "no os": ('"os":"linux" ,', "", "os was missing"),
    "text for a list": ('["A=b"]', '"A=b"', "config.Env"),
    "number for a text": ('"created_by":"<x>"', '"created_by":7', "created_by"),
    "text for a flag": ('"empty_layer" : false', '"empty_layer" : "no"', "empty_layer"),
    "wrong rootfs type": ('"type":"layers"', '"type":"wheels"', "rootfs.type"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_field_is_repaired_and_no_other_byte(fault: str, tmp_path: Path) -> None:
    """`auto` edits the one field as text; what surrounds it stays."""
    good, bad, told = FAULTS[fault]
    assert good in ODD
    source = write_docker_archive([with_config(ODD.replace(good, bad))], tmp_path / "in.tar")
    said = report(source, "--to", "oci", "-o", tmp_path / "out")
    (image,) = said["images"]
    (change,) = image["config_changes"]
    assert (change["kind"], told in change["text"]) == ("repaired", True)
    assert image["image_id_before"] != image["image_id_after"]
    new = config_of(tmp_path / "out").decode()
    value = json.loads(new)
    assert (value["architecture"], value["os"]) == ("amd64", "linux")
    assert value["rootfs"]["type"] == "layers"
    # Every line but the one with the fault, and the end where a missing field is added.
    diff_ids = json.dumps(value["rootfs"]["diff_ids"])
    lines = ODD.replace(good, bad).replace("%s", diff_ids).splitlines()
    missing = [line for line in lines if line not in new.splitlines()]
    assert len(missing) <= 1
    assert '"zz": [1.50, 1e3, -0, {"a\\u003cb": "\\/<&>"}]' in new
    independent.check(tmp_path / "out")


@pytest.mark.parametrize("fault", FAULTS)
def test_keep_never_touches(fault: str, tmp_path: Path) -> None:
    """Also what is invalid is kept, with a warning that says what is wrong with it."""
    good, bad, told = FAULTS[fault]
    image = with_config(ODD.replace(good, bad))
    source = write_docker_archive([image], tmp_path / "in.tar")
    said = report(source, "--to", "oci", "--config", "keep", "-o", tmp_path / "out")
    assert config_of(tmp_path / "out") == image.config_bytes
    assert said["images"][0]["image_id_after"] == image.config_digest
    (warning,) = [each for each in said["warnings"] if each["code"] == "invalid-config"]
    assert told in warning["message"]


def test_keep_without_rootfs(tmp_path: Path) -> None:
    text = re.sub(r'"rootfs" : {.*?},', "", ODD)
    source = write_docker_archive([with_config(text)], tmp_path / "in.tar")
    said = report(source, "--to", "oci", "--config", "keep", "-o", tmp_path / "out")
    assert "invalid-config" in codes(said)
    assert config_of(tmp_path / "out") == text.encode()
    said = report(source, "--to", "oci", "-o", tmp_path / "repaired")
    assert "rootfs was missing" in said["images"][0]["config_changes"][0]["text"]
    independent.check(tmp_path / "repaired")


def beyond_spec(value: dict[str, Any]) -> list[str]:
    """Paths of all fields that the specification does not define."""
    found = [key for key in value if key not in SPEC[""]]
    for part in ("config", "rootfs"):
        found += [f"{part}.{key}" for key in value.get(part, {}) if key not in SPEC[part]]
    for number, entry in enumerate(value.get("history", [])):
        found += [f"history[{number}].{key}" for key in entry if key not in SPEC["history"]]
    return found


@pytest.mark.parametrize("text", [ODD, ODD.replace('"<x>"', '"<x>", "extra": {}'), None])
def test_oci_leaves_what_the_specification_defines(text: str | None, tmp_path: Path) -> None:
    """Every dropped field is listed; all that stays has its value."""
    image = make_image() if text is None else with_config(text)
    before = json.loads(image.config_bytes)
    source = write_docker_archive([image], tmp_path / "in.tar")
    said = report(source, "--to", "oci", "--config", "oci", "-o", tmp_path / "out")
    after = json.loads(config_of(tmp_path / "out"))
    dropped = beyond_spec(before)
    assert len(dropped) >= 2
    changes = said["images"][0]["config_changes"]
    assert {each["kind"] for each in changes} == {"dropped"}
    assert sorted(each["field"] for each in changes) == sorted(dropped)
    assert beyond_spec(after) == []
    for key in SPEC[""] - {"config", "rootfs", "history"}:
        assert after.get(key) == before.get(key)
    assert after["config"] == {k: v for k, v in before["config"].items() if k in SPEC["config"]}
    assert after["rootfs"] == before["rootfs"]
    assert len(after["history"]) == len(before["history"])
    independent.check(tmp_path / "out")
    people = succeed("repack", source, "--to", "oci", "--config", "oci", "-o", tmp_path / "again")
    for path in dropped:
        assert path in " ".join(people.decode().split())


def test_oci_config_is_deterministic_and_settled(tmp_path: Path) -> None:
    """Twice the same bytes; and once strict, nothing is left to drop."""
    source = write_docker_archive([make_image(), with_config(ODD)][:1], tmp_path / "in.tar")
    flags = ("--to", "oci", "--config", "oci", "-o")
    for name, jobs in (("a", 1), ("b", 4)):
        succeed("repack", source, *flags, tmp_path / name, "--jobs", jobs)
    assert config_of(tmp_path / "a") == config_of(tmp_path / "b")
    said = report(tmp_path / "a", *flags, tmp_path / "c")
    assert said["images"][0]["config_changes"] == []
    assert manifest_of(tmp_path / "c") == manifest_of(tmp_path / "a")


@pytest.mark.parametrize("mode", ["auto", "keep", "oci"])
@pytest.mark.parametrize("extra", [(), ("--compression", "gzip")])
def test_dry_run_foresees_the_config(mode: str, extra: tuple[str, ...], tmp_path: Path) -> None:
    """What will be said of the config is said beforehand, whether or not layers are packed."""
    text = ODD.replace('["A=b"]', '"A=b"')
    source = write_docker_archive([with_config(text)], tmp_path / "in.tar")
    words = (source, "--to", "oci", "--config", mode, *extra)
    foreseen = report(*words, "--dry-run")["images"][0]
    done = report(*words, "-o", tmp_path / "out")["images"][0]
    assert foreseen["config_changes"] == done["config_changes"]
    assert foreseen["image_id_after"] in (None, done["image_id_after"])
    if mode == "keep":
        assert foreseen["image_id_after"] == done["image_id_after"]


def test_manifest_edit_leaves_all_other_bytes(tmp_path: Path) -> None:
    """From Docker's types to OCI's only the types change; unknown fields and spaces stay."""
    image = make_image(compression="gzip")
    source = write_oci_layout([image], tmp_path / "in", family="docker")
    raw = json.dumps({**image.manifest("docker"), "x-unknown": [1.0, "<&>"]}, indent=3).encode()

    def respaced(files: dict[str, bytes]) -> None:
        index = json.loads(files["index.json"])
        index["manifests"][0] |= {"digest": sha256(raw), "size": len(raw)}
        files["index.json"] = go_json(index)
        del files[f"blobs/sha256/{image.manifest_digest('docker')[7:]}"]

    edit(source, respaced)
    (source / "blobs/sha256" / sha256(raw)[7:]).write_bytes(raw)
    succeed("repack", source, "--to", "oci", "-o", tmp_path / "out")
    found = independent.check(tmp_path / "out")
    (digest,) = found.manifests
    new = found.files[f"blobs/sha256/{digest[7:]}"]
    for old_type, new_type in (
        (b"vnd.docker.distribution.manifest.v2+json", b"vnd.oci.image.manifest.v1+json"),
        (b"vnd.docker.container.image.v1+json", b"vnd.oci.image.config.v1+json"),
        (b"vnd.docker.image.rootfs.diff.tar.gzip", b"vnd.oci.image.layer.v1.tar+gzip"),
    ):
        raw = raw.replace(old_type, new_type)
    assert new == raw
