"""Referrers that no index lists, as cosign 3 saves them: found, checked, carried as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import verify
from oci_layout.errors import DamagedError
from tests import corrupt, independent
from tests.builders import go_json, hex_of, make_image, name_annotations, sha256
from tests.builders.artifacts import Built, make_artifact, make_index, of_image, write_layout
from tests.repacked import packed
from tests.source.opened import opened

IMAGE = of_image(make_image([{"a": b"1"}], names=()))
SIGNATURE = make_artifact(b"signature", artifact_type="x/bundle", subject=IMAGE.entry())
ABOUT = make_artifact(b"of the signature", artifact_type="x/time", subject=SIGNATURE.entry())
TOP = name_annotations("demo:1")


def layout(tmp_path: Path, *parts: Built) -> Path:
    return write_layout(tmp_path / "in", [IMAGE.entry(annotations=TOP)], IMAGE, *parts)


def test_they_travel_and_stay_unlisted(tmp_path: Path) -> None:
    source = layout(tmp_path, SIGNATURE, ABOUT)
    before = independent.read_files(source)
    _, archive = packed(source, tmp_path / "out.tar")
    _, back = packed(tmp_path / "out.tar", tmp_path / "back")
    for result in (archive, back):
        assert [entry["digest"] for entry in result.index["manifests"]] == [IMAGE.digest]
        blobs = {name: data for name, data in result.files.items() if name.startswith("blobs/")}
        assert blobs == {name: data for name, data in before.items() if name.startswith("blobs/")}


def test_of_a_child_of_an_index(tmp_path: Path) -> None:
    index = make_index([IMAGE.entry()], IMAGE)
    of_index = make_artifact(b"of the index", subject=index.entry())
    entries = [index.entry(annotations=TOP)]
    source = write_layout(tmp_path / "in", entries, index, SIGNATURE, of_index)
    _, result = packed(source, tmp_path / "out", preserve_digests=True)
    assert {SIGNATURE.digest, of_index.digest} <= set(result.manifests)
    assert len(result.index["manifests"]) == 1


def test_what_refers_to_nothing_here_is_left_behind(tmp_path: Path) -> None:
    stranger = make_artifact(b"x", subject=of_image(make_image([{"z": b"9"}])).entry())
    image = of_image(make_image([{"hidden": b"1"}], names=()))
    plain = make_artifact(b"no subject")
    source = layout(tmp_path, stranger, image, plain)
    _, result = packed(source, tmp_path / "out")
    assert set(result.manifests) == {IMAGE.digest}


def test_odd_blobs_are_no_referrers(tmp_path: Path) -> None:
    source = layout(tmp_path)
    for value in (
        b"{",
        b'{"subject"',
        go_json({"subject": 1}),
        go_json({"subject": {"digest": 1}}),
        go_json({"subject": {"digest": IMAGE.digest}, "mediaType": "text/plain"}),
        go_json({"subject": {"digest": IMAGE.digest}, "mediaType": ["x"], "manifests": 1}),
        b"[" * 100 + b'"subject"',
    ):
        name = corrupt.blob(sha256(value))
        (source / name).write_bytes(value)
    (source / "blobs/sha256/short").write_bytes(SIGNATURE.document)
    (source / "blobs/odd").write_bytes(SIGNATURE.document)
    with opened(source) as found:
        assert [root.listed for root in found.roots] == [True]


def test_a_new_digest_is_followed(tmp_path: Path) -> None:
    report, result = packed(
        layout(tmp_path, SIGNATURE, ABOUT), tmp_path / "out", compression="gzip"
    )
    (entry,) = result.index["manifests"]
    subjects = {
        digest: value["subject"]["digest"]
        for digest, value in result.manifests.items()
        if "subject" in value
    }
    (signature,) = [digest for digest, of in subjects.items() if of == entry["digest"]]
    assert sorted(subjects.values()) == sorted([entry["digest"], signature])
    assert any("old digest" in line for line in map(str, report.changes))


def test_dropped_as_asked_and_by_docker(tmp_path: Path) -> None:
    source = layout(tmp_path, SIGNATURE)
    report, result = packed(source, tmp_path / "out", attestations="drop")
    assert list(result.manifests) == [IMAGE.digest]
    assert "attachment-dropped" in [each.code for each in report.warnings]
    report, result = packed(source, tmp_path / "out.tar", "docker")
    assert len(result.manifests) == 1
    assert any(SIGNATURE.digest in line for line in map(str, report.changes))


def test_a_damaged_one_stops_and_is_found(tmp_path: Path) -> None:
    source = layout(tmp_path, SIGNATURE)
    name = source / corrupt.blob(SIGNATURE.digest)
    name.write_bytes(SIGNATURE.document.replace(b"x/bundle", b"x/bungle"))
    with pytest.raises(DamagedError, match=hex_of(SIGNATURE.digest)[:12]):
        packed(source, tmp_path / "out")
    assert "digest-mismatch" in [each.code for each in verify(str(source)).findings]


def test_verify_finds_nothing_odd(tmp_path: Path) -> None:
    report = verify(str(layout(tmp_path, SIGNATURE, ABOUT)))
    assert report.findings == ()
    assert report.blobs == 3 + 2 + 3  # image; document and content of each; the empty config


def test_appended_with_their_image(tmp_path: Path) -> None:
    """Also where the image is there already; not where the image is not taken."""
    source = layout(tmp_path, SIGNATURE, ABOUT)
    bare = write_layout(tmp_path / "bare", [IMAGE.entry(annotations=TOP)], IMAGE)
    _, result = packed(source, bare, append=True)
    assert {SIGNATURE.digest, ABOUT.digest} <= set(result.manifests)
    other = of_image(make_image([{"b": b"2"}], names=()))
    taken = write_layout(tmp_path / "taken", [other.entry(annotations=TOP)], other)
    before = independent.read_files(taken)
    packed(source, taken, append=True, on_conflict="first")
    assert independent.read_files(taken) == before
    _, result = packed(source, tmp_path / "new", append=True)
    assert {SIGNATURE.digest, ABOUT.digest} <= set(result.manifests)
