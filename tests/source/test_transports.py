"""Sources as skopeo names them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import oci_layout
from oci_layout import NotAnImageError, SelectionError, UsageError
from oci_layout.source.transports import Located, advice, located
from tests.builders import make_image, write_dir, write_docker_archive, write_oci_layout

ONE = make_image([{"a": b"1"}], names=("hello:1",))
TWO = make_image([{"b": b"2"}], names=("other:2",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x.tar", Located(path="x.tar")),
        ("docker-archive:x.tar", Located(path="x.tar", transport="docker-archive")),
        (
            "docker-archive:/a/x.tar:hello:1",
            Located(path="/a/x.tar", transport="docker-archive", image="hello:1"),
        ),
        ("oci:dir", Located(path="dir", transport="oci")),
        ("oci:dir:latest", Located(path="dir", transport="oci", image="latest")),
        ("oci-archive:x.tar:1", Located(path="x.tar", transport="oci-archive", image="1")),
        ("dir:a:b", Located(path="a:b", transport="dir")),
        ("./oci:dir", Located(path="./oci:dir")),
        ("other:x", Located(path="other:x")),
    ],
)
def test_located(text: str, expected: Located) -> None:
    assert located(text) == expected


def test_a_file_that_is_called_so_is_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "oci:x").mkdir()
    assert located("oci:x") == Located(path="oci:x")


@pytest.mark.parametrize("text", ["docker://a:1", "docker-daemon:a:1", "containers-storage:a"])
def test_what_is_not_on_disk(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no file.*skopeo copy"):
        oci_layout.inspect(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("alpine:3.18", "docker save alpine:3.18 -o alpine.tar"),
        ("alpine", "docker save alpine -o alpine.tar"),
        ("ghcr.io/team/app", "docker save ghcr.io/team/app -o app.tar"),
        ("localhost:5000/app:v1", "docker save localhost:5000/app:v1 -o app.tar"),
    ],
)
def test_the_name_of_an_image_is_no_file(text: str, line: str) -> None:
    with pytest.raises(NotAnImageError) as caught:
        oci_layout.inspect(text)
    assert line in str(caught.value)


@pytest.mark.parametrize("text", ["absent.tar", "./alpine", "/absent/alpine", "folder/file", "A"])
def test_the_name_of_a_file_is_not_that_of_an_image(text: str) -> None:
    assert advice(text) == ""


@pytest.mark.parametrize("text", ["oci:", "dir:", "docker-archive:", "oci::tag"])
def test_a_transport_without_a_path(text: str) -> None:
    with pytest.raises(UsageError, match="a path is missing"):
        oci_layout.inspect(text)


def test_addresses_are_no_files() -> None:
    with pytest.raises(UsageError, match=r"skopeo copy docker://host/chart oci-archive"):
        oci_layout.inspect("oci://host/chart")
    with pytest.raises(UsageError, match="download it first"):
        oci_layout.inspect("https://host/x.tar")


def test_images_to_compare_are_named_as_skopeo_names_them(tmp_path: Path) -> None:
    layout = write_oci_layout([ONE, TWO], tmp_path / "layout")
    assert oci_layout.diff(f"oci:{layout}:1", f"oci:{layout}:hello:1").verdict.same
    assert not oci_layout.diff(f"oci:{layout}:1", f"oci:{layout}:2").verdict.same


def test_every_transport_is_read(tmp_path: Path) -> None:
    layout = write_oci_layout([ONE, TWO], tmp_path / "layout")
    saved = write_docker_archive([ONE, TWO], tmp_path / "saved.tar")
    single = write_dir(ONE, tmp_path / "dir")
    for number, (source, names) in enumerate(
        (
            (f"oci:{layout}:1", ("hello:1",)),
            (f"oci:{layout}:other:2", ("other:2",)),
            (f"docker-archive:{saved}:hello:1", ("hello:1",)),
            (f"dir:{single}", ()),
        )
    ):
        report = oci_layout.repack(source, tmp_path / f"out{number}", to="oci")
        assert [image.names for image in report.images] == [names]
    assert oci_layout.verify(f"oci:{layout}").images
    with pytest.raises(UsageError, match="as a whole"):
        oci_layout.verify(f"oci:{layout}:1")
    with pytest.raises(SelectionError, match="no image 'x'"):
        oci_layout.repack(f"oci:{layout}:x", tmp_path / "out", to="oci")


def test_a_tag_of_several_images_is_not_enough(tmp_path: Path) -> None:
    same = make_image([{"b": b"2"}], names=("other:1",))
    layout = write_oci_layout([ONE, same], tmp_path / "layout")
    with pytest.raises(SelectionError, match="the tag of several images"):
        oci_layout.repack(f"oci:{layout}:1", tmp_path / "out", to="oci")


@pytest.mark.parametrize(
    ("dest", "to", "path", "names"),
    [
        ("oci:out:tag", "oci", "out/index.json", ["tag"]),
        ("oci:out.tar", "oci", "out.tar/index.json", ["hello:1"]),
        ("oci:out:app:2", "oci", "out/index.json", ["app:2"]),
        ("oci-archive:out.tar:tag", "oci", "out.tar", ["tag"]),
        ("oci-archive:out.img", "oci", "out.img", ["hello:1"]),
        ("docker-archive:out.tar:app:2", "docker", "out.tar", ["app:2"]),
        ("docker-archive:out", "docker", "out", ["hello:1"]),
        ("dir:out", "dir", "out/version", []),
    ],
)
def test_a_destination_as_skopeo_names_it(
    dest: str, to: Any, path: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_docker_archive([ONE], tmp_path / "in.tar")
    report = oci_layout.repack(source, dest, to=to)
    assert (tmp_path / path).is_file()
    assert report.destination == path.partition("/")[0]
    shown = [list(image.names) for image in oci_layout.verify(report.destination).images]
    assert shown == [names]


@pytest.mark.parametrize(
    ("dest", "options", "words"),
    [
        ("oci:out", {"to": "docker"}, "--to oci"),
        ("docker-archive:out.tar", {"to": "oci"}, "--to docker"),
        ("dir:out", {"to": "oci"}, "--to dir"),
        ("docker-archive:out.tar:Not:A:Name", {"to": "docker"}, "image name"),
        ("oci:out:tag", {"to": "oci", "names": "a:1"}, "--name"),
        ("docker://out", {"to": "docker"}, "registries"),
    ],
)
def test_a_destination_that_says_two_things(
    dest: str, options: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_docker_archive([ONE], tmp_path / "in.tar")
    with pytest.raises(UsageError, match=words):
        oci_layout.repack(source, dest, **options)
    with pytest.raises(UsageError, match="a name in the destination"):
        oci_layout.merge([source], "oci:out:tag")
    assert os.listdir(tmp_path) == ["in.tar"]


def test_a_name_for_one_image_is_not_for_two(tmp_path: Path) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in")
    with pytest.raises(SelectionError, match="names a single image"):
        oci_layout.repack(source, f"oci:{tmp_path}/out:tag", to="oci")
