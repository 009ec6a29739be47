"""V1 archives and V1 registry images that other software made."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests import independent
from tests.builders import full_name, sha256, write_members
from tests.builders.files import Members
from tests.builders.legacy import repositories
from tests.command import names_in
from tests.converting import convert, convert_one, messages, refused, verified
from tests.shared import FIXTURES, needs_shared, rows

pytestmark = needs_shared

REGISTRY = FIXTURES / "text/docker+docker-registry"
REDIS = REGISTRY / "contrib/golang_impl/fixtures/index"
DATA = REGISTRY / "tests/data"


def by_hand(path: Path) -> dict[str, dict[str, Any]]:
    """The images of a V1 archive by name, read with tarfile alone: top document and layers."""
    files: dict[str, bytes] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            data = tar.extractfile(member) if member.isreg() else None
            if data is not None:
                files[member.name.removeprefix("./")] = data.read()
    found: dict[str, dict[str, Any]] = {}
    named = next(name for name in files if name.endswith("repositories"))
    prefix = named.removesuffix("repositories")
    for repository, tags in json.loads(files[named]).items():
        for tag, top in tags.items():
            chain, identity = [], top
            while identity:
                chain.append(json.loads(files[f"{prefix}{identity}/json"]))
                identity = chain[-1].get("parent", "")
            layers = [files[f"{prefix}{step['id']}/layer.tar"] for step in chain[::-1]]
            found[full_name(f"{repository}:{tag}")] = {
                "top": chain[0],
                "lines": [
                    " ".join((step.get("container_config") or {}).get("Cmd") or [])
                    for step in chain[::-1]
                ],
                "diff_ids": tuple(
                    "sha256:" + hashlib.sha256(independent.unpack(layer)[1]).hexdigest()
                    for layer in layers
                ),
            }
    return found


@pytest.mark.parametrize("row", rows("VALID", generations="G0"))
def test_valid(row: dict[str, Any], tmp_path: Path) -> None:
    """No error, and every layer, line and field that can be read by hand comes out."""
    path = FIXTURES / row["rel"]
    status, found = verified(path)
    assert status == 0
    assert {severity for severity, _ in found} <= {"note", "warning"}
    wanted = by_hand(path)
    results = {name: each for each in convert(path, tmp_path) for name in each.names}
    assert results.keys() == wanted.keys()
    for name, image in wanted.items():
        result = results[name]
        assert result.diff_ids == image["diff_ids"]
        assert [line.get("created_by", "") for line in result.config["history"]] == image["lines"]
        for field in ("config", "container_config", "created", "docker_version", "author"):
            assert result.config.get(field) == image["top"].get(field)


@pytest.mark.parametrize("row", rows("BROKEN", generations="G0"))
def test_broken(row: dict[str, Any], tmp_path: Path) -> None:
    """The attack file of docker2aci: an image that is its own parent."""
    assert row["prob"] == ["v1 parent loop"]
    line = refused(FIXTURES / row["rel"], tmp_path / "to", "v1-loop")
    assert "ancestor" in line
    assert "0356b1e5e5e3" in line


def test_there_are_no_others() -> None:
    """Every sample of this kind is in one of the two tests."""
    counts = {name: len(rows(name, generations="G0")) for name in ("VALID", "BROKEN")}
    assert counts == {"VALID": 4, "BROKEN": 1}
    assert {row.id for row in rows("SPARSE", "LAX", "NOT-IMAGE", generations="G0")} == {"absent"}


def folders(*images: Path) -> Members:
    """The folders of a V1 archive around what a V1 registry kept of images."""
    members: Members = {}
    for image in images:
        raw = (image / "json").read_bytes()
        identity = json.loads(raw)["id"]
        layer = image / "layer" if (image / "layer").exists() else image / "layer.tar"
        members[f"{identity}/VERSION"] = b"1.0"
        members[f"{identity}/json"] = raw
        members[f"{identity}/layer.tar"] = layer.read_bytes()
    return members


BASE = DATA / "511136ea3c5a64f264b78b5433614aec563103b4d4702f3ba7d4d2698e22c158"
SUDOERS = DATA / "46af0962ab5afeb5ce6740d4d91652e69206fc991fd5328c1a94d364ad00e457"


def test_registry_chain(tmp_path: Path) -> None:
    """Three images of 2013 in one chain: fields, times and offsets stay as they were written."""
    images = sorted((REDIS / "images").iterdir())
    (top,) = (image.name for image in images if image.name.startswith("e0acc43660ac"))
    members = folders(*images)
    members["repositories"] = repositories({"dynport/redis:latest": top})
    result = convert_one(write_members(members, tmp_path / "in.tar"), tmp_path)
    assert result.names == ("docker.io/dynport/redis:latest",)
    assert [line.get("created_by") for line in result.config["history"]] == [
        None,
        (
            "/bin/sh -c sed 's/main$/main universe/' -i /etc/apt/sources.list && "
            "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y"
        ),
        "/bin/sh -c apt-get install -y redis-server",
    ]
    assert result.config["history"][0] == {
        "created": "2013-04-11T14:13:15.57812-07:00",
        "comment": "Imported from -",
    }
    listed = json.loads((REDIS / "repositories/dynport/redis/images").read_bytes())
    order = [next(image for image in images if image.name == each["id"]) for each in listed]
    layers = [(image / "layer").read_bytes() for image in order]
    assert result.diff_ids == tuple(map(sha256, layers))
    assert (result.config["architecture"], result.config["os"]) == ("x86_64", "linux")


def test_registry_base(tmp_path: Path) -> None:
    """The base of all early images, which has no config at all."""
    result = convert_one(write_members(folders(BASE), tmp_path / "in.tar"), tmp_path)
    assert result.diff_ids == (sha256((BASE / "layer.tar").read_bytes()),)
    assert "config" not in result.config
    assert "Size" not in result.config
    assert result.config["docker_version"] == "0.4.0"


@pytest.mark.parametrize(
    ("image", "parent"), [(SUDOERS, "def3f9165934"), (DATA / "xattr", "73b164f4437d")]
)
def test_registry_image_without_its_parent(image: Path, parent: str, tmp_path: Path) -> None:
    source = write_members(folders(image), tmp_path / "in.tar")
    line = refused(source, tmp_path / "to", "v1-parent-missing")
    assert parent in line
    assert len(messages(source, "v1-parent-missing")) >= 1


@pytest.mark.parametrize("image", [SUDOERS, DATA / "xattr"])
def test_registry_image_on_another_base(image: Path, tmp_path: Path) -> None:
    """The same on the base above: the layer, its attributes too, and the line come through."""
    copy = tmp_path / "copy"
    shutil.copytree(image, copy)
    value = json.loads((image / "json").read_bytes())
    (copy / "json").unlink()
    (copy / "json").write_text(json.dumps({**value, "parent": BASE.name}))
    source = write_members(folders(BASE, copy), tmp_path / "in.tar")
    (tmp_path / "to").mkdir()
    result = convert_one(source, tmp_path / "to")
    assert result.diff_ids[1] == sha256((image / "layer.tar").read_bytes())
    assert result.config["config"] == value["config"]
    assert names_in(tmp_path / "to") == ["out", "out.tar"]
