"""When an image gets another digest: what only points at it follows, what vouches does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout.errors import TargetError
from oci_layout.plan.report import Report
from tests import corrupt
from tests.builders import IMAGE_NAME, REF_NAME, hex_of, make_attestation, make_image
from tests.builders.artifacts import (
    COSIGN,
    Built,
    make_artifact,
    make_index,
    make_old_artifact,
    make_signature,
    of_image,
    write_layout,
)
from tests.independent import Checked
from tests.repacked import packed, repo_tags

IMAGE = make_image([{"a": b"signed"}], names=("demo:1",))
PART = of_image(IMAGE)
NAMES = {IMAGE_NAME: "docker.io/library/demo:1", REF_NAME: "1"}
OLD = IMAGE.manifest_digest()
HOW = {"kept": {}, "moved": {"compression": "gzip"}}


def tag(digest: str, suffix: str = "") -> str:
    return f"sha256-{hex_of(digest)}{suffix}"


def layout(tmp_path: Path, *entries: dict[str, Any], parts: tuple[Built, ...]) -> Path:
    return write_layout(tmp_path / "in", [PART.entry(annotations=NAMES), *entries], PART, *parts)


def by_name(result: Checked) -> dict[str, dict[str, Any]]:
    return {
        entry.get("annotations", {}).get(REF_NAME, ""): entry for entry in result.index["manifests"]
    }


def moved(result: Checked) -> str:
    """The image's new digest."""
    new: str = by_name(result)["1"]["digest"]
    assert new != OLD
    return new


def lines(report: Report, *words: str) -> list[str]:
    return [line for line in map(str, report.changes) if all(word in line for word in words)]


REFERRER = make_artifact(b"an SBOM", artifact_type="application/spdx+json", subject=PART.entry())


def fallback(*referrers: Built) -> Built:
    """The index that stands in for the API of referrers (distribution-spec, "Referrers Tag")."""
    return make_index([each.entry() for each in referrers], *referrers)


@pytest.mark.parametrize("full", [False, True], ids=["bare tag", "full name"])
def test_the_fallback_tag_follows(full: bool, tmp_path: Path) -> None:
    index = fallback(REFERRER)
    repository = "docker.io/library/demo:"
    notes = {REF_NAME: tag(OLD)} | ({IMAGE_NAME: repository + tag(OLD)} if full else {})
    source = layout(tmp_path, index.entry(annotations=notes), parts=(index,))
    report, kept = packed(source, tmp_path / "kept")
    assert by_name(kept)[tag(OLD)]["digest"] == index.digest
    assert report.changes == ()
    report, result = packed(source, tmp_path / "moved", compression="gzip")
    new = moved(result)
    entry = by_name(result)[tag(new)]
    if full:
        assert entry["annotations"][IMAGE_NAME] == repository + tag(new)
    (child,) = json.loads(result.files[corrupt.blob(entry["digest"])])["manifests"]
    assert result.manifests[child["digest"]]["subject"]["digest"] == new
    assert lines(report, "name", tag(new)[:20])
    assert lines(report, "its subject is now", new)


def test_a_fallback_tag_of_sha512_is_cut(tmp_path: Path) -> None:
    """A tag has 128 characters at most: distribution-spec takes 64 of the hash."""
    index = fallback(REFERRER)
    source = layout(tmp_path, index.entry(annotations={REF_NAME: tag(OLD)}), parts=(index,))
    how = {"compression": "gzip", "digest": "sha512"}
    _, first = packed(source, tmp_path / "first", **how)
    new = moved(first)
    assert new.startswith("sha512:")
    assert f"sha512-{new[7:71]}" in by_name(first)
    _, second = packed(tmp_path / "first", tmp_path / "second", compression="none")
    assert f"sha512-{moved(second)[7:71]}" in by_name(second)
    assert moved(second) != new
    _, chosen = packed(tmp_path / "first", tmp_path / "chosen", images=("demo:1",))
    assert len(chosen.index["manifests"]) == 2


