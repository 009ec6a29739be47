"""The line that is offered runs, and what it writes is loaded by the target it was offered for."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import oci_layout
from oci_layout.targets.answer import Answer
from oci_layout.targets.target import USUAL
from tests.builders import make_image, write_index_layout, write_oci_layout
from tests.command import layout
from tests.interop.shown import HERE
from tests.targets.answers import answer, codes, names
from tests.targets.makes import MAKES, UNREAD, Maker

TARGETS = (
    *USUAL,
    "docker@28",
    "docker@28+containerd",
    "podman@5.4",
    "kind@0.14",
    *(f"skopeo@1.22+{each}" for each in ("oci-archive", "docker-archive")),
)


def report_of(path: Path, targets: tuple[str, ...], *, full: bool) -> tuple[Answer, ...]:
    host = f"linux/{HERE}"
    return oci_layout.check(str(path), targets=targets, platform=host, full=full).answers


@pytest.mark.parametrize("name", [*MAKES, *UNREAD])
def test_every_line_repairs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = (MAKES | UNREAD)[name](Maker(tmp_path))
    if path.is_dir():
        targets: tuple[str, ...] = (*TARGETS, "skopeo@1.22+oci", "skopeo@1.22+dir")
    else:
        targets = TARGETS
    full = name in UNREAD
    written: dict[tuple[str, ...], Path] = {}
    for before in report_of(path, targets, full=full):
        if not before.repair:
            assert before.loads or before.unrepaired, before.target
            continue
        if before.repair not in written:
            folder = tmp_path / f"out-{len(written)}"
            folder.mkdir()
            monkeypatch.chdir(folder)
            assert before.repair[0] == "layout"
            done = layout(*before.repair[1:])
            assert done.returncode == 0, (before.repair, done.stderr)
            (written[before.repair],) = (folder / entry for entry in os.listdir(folder))
        (after,) = report_of(written[before.repair], (before.target.text,), full=full)
        said = [f"{each.rule.code}: {each.message}" for each in (*after.reasons, *after.losses)]
        assert after.loads, (before.target, before.repair, said)
        assert not after.repair, (before.target, before.repair, said)


def line(path: Path, target: str, *, image: str = "") -> list[str]:
    """The line for a target, without the source."""
    words = list(answer(path, target, image=image).repair)
    assert words[:2] == ["layout", "repack"]
    assert words[2] == str(path)
    return words[3:]


def test_words(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    pure = MAKES["pure, gzip, oci"](maker).rename(tmp_path / "app.tar")
    assert line(pure, "docker@20.10") == ["--to", "docker", "-o", "app-docker.tar"]
    legacy = ["--to", "docker", "--legacy", "-o", "app-legacy.tar"]
    assert line(pure, "docker@1.9") == legacy
    packed = MAKES["hybrid, outer zstd"](maker).rename(tmp_path / "app.tar.zst")
    assert line(packed, "containerd@1.6") == ["--to", "oci", "-o", "app-oci.tar"]
    several = MAKES["pure, two images"](maker).rename(tmp_path / "two.tgz")
    chosen = ["--to", "oci", "--image", "a:1", "-o", "two-oci.tar"]
    assert line(several, "skopeo") == chosen
    assert line(several, "podman@5.8") == ["--to", "oci", "-o", "two-oci.tar"]
    assert line(several, "podman@5.8", image="a:2")[2:4] == ["--image", "a:2"]
    platforms = MAKES["pure, platforms"](maker).rename(tmp_path / "all")
    assert line(platforms, "docker@28")[2:4] == ["--platform", f"linux/{HERE}"]
    folder = MAKES["folder, layout, two images"](maker)
    assert line(folder, "skopeo+oci")[-1] == f"{folder.name}-oci"


@pytest.mark.parametrize(
    ("file", "name"),
    [("app.tar", "app:1"), ("My App_v2.tar", "my-app-v2:1"), ("\u00fc.tar", "image:1")],
)
def test_a_name_after_the_file(file: str, name: str, tmp_path: Path) -> None:
    """A bare tag needs a repository; the caller will know a better one."""
    path = MAKES["pure, name: bare tag"](Maker(tmp_path)).rename(tmp_path / file)
    assert line(path, "containerd@1.7")[2:4] == ["--name", name]


def test_what_nothing_repairs_has_its_word(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    expected = {
        "hybrid, 126 layers": "at most 125 layers",
        "docker, missing layer": "every layer",
        "docker, windows": "operating system",
        "pure, windows": "is for windows/",
        "pure, foreign layer": "fetched from elsewhere",
        "docker, empty list": "no image",
    }
    for name, words in expected.items():
        found = answer(MAKES[name](maker), "docker@28")
        assert not found.repair, name
        assert words in found.unrepaired, (name, found.unrepaired)


@pytest.mark.parametrize("target", TARGETS)
def test_changed_bytes_get_no_line_that_would_bless_them(target: str, tmp_path: Path) -> None:
    for name in ("hybrid, wrong diff_id", "hybrid, layer damaged"):
        path = (MAKES | UNREAD)[name](Maker(tmp_path))
        (found,) = report_of(path, (target,), full=True)
        assert "--repair" not in found.repair
        assert found.loads or "copy the file again" in found.unrepaired


def test_images_without_names_are_named_by_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [replace(Maker(tmp_path).image(), names=()) for _ in range(2)]
    path = write_oci_layout(images, tmp_path / "nameless")
    monkeypatch.chdir(tmp_path)
    for target in ("docker@28", "containerd@1.7"):
        words = answer(path, target).repair
        assert layout(*words[1:]).returncode == 0
        found = answer(tmp_path / words[-1], target)
        assert found.loads
        short = {image.manifest_digest()[7:19] for image in images}
        assert {name.rpartition(":")[2] for name in names(found)} == short


def test_what_is_no_image_is_left_out_where_it_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ctr stumbles over an index without images, and an old one over every artifact."""
    path = MAKES["folder, images beside other things"](Maker(tmp_path))
    monkeypatch.chdir(tmp_path)
    for target in ("containerd@1.6", "containerd@1.7", "k3s"):
        words = answer(path, target).repair
        assert words.count("--image") == 2, words
        assert layout(*words[1:], "--force").returncode == 0
        assert answer(tmp_path / words[-1], target).loads
    assert "--image" not in answer(path, "docker@28").repair


