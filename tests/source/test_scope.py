"""With a choice, damage and absence elsewhere are warnings; what was chosen must hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import DamagedError, SelectionError, merge
from tests.builders import (
    Image,
    go_json,
    hex_of,
    make_image,
    sha256,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_members,
    write_oci_layout,
)
from tests.builders.files import Members
from tests.independent import read_files
from tests.repacked import packed

WHOLE = make_image([{"a": b"1"}, {"a2": b"2"}], names=("whole:1",))
OTHER = make_image([{"b": b"1"}, {"b2": b"2"}], names=("other:1",), architecture="arm64")

Files = dict[str, bytes]
Damage = Callable[[Files], None]


def _name(files: Files, image: Image, *, layer: bool) -> str:
    """The file of the config or of the top layer of an image."""
    wanted = image.layers[-1].stored if layer else image.config_bytes
    return next(name for name, data in files.items() if data == wanted)


def without_layer(files: Files) -> None:
    del files[_name(files, OTHER, layer=True)]


def without_config(files: Files) -> None:
    del files[_name(files, OTHER, layer=False)]


def no_json(files: Files) -> None:
    files[_name(files, OTHER, layer=False)] = b"{"


def other_config(files: Files) -> None:
    files[_name(files, OTHER, layer=False)] = OTHER.config_bytes.replace(b"arm64", b"arm65")


def other_layer(files: Files) -> None:
    files[_name(files, OTHER, layer=True)] += b"x"


def other_manifest(files: Files) -> None:
    name = next(name for name in files if hex_of(OTHER.manifest_digest()) in name)
    files[name] += b" "


def one_diff_id(files: Files) -> None:
    """A config that states one layer of two: every document agrees, and nobody can load it."""
    config = json.loads(OTHER.config_bytes)
    config["rootfs"]["diff_ids"].pop()
    old, new = OTHER.config_bytes, go_json(config)
    for name, data in list(files.items()):
        text = data.replace(hex_of(sha256(old)).encode(), hex_of(sha256(new)).encode())
        files[name.replace(hex_of(sha256(old)), hex_of(sha256(new)))] = new if data == old else text
        if data == old:
            del files[name]


FORMS: dict[str, Callable[[Path], Path]] = {
    "docker save, V1 folders": lambda dest: write_docker_archive([WHOLE, OTHER], dest),
    "docker save, flat": lambda dest: write_docker_archive([WHOLE, OTHER], dest, style="flat"),
    "hybrid": lambda dest: write_hybrid_archive([WHOLE, OTHER], dest),
    "layout": lambda dest: write_oci_layout([WHOLE, OTHER], dest.with_suffix("")),
}
DAMAGES: dict[str, Damage] = {
    "no layer": without_layer,
    "no config": without_config,
    "config no JSON": no_json,
    "config changed": other_config,
    "layer changed": other_layer,
}
CASES = [(form, damage) for form in FORMS for damage in DAMAGES]
CASES += [(form, "fewer diff_ids") for form in FORMS if form != "hybrid"]
CASES += [(form, "manifest changed") for form in ("hybrid", "layout")]
DAMAGES |= {"fewer diff_ids": one_diff_id, "manifest changed": other_manifest}


def damaged(form: str, damage: str, folder: Path) -> Path:
    """Two images, one of them damaged."""
    path = FORMS[form](folder / "whole.tar")
    files: dict[str, Any] = read_files(path)
    DAMAGES[damage](files)
    if path.is_dir():
        return write_files(files, folder / "source")
    members: Members = dict(files)
    return write_members(members, folder / "source.tar")


@pytest.mark.parametrize(("form", "damage"), CASES)
def test_the_other_image_is_taken(form: str, damage: str, tmp_path: Path) -> None:
    source = damaged(form, damage, tmp_path)
    _, result = packed(source, tmp_path / "out", images=("whole:1",))
    assert set(result.configs) == {WHOLE.config_digest}


@pytest.mark.parametrize(("form", "damage"), CASES)
def test_the_damaged_image_is_not(form: str, damage: str, tmp_path: Path) -> None:
    source = damaged(form, damage, tmp_path)
    with pytest.raises(DamagedError):
        packed(source, tmp_path / "out", images=("other:1",))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("form", "damage"), CASES)
def test_a_choice_of_platform_is_one(form: str, damage: str, tmp_path: Path) -> None:
    source = damaged(form, damage, tmp_path)
    _, result = packed(source, tmp_path / "out", platforms=("linux/amd64",))
    assert set(result.configs) == {WHOLE.config_digest}


def test_what_was_passed_over_is_said(tmp_path: Path) -> None:
    source = damaged("docker save, flat", "no config", tmp_path)
    report, _ = packed(source, tmp_path / "out", images=("whole:1",))
    assert "missing-member" in {each.code for each in report.warnings}


def test_merge_chooses_too(tmp_path: Path) -> None:
    source = damaged("docker save, flat", "no layer", tmp_path)
    merge([str(source)], str(tmp_path / "out"), images=("whole:1",))
    with pytest.raises(DamagedError):
        merge([str(source)], str(tmp_path / "all"))


def test_a_name_that_is_lost_to_damage_is_refused_for_the_damage(tmp_path: Path) -> None:
    source = damaged("docker save, flat", "no config", tmp_path)
    with pytest.raises(DamagedError, match="the config"):
        packed(source, tmp_path / "out", images=("other:1",))
    with pytest.raises(DamagedError):
        packed(source, tmp_path / "out", images=("nobody:1",))


def test_without_damage_a_name_that_is_not_there_is_a_matter_of_choice(tmp_path: Path) -> None:
    source = FORMS["docker save, flat"](tmp_path / "whole.tar")
    with pytest.raises(SelectionError):
        packed(source, tmp_path / "out", images=("nobody:1",))


def test_an_index_vouches_for_what_is_chosen_of_it(tmp_path: Path) -> None:
    """Its digest does not hold, so nobody knows whose image the name leads to."""
    source = write_index_layout(tmp_path / "source", [WHOLE, OTHER])
    files = read_files(source)
    (entry,) = json.loads(files["index.json"])["manifests"]
    name = "blobs/" + entry["digest"].replace(":", "/")
    write_files({name: files[name] + b" "}, source)
    with pytest.raises(DamagedError):
        packed(source, tmp_path / "out", platforms=("linux/amd64",))


def test_a_platform_beside_the_chosen_one_may_be_damaged(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "source", [WHOLE, OTHER])
    name = "blobs/" + OTHER.manifest_digest().replace(":", "/")
    write_files({name: OTHER.manifest_bytes() + b" "}, source)
    _, result = packed(source, tmp_path / "out", platforms=("linux/amd64",))
    assert set(result.configs) == {WHOLE.config_digest}
    with pytest.raises(DamagedError):
        packed(source, tmp_path / "both")


def test_a_name_of_two_images_concerns_who_chooses_it(tmp_path: Path) -> None:
    first = make_image([{"a": b"1"}], names=("same:1",))
    second = make_image([{"a": b"2"}], names=("same:1",))
    source = write_docker_archive([first, second, WHOLE], tmp_path / "source.tar")
    with pytest.raises(DamagedError, match="two different images"):
        packed(source, tmp_path / "same", images=("same:1",))
    _, result = packed(source, tmp_path / "whole", images=("whole:1",))
    assert set(result.configs) == {WHOLE.config_digest}
