"""Sums: each blob once, what images share, what is missing, what nobody names."""

from __future__ import annotations

from pathlib import Path

from tests import corrupt
from tests.builders import (
    make_image,
    write_dir,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_members,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.legacy import schema1, schema1_dir, steps_of, write_v1
from tests.independent import read_files
from tests.inspection.shown import nodes, text, tree

BASE, ONE, OTHER = {"base": b"b" * 3000}, {"one": b"1" * 700}, {"other": b"2" * 900}
FIRST = make_image([BASE, ONE], names=["a:1"])
SECOND = make_image([BASE, OTHER], names=["b:1"])
SIZES = [len(layer.stored) for layer in (*FIRST.layers, SECOND.layers[1])]


def test_shared_bytes_are_counted_once(tmp_path: Path) -> None:
    for source in (
        write_oci_layout([FIRST, SECOND], tmp_path / "oci"),
        write_oci_archive([FIRST, SECOND], tmp_path / "oci.tar"),
        write_hybrid_archive([FIRST, SECOND], tmp_path / "hybrid.tar"),
        write_docker_archive([FIRST, SECOND], tmp_path / "flat.tar", style="flat"),
    ):
        totals = tree(source)["totals"]
        assert totals["images"] == 2
        assert totals["layers"] == 3
        assert totals["layer_bytes"] == sum(SIZES)
        assert (totals["shared_layers"], totals["shared_bytes"]) == (1, SIZES[0])
        assert totals["missing"] == []
        assert totals["orphans"] == []
        assert "2 images, 3 layers, 30.7 kB (10.2 kB" in text(source).replace("\n    ", " ")


def test_a_layer_twice_in_one_image_is_not_shared(tmp_path: Path) -> None:
    image = make_image([BASE, BASE])
    totals = tree(write_oci_layout([image], tmp_path / "in"))["totals"]
    assert (totals["layers"], totals["layer_bytes"]) == (1, SIZES[0])
    assert totals["shared_bytes"] == 0


def test_sums_are_of_what_was_chosen(tmp_path: Path) -> None:
    source = write_oci_layout([FIRST, SECOND], tmp_path / "in")
    totals = tree(source, images=("b:1",))["totals"]
    assert (totals["images"], totals["layer_bytes"]) == (1, SIZES[0] + SIZES[2])
    assert totals["orphans"] == []  # the other image's blobs are no orphans


def test_one_image_under_two_names(tmp_path: Path) -> None:
    image = make_image(names=["a:1", "b:1"])
    assert tree(write_oci_layout([image], tmp_path / "in"))["totals"]["images"] == 1


def test_a_sparse_index(tmp_path: Path) -> None:
    images = [make_image([{"a": name.encode()}], architecture=name) for name in ("amd64", "arm64")]
    absent = images[1]
    source = write_index_layout(
        tmp_path / "in",
        images,
        drop=[absent.manifest_digest(), absent.config_digest, absent.layers[0].digest],
    )
    value = tree(source)
    assert value["totals"]["missing"] == [absent.manifest_digest()]
    (node,) = nodes(value, "absent")
    assert (node["digest"], node["platform"], node["unreadable"]) == (
        absent.manifest_digest(),
        "linux/arm64",
        False,
    )
    shown = text(source)
    assert f"! not here: linux/arm64, {absent.manifest_digest()[:19]}\n" in shown
    assert "OCI: 2 platforms\n" in shown
    assert "! 1 blob that documents name is not in this source: it is sparse\n" in shown


def test_absent_attestations_tell_whose_they_were(tmp_path: Path) -> None:
    image = make_image()
    whole = write_index_layout(tmp_path / "whole", [image], attestations=True)
    (attestation,) = nodes(tree(whole), "artifact")
    files = read_files(whole)
    corrupt.drop_blob(files, attestation["digest"])
    source = write_files(files, tmp_path / "in")
    (node,) = nodes(tree(source), "absent")
    assert node["subject"] == image.manifest_digest()
    shown = text(source)
    assert f"! not here: attestation of linux/amd64, {attestation['digest'][:19]}\n" in shown
    assert "OCI: 1 platform, 1 attestation\n" in shown


def test_orphans_of_layouts(tmp_path: Path) -> None:
    files = read_files(write_oci_layout([FIRST], tmp_path / "plain"))
    stray = "blobs/sha256/" + "0" * 64
    source = write_files({**files, stray: b"stray", "notes.txt": b"x"}, tmp_path / "in")
    archive = write_members({**files, stray: b"stray"}, tmp_path / "in.tar")
    for each in (source, archive):
        assert tree(each)["totals"]["orphans"] == [{"name": stray, "size": 5}]
        assert "1 orphan, 5 B: no document names them\n" in text(each)


def test_orphans_of_an_archive_of_docker(tmp_path: Path) -> None:
    files = read_files(write_docker_archive([FIRST], tmp_path / "plain.tar"))
    assert tree(tmp_path / "plain.tar")["totals"]["orphans"] == []
    stray = f"{'0' * 64}/layer.tar"
    source = write_members({**files, stray: b"stray"}, tmp_path / "in.tar")
    assert tree(source)["totals"]["orphans"] == [{"name": stray, "size": 5}]
    podman = write_docker_archive([FIRST], tmp_path / "podman.tar", style="podman")
    assert tree(podman)["totals"]["orphans"] == []


def test_orphans_of_dir_and_v1(tmp_path: Path) -> None:
    plain = write_dir(FIRST, tmp_path / "dir")
    assert tree(plain)["totals"]["orphans"] == []
    (plain / ("0" * 64)).write_bytes(b"stray")
    assert tree(plain)["totals"]["orphans"] == [{"name": "0" * 64, "size": 5}]
    steps = steps_of({"a": b"1"}, {"b": b"2"})
    assert tree(write_v1(steps, tmp_path / "v1.tar", "x:1"))["totals"]["orphans"] == []
    old = write_files(schema1_dir(steps, schema1(steps)), tmp_path / "schema1")
    assert tree(old)["totals"]["orphans"] == []
