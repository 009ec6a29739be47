"""Several sources into one: blobs shared, every image kept, a name for two images settled."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import oci_layout
from oci_layout import merge
from oci_layout.errors import NameConflictError, SelectionError, TargetError, UsageError
from oci_layout.plan.report import Report
from tests import independent
from tests.builders import (
    IMAGE_NAME,
    REF_NAME,
    Image,
    full_name,
    make_attestation,
    make_image,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.artifacts import COSIGN, make_artifact, make_signature, of_image, write_layout
from tests.command import layout
from tests.independent import Checked
from tests.repacked import repo_tags


def image(text: str, *names: str) -> Image:
    """An image of its own content, with a layer that all of them share."""
    return make_image([{"base": b"shared"}, {"text": text.encode()}], names=names)


def merged(dest: Path, *sources: Path, **how: Any) -> tuple[Report, Checked]:
    report = merge(tuple(map(str, sources)), str(dest), **how)
    return report, independent.check(dest)


A, B, C = image("a", "a:1"), image("b", "b:1", "b:latest"), image("c", "c:1")


@pytest.mark.parametrize("dest", ["out", "out.tar"])
@pytest.mark.parametrize("target", ["oci", "docker"])
def test_many_forms_into_one(target: str, dest: str, tmp_path: Path) -> None:
    report, result = merged(
        tmp_path / dest,
        write_docker_archive([A], tmp_path / "a.tar"),
        write_oci_layout([B], tmp_path / "b"),
        write_hybrid_archive([C], tmp_path / "c.tar"),
        write_dir(image("d"), tmp_path / "d"),
        to=target,
    )
    assert result.names == {full_name(name) for name in ("a:1", "b:1", "b:latest", "c:1")}
    assert len(result.configs) == 4
    assert len(report.images) == 4
    if result.docker is not None:
        assert sorted(repo_tags(result)) == ["a:1", "b:1", "b:latest", "c:1"]
        assert len(result.docker) == 4


def test_blobs_are_shared(tmp_path: Path) -> None:
    sources = [write_oci_layout([each], tmp_path / each.names[0][0]) for each in (A, B, C)]
    _, result = merged(tmp_path / "out", *sources)
    layers = [name for name, data in result.files.items() if data == A.layers[0].stored]
    assert len(layers) == 1
    apart = sum(len(independent.read_files(source)) for source in sources)
    assert len(result.files) == apart - 2 * 3  # the shared layer, index.json and oci-layout


def conflicting(tmp_path: Path) -> tuple[Path, Path]:
    one = write_oci_layout([image("one", "demo:1", "demo:keep")], tmp_path / "one")
    two = write_oci_archive([image("two", "demo:1")], tmp_path / "two.tar")
    return one, two


def test_a_conflict_names_both_sources(tmp_path: Path) -> None:
    one, two = conflicting(tmp_path)
    with pytest.raises(SelectionError) as caught:
        merged(tmp_path / "out", one, two)
    assert caught.value.exit_status == 4
    said = str(caught.value)
    for word in ("demo:1", str(one), str(two), "--on-conflict"):
        assert word in said
    done = layout("merge", one, two, "-o", tmp_path / "out")
    assert done.returncode == 4
    assert str(two).encode() in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("mode", "text"), [("first", "one"), ("last", "two")])
def test_a_conflict_is_settled_as_asked(mode: str, text: str, tmp_path: Path) -> None:
    """An image that loses its only name is left out; one with another name stays under that."""
    one, two = conflicting(tmp_path)
    report, result = merged(tmp_path / "out.tar", one, two, on_conflict=mode)
    names = {
        entry["annotations"][IMAGE_NAME]: entry["digest"] for entry in result.index["manifests"]
    }
    winner = image(text)
    assert names == {
        full_name("demo:1"): winner.manifest_digest(),
        full_name("demo:keep"): image("one").manifest_digest(),
    }
    (said,) = [each for each in report.warnings if each.code == "name-taken"]
    assert str(one) in said.message
    assert str(two) in said.message
    assert sorted(repo_tags(result)) == ["demo:1", "demo:keep"]


def test_an_image_that_never_had_a_name_stays(tmp_path: Path) -> None:
    one = write_oci_layout([image("nameless"), image("x", "x:1")], tmp_path / "one")
    two = write_oci_layout([image("y", "x:1")], tmp_path / "two")
    _, result = merged(tmp_path / "out", one, two, on_conflict="last")
    assert set(result.manifests) == {
        image("nameless").manifest_digest(),
        image("y").manifest_digest(),
    }


def test_the_same_image_in_both_is_one(tmp_path: Path) -> None:
    """Under the names of each, and no conflict about the one they share."""
    one = write_oci_layout([image("same", "demo:1", "demo:a")], tmp_path / "one")
    two = write_docker_archive([image("same", "demo:1", "demo:b")], tmp_path / "two.tar")
    report, result = merged(tmp_path / "out.tar", one, two)
    assert len(result.manifests) == 1
    assert result.names == {full_name(f"demo:{tag}") for tag in ("1", "a", "b")}
    assert report.warnings == ()


def test_bare_tags_name_nothing_for_certain(tmp_path: Path) -> None:
    parts = [of_image(image(text)) for text in "ab"]
    sources = [
        write_layout(
            tmp_path / part.digest[-8:], [part.entry(annotations={REF_NAME: "latest"})], part
        )
        for part in parts
    ]
    _, result = merged(tmp_path / "out", *sources)
    assert [entry["digest"] for entry in result.index["manifests"]] == [p.digest for p in parts]


def test_indexes_attestations_and_artifacts(tmp_path: Path) -> None:
    amd, arm = image("amd"), make_image([{"arm": b"1"}], names=(), architecture="arm64")
    index = write_index_layout(tmp_path / "index", [amd, arm], attestations=True)
    chart = make_artifact(b"chart", config_type="application/vnd.cncf.helm.config.v1+json")
    charts = write_layout(tmp_path / "charts", [chart.entry()], chart)
    # One of the index's platforms alone, under a name of its own: neither swallows the other.
    alone = write_oci_layout([image("amd", "amd:1")], tmp_path / "alone")
    _, result = merged(tmp_path / "out", index, charts, alone)
    assert set(result.manifests) == {
        *(each.manifest_digest() for each in (amd, arm)),
        *(make_attestation(each)[0]["digest"] for each in (amd, arm)),
        chart.digest,
    }
    assert result.names == {full_name("demo:1"), full_name("amd:1")}


def test_signed_layouts(tmp_path: Path) -> None:
    """What cosign would overlook in the result is said; an unlisted signature comes along."""
    sources = []
    for text in "ab":
        part = of_image(image(text))
        signature = make_signature(part.digest)
        unlisted = make_artifact(text.encode(), subject=part.entry())
        entries = [
            part.entry(annotations={"kind": COSIGN + "image"}),
            signature.entry(annotations={"kind": COSIGN + "sigs"}),
        ]
        sources.append(write_layout(tmp_path / text, entries, part, signature, unlisted))
    report, result = merged(tmp_path / "out", *sources)
    assert len(result.index["manifests"]) == 4
    assert len(result.manifests) == 6
    assert any("first of them alone" in line for line in map(str, report.changes))


def test_a_source_twice_is_one_source(tmp_path: Path) -> None:
    source = write_oci_layout([A], tmp_path / "a")
    _, result = merged(tmp_path / "out", source, source)
    assert result.index == json.loads((source / "index.json").read_bytes())


TESTDATA = Path(__file__).parents[2] / "testdata"


@pytest.mark.parametrize("to", ["oci", "docker"])
@pytest.mark.parametrize(
    "names", [("docker28-c8d.tar", "docker26.tar"), ("docker26.tar", "docker28-c8d.tar")]
)
def test_one_image_saved_by_two_engines_is_no_conflict(
    names: tuple[str, str], to: str, tmp_path: Path
) -> None:
    """Their manifests differ in media types, of which only the target's go out."""
    report = oci_layout.merge([TESTDATA / name for name in names], tmp_path / "out", to=to)
    (found,) = report.images
    alone = oci_layout.repack(TESTDATA / names[1], tmp_path / "alone", to=to)
    assert found.manifest_after == alone.images[0].manifest_after
    assert report.warnings == ()


