"""Configs: kept byte for byte, or repaired for a reason that the report gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout.errors import DamagedError
from tests import corrupt
from tests.builders import Image, make_image, write_docker_archive, write_oci_layout
from tests.repacked import image_docs, packed

IMAGE = make_image()


def with_config(**fields: Any) -> Image:
    """The image with other fields in its config; `...` takes one out."""
    config = {**IMAGE.config, **fields}
    config = {key: value for key, value in config.items() if value is not ...}
    return Image(IMAGE.layers, config, IMAGE.names)


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        make_image(history=False),
        make_image(os="windows", config={"ArgsEscaped": True}),
        with_config(**{"x-unknown": {"deep": [1.5, None]}, "container": "abc"}),
        with_config(history=None),
        with_config(config=None),
    ],
)
def test_a_valid_config_is_kept_byte_for_byte(image: Image, target: str, tmp_path: Path) -> None:
    source = write_docker_archive([image], tmp_path / "in.tar")
    report, result = packed(source, tmp_path / "out", target)
    assert list(result.configs.values()) == [image.config_bytes]
    (told,) = report.images
    assert told.config_changes == ()
    assert str(told.image_id_after) == image.config_digest


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize(
    ("fields", "expected", "reason"),
    [
        ({"architecture": ...}, {"architecture": "amd64"}, "architecture was missing"),
        ({"os": ...}, {"os": "linux"}, "os was missing"),
        ({"rootfs": ...}, {"rootfs": IMAGE.config["rootfs"]}, "rootfs was missing"),
        ({"created": 5}, {"created": ...}, "created was not an RFC 3339 time"),
        ({"config": {"Cmd": "sh"}}, {"config": {"Cmd": ["sh"]}}, "Cmd was not a list"),
        (
            {"config": {"Volumes": ["/a"], "User": "u"}},
            {"config": {"Volumes": {"/a": {}}, "User": "u"}},
            "Volumes was not an object",
        ),
        (
            {"config": {"Labels": {"a": 1}}},
            {"config": {"Labels": {"a": "1"}}},
            "Labels['a'] was not",
        ),
    ],
)
def test_an_invalid_config_is_repaired_and_says_why(
    fields: dict[str, Any], expected: dict[str, Any], reason: str, target: str, tmp_path: Path
) -> None:
    image = with_config(**fields)
    source = write_docker_archive([image], tmp_path / "in.tar", style="flat")
    report, result = packed(source, tmp_path / "out", target)
    wanted = {**image.config, **expected}
    wanted = {key: value for key, value in wanted.items() if value is not ...}
    ((_, config),) = image_docs(result)
    assert json.loads(config) == wanted
    (told,) = report.images
    assert any(reason in change for change in map(str, told.config_changes))
    assert str(told.image_id_before) == image.config_digest
    assert told.image_id_after not in (None, told.image_id_before)


def test_a_repaired_config_is_the_same_each_time(tmp_path: Path) -> None:
    image = with_config(rootfs=..., architecture=...)
    source = write_docker_archive([image], tmp_path / "in.tar", style="flat")
    ids = {
        str(packed(source, tmp_path / f"{n}", target)[0].images[0].image_id_after)
        for n, target in enumerate(("oci", "docker", "oci"))
    }
    assert len(ids) == 1


def test_the_platform_of_the_index_fills_the_gap(tmp_path: Path) -> None:
    image = with_config(architecture=..., os=...)
    layout = write_oci_layout([image], tmp_path / "plain")

    def state(index: dict[str, Any]) -> None:
        index["manifests"][0]["platform"] = {"os": "linux", "architecture": "riscv64"}

    source = corrupt.damaged(
        layout, tmp_path / "in", lambda files: corrupt.edit_index(files, state)
    )
    report, result = packed(source, tmp_path / "out")
    ((_, config),) = image_docs(result)
    assert json.loads(config)["architecture"] == "riscv64"
    assert str(report.images[0].platform) == "linux/riscv64"


@pytest.mark.parametrize(
    "diff_ids",
    [IMAGE.diff_ids[:1], IMAGE.diff_ids * 2, IMAGE.diff_ids[::-1], ("sha256:" + "0" * 64,) * 2],
)
@pytest.mark.parametrize("target", ["oci", "docker"])
def test_diff_ids_that_do_not_hold_are_never_repaired(
    diff_ids: tuple[str, ...], target: str, tmp_path: Path
) -> None:
    image = with_config(rootfs={"type": "layers", "diff_ids": list(diff_ids)})
    source = write_docker_archive([image], tmp_path / "in.tar")
    with pytest.raises(DamagedError) as caught:
        packed(source, tmp_path / "out.tar", target)
    assert caught.value.exit_status == 3
    assert not (tmp_path / "out.tar").exists()
    message = str(caught.value)
    if len(diff_ids) == 2:
        assert diff_ids[0] in message
        assert any(layer.diff_id in message for layer in IMAGE.layers)
        assert "layer.tar" in message
