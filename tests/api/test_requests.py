"""The calls of the package: what may be asked of each, and in which forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

import oci_layout
from oci_layout import Check, Diff, Inspect, Merge, Platform, Repack, UsageError, Verify
from oci_layout.cli import verbs
from oci_layout.option import option_of, size_of
from tests.builders import make_image, write_docker_archive, write_oci_layout

REQUESTS = {
    "repack": Repack,
    "merge": Merge,
    "verify": Verify,
    "inspect": Inspect,
    "diff": Diff,
    "check": Check,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_docker_archive([make_image(names=("hello:1",))], tmp_path / "in.tar")


def test_all_that_is_offered_is_there() -> None:
    assert sorted(dir(oci_layout)) == sorted(oci_layout.__all__)
    for name in oci_layout.__all__:
        assert getattr(oci_layout, name)


@pytest.mark.parametrize("verb", REQUESTS)
def test_every_field_is_an_option_of_the_command(verb: str) -> None:
    known = {each.name for command in verbs.commands_of(verb) for each in command.options}
    fields = {field.name for field in attrs.fields(REQUESTS[verb]) if option_of(field) is not None}
    assert fields
    assert fields <= known


def test_paths_and_lists_and_single_texts(source: Path, tmp_path: Path) -> None:
    for number, images in enumerate(("hello:1", ["hello:1"], ("hello:1",))):
        report = oci_layout.repack(source, tmp_path / str(number), to="OCI", images=images)
        assert [image.names for image in report.images] == [("hello:1",)]
    assert oci_layout.verify(source, expect=[]).images


def test_a_request_says_the_same_as_keywords(source: Path, tmp_path: Path) -> None:
    one = oci_layout.repack(source, tmp_path / "a", Repack(to="oci", jobs=1))  # type: ignore[arg-type]
    two = oci_layout.repack(source, tmp_path / "b", to="oci", jobs=1)
    assert one.images == two.images
    with pytest.raises(UsageError, match="not both"):
        oci_layout.repack(source, tmp_path / "c", Repack(to="oci"), jobs=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "to is missing"),
        ({"to": "tar"}, "'tar' is none of oci, docker, dir"),
        ({"to": "oci", "tarhet": 1}, "repack has no option 'tarhet'"),
        ({"to": "oci", "sparse": "x"}, "none of auto, prune, keep, fail"),
        ({"to": "oci", "jobs": 0}, "no number from 1"),
        ({"to": "oci", "limit": "much"}, "not a size"),
        ({"to": "oci", "limit": 0}, "no number of bytes"),
        ({"to": "oci", "platforms": "amd64"}, "platform: "),
        ({"to": "oci", "compression": "lzma"}, "--compression"),
    ],
)
def test_what_makes_no_sense(
    options: dict[str, Any], message: str, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        oci_layout.repack(source, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_merge_takes_a_list(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a list of sources"):
        oci_layout.merge(str(source), tmp_path / "out")
    other = write_oci_layout([make_image([{"b": b"2"}], names=("b:1",))], tmp_path / "other")
    assert len(oci_layout.merge([source, other], tmp_path / "out").images) == 2


def test_merge_adds_to_a_layout(source: Path, tmp_path: Path) -> None:
    dest = write_oci_layout([make_image([{"b": b"2"}], names=("b:1",))], tmp_path / "dest")
    oci_layout.merge([source], dest, append=True)
    assert len(oci_layout.verify(dest).images) == 2


def test_platforms_are_read_once() -> None:
    wanted = Platform.parse("linux/arm64")
    assert Repack(to="oci", platforms=wanted).platforms == (wanted,)  # type: ignore[arg-type]
    assert Repack(to="oci", platforms="linux/arm64").platforms == (wanted,)  # type: ignore[arg-type]
    assert Repack(to="oci", platforms=["all"]).platforms == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("4k", 4 << 10), ("2MiB", 2 << 20), ("3GB", 3 << 30), ("1T", 1 << 40)],
)
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size