def test_all_names_of_two_images_are_told_of(tmp_path: Path) -> None:
    """In one error, which a program has as values."""
    names = [f"app{number}:1" for number in range(12)]
    sources = [
        write_oci_layout(
            [make_image([{name: side.encode()}], names=(name,)) for name in names],
            tmp_path / side,
        )
        for side in ("a", "b")
    ]
    with pytest.raises(NameConflictError, match="app0:1 names two different images") as caught:
        oci_layout.merge(sources, tmp_path / "out", to="oci")
    assert "; so do app1:1, app2:1, " in str(caught.value)
    assert "app8:1 and 3 more (--on-conflict" in str(caught.value)
    assert [each.name for each in caught.value.conflicts] == names
    assert {each.source for each in caught.value.conflicts} == {str(sources[1])}
    with pytest.raises(NameConflictError, match="; so does app1:1 "):
        oci_layout.merge(sources, tmp_path / "out", to="oci", images=names[:2])


def test_what_is_packed_anew_is_compared_as_it_will_be(tmp_path: Path) -> None:
    """One tar packed in two ways is two images, unless both go out unpacked."""
    sources = [TESTDATA / name for name in ("skopeo-oci-gzip", "skopeo-oci-zstd")]
    with pytest.raises(SelectionError, match="two different images"):
        oci_layout.merge(sources, tmp_path / "kept", to="oci")
    report = oci_layout.merge(sources, tmp_path / "out", to="oci", compression="none")
    (found,) = report.images
    assert {layer.compression for layer in found.layers} == {"none"}
    assert not oci_layout.verify(tmp_path / "out").failed


