"""`--legacy`: the archives that Docker 1.0 to 1.9 read."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oci_layout import LayoutError, repack
from tests.builders import (
    Image,
    Layer,
    Link,
    layer_tar,
    make_image,
    sha256,
    write_docker_archive,
    write_members,
    write_oci_layout,
)
from tests.builders.legacy import steps_of, write_v1
from tests.builders.trees import image_of
from tests.command import layout, names_in, report
from tests.converting import Archive, archive, images_of, sound
from tests.independent import read_files

LEGACY = ("--to", "docker", "--legacy")


def legacy(images: Sequence[Image], folder: Path, *flags: object) -> Archive:
    """Write images as a layout, and that as a legacy archive."""
    source = write_oci_layout(images, folder / "in")
    report(source, *LEGACY, "-o", folder / "out.tar", *flags)
    sound(folder / "out.tar")
    return archive(folder / "out.tar")


def repeated() -> Image:
    """An image of four layers, of which three are the same."""
    base, other = Layer(layer_tar({"a": b"1"}), "gzip"), Layer(layer_tar({"b": b"2"}), "zstd")
    return image_of(base, other, base, base, names=("demo:1", "example.com/demo:2"))


def test_what_is_inside(tmp_path: Path) -> None:
    """A folder for each layer, raw layers, and a manifest.json that names the same files."""
    image = make_image(compression=["gzip", "zstd"], names=("demo:1", "example.com:5000/demo:2"))
    found = legacy([image], tmp_path)
    top = found.tops["demo:1"]
    chain = [step["id"] for step in found.chain(top)]
    assert found.tops == {"demo:1": top, "example.com:5000/demo:2": top}
    assert all(re.fullmatch("[0-9a-f]{64}", identity) for identity in chain)
    assert found.diff_ids(top) == [layer.diff_id for layer in image.layers]
    folders = {f"{each}/{name}" for each in chain for name in ("VERSION", "json", "layer.tar")}
    config = f"{image.config_digest[7:]}.json"
    assert set(found.files) == folders | {"manifest.json", "repositories", config}
    assert found.files[config] == image.config_bytes
    (entry,) = json.loads(found.files["manifest.json"])
    assert entry == {
        "Config": config,
        "RepoTags": ["demo:1", "example.com:5000/demo:2"],
        "Layers": [f"{each}/layer.tar" for each in chain],
    }
    assert found.order[0] == "manifest.json"
    assert not found.links


def test_json_of_the_steps(tmp_path: Path) -> None:
    """The top one carries the runtime config; each one the line of its own layer."""
    image = make_image()
    found = legacy([image], tmp_path)
    base, top = found.chain(found.tops["demo:1"])
    assert "parent" not in base
    assert base["container_config"]["Cmd"] == ["COPY layer 0 in / "]
    assert top["container_config"]["Cmd"] == ["COPY layer 1 in / "]
    assert base["created"] == image.config["history"][0]["created"]
    for field in ("config", "architecture", "os", "created", "docker_version"):
        assert top[field] == image.config[field]
    assert not {"rootfs", "history"} & top.keys()


def test_repeated_layers_are_links(tmp_path: Path) -> None:
    """Each layer stands in the archive once."""
    image = repeated()
    found = legacy([image], tmp_path)
    top = found.tops["demo:1"]
    ids = [step["id"] for step in found.chain(top)]
    assert len(set(ids)) == 4
    assert found.diff_ids(top) == [layer.diff_id for layer in image.layers]
    assert found.links == {
        f"{ids[number]}/layer.tar": f"../{ids[0]}/layer.tar" for number in (2, 3)
    }
    (entry,) = json.loads(found.files["manifest.json"])
    assert [sha256(found.files[name]) for name in entry["Layers"]] == found.diff_ids(top)


def test_layers_of_two_images(tmp_path: Path) -> None:
    """A layer that images share is stored once, wherever it stands in each."""
    one = make_image([{"a": b"1"}, {"b": b"2"}], names=("one:1",))
    two = make_image([{"a": b"1"}], names=("two:1",))
    three = make_image([{"b": b"2"}, {"a": b"1"}, {"c": b"3"}], names=("three:1",))
    found = legacy([one, two, three], tmp_path)
    for image, name in ((one, "one:1"), (two, "two:1"), (three, "three:1")):
        top = found.tops[name]
        assert found.diff_ids(top) == [layer.diff_id for layer in image.layers]
        assert found.chain(top)[-1]["config"] == image.config["config"]
    stored = [sha256(data) for name, data in found.files.items() if name.endswith("layer.tar")]
    assert len(stored) == len(set(stored)) == 3


def test_same_layers_and_other_words(tmp_path: Path) -> None:
    """Two images of the same layers keep their own config, and each step its own line."""
    files = [{"a": b"1"}, {"b": b"2"}]
    one = make_image(files, names=("one:1",), config={"Cmd": ["one"]})
    other = json.loads(one.config_bytes)
    other["history"][0]["created_by"] = "ADD something else"
    other["config"]["Cmd"] = ["two"]
    two = Image(layers=one.layers, config=other, names=("two:1",))
    found = legacy([one, two], tmp_path)
    for name, image in (("one:1", one), ("two:1", two)):
        chain = found.chain(found.tops[name])
        assert chain[-1]["config"]["Cmd"] == [name[:3]]
        made = [step["container_config"]["Cmd"] for step in chain]
        lines = [line for line in image.config["history"] if not line.get("empty_layer")]
        assert made == [[line["created_by"]] for line in lines]


def test_back_again(tmp_path: Path) -> None:
    """Without manifest.json and the config it is a V1 archive, and the image is in it."""
    image = repeated()
    found = legacy([image], tmp_path)
    members: dict[str, Any] = {
        name: data
        for name, data in found.files.items()
        if name.endswith(("/VERSION", "/json", "/layer.tar")) or name == "repositories"
    }
    members |= {name: Link(target) for name, target in found.links.items()}
    report(write_members(members, tmp_path / "v1.tar"), "--to", "oci", "-o", tmp_path / "back")
    (result,) = images_of(tmp_path / "back")
    assert result.names == ("docker.io/library/demo:1", "example.com/demo:2")
    assert result.diff_ids == tuple(layer.diff_id for layer in image.layers)
    for field in ("config", "architecture", "os", "created", "docker_version"):
        assert result.config[field] == image.config[field]
    lines = [line for line in image.config["history"] if not line.get("empty_layer")]
    assert [line["created_by"] for line in result.config["history"]] == [
        line["created_by"] for line in lines
    ]


def test_the_manifest_view_keeps_the_image(tmp_path: Path) -> None:
    """Converted to and fro, manifest and config are byte for byte what they were."""
    image = make_image(compression="none")
    legacy([image], tmp_path)
    report(tmp_path / "out.tar", "--to", "oci", "-o", tmp_path / "back")
    (result,) = images_of(tmp_path / "back")
    assert result.config_digest == image.config_digest


def test_same_bytes_twice(tmp_path: Path) -> None:
    """Whatever the number of workers, to a file or a pipe, from any form of the source."""
    images = [repeated(), make_image(names=("other:1",))]
    source = write_oci_layout(images, tmp_path / "in")
    saved = write_docker_archive(images, tmp_path / "saved.tar")
    for number, (path, jobs) in enumerate([(source, 1), (source, 7), (saved, 2)]):
        report(path, *LEGACY, "--jobs", jobs, "-o", tmp_path / f"{number}.tar")
    first = (tmp_path / "0.tar").read_bytes()
    assert (tmp_path / "1.tar").read_bytes() == first
    assert archive(tmp_path / "2.tar") == archive(tmp_path / "0.tar")
    piped = layout("repack", source, *LEGACY, "-o", "-")
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout == first
    report(source, *LEGACY, "-o", tmp_path / "out.tar.gz")
    unpacked = subprocess.run(
        ["gzip", "-dc", tmp_path / "out.tar.gz"], capture_output=True, check=True
    ).stdout
    assert unpacked == first
    report(tmp_path / "0.tar", *LEGACY, "-o", tmp_path / "again.tar")
    assert archive(tmp_path / "again.tar") == archive(tmp_path / "0.tar")


def test_explicitly_raw(tmp_path: Path) -> None:
    """`--compression none` is what it does anyway."""
    assert legacy([make_image()], tmp_path, "--compression", "none").tops


def test_nameless(tmp_path: Path) -> None:
    """An image without a name is in the archive, and no name is made up."""
    image = make_image(names=())
    found = legacy([image], tmp_path)
    assert found.tops == {}
    (entry,) = json.loads(found.files["manifest.json"])
    assert entry["RepoTags"] is None
    assert len(entry["Layers"]) == 2


@pytest.mark.parametrize("lines", ["none", "fewer"])
def test_history_that_does_not_fit(lines: str, tmp_path: Path) -> None:
    """Where the history does not tell the layers apart, no step claims a line."""
    image = make_image(history=lines != "none")
    if lines == "fewer":
        del image.config["history"][0]
    source = write_oci_layout([image], tmp_path / "in")
    report(source, *LEGACY, "-o", tmp_path / "out.tar")
    found = archive(tmp_path / "out.tar")
    base, top = found.chain(found.tops["demo:1"])
    assert "container_config" not in base
    assert "container_config" not in top
    assert found.diff_ids(top["id"]) == [layer.diff_id for layer in image.layers]


@pytest.mark.parametrize("stated", ["text", 1, [["a", "b"]], None, {}])
def test_container_config_that_is_no_object(stated: object, tmp_path: Path) -> None:
    """No part of the image spec, so anything may stand there."""
    image = make_image()
    image.config["container_config"] = stated
    found = legacy([image], tmp_path)
    top = found.chain(found.tops["demo:1"])[-1]
    assert top["container_config"].keys() == {"Cmd"}


def test_v1_in_and_out(tmp_path: Path) -> None:
    """From V1 to V1: the same layers, runtime config and lines."""
    steps = steps_of({"a": b"1"}, {"b": b"2"})
    source = write_v1(steps, tmp_path / "in.tar", "demo:1")
    report(source, *LEGACY, "-o", tmp_path / "out.tar")
    found = archive(tmp_path / "out.tar")
    top = found.tops["demo:1"]
    assert found.diff_ids(top) == [sha256(step.layer) for step in steps]
    assert found.chain(top)[-1]["config"] == steps[-1].extra["config"]


def test_dry_run(tmp_path: Path) -> None:
    """The plan has the image; nothing is written."""
    source = write_oci_layout([make_image()], tmp_path / "in")
    said = report(source, *LEGACY, "--dry-run")
    assert said["images"][0]["names"]
    assert names_in(tmp_path) == ["in"]


@pytest.mark.parametrize("history", [1, "x", {"a": 1}, [1, None, "x"], [{"empty_layer": 1}]])
def test_a_history_that_is_none(history: object, tmp_path: Path) -> None:
    """--config keep leaves it as it is; the V1 form goes without its lines."""
    image = make_image([{"a": b"1"}, {"b": b"2"}], names=("demo:1",))
    files = read_files(write_docker_archive([image], tmp_path / "plain.tar"))
    (entry,) = json.loads(files["manifest.json"])
    config = {**json.loads(files.pop(entry["Config"])), "history": history}
    files["c.json"] = json.dumps(config).encode()
    files["manifest.json"] = json.dumps([{**entry, "Config": "c.json"}]).encode()
    source = write_members(files, tmp_path / "in.tar")
    with contextlib.suppress(LayoutError):  # nothing else may come out
        repack(source, tmp_path / "out.tar", to="docker", legacy=True, config="keep")