@pytest.mark.parametrize(("suffix", "follows"), [(".sig", False), (".att", False), (".sbom", True)])
def test_tags_of_cosign(suffix: str, follows: bool, tmp_path: Path) -> None:
    """A signature and an in-toto statement have the old digest inside; an SBOM has none."""
    attached = make_signature(OLD)
    entry = attached.entry(annotations={REF_NAME: tag(OLD, suffix)})
    source = layout(tmp_path, entry, parts=(attached,))
    report, kept = packed(source, tmp_path / "kept")
    assert by_name(kept)[tag(OLD, suffix)]["digest"] == attached.digest
    assert report.changes == ()
    report, result = packed(source, tmp_path / "moved", compression="gzip")
    new = moved(result)
    found = by_name(result)
    assert found[tag(new if follows else OLD, suffix)]["digest"] == attached.digest
    assert len(found) == 2
    if not follows:
        assert lines(report, "kept", suffix, OLD, new, "will not verify")


def test_a_signature_holds_again_when_the_digest_comes_back(tmp_path: Path) -> None:
    """To Docker's media types and back: the very manifest, and its signature under its tag."""
    attached = make_signature(OLD)
    entry = attached.entry(annotations={REF_NAME: tag(OLD, ".sig")})
    source = layout(tmp_path, entry, parts=(attached,))
    _, there = packed(source, tmp_path / "there", compression="gzip")
    assert moved(there)
    _, back = packed(tmp_path / "there", tmp_path / "back", compression="none")
    assert by_name(back)["1"]["digest"] == OLD
    assert by_name(back)[tag(OLD, ".sig")]["digest"] == attached.digest


@pytest.mark.parametrize("kind", ["sigs", "atts"])
def test_kinds_of_cosign(kind: str, tmp_path: Path) -> None:
    attached = make_signature(OLD)
    entries = [
        PART.entry(annotations={"kind": COSIGN + "image"}),
        attached.entry(annotations={"kind": COSIGN + kind}),
    ]
    source = write_layout(tmp_path / "in", entries, PART, attached)
    report, kept = packed(source, tmp_path / "kept")
    assert kept.index["manifests"] == entries
    assert report.changes == ()
    report, result = packed(source, tmp_path / "moved", compression="gzip")
    assert [each["annotations"] for each in result.index["manifests"]] == [
        {"kind": COSIGN + "image"},
        {"kind": COSIGN + kind},
    ]
    assert lines(report, "kept", kind, OLD, "will not verify")
    _, chosen = packed(source, tmp_path / "chosen", images=(OLD,))
    assert chosen.index["manifests"] == entries
    with pytest.raises(TargetError) as caught:
        packed(source, tmp_path / "refused", compression="gzip", preserve_digests=True)
    assert caught.value.exit_status == 6
    report, dropped = packed(source, tmp_path / "dropped", attestations="drop")
    assert dropped.index["manifests"] == entries[:1]
    assert "attachment-dropped" in [each.code for each in report.warnings]


@pytest.mark.parametrize("old_form", [False, True], ids=["image manifest", "artifact manifest"])
@pytest.mark.parametrize("how", HOW)
def test_subjects_of_subjects(how: str, old_form: bool, tmp_path: Path) -> None:
    """A signature of an SBOM of the image: each digest changes, and each is followed."""
    make = make_old_artifact if old_form else make_artifact
    sbom = make(b"sbom", subject=PART.entry())
    signed = make(b"signature", subject=sbom.entry())
    # In the wrong order, as a registry might list them.
    source = write_layout(
        tmp_path / "in",
        [signed.entry(), sbom.entry(), PART.entry(annotations=NAMES)],
        *(PART, sbom, signed),
    )
    _, result = packed(source, tmp_path / "out", **HOW[how])
    digests = [entry["digest"] for entry in result.index["manifests"]]
    assert len(digests) == 3
    documents = [result.manifests[digest] for digest in digests]
    assert documents[0]["subject"]["digest"] == digests[1]
    assert documents[1]["subject"]["digest"] == digests[2]
    assert documents[1]["subject"]["size"] == len(result.files[corrupt.blob(digests[2])])
    if how == "kept":
        assert digests == [signed.digest, sbom.digest, OLD]