def test_an_image_is_chosen(tmp_path: Path) -> None:
    path = MAKES["docker, two images"](Maker(tmp_path))
    found = answer(path, "docker@28", image="a:2")
    assert names(found) == ["a:2"]
    hidden = MAKES["hybrid, untagged left out"](Maker(tmp_path))
    (second,) = (image.image_id for image in answer(hidden, "docker@28").images if not image.names)
    left = answer(hidden, "containerd@1.7", image=str(second))
    assert not left.loads
    assert "images-left" in codes(left)["reasons"]


def test_a_line_is_never_that_of_what_is_there(tmp_path: Path) -> None:
    """Two indexes of several platforms: written again they would be what they are."""
    images = [
        make_image([{"a": each.encode()}], names=(), architecture=each)
        for each in ("amd64", "arm64")
    ]
    sources = [
        write_index_layout(tmp_path / name, images[:number], name=f"{name}:1")
        for number, name in ((2, "one"), (2, "two"))
    ]
    both = tmp_path / "both.tar"
    oci_layout.merge(sources, both)
    words = line(both, "podman@5.8")
    assert "--image" in words
    again = tmp_path / "again.tar"
    oci_layout.repack(both, again, to="oci", images=words[words.index("--image") + 1])
    assert oci_layout.check(again, targets="podman@5.8", platform="linux/amd64").loads


@pytest.mark.parametrize("target", ["skopeo", "skopeo+oci-archive", "cri-o", "podman@5.8"])
def test_one_of_two_names_of_several_platforms(target: str, tmp_path: Path) -> None:
    """Of both names a result would list two, as what is there does; of one of them, one."""
    images = [
        make_image([{"a": each.encode()}], names=(), architecture=each)
        for each in ("amd64", "arm64")
    ]
    source = write_index_layout(tmp_path / "in", images, name="a:1")
    both = tmp_path / "both.tar"
    oci_layout.repack(source, both, to="oci", names="a:1=+b:2")
    found = oci_layout.check(both, targets=target, platform="linux/amd64")
    (each,) = found.answers
    words = list(each.repair)
    assert words[words.index("--image") + 1] == "a:1"
    again = tmp_path / "again.tar"
    oci_layout.repack(both, again, to="oci", images="a:1")
    assert oci_layout.check(again, targets=target, platform="linux/amd64").loads
