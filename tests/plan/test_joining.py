"""`merge --multi-platform`: images of one name and several platforms become one index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import SelectionError, TargetError, merge, verify
from tests import independent
from tests.builders import (
    full_name,
    make_attestation,
    name_annotations,
    write_docker_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.artifacts import (
    Built,
    make_artifact,
    make_index,
    make_signature,
    of_image,
    write_layout,
)
from tests.command import codes, layout, report, the_line
from tests.joined import AMD, ARM, blob, entries_of, image, joined, platforms
from tests.repacked import repo_tags
from tests.sink.registries import tags_of

ATTESTED = "vnd.docker.reference.digest"


@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_two_archives_become_one_image(dest: str, tmp_path: Path) -> None:
    """Of whatever form; each entry states the platform that the config has."""
    done, result = joined(
        tmp_path / dest,
        write_docker_archive([AMD], tmp_path / "amd.tar"),
        write_oci_archive([ARM], tmp_path / "arm.tar"),
    )
    entries = entries_of(result, "app:1")
    configs = [result.manifests[entry["digest"]]["config"]["digest"] for entry in entries]
    assert configs == [AMD.config_digest, ARM.config_digest]
    assert entries[1]["digest"] == ARM.manifest_digest()
    assert platforms(entries) == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux", "variant": "v8"},
    ]
    assert [image.names for image in done.images] == [("app:1",)] * 2
    assert [image.manifest_after == image.manifest_before for image in done.images] == [False, True]
    (top,) = result.index["manifests"]
    (change,) = done.changes
    assert str(change) == f"made: app:1: index {top['digest']} of linux/amd64, linux/arm64/v8"
    # No platform is chosen for who reads manifest.json.
    assert repo_tags(result) == []
    assert codes(done.to_json()) == (set() if dest == "out" else {"no-docker-platform"})


def windows(version: str) -> dict[str, Any]:
    """What the config of an image of Windows says beside its processor."""
    return {"os": "windows", "os.version": version, "os.features": ["win32k"]}


def test_what_a_config_says_of_windows(tmp_path: Path) -> None:
    """As buildx, crane and podman list it: os.version and os.features tell two entries apart."""
    versions = ("10.0.17763.1", "10.0.20348.2")
    images = [image("amd64", "win:1", **windows(version)) for version in versions]
    sources = [write_docker_archive([each], tmp_path / str(n)) for n, each in enumerate(images)]
    _, result = joined(tmp_path / "out", *sources)
    assert platforms(entries_of(result, "win:1")) == [
        {
            "architecture": "amd64",
            "os": "windows",
            "os.version": version,
            "os.features": ["win32k"],
        }
        for version in versions
    ]


def test_the_order_is_that_of_the_sources(tmp_path: Path) -> None:
    sources = [
        write_oci_layout([AMD], tmp_path / "amd"),
        write_index_layout(
            tmp_path / "index", [image("s390x"), image("ppc64le")], "app:1", attestations=True
        ),
        write_oci_layout([ARM], tmp_path / "arm"),
    ]
    for number, order in enumerate((sources, sources, sources[::-1])):
        joined(tmp_path / f"{number}.tar", *order)
    assert (tmp_path / "0.tar").read_bytes() == (tmp_path / "1.tar").read_bytes()
    for number, wanted in ((0, "amd64 s390x ppc64le arm64"), (2, "arm64 s390x ppc64le amd64")):
        listed = entries_of(independent.check(tmp_path / f"{number}.tar"), "app:1")
        there = [each["architecture"] for each in platforms(listed)]
        # What is attached comes after all images.
        assert there == [*wanted.split(), "unknown", "unknown"]


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_attestations_follow(family: Any, tmp_path: Path) -> None:
    """An index is taken apart; an attestation stays with its image, whatever that is called now."""
    index = write_index_layout(
        tmp_path / "index", [image("s390x")], "app:1", attestations=True, family=family
    )
    done, result = joined(tmp_path / "out", index, write_docker_archive([AMD], tmp_path / "a.tar"))
    images, attestation = entries_of(result, "app:1")[:2], entries_of(result, "app:1")[2]
    assert images[0]["platform"] == {"architecture": "s390x", "os": "linux"}
    assert attestation["annotations"][ATTESTED] == images[0]["digest"]
    assert attestation["platform"] == {"architecture": "unknown", "os": "unknown"}
    followed = [change for change in done.changes if "now attached to" in str(change)]
    assert len(followed) == (family == "docker")
    dropped, bare = joined(
        tmp_path / "bare", index, write_oci_layout([AMD], tmp_path / "amd"), attestations="drop"
    )
    assert len(entries_of(bare, "app:1")) == 2
    assert "attachment-dropped" in codes(dropped.to_json())


def test_subjects_stay_unless_their_digest_changes(tmp_path: Path) -> None:
    amd, arm = of_image(AMD), of_image(ARM)
    sbom = make_artifact(b"sbom", artifact_type="application/spdx+json", subject=amd.entry())
    inner = make_artifact(b"inner", artifact_type="application/x", subject=arm.entry())
    beside = write_layout(
        tmp_path / "beside",
        [amd.entry(annotations=name_annotations("app:1")), sbom.entry()],
        amd,
        sbom,
    )
    index = make_index([arm.entry(platform=ARM.platform), inner.entry()], arm, inner)
    within = write_layout(
        tmp_path / "within", [index.entry(annotations=name_annotations("app:1"))], index
    )
    _, result = joined(tmp_path / "out", beside, within)
    assert [entry["digest"] for entry in result.index["manifests"]][1:] == [sbom.digest]
    listed = [entry["digest"] for entry in entries_of(result, "app:1")]
    assert listed == [amd.digest, arm.digest, inner.digest]
    for each in (sbom, inner):
        assert result.files[blob(each.digest)] == each.document


def test_what_is_attached_to_an_index_that_is_no_more(tmp_path: Path) -> None:
    """It stays what it was, and is told; a signature by tag alike."""
    part = of_image(ARM)
    index = make_index([part.entry(platform=ARM.platform)], part)
    sbom = make_artifact(b"sbom", artifact_type="application/x", subject=index.entry())
    signature = make_signature(index.digest)
    tag = f"repo:{index.digest.replace(':', '-')}.sig"
    source = write_layout(
        tmp_path / "in",
        [
            index.entry(annotations=name_annotations("app:1")),
            sbom.entry(),
            signature.entry(annotations=name_annotations(tag)),
        ],
        index,
        sbom,
        signature,
    )
    done, result = joined(tmp_path / "out", source, write_oci_layout([AMD], tmp_path / "amd"))
    assert {sbom.digest, signature.digest} < set(result.manifests)
    assert index.digest not in result.manifests
    told = [str(change) for change in done.changes if "was taken apart" in str(change)]
    assert len(told) == 2
    assert all(line.startswith("kept: ") and index.digest in line for line in told)


def test_what_an_index_says_is_told_where_it_goes(tmp_path: Path) -> None:
    """Indexes in indexes are taken apart to the ground; nothing they say is lost in silence."""
    part = of_image(ARM)
    floor = make_index([part.entry(platform=ARM.platform)], part)
    value = {**json.loads(floor.document), "annotations": {"made.by": "x"}}
    floor = Built(json.dumps(value).encode(), floor.media_type, part.blobs)
    top = make_index([floor.entry(annotations={"floor": "1"})], floor)
    entry = top.entry(annotations={**name_annotations("app:1"), "of.entry": "y"})
    source = write_layout(tmp_path / "in", [entry], top)
    done, result = joined(tmp_path / "out", write_oci_layout([AMD], tmp_path / "amd"), source)
    assert [entry["digest"] for entry in entries_of(result, "app:1")] == [
        AMD.manifest_digest(),
        ARM.manifest_digest(),
    ]
    fields = [change.field for change in done.changes if str(change).startswith("dropped")]
    assert fields == ["annotations.of.entry", "annotations.made.by", "annotations.floor"]


def test_what_an_entry_says_of_an_image_goes_along(tmp_path: Path) -> None:
    part = of_image(ARM)
    notes = {**name_annotations("app:1"), "of.entry": "y"}
    entry = part.entry(annotations=notes, **{"x-unknown": 1}, artifactType="application/x")
    source = write_layout(tmp_path / "in", [entry], part)
    _, result = joined(tmp_path / "out", write_oci_layout([AMD], tmp_path / "amd"), source)
    assert entries_of(result, "app:1")[1] == {
        **part.entry(annotations={"of.entry": "y"}),
        "x-unknown": 1,
        "artifactType": "application/x",
        "platform": {"architecture": "arm64", "os": "linux", "variant": "v8"},
    }


def test_preserved_digests(tmp_path: Path) -> None:
    """Each manifest stays what it was; the index around them is new, and of OCI."""
    sources = [
        write_oci_layout([AMD], tmp_path / "docker", family="docker"),
        write_oci_layout([ARM], tmp_path / "oci"),
    ]
    _, result = joined(tmp_path / "out.tar", *sources, preserve_digests=True)
    assert [entry["digest"] for entry in entries_of(result, "app:1")] == [
        AMD.manifest_digest("docker"),
        ARM.manifest_digest(),
    ]
    assert [entry["mediaType"].split(".")[1] for entry in entries_of(result, "app:1")] == [
        "docker",
        "oci",
    ]
    with pytest.raises(TargetError, match="digest"):
        joined(tmp_path / "no.tar", *sources, preserve_digests=True, compression="gzip")
    # Where a manifest was never written, there is none to preserve.
    saved = write_docker_archive([image("s390x", "app:1")], tmp_path / "saved.tar")
    _, result = joined(tmp_path / "more.tar", *sources, saved, preserve_digests=True)
    assert len(entries_of(result, "app:1")) == 3


def test_docker_takes_one_platform(tmp_path: Path) -> None:
    sources = [
        write_docker_archive([each], tmp_path / each.config_digest[-6:]) for each in (AMD, ARM)
    ]
    words = ["merge", *sources, "--multi-platform", "--to", "docker"]
    assert "--platform" in the_line(layout(*words, "-o", tmp_path / "out.tar"), 4)
    _, result = joined(tmp_path / "one.tar", *sources, to="docker", platforms=["linux/arm64"])
    assert repo_tags(result) == ["app:1"]
    assert len(result.manifests) == 1
    _, pure = joined(tmp_path / "pure.tar", *sources, to="docker", pure=True)
    (top,) = pure.index["manifests"]
    assert top["mediaType"].endswith("manifest.list.v2+json")
    assert [each["architecture"] for each in platforms(entries_of(pure, "app:1"))] == [
        "amd64",
        "arm64",
    ]


def test_into_a_layout_and_a_registry(tmp_path: Path) -> None:
    sources = [write_oci_layout([each], tmp_path / each.config_digest[-6:]) for each in (AMD, ARM)]
    there = write_oci_layout([image("amd64", "app:0")], tmp_path / "there")
    done, result = joined(there, *sources, append=True)
    assert done.added == ("app:1",)
    assert result.names == {full_name("app:0"), full_name("app:1")}
    other = write_oci_layout([image("s390x", "app:1")], tmp_path / "other")
    with pytest.raises(SelectionError, match="two different images"):
        joined(there, other, append=True)
    merge(sources, tmp_path / "registry", multi_platform=True, to="registry")
    assert list(tags_of(tmp_path / "registry")) == ["app:1"]
    assert not verify(tmp_path / "registry").failed


def test_a_dry_run_tells_the_same(tmp_path: Path) -> None:
    sources = [
        write_docker_archive([each], tmp_path / each.config_digest[-6:]) for each in (AMD, ARM)
    ]
    before = sorted(tmp_path.iterdir())
    told = merge(sources, multi_platform=True, dry_run=True)
    assert sorted(tmp_path.iterdir()) == before
    done, _ = joined(tmp_path / "out", *sources)
    assert told.changes == done.changes
    assert told.images == done.images


def test_absent_platforms_are_left_out(tmp_path: Path) -> None:
    gone = image("s390x")
    index = write_index_layout(
        tmp_path / "index", [ARM, gone], "app:1", attestations=True, drop=set(gone.blobs())
    )
    sources = [write_oci_layout([AMD], tmp_path / "amd"), index]
    done, result = joined(tmp_path / "out", *sources)
    assert "sparse-index" in codes(done.to_json())
    entries = entries_of(result, "app:1")
    assert [each["architecture"] for each in platforms(entries)] == ["amd64", "arm64", "unknown"]
    kept = merge(sources, tmp_path / "kept", multi_platform=True, sparse="keep")
    assert len(kept.images) == 2
    (top,) = json.loads((tmp_path / "kept/index.json").read_bytes())["manifests"]
    listed = json.loads((tmp_path / "kept" / blob(top["digest"])).read_bytes())["manifests"]
    assert gone.manifest_digest() in [entry["digest"] for entry in listed]


def test_volumes(tmp_path: Path) -> None:
    sources = [
        write_docker_archive([each], tmp_path / each.config_digest[-6:]) for each in (AMD, ARM)
    ]
    done = merge(sources, tmp_path / "x.tar", multi_platform=True, volume_size="4G")
    assert [volume.images for volume in done.volumes] == [("app:1",)]
    assert not verify(tmp_path / "x.volumes.json").failed


def test_attestations_make_no_image(tmp_path: Path) -> None:
    """The command and the call say the same."""
    index = write_index_layout(tmp_path / "index", [ARM], "app:1", attestations=True)
    sources = [write_docker_archive([AMD], tmp_path / "amd.tar"), index]
    said = layout("merge", *sources, "--multi-platform", "-o", tmp_path / "out.tar", "--json")
    value = json.loads(said.stdout)
    assert [each["names"] for each in value["images"]] == [["app:1"]] * 2
    (attestation,) = value["artifacts"]
    assert attestation["inside"] == ["app:1"]
    assert attestation["manifest_after"] == make_attestation(ARM)[0]["digest"]
    again = report(tmp_path / "out.tar", "--to", "oci", "--preserve-digests", "-o", tmp_path / "x")
    assert len(again["images"]) == 2
