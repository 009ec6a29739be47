"""The report: facts of what was done, the same before and after, one JSON document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from oci_layout import Progress, repack
from oci_layout.plan.change import Change, ChangeKind
from tests.builders import (
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.artifacts import make_artifact, make_index, of_image, write_layout
from tests.builders.layout import name_annotations
from tests.independent import read_files
from tests.repacked import packed

IMAGE = make_image(names=("demo:1",), compression=["gzip", "none"])


def facts(report: dict[str, Any]) -> dict[str, Any]:
    """What a dry run can know: all but what is only known after the work."""
    later = {"dry_run", "bytes_written", "seconds", "destination"}
    return {key: value for key, value in report.items() if key not in later}


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
@pytest.mark.parametrize("form", ["docker", "hybrid", "layout"])
def test_a_dry_run_tells_what_is_then_done(
    target: str, dest: str, form: str, tmp_path: Path
) -> None:
    if form == "docker":
        raw = make_image(names=("demo:1",))
        source = write_docker_archive([raw], tmp_path / "in.tar")
    elif form == "hybrid":
        source = write_hybrid_archive([IMAGE], tmp_path / "in.tar")
    else:
        source = write_oci_layout([IMAGE], tmp_path / "in")
    before = sorted(tmp_path.iterdir())
    foretold = repack(str(source), str(tmp_path / dest), to=target, dry_run=True)
    assert sorted(tmp_path.iterdir()) == before
    done, result = packed(source, tmp_path / dest, target)
    assert facts(foretold.to_json()) == facts(done.to_json())
    assert str(done.images[0].manifest_after) in result.manifests
    assert foretold.dry_run
    assert not done.dry_run
    assert (foretold.bytes_written, foretold.seconds) == (None, None)


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_what_a_dry_run_cannot_know_it_leaves_open(compression: str, tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    foretold = repack(str(source), None, to="oci", dry_run=True, compression=compression).images[0]
    done = packed(source, tmp_path / "out", compression=compression)[0].images[0]
    for early, late in zip(foretold.layers, done.layers, strict=True):
        assert (early.action, early.compression, early.encoder, early.diff_id) == (
            late.action,
            late.compression,
            late.encoder,
            late.diff_id,
        )
        assert early.after in (None, late.after)
        assert early.size_after in (None, late.size_after)
    assert foretold.manifest_after in (None, done.manifest_after)
    assert foretold.image_id_after == done.image_id_after


def test_a_dry_run_without_a_destination(tmp_path: Path) -> None:
    source = write_docker_archive([make_image()], tmp_path / "in.tar")
    assert repack(str(source), None, to="docker", dry_run=True).images
    assert [path.name for path in tmp_path.iterdir()] == ["in.tar"]


def test_every_image_is_reported(tmp_path: Path) -> None:
    platforms = [
        make_image([{"p": p.encode()}], names=(), architecture=p) for p in ("amd64", "arm64")
    ]
    source = write_index_layout(tmp_path / "in", platforms)
    report, _ = packed(source, tmp_path / "out")
    assert [str(image.platform) for image in report.images] == ["linux/amd64", "linux/arm64"]
    assert {image.names for image in report.images} == {("demo:1",)}
    assert [str(image.image_id_before) for image in report.images] == [
        image.config_digest for image in platforms
    ]


@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_the_bytes_written_are_counted(dest: str, tmp_path: Path) -> None:
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    report, result = packed(source, tmp_path / dest)
    if dest == "out":
        assert report.bytes_written == sum(map(len, result.files.values()))
    else:
        assert report.bytes_written == (tmp_path / dest).stat().st_size


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    report, _ = packed(source, tmp_path / "out.tar", compression="zstd")
    value = json.loads(json.dumps(report.to_json()))
    assert value["version"] == 1
    (image,) = value["images"]
    assert image["names"] == ["demo:1"]
    assert image["image_id_before"] == IMAGE.config_digest
    assert image["platform"] == "linux/amd64"
    assert [layer["diff_id"] for layer in image["layers"]] == list(IMAGE.diff_ids)
    assert {layer["action"] for layer in image["layers"]} == {"re-encoded"}
    assert all("zstd" in layer["encoder"] for layer in image["layers"])
    assert value["warnings"] == [warning.to_json() for warning in report.warnings]
    codes = [warning["code"] for warning in value["warnings"]]
    assert "zstd-layers" in codes


def test_a_change_is_a_value_in_the_json_too(tmp_path: Path) -> None:
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    change = Change(ChangeKind.DROPPED, "annotation a.b", layer=2, field="layers[2].annotations")
    report = attrs.evolve(packed(source, tmp_path / "out")[0], changes=(change,))
    assert str(change) == "dropped: annotation a.b"
    assert report.to_json()["changes"] == [
        {
            "kind": "dropped",
            "text": "annotation a.b",
            "digest": "",
            "layer": 2,
            "field": "layers[2].annotations",
        }
    ]


def test_progress_counts_every_byte_that_is_read(tmp_path: Path) -> None:
    totals: list[int] = []
    steps: list[int] = []
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    repack(
        str(source),
        str(tmp_path / "out"),
        to="oci",
        progress=Progress(start=totals.append, advance=steps.append),
    )
    assert totals == [sum(len(layer.stored) for layer in IMAGE.layers)]
    assert sum(steps) == totals[0]


def test_every_artifact_that_goes_out_is_named(tmp_path: Path) -> None:
    """Inside an index, listed by itself, and not listed at all."""
    image = make_image([{"a": b"1"}], names=("demo:1",))
    part = of_image(image)
    attestation = make_artifact(b"inside", artifact_type="application/x.a", subject=part.entry())
    listed = make_artifact(b"listed", artifact_type="application/x.b", subject=part.entry())
    unlisted = make_artifact(b"unlisted", artifact_type="application/x.c", subject=part.entry())
    index = make_index(
        [part.entry(platform=image.platform), attestation.entry()], part, attestation
    )
    entries = [index.entry(annotations=name_annotations("demo:1")), listed.entry()]
    source = write_layout(tmp_path / "in", entries, index, listed, unlisted)
    kinds = {
        "application/x.a": ("demo:1",),
        "application/x.b": (),
        "application/x.c": (),
    }
    for dry in (False, True):
        report = repack(str(source), str(tmp_path / "out"), to="oci", force=True, dry_run=dry)
        assert {each.kind: each.inside for each in report.artifacts} == kinds
    copied = {name for name in read_files(tmp_path / "out") if name.startswith("blobs/")}
    for built in (attestation, listed, unlisted):
        assert f"blobs/sha256/{built.digest[7:]}" in copied