def test_an_index_is_compared_as_it_will_be(tmp_path: Path) -> None:
    """A list in the words of Docker, and the index that it becomes."""
    platforms = [image("amd"), make_image([{"arm": b"1"}], names=(), architecture="arm64")]
    index = write_index_layout(tmp_path / "index", platforms)
    listed = tmp_path / "listed"
    oci_layout.repack(index, listed, to="docker", pure=True)
    again = tmp_path / "again"
    oci_layout.repack(listed, again, to="oci")
    report = oci_layout.merge([again, listed], tmp_path / "out", to="oci")
    assert len(report.images) == 2


def test_a_dry_run_tells_and_writes_nothing(tmp_path: Path) -> None:
    sources = [write_oci_layout([each], tmp_path / each.names[0][0]) for each in (A, B)]
    before = sorted(tmp_path.rglob("*"))
    told = merge(sources, dry_run=True)
    named = merge(sources, tmp_path / "out.tar", dry_run=True)
    assert sorted(tmp_path.rglob("*")) == before
    done = merge(sources, tmp_path / "out.tar")
    assert told.images == named.images == done.images
    assert (told.dry_run, told.bytes_written) == (True, None)
    assert layout("merge", *sources, "--dry-run").returncode == 0
    refused = layout("merge", *sources)
    assert refused.returncode == 2
    assert b"--dry-run" in refused.stderr
    with pytest.raises(UsageError, match="destination"):
        merge(sources)


def test_a_dry_run_needs_no_room_for_its_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a destination nothing goes beside it: what is unpacked goes where all such goes."""
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(write_docker_archive([A], tmp_path / "a.tar").read_bytes()))
    (tmp_path / "at").mkdir()
    (tmp_path / "at").chmod(0o500)
    monkeypatch.chdir(tmp_path / "at")
    assert merge([packed], dry_run=True).images


def test_digests_that_are_to_stay(tmp_path: Path) -> None:
    one = write_oci_layout([A], tmp_path / "one", family="docker")
    two = write_oci_layout([B], tmp_path / "two")
    report, result = merged(tmp_path / "out.tar", one, two, preserve_digests=True)
    assert [entry["digest"] for entry in result.index["manifests"]] == [
        A.manifest_digest("docker"),
        *[B.manifest_digest()] * 2,
    ]
    assert [each.manifest_after == each.manifest_before for each in report.images] == [True] * 2
    for how in ({"compression": "gzip"}, {"to": "docker"}):
        options: dict[str, Any] = how
        with pytest.raises(TargetError, match="digest"):
            merge([one, two], tmp_path / "no.tar", preserve_digests=True, **options)
    assert not (tmp_path / "no.tar").exists()


def test_what_is_attached_may_stay_behind(tmp_path: Path) -> None:
    index = write_index_layout(tmp_path / "index", [A], "index:1", attestations=True)
    other = write_oci_layout([B], tmp_path / "b")
    kept, _ = merged(tmp_path / "kept", index, other)
    assert [each.kind for each in kept.artifacts] == ["attestation"]
    dropped, _ = merged(tmp_path / "dropped", index, other, attestations="drop")
    assert dropped.artifacts == ()
    assert [each.code for each in dropped.warnings] == ["attachment-dropped"]


def test_what_was_edited_by_hand_is_repaired(tmp_path: Path) -> None:
    """As its bytes are, whichever source it is in; without being asked nothing is written."""
    source = write_oci_layout([A], tmp_path / "a")
    blob = source / f"blobs/{A.config_digest.replace(':', '/')}"
    blob.write_bytes(blob.read_bytes() + b"\n")
    other = write_docker_archive([B], tmp_path / "b.tar")
    refused = layout("merge", other, source, "-o", tmp_path / "no.tar")
    assert refused.returncode == 3
    assert str(source).encode() in refused.stderr
    report, result = merged(tmp_path / "out.tar", other, source, repair=True)
    assert result.names == {full_name(name) for name in ("a:1", "b:1", "b:latest")}
    assert any("repaired" in each.message for each in report.warnings)


def test_a_layer_that_is_not_its_digest_is_told_with_what_to_do(tmp_path: Path) -> None:
    edited = image("before it was edited", "a:1")
    source = write_oci_layout([edited], tmp_path / "a")
    blob = source / f"blobs/{edited.layers[1].digest.replace(':', '/')}"
    blob.write_bytes(blob.read_bytes().replace(b"before", b"after!"))
    refused = layout("merge", source, "-o", tmp_path / "no.tar")
    assert refused.returncode == 3
    assert b"--repair takes the bytes as they are" in refused.stderr
    report, _ = merged(tmp_path / "out.tar", source, repair=True)
    assert report.images[0].config_changes