def test_the_subject_of_an_index(tmp_path: Path) -> None:
    about = make_artifact(b"x")
    index = make_index([about.entry()], about, subject=PART.entry())
    source = layout(tmp_path, index.entry(), parts=(index,))
    _, result = packed(source, tmp_path / "moved", compression="gzip")
    (document,) = [
        json.loads(result.files[corrupt.blob(each["digest"])])
        for each in result.index["manifests"]
        if "index" in each["mediaType"]
    ]
    assert document["subject"]["digest"] == moved(result)


def test_an_attestation_beside_its_image(tmp_path: Path) -> None:
    """BuildKit's annotation on an entry of index.json itself."""
    entry, blobs = make_attestation(IMAGE)
    note = Built(blobs.pop(entry["digest"]), entry["mediaType"], blobs)
    source = layout(tmp_path, entry, parts=(note,))
    report, result = packed(source, tmp_path / "moved", compression="gzip")
    (found,) = [each for each in result.index["manifests"] if each["digest"] == note.digest]
    assert found["annotations"]["vnd.docker.reference.digest"] == moved(result)
    assert lines(report, "attestation", OLD, "old digest")


@pytest.mark.parametrize("how", HOW)
def test_a_name_by_digest_follows(how: str, tmp_path: Path) -> None:
    """`demo@sha256:...` as a name must not stand for another digest."""
    name = f"docker.io/library/demo@{OLD}"
    source = write_layout(tmp_path / "in", [PART.entry(annotations={IMAGE_NAME: name})], PART)
    report, result = packed(source, tmp_path / "out", **HOW[how])
    (entry,) = result.index["manifests"]
    assert entry["annotations"][IMAGE_NAME] == f"docker.io/library/demo@{entry['digest']}"
    assert bool(report.changes) == (how == "moved")


def test_drop_leaves_all_of_them_out(tmp_path: Path) -> None:
    signature = make_signature(OLD)
    index = fallback(REFERRER)
    other = make_artifact(b"another", subject=PART.entry())
    entries = [
        signature.entry(annotations={REF_NAME: tag(OLD, ".sig")}),
        index.entry(annotations={REF_NAME: tag(OLD)}),
        other.entry(),
    ]
    source = layout(tmp_path, *entries, parts=(signature, index, other))
    _, kept = packed(source, tmp_path / "kept")
    assert len(kept.manifests) == 4
    report, result = packed(source, tmp_path / "out", attestations="drop")
    assert list(result.manifests) == [OLD]
    assert len([each for each in report.warnings if each.code == "attachment-dropped"]) == 3


@pytest.mark.parametrize("attestations", ["keep", "drop"])
def test_docker_goes_without_and_that_is_said(attestations: str, tmp_path: Path) -> None:
    signature = make_signature(OLD)
    index = fallback(REFERRER)
    entries = [
        signature.entry(annotations={REF_NAME: tag(OLD, ".sig")}),
        index.entry(annotations={REF_NAME: tag(OLD)}),
    ]
    source = layout(tmp_path, *entries, parts=(signature, index))
    report, result = packed(source, tmp_path / "out.tar", "docker", attestations=attestations)
    assert repo_tags(result) == ["demo:1"]
    assert list(result.configs) == [IMAGE.config_digest]
    told = list(map(str, (*report.changes, *report.warnings)))
    assert any(".sig" in line and ("dropped" in line or "left out" in line) for line in told)
    assert any(tag(OLD)[:30] in line and ".sig" not in line for line in told)


def test_a_chosen_image_brings_what_belongs_to_it(tmp_path: Path) -> None:
    other = of_image(make_image([{"b": b"other"}], names=()))
    foreign = make_artifact(b"of the other", subject=other.entry())
    signature = make_signature(OLD)
    entries = [
        signature.entry(annotations={REF_NAME: tag(OLD, ".sig")}),
        REFERRER.entry(),
        other.entry(annotations={REF_NAME: "other"}),
        foreign.entry(),
    ]
    source = layout(tmp_path, *entries, parts=(signature, REFERRER, other, foreign))
    _, result = packed(source, tmp_path / "out", images=("demo:1",))
    assert set(result.manifests) == {OLD, signature.digest, REFERRER.digest}
