"""What `--repair` never does: give digests to what is cut short, missing or does not decompress."""

from __future__ import annotations

import bz2
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import (
    Image,
    make_image,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.trees import Files, config_of, edit
from tests.command import changes_of, layout, names_in, refuse, report
from tests.plan.test_repair import FAMILIES, name_of

ARCHIVES = ("oci-archive", "hybrid", "docker", "flat", "podman")
TREES = ("layout", "hybrid", "docker", "dir")


def never(source: Path, tmp_path: Path, *words: str) -> None:
    """Neither target, neither form: exit 3 with words of the message, and nothing is written."""
    before = names_in(tmp_path)
    for target in ("oci", "docker"):
        for dest in ("out.tar", "out", "out.tar.gz"):
            line = refuse(3, source, "--to", target, "--repair", "-o", tmp_path / dest)
            assert any(word in line for word in words), line
            assert names_in(tmp_path) == before


@pytest.mark.parametrize("family", ARCHIVES)
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_archive_cut_short(family: str, part: float, tmp_path: Path) -> None:
    """Wherever the cut is, a member, or the member that lists it, is not all there."""
    source = FAMILIES[family](make_image(), tmp_path)
    with tarfile.open(source) as archive:
        end = max(member.offset_data + member.size for member in archive)
    source.write_bytes(source.read_bytes()[: int(end * part)])
    before = names_in(tmp_path)
    done = layout("repack", source, "--to", "oci", "--repair", "-o", tmp_path / "out.tar")
    assert done.returncode == 3
    assert names_in(tmp_path) == before


@pytest.mark.parametrize("family", TREES)
@pytest.mark.parametrize("packed", ["gzip", "zstd"])
@pytest.mark.parametrize("left", [0.9, 0.5])
def test_packed_layer_cut_short(family: str, packed: str, left: float, tmp_path: Path) -> None:
    """A download that broke off: the blob is there, and its stream does not end."""
    image = make_image(compression=packed)
    source = FAMILIES[family](image, tmp_path)
    data = image.layers[1].stored

    def cut(files: Files) -> None:
        files[name_of(files, data)] = data[: int(len(data) * left)]

    never(edit(source, cut), tmp_path, "ends in the middle", "does not decompress")


@pytest.mark.parametrize("family", TREES)
@pytest.mark.parametrize("left", [10_000, 512 + 300, 700, 0])
def test_raw_layer_cut_short(family: str, left: int, tmp_path: Path) -> None:
    """An uncompressed layer has no end of its own but that of the tar inside."""
    image = make_image([{"a": b"1"}, {"srv/data": bytes(range(256)) * 400}])
    source = FAMILIES[family](image, tmp_path)
    data = image.layers[1].stored

    def cut(files: Files) -> None:
        files[name_of(files, data)] = data[:left]

    never(edit(source, cut), tmp_path, "cut short", "ends", "truncated", "empty")


@pytest.mark.parametrize("family", TREES)
def test_packed_layer_of_a_tar_cut_short(family: str, tmp_path: Path) -> None:
    """A whole gzip stream around half a tar: `head -c ... | gzip` of a broken download."""
    image = make_image([{"a": b"1"}, {"srv/data": bytes(range(256)) * 400}], compression="gzip")
    source = FAMILIES[family](image, tmp_path)
    whole = image.layers[1]
    half = type(whole)(whole.raw[: len(whole.raw) // 2], "gzip").stored

    def cut(files: Files) -> None:
        files[name_of(files, whole.stored)] = half

    never(edit(source, cut), tmp_path, "cut short", "ends", "truncated")


@pytest.mark.parametrize("family", TREES)
@pytest.mark.parametrize("which", ["layer", "config"])
def test_missing_blob(family: str, which: str, tmp_path: Path) -> None:
    image = make_image(compression="gzip")
    source = FAMILIES[family](image, tmp_path)
    gone = image.layers[0].stored if which == "layer" else image.config_bytes

    def drop(files: Files) -> None:
        del files[name_of(files, gone)]

    never(edit(source, drop), tmp_path, "missing", "not there", "not in the source")


@pytest.mark.parametrize("write", [write_oci_layout, write_oci_archive])
def test_missing_manifest(write: Callable[[list[Image], Path], Path], tmp_path: Path) -> None:
    image = make_image()
    name = "in" if write is write_oci_layout else "in.tar"
    source = write([image], tmp_path / name)

    def drop(files: Files) -> None:
        del files[name_of(files, image.manifest_bytes())]

    never(edit(source, drop), tmp_path, "missing")


@pytest.mark.parametrize("family", TREES)
@pytest.mark.parametrize("packed", ["gzip", "bzip2", "xz"])
def test_flipped_bit(family: str, packed: str, tmp_path: Path) -> None:
    """A bad sector inside packed data: its own checksum finds it."""
    image = make_image(compression=packed)
    source = FAMILIES[family](image, tmp_path)
    data = bytearray(image.layers[1].stored)
    data[len(data) // 2] ^= 0x10

    def flip(files: Files) -> None:
        files[name_of(files, image.layers[1].stored)] = bytes(data)

    never(edit(source, flip), tmp_path, "does not decompress", "follows the end", "ends in the")


@pytest.mark.parametrize("family", TREES)
def test_garbage_behind_a_stream(family: str, tmp_path: Path) -> None:
    image = make_image(compression="gzip")
    source = FAMILIES[family](image, tmp_path)
    stored = image.layers[1].stored

    def spoil(files: Files) -> None:
        files[name_of(files, stored)] = stored + b"PK\3\4 something else"

    never(edit(source, spoil), tmp_path, "follows the end")


@pytest.mark.parametrize("family", TREES)
@pytest.mark.parametrize("cut", [1, 200])
def test_config_cut_short(family: str, cut: int, tmp_path: Path) -> None:
    image = make_image()
    source = FAMILIES[family](image, tmp_path)

    def spoil(files: Files) -> None:
        files[name_of(files, image.config_bytes)] = image.config_bytes[:-cut]

    never(edit(source, spoil), tmp_path, "not JSON")


def test_outer_stream_cut_short(tmp_path: Path) -> None:
    archive = write_hybrid_archive([make_image()], tmp_path / "in.tar").read_bytes()
    for name, pack in (("in.tar.bz2", bz2.compress), ("in.tar.xz", lzma.compress)):
        data = pack(archive)
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        never(tmp_path / name, tmp_path, "the archive as a whole")


def test_keep_and_repair_together(tmp_path: Path) -> None:
    """A config that is to stay cannot follow an edited layer: that is said, never silent."""
    image = make_image()
    source = write_docker_archive([image], tmp_path / "in.tar")
    other = make_image([{"b": b"2"}, {"c": b"3"}])

    def change(files: Files) -> None:
        files[name_of(files, image.layers[1].stored)] = other.layers[1].stored

    edit(source, change)
    words = (source, "--to", "oci", "--repair", "--config", "keep", "-o", tmp_path / "out")
    done = layout("repack", *words)
    if done.returncode == 0:
        assert b"diff_id" in done.stderr
        assert config_of(tmp_path / "out") == image.config_bytes
    else:
        assert done.returncode in (2, 3, 6)
        assert names_in(tmp_path) == ["in.tar"]


def test_whole_sources_are_untouched(tmp_path: Path) -> None:
    """Where nothing is wrong `--repair` changes nothing and says nothing."""
    image = make_image(compression=["gzip", "zstd"])
    tree = write_oci_layout([image], tmp_path / "in")
    said = report(tree, "--to", "oci", "--repair", "-o", tmp_path / "out")
    assert said["images"][0]["manifest_after"] == image.manifest_digest()
    texts = [each["message"] for each in said["warnings"]] + changes_of(said)
    assert not [text for text in texts + changes_of(said["images"][0]) if "repaired" in text]
    folder = write_dir(image, tmp_path / "dir", family="oci")
    said = report(folder, "--to", "oci", "--repair", "--name", "a:1", "-o", tmp_path / "out2")
    assert said["images"][0]["manifest_after"] == image.manifest_digest()
