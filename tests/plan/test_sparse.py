"""Sparse sources: what is whole goes, what is absent is named with what belongs to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import LayoutError, repack, verify
from oci_layout.errors import DamagedError
from oci_layout.plan.report import Report
from tests import corrupt, independent
from tests.builders import Image, make_attestation, make_image, name_annotations
from tests.builders.artifacts import Built, make_artifact, make_index, of_image, write_layout
from tests.command import layout
from tests.repacked import packed
from tests.shared import needs_shared, rows, sample_path

AMD = make_image([{"a": b"amd"}, {"b": b"top"}], names=())
ARM = make_image([{"a": b"arm"}], names=(), architecture="arm64")
S390 = make_image([{"a": b"s390"}], names=(), architecture="s390x")
GONE = {
    "manifest": ARM.manifest_digest(),
    "config": ARM.config_digest,
    "layer": ARM.layers[0].digest,
}
TOP = name_annotations("demo:1")


def attested(*images: Image) -> tuple[list[dict[str, Any]], list[Built]]:
    """Entries of images and of their attestations, as BuildKit lists them."""
    entries, parts, notes = [], [], []
    for image in images:
        part = of_image(image)
        entries.append(part.entry(platform=image.platform))
        note, blobs = make_attestation(image)
        notes.append(note)
        parts += [part, Built(blobs.pop(note["digest"]), note["mediaType"], blobs)]
    return entries + notes, parts


def said(report: Report) -> str:
    return "\n".join(str(each) for each in report.warnings if each.code == "sparse-index")


def refused(source: Path, dest: Path, **how: Any) -> str:
    """The message of exit 3, with nothing written."""
    before = sorted(dest.parent.iterdir())
    with pytest.raises(DamagedError) as caught:
        repack(str(source), str(dest), **{"to": "oci", **how})
    assert caught.value.exit_status == 3
    assert sorted(dest.parent.iterdir()) == before
    return str(caught.value)


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("gone", GONE)
def test_whole_beside_absent(gone: str, target: str, tmp_path: Path) -> None:
    """A complete image beside an absent one: the archive holds the one, and verifies."""
    entries, parts = attested(AMD, ARM)
    index = make_index(entries, *parts)
    source = write_layout(tmp_path / "in", [index.entry(annotations=TOP)], index, drop=[GONE[gone]])
    report, result = packed(source, tmp_path / "out.tar", target)
    assert set(result.configs) == {AMD.config_digest}
    assert GONE[gone] in said(report)
    assert "linux/arm64" in said(report)
    assert make_attestation(ARM)[0]["digest"] in said(report)
    assert verify(str(tmp_path / "out.tar")).findings == ()
    assert make_attestation(ARM)[0]["digest"] not in result.files


def test_what_is_left_keeps_its_place_and_its_bytes(tmp_path: Path) -> None:
    entries, parts = attested(ARM, AMD, S390)
    index = make_index(entries, *parts, annotations={"org.example": "kept"})
    source = write_layout(
        tmp_path / "in", [index.entry(annotations=TOP)], index, drop=[GONE["manifest"]]
    )
    _, result = packed(source, tmp_path / "out")
    (entry,) = result.index["manifests"]
    inner = json.loads(result.files[corrupt.blob(entry["digest"])])
    assert inner["annotations"] == {"org.example": "kept"}
    assert inner["manifests"] == [entries[1], entries[2], entries[4], entries[5]]


def test_attestation_of_an_absent_image_alone(tmp_path: Path) -> None:
    """The attestation is whole, the image is not there: nothing is complete."""
    entries, parts = attested(ARM)
    index = make_index(entries, *parts)
    source = write_layout(
        tmp_path / "in", [index.entry(annotations=TOP)], index, drop=[GONE["manifest"]]
    )
    assert GONE["manifest"] in refused(source, tmp_path / "out.tar")


def test_an_attestation_that_is_absent(tmp_path: Path) -> None:
    entries, parts = attested(AMD, ARM)
    index = make_index(entries, *parts)
    gone = entries[3]["digest"]
    source = write_layout(tmp_path / "in", [index.entry(annotations=TOP)], index, drop=[gone])
    report, result = packed(source, tmp_path / "out.tar")
    assert set(result.configs) == {AMD.config_digest, ARM.config_digest}
    assert gone in said(report)


def twice(dest: Path, drop: list[str]) -> Path:
    """amd64 in an index in an index, arm64 in another; an attestation on the floor above."""
    entries, parts = attested(AMD, ARM)
    left = make_index([entries[0], entries[2]], *parts[:2])
    right = make_index([entries[1]], parts[2])
    middle = make_index([left.entry(), right.entry(), entries[3]], left, right, parts[3])
    outer = make_index([middle.entry()], middle)
    return write_layout(dest, [outer.entry(annotations=TOP)], outer, drop=drop)


def test_nested_twice(tmp_path: Path) -> None:
    source = twice(tmp_path / "in", [GONE["layer"]])
    report, result = packed(source, tmp_path / "out.tar")
    assert set(result.configs) == {AMD.config_digest}
    assert len(result.manifests) == 2
    assert GONE["layer"] in said(report)
    assert make_attestation(ARM)[0]["digest"] in said(report)


def test_nested_twice_and_nothing_whole(tmp_path: Path) -> None:
    gone = [AMD.config_digest, GONE["manifest"]]
    line = refused(twice(tmp_path / "in", gone), tmp_path / "out.tar")
    assert all(digest in line for digest in gone)


def test_an_index_that_is_absent(tmp_path: Path) -> None:
    inner = make_index([of_image(ARM).entry(platform=ARM.platform)], of_image(ARM))
    outer = make_index([of_image(AMD).entry(platform=AMD.platform), inner.entry()], of_image(AMD))
    source = write_layout(tmp_path / "in", [outer.entry(annotations=TOP)], outer)
    report, result = packed(source, tmp_path / "out.tar")
    assert set(result.configs) == {AMD.config_digest}
    assert inner.digest in said(report)


def test_every_missing_digest_is_named(tmp_path: Path) -> None:
    images = [make_image([{"n": bytes([n])}], names=()) for n in range(12)]
    parts = [of_image(each) for each in images]
    entries = [
        part.entry(annotations=name_annotations(f"demo:{n}")) for n, part in enumerate(parts)
    ]
    gone = [each.layers[0].digest for each in images]
    source = write_layout(tmp_path / "in", entries, *parts, drop=gone)
    line = refused(source, tmp_path / "out")
    assert all(digest in line for digest in gone)
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out")
    assert done.returncode == 3
    assert all(digest.encode() in done.stderr for digest in gone)


def two_roots(dest: Path, *more: Built, drop: list[str]) -> Path:
    parts = of_image(AMD), of_image(ARM)
    entries = [
        part.entry(annotations=name_annotations(name))
        for part, name in zip(parts, ("amd:1", "arm:1"), strict=True)
    ]
    entries += [each.entry() for each in more]
    return write_layout(dest, entries, *parts, *more, drop=drop)


def signature(of: Built) -> Built:
    return make_artifact(b"signs " + of.digest.encode(), subject=of.entry())


def test_images_side_by_side_with_their_signatures(tmp_path: Path) -> None:
    """No index around them: with the absent image go its signature, and what signs that."""
    signs_arm = signature(of_image(ARM))
    more = signature(of_image(AMD)), signs_arm, signature(signs_arm)
    source = two_roots(tmp_path / "in", *more, drop=[GONE["layer"]])
    report, result = packed(source, tmp_path / "out.tar", sparse="prune")
    assert result.names == {"docker.io/library/amd:1"}
    assert set(result.manifests) == {AMD.manifest_digest(), more[0].digest}
    assert more[1].digest in said(report)
    assert more[2].digest in said(report)


def test_a_signature_is_no_complete_image(tmp_path: Path) -> None:
    more = [signature(of_image(ARM))]
    gone = [GONE["manifest"], AMD.config_digest]
    source = two_roots(tmp_path / "in", *more, drop=gone)
    line = refused(source, tmp_path / "out.tar")
    assert all(digest in line for digest in gone)


def test_a_chart_is_complete(tmp_path: Path) -> None:
    chart = make_artifact(b"chart", config_type="application/vnd.cncf.helm.config.v1+json")
    source = two_roots(tmp_path / "in", chart, drop=[GONE["manifest"], AMD.config_digest])
    _, result = packed(source, tmp_path / "out.tar", sparse="prune")
    assert set(result.manifests) == {chart.digest}


@pytest.mark.parametrize("target", ["oci", "docker"])
def test_fail_refuses_any_absence(target: str, tmp_path: Path) -> None:
    source = two_roots(tmp_path / "in", drop=[GONE["layer"]])
    line = refused(source, tmp_path / "out.tar", sparse="fail", to=target)
    assert GONE["layer"] in line
    whole = two_roots(tmp_path / "whole", drop=[])
    packed(whole, tmp_path / "whole.tar", target, sparse="fail")


@pytest.mark.parametrize("gone", GONE)
def test_keep_leaves_the_index_as_it_was(gone: str, tmp_path: Path) -> None:
    entries, parts = attested(AMD, ARM)
    index = make_index(entries, *parts)
    source = write_layout(tmp_path / "in", [index.entry(annotations=TOP)], index, drop=[GONE[gone]])
    report = repack(str(source), str(tmp_path / "out"), to="oci", sparse="keep")
    files = independent.read_files(tmp_path / "out")
    assert files[corrupt.blob(index.digest)] == index.document
    expected = independent.read_files(source)
    if gone == "manifest":  # without it, nothing leads to these
        for digest in (ARM.config_digest, ARM.layers[0].digest):
            del expected[corrupt.blob(digest)]
    assert {**expected, "index.json": b""} == {**files, "index.json": b""}
    assert "kept as asked" in said(report)
    assert "left out" not in said(report)
    report, result = packed(source, tmp_path / "docker.tar", "docker", sparse="keep")
    assert set(result.configs) == {AMD.config_digest}
    assert GONE[gone] in said(report)


def test_keep_needs_something_whole_too(tmp_path: Path) -> None:
    source = two_roots(tmp_path / "in", drop=[GONE["layer"], AMD.config_digest])
    refused(source, tmp_path / "out", sparse="keep")


def test_keep_leaves_an_entry_of_the_top_index_too(tmp_path: Path) -> None:
    source = two_roots(tmp_path / "in", drop=[GONE["manifest"]])
    repack(str(source), str(tmp_path / "out"), to="oci", sparse="keep")
    before = json.loads((source / "index.json").read_bytes())["manifests"]
    after = json.loads((tmp_path / "out/index.json").read_bytes())["manifests"]
    assert [entry["digest"] for entry in after] == [entry["digest"] for entry in before]


def holds_an_image(folder: Path) -> bool:
    """Whether an image of a layout is all there, as far as its files tell."""
    files = independent.read_files(folder)

    def there(entry: dict[str, Any]) -> dict[str, Any] | None:
        name = "blobs/" + entry["digest"].replace(":", "/")
        return json.loads(files[name]) if name in files else None

    def whole(entry: dict[str, Any]) -> bool:
        value = there(entry)
        if value is None:
            return False
        if "manifests" in value:
            return any(whole(child) for child in value["manifests"])
        parts = [value["config"], *value["layers"]]
        return all(corrupt.blob(part["digest"]) in files for part in parts)

    return any(whole(entry) for entry in json.loads(files["index.json"])["manifests"])


@needs_shared
@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("row", rows("SPARSE"))
def test_sparse_samples(row: dict[str, Any], target: str, tmp_path: Path) -> None:
    """With a complete image inside, it becomes an archive that verifies; else exit 3."""
    source = sample_path(row, tmp_path / "sample")
    dest = tmp_path / "out.tar"
    if (source / "index.json").is_file() and holds_an_image(source):
        packed(source, dest, target)
        assert not verify(str(dest)).failed
        return
    with pytest.raises(LayoutError) as caught:
        repack(str(source), str(dest), to=target)
    assert caught.value.exit_status == 3
    assert not dest.exists()
    missing = [text.split()[2] for text in row["prob"] if text.startswith("missing blob")]
    assert all(digest in str(caught.value) for digest in missing)
