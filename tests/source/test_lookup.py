"""Blobs that a source lacks under their name: another of the same diff_id, or another source."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import merge, repack, verify
from oci_layout.errors import DamagedError, TargetError
from oci_layout.finding import FailFast, Findings
from oci_layout.graph.walk import every_image
from oci_layout.mediatype import Compression
from oci_layout.source.contents import read
from oci_layout.source.kinds import Reading
from oci_layout.source.opening import Source, open_source
from oci_layout.source.store import DirectoryStore
from oci_layout.streams.member import AssembledMember, Member
from tests.builders import (
    Image,
    hex_of,
    make_image,
    write_docker_archive,
    write_members,
    write_oci_layout,
)
from tests.independent import read_files
from tests.repacked import packed

TREE = {"etc/base": b"the same in both" * 100}


def pair() -> tuple[Image, Image]:
    """Two images on one base, packed in two ways."""
    one = make_image([TREE], names=("one:1",), compression="gzip")
    other = make_image([TREE, {"more": b"x"}], names=("other:1",), compression=("none", "gzip"))
    return one, other


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs/sha256" / hex_of(digest)


def ids(path: Path) -> set[str]:
    with open_source(str(path)) as source:
        return {str(image.config.digest) for _, image in every_image(source.roots)}


def test_a_layer_of_the_same_diff_id_is_taken_and_said(tmp_path: Path) -> None:
    one, other = pair()
    source = write_oci_layout([one, other], tmp_path / "in")
    lost = one.layers[0].digest
    blob(source, lost).unlink()
    report, checked = packed(source, tmp_path / "out.tar")
    assert set(checked.configs) == {one.config_digest, other.config_digest}
    said = [str(change) for image in report.images for change in image.changes]
    assert any(lost in text and other.layers[0].digest in text for text in said), said
    assert [f.code for f in verify(str(source)).findings if f.severity != "note"] == [
        "stored-otherwise"
    ]
    assert not verify(str(source)).failed
    assert not verify(str(tmp_path / "out.tar")).failed


def test_a_digest_that_is_to_be_kept_is_not_replaced(tmp_path: Path) -> None:
    one, other = pair()
    source = write_oci_layout([one, other], tmp_path / "in")
    blob(source, one.layers[0].digest).unlink()
    with pytest.raises(TargetError, match="would change"):
        packed(source, tmp_path / "out", preserve_digests=True)
    assert not (tmp_path / "out").exists()


def test_a_file_of_docker_save_that_is_not_there(tmp_path: Path) -> None:
    one, other = pair()
    files = read_files(write_docker_archive([one, other], tmp_path / "in.tar", style="flat"))
    lost = next(name for name in files if name.endswith(".tar.gz"))
    del files[lost]
    source = write_members(files, tmp_path / "lost.tar")
    packed(source, tmp_path / "out.tar", "docker")
    assert ids(tmp_path / "out.tar") == {one.config_digest, other.config_digest}
    assert any(f.code == "stored-otherwise" for f in verify(str(source)).findings)


def test_what_is_nowhere_is_missing_as_before(tmp_path: Path) -> None:
    one, other = pair()
    source = write_oci_layout([one, other], tmp_path / "in")
    for layer in (one.layers[0], other.layers[0]):
        blob(source, layer.digest).unlink()
    assert [f.code for f in verify(str(source)).findings if f.severity == "error"] == [
        "missing-blob",
        "missing-blob",
    ]
    with pytest.raises(DamagedError, match=one.layers[0].digest):
        packed(source, tmp_path / "out")


def test_a_file_of_docker_save_that_is_nowhere(tmp_path: Path) -> None:
    image = make_image([{"lost": b"lost"}], names=("demo:1",))
    files = read_files(write_docker_archive([image], tmp_path / "in.tar", style="flat"))
    lost = next(name for name in files if name.endswith(".tar"))
    del files[lost]
    source = write_members(files, tmp_path / "lost.tar")
    with pytest.raises(DamagedError, match=f"missing: {lost}"):
        packed(source, tmp_path / "out.tar")
    with pytest.raises(DamagedError, match=lost):  # nor can its absence be kept
        packed(source, tmp_path / "out.tar", sparse="keep")
    other = write_docker_archive([make_image(names=("other:1",))], tmp_path / "other.tar")
    with pytest.raises(DamagedError, match="no digest names"):
        merge([other, source], tmp_path / "out", sparse="keep")
    errors = [found for found in verify(str(source)).findings if found.severity == "error"]
    assert [(found.code, found.where.layer) for found in errors] == [("missing-member", 0)]
    assert lost in errors[0].message


def strip_layer(folder: Path, image: Image) -> None:
    blob(folder, image.layers[0].digest).unlink()


def strip_config(folder: Path, image: Image) -> None:
    blob(folder, image.config_digest).unlink()


def strip_manifest(folder: Path, image: Image) -> None:
    blob(folder, image.manifest_digest()).unlink()


@pytest.mark.parametrize("strip", [strip_layer, strip_config, strip_manifest])
def test_another_source_gives_what_this_one_lacks(
    strip: Callable[[Path, Image], None], tmp_path: Path
) -> None:
    image = make_image(names=("demo:1",), compression="gzip")
    whole = write_oci_layout([image], tmp_path / "whole")
    thin = write_oci_layout([image], tmp_path / "thin")
    strip(thin, image)
    with (
        open_source(str(whole)) as base,
        open_source(str(thin), bases=[base.contents.holdings], findings=Findings()) as source,
        open_source(str(whole)) as right,
    ):
        found = [held for _, held in every_image(source.roots)]
        wanted = [held for _, held in every_image(right.roots)]
        assert [each.config.digest for each in found] == [each.config.digest for each in wanted]
        assert [
            layer.member and layer.member.read(1 << 20) for each in found for layer in each.layers
        ] == [layer.stored for layer in image.layers]
        assert not source.findings.errors


def test_a_base_of_docker_save_gives_layers_by_diff_id(tmp_path: Path) -> None:
    image = make_image(names=("demo:1",), compression="gzip")
    base = write_docker_archive([make_image(names=("demo:1",))], tmp_path / "base.tar")
    thin = write_oci_layout([image], tmp_path / "thin")
    for layer in image.layers:
        blob(thin, layer.digest).unlink()
    with (
        open_source(str(base)) as whole,
        open_source(str(thin), bases=[whole.contents.holdings]) as source,
    ):
        for _, found in every_image(source.roots):
            assert not found.missing
            for held, made in zip(found.layers, image.layers, strict=True):
                assert held.member is None
                assert held.there is not None
                assert held.there.member is not None
                assert held.there.member.read(1 << 20) == made.raw


class AssemblingStore(DirectoryStore):
    """A layout whose blobs are put together on reading, as those of an engine's store are."""

    def find(self, name: str) -> Member | None:
        """The file of that name."""
        member = super().find(name)
        if member is None or not name.startswith("blobs/"):
            return member
        data = member.read(1 << 30)
        return AssembledMember(name, len(data), lambda: io.BytesIO(data), store=self.label)


def assembling(path: Path) -> Source:
    store, findings = AssemblingStore(str(path)), FailFast()
    reading = Reading(store=store, archive=False, findings=findings)
    contents = read(reading, Findings())
    return Source(
        label=str(path),
        archive=False,
        outer=Compression.NONE,
        store=store,
        contents=contents,
        findings=findings,
        reading=reading,
    )


@pytest.mark.parametrize(
    ("dest", "options"),
    [
        *itertools.product(
            ["out.tar", "out", "out.tar.gz"], [{}, {"compression": "none"}, {"check": "digests"}]
        ),
        ("out", {"link": True}),
    ],
)
def test_what_is_put_together_on_reading_goes_out_as_a_file_does(
    dest: str, options: dict[str, Any], tmp_path: Path
) -> None:
    one, other = pair()
    path = write_oci_layout([one, other], tmp_path / "in")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with assembling(path) as source:
        repack(source, tmp_path / "a" / dest, to="oci", **options)
    repack(path, tmp_path / "b" / dest, to="oci", **options)
    if dest == "out":
        assert read_files(tmp_path / "a" / dest) == read_files(tmp_path / "b" / dest)
    else:
        assert (tmp_path / "a" / dest).read_bytes() == (tmp_path / "b" / dest).read_bytes()
