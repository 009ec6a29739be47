"""Sources that lack something are completed out of each other; an image is not lost in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import merge, repack, verify
from oci_layout.errors import DamagedError
from tests import independent
from tests.builders import Image, hex_of, make_image, write_docker_archive, write_oci_layout
from tests.command import layout
from tests.independent import read_files

OLD = make_image([{"etc/base": b"base"}, {"app": b"1"}], names=("app:1",), compression="gzip")
NEW = make_image([{"etc/base": b"base"}, {"app": b"2"}], names=("app:2",), compression="gzip")


def thin(path: Path, image: Image = NEW, lacking: int = 0) -> Path:
    """A layout without one of its layers."""
    folder = write_oci_layout([image], path)
    (folder / "blobs/sha256" / hex_of(image.layers[lacking].digest)).unlink()
    return folder


def into_new(base: Path, other: Path, dest: Path, **how: Any) -> None:
    merge([base, other], dest, **how)


def turned(base: Path, other: Path, dest: Path, **how: Any) -> None:
    merge([other, base], dest, **how)


def appended(base: Path, other: Path, dest: Path, **how: Any) -> None:
    repack(base, dest, to="oci")
    repack(other, dest, to="oci", append=True, **how)


def merged_in(base: Path, other: Path, dest: Path, **how: Any) -> None:
    repack(base, dest, to="oci")
    merge([other], dest, append=True, **how)


@pytest.mark.parametrize("join", [into_new, turned, appended, merged_in])
def test_a_thin_source_beside_its_base(join: Callable[..., None], tmp_path: Path) -> None:
    base = write_oci_layout([OLD], tmp_path / "base")
    join(base, thin(tmp_path / "thin"), tmp_path / "out")
    found = independent.check(tmp_path / "out")
    assert set(found.manifests) == {OLD.manifest_digest(), NEW.manifest_digest()}
    assert not verify(tmp_path / "out").failed


@pytest.mark.parametrize("join", [into_new, appended])
def test_a_base_that_is_packed_otherwise(join: Callable[..., None], tmp_path: Path) -> None:
    raw = make_image([{"etc/base": b"base"}, {"app": b"1"}], names=("app:1",))
    base = write_docker_archive([raw], tmp_path / "base.tar")
    join(base, thin(tmp_path / "thin"), tmp_path / "out")
    found = independent.check(tmp_path / "out")
    assert NEW.config_digest in found.configs
    assert not verify(tmp_path / "out").failed


@pytest.mark.parametrize("join", [into_new, turned, appended, merged_in])
def test_the_very_blob_is_better_than_another_of_the_same_diff_id(
    join: Callable[..., None], tmp_path: Path
) -> None:
    raw = make_image([{"etc/base": b"base"}], names=("raw:1",))
    source = write_oci_layout([NEW, raw], tmp_path / "in")
    (source / "blobs/sha256" / hex_of(NEW.layers[0].digest)).unlink()
    join(write_oci_layout([OLD], tmp_path / "base"), source, tmp_path / "out")
    assert NEW.manifest_digest() in independent.check(tmp_path / "out").manifests


def test_a_layout_that_lacks_a_blob_gets_it(tmp_path: Path) -> None:
    there = thin(tmp_path / "there")
    whole = write_oci_layout([NEW], tmp_path / "whole")
    repack(whole, there, to="oci", append=True)
    assert not verify(there).failed
    assert read_files(there) == read_files(whole)


@pytest.mark.parametrize("join", [into_new, turned, appended, merged_in])
def test_an_image_is_not_left_out_unless_asked_for(
    join: Callable[..., None], tmp_path: Path
) -> None:
    base = write_oci_layout([OLD], tmp_path / "base")
    other = thin(tmp_path / "thin", lacking=1)
    with pytest.raises(DamagedError, match=NEW.layers[1].digest):
        join(base, other, tmp_path / "out")
    assert not (tmp_path / "out" / "blobs/sha256" / hex_of(NEW.config_digest)).exists()


def test_it_may_be_left_out_when_asked_for(tmp_path: Path) -> None:
    base = write_oci_layout([OLD], tmp_path / "base")
    report = merge([base, thin(tmp_path / "thin", lacking=1)], tmp_path / "out", sparse="prune")
    assert [image.names for image in report.images] == [("app:1",)]
    assert any("app:2" in str(warning) for warning in report.warnings)


def test_the_command_says_what_would_be_lost(tmp_path: Path) -> None:
    base = write_oci_layout([OLD], tmp_path / "base")
    other = thin(tmp_path / "thin", lacking=1)
    done = layout("merge", base, other, "-o", tmp_path / "out.tar")
    assert done.returncode == 3
    assert b"app:2 would be left out" in done.stderr
    assert b"--sparse prune" in done.stderr
    assert not (tmp_path / "out.tar").exists()
