"""`--keep-original`: the manifest of before goes along, through every form, and stays the first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import (
    DamagedError,
    TargetError,
    UsageError,
    edit,
    gc,
    inspect,
    limits,
    merge,
    repack,
    rm,
    tag,
    verify,
)
from oci_layout.finding import Finding
from tests.builders import (
    Image,
    make_image,
    name_annotations,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.artifacts import make_artifact, make_index, of_image, write_layout
from tests.builders.originals import ORIGINAL, keep_original
from tests.command import succeed
from tests.independent import Checked, check, read_files

IMAGE = make_image([{"a": b"1" * 900}, {"b": b"2"}], names=("demo:1",))
ARM = make_image([{"a": b"3" * 900}], names=("demo:1",), architecture="arm64")
PART = of_image(IMAGE)
INDEX = make_index(
    [
        PART.entry(platform={"os": "linux", "architecture": "amd64"}),
        of_image(ARM).entry(platform={"os": "linux", "architecture": "arm64"}),
    ],
    PART,
    of_image(ARM),
)
# Each way to another digest, and the form that it takes.
WAYS: dict[str, dict[str, Any]] = {
    "docker": {"to": "docker"},
    "gzip": {"to": "oci", "compression": "gzip"},
    "zstd": {"to": "oci", "compression": "zstd:1"},
}


def originals(found: Checked) -> list[dict[str, Any]]:
    return [each for each in found.manifests.values() if each.get("artifactType") == ORIGINAL]


def kept(path: Path) -> list[tuple[str, list[str]]]:
    """What each original refers to, and the digests of what it holds."""
    listed = originals(check(path))
    return sorted(
        (each["subject"]["digest"], [layer["digest"] for layer in each["layers"]])
        for each in listed
    )


def notes(path: Path | str, **how: Any) -> list[Finding]:
    """What `verify` says of originals; all else must hold."""
    report = verify(str(path), jobs=1, **how)
    assert not report.failed, [str(each) for each in report.findings]
    return [each for each in report.findings if each.code == "original-kept"]


def plain(tmp_path: Path, name: str = "in") -> Path:
    return write_oci_layout([IMAGE], tmp_path / name)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dest", ["out.tar", "out"])
def test_it_is_a_referrer_of_what_the_image_is_now(way: str, dest: str, tmp_path: Path) -> None:
    report = repack(plain(tmp_path), tmp_path / dest, keep_original=True, **WAYS[way])
    found = check(tmp_path / dest)  # no blob in it that nothing leads to
    (image,) = report.images
    assert image.manifest_before != image.manifest_after
    assert image.image_id_before == image.image_id_after
    (artifact,) = originals(found)
    new = str(image.manifest_after)
    subject = artifact["subject"]
    assert subject["digest"] == new
    assert subject["size"] == len(found.files[f"blobs/sha256/{new[7:]}"])
    assert subject["mediaType"] == found.manifests[new]["mediaType"]
    assert artifact["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    (layer,) = artifact["layers"]
    assert layer == PART.entry()
    assert found.files[f"blobs/sha256/{PART.digest[7:]}"] == PART.document
    assert [entry["digest"] for entry in found.index["manifests"]] == [new]  # unlisted
    assert [str(each) for each in report.changes] == [
        f"kept: demo:1: the manifest {PART.digest}, as a referrer of {new}"
    ]
    (note,) = notes(tmp_path / dest)
    assert PART.digest in note.message
    (checked,) = verify(str(tmp_path / dest)).images
    assert [str(each) for each in checked.originals] == [PART.digest]


def test_without_the_option_nothing_is_kept(tmp_path: Path) -> None:
    repack(plain(tmp_path), tmp_path / "out", to="oci", compression="gzip")
    assert not kept(tmp_path / "out")


def test_what_does_not_change_needs_none(tmp_path: Path) -> None:
    report = repack(plain(tmp_path), tmp_path / "out", to="oci", keep_original=True)
    assert not kept(tmp_path / "out")
    assert (report.changes, report.warnings) == ((), ())


def test_the_indexes_that_led_to_it_are_kept_too(tmp_path: Path) -> None:
    entry = INDEX.entry(annotations=name_annotations("demo:1"))
    source = write_layout(tmp_path / "in", [entry], INDEX)
    repack(source, tmp_path / "all", to="oci", compression="gzip", keep_original=True)
    assert {tuple(digests) for _, digests in kept(tmp_path / "all")} == {
        (PART.digest, INDEX.digest),
        (of_image(ARM).digest, INDEX.digest),
    }
    assert len(notes(tmp_path / "all")) == 2
    # The manifest stays, but the index that may be signed is gone.
    one = tmp_path / "one"
    repack(source, one, to="oci", platforms=["linux/amd64"], keep_original=True)
    assert kept(one) == [(PART.digest, [PART.digest, INDEX.digest])]
    (note,) = notes(one)
    assert "with 1 index that led to it" in note.message


def test_indexes_in_indexes_and_no_more_than_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = make_index([INDEX.entry()], INDEX)
    other = make_index([INDEX.entry()], INDEX, annotations={"a": "b"})
    entries = [
        outer.entry(annotations=name_annotations("demo:1")),
        other.entry(annotations=name_annotations("demo:2")),
    ]
    source = write_layout(tmp_path / "in", entries, outer, other)
    repack(source, tmp_path / "all", to="oci", compression="gzip", keep_original=True)
    for _, digests in kept(tmp_path / "all"):
        assert set(digests[1:]) == {INDEX.digest, outer.digest, other.digest}
    monkeypatch.setattr(limits, "ORIGINAL_INDEXES", 2)
    repack(source, tmp_path / "two", to="oci", compression="gzip", keep_original=True)
    for _, digests in kept(tmp_path / "two"):
        assert len(digests) == 3
        assert digests[1] == INDEX.digest  # the nearest
    assert len(notes(tmp_path / "two")) == 2
    monkeypatch.setattr(limits, "ORIGINALS_BYTES", 500)
    with pytest.raises(TargetError, match="--keep-original"):
        repack(source, tmp_path / "none", to="oci", compression="gzip", keep_original=True)


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "docker archive": (".tar", {"to": "docker"}),
    "docker layout": ("", {"to": "docker"}),
    "oci archive": (".tar", {"to": "oci", "compression": "gzip"}),
    "oci layout": ("", {"to": "oci", "compression": "zstd:1"}),
    "compressed": (".tar.gz", {"to": "oci", "compression": "none"}),
    "registry": ("", {"to": "registry"}),
    "pure": (".tar", {"to": "oci", "pure": True}),
}


CHAINS = [
    ("docker archive", "oci archive", "docker archive"),
    ("oci archive", "docker archive", "oci layout"),
    ("docker layout", "oci layout", "docker archive", "oci archive"),
    ("oci layout", "registry", "docker archive", "registry", "oci archive"),
    ("docker archive", "compressed", "pure", "docker archive"),
]


@pytest.mark.parametrize("chain", CHAINS, ids=" > ".join)
@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("again", [False, True], ids=["asked once", "asked each time"])
def test_it_goes_through_every_form_and_stays_the_first(
    chain: tuple[str, ...], family: Any, again: bool, tmp_path: Path
) -> None:
    source: Path = write_hybrid_archive([IMAGE], tmp_path / "in.tar", family=family)
    first, asked = of_image(IMAGE, family).digest, True
    changed = False
    for number, name in enumerate(chain):
        suffix, how = FORMS[name]
        dest = tmp_path / f"{number}{suffix}"
        report = repack(source, dest, keep_original=asked, **how)
        assert not report.warnings or name == "compressed", report.warnings
        changed |= str(report.images[0].manifest_after) != first
        asked = again or not changed
        source = dest
        found = notes(dest)
        assert [first in each.message for each in found] == [True] * int(changed)
        if name != "registry" and name != "compressed":
            assert [digests for _, digests in kept(dest)] == [[first]] * int(changed)
        if name == "registry":
            assert not [each for each in verify(str(dest)).findings if each.severity == "error"]
    assert changed


def test_back_at_its_own_digest_it_is_still_there(tmp_path: Path) -> None:
    """Docker to OCI and back gives the same digest; the next step may change it again."""
    source = write_hybrid_archive([IMAGE], tmp_path / "in.tar", family="docker")
    first = of_image(IMAGE, "docker").digest
    repack(source, tmp_path / "a.tar", to="oci", keep_original=True)
    back = repack(tmp_path / "a.tar", tmp_path / "b.tar", to="docker")
    assert kept(tmp_path / "b.tar") == [(first, [first])]
    (told,) = back.changes
    assert str(told).endswith(f"had at first, {first}, which is its own here")
    repack(tmp_path / "b.tar", tmp_path / "c", to="oci")
    assert [digests for _, digests in kept(tmp_path / "c")] == [[first]]


def test_a_registry_serves_it_as_a_blob_and_as_a_manifest_of_its_own(tmp_path: Path) -> None:
    """An index that goes out, and that an original holds as well, has both links."""
    repack(plain(tmp_path), tmp_path / "a", to="oci", compression="gzip", keep_original=True)
    both = [str(tmp_path / "a"), str(write_oci_layout([_renamed("demo:2")], tmp_path / "b"))]
    merge(both, tmp_path / "reg", to="registry")
    report = verify(str(tmp_path / "reg"))
    assert not report.failed, [str(each) for each in report.findings]
    links = [name for name in read_files(tmp_path / "reg") if PART.digest[7:] in name]
    assert any("/_layers/" in name for name in links)
    assert any("/_manifests/revisions/" in name for name in links)


def _renamed(name: str) -> Image:
    return make_image([{"a": b"1" * 900}, {"b": b"2"}], names=(name,))


@pytest.mark.parametrize("to", ["oci", "docker"])
def test_through_thin_archives(to: str, tmp_path: Path) -> None:
    base = make_image([{"a": b"1" * 900}], names=("base:1",))
    there = write_hybrid_archive([base], tmp_path / "base.tar")
    source = write_hybrid_archive([IMAGE], tmp_path / "app.tar", family="docker")
    if to == "docker":
        source = write_hybrid_archive([IMAGE], tmp_path / "app.tar")
    repack(source, tmp_path / "thin.tar", to=to, have=str(there), keep_original=True)
    report = verify(str(tmp_path / "thin.tar"), bases=str(there))
    assert not report.failed
    assert "original-kept" in {each.code for each in report.findings}
    repack(tmp_path / "thin.tar", tmp_path / "full.tar", to=to, bases=str(there))
    first = of_image(IMAGE, "docker" if to == "oci" else "oci").digest
    assert [digests for _, digests in kept(tmp_path / "full.tar")] == [[first]]
    assert len(notes(tmp_path / "full.tar")) == 1


def test_through_deltas_and_volumes(tmp_path: Path) -> None:
    base = write_hybrid_archive([make_image([{"a": b"1" * 900}])], tmp_path / "base.tar")
    source = write_hybrid_archive([IMAGE], tmp_path / "app.tar", family="docker")
    how: dict[str, Any] = {"to": "oci", "keep_original": True}
    repack(source, tmp_path / "delta.tar", have=str(base), delta=True, **how)
    repack(tmp_path / "delta.tar", tmp_path / "full.tar", to="oci", bases=str(base))
    first = of_image(IMAGE, "docker").digest
    assert [digests for _, digests in kept(tmp_path / "full.tar")] == [[first]]
    repack(source, tmp_path / "cut.tar", volume_size=30 << 10, **how)
    volumes = tmp_path / "cut.volumes.json"
    (listed,) = [each for each in tmp_path.iterdir() if "volumes" in each.name] or [volumes]
    assert len(notes(listed)) == 1
    repack(listed, tmp_path / "whole.tar", to="oci")
    assert [digests for _, digests in kept(tmp_path / "whole.tar")] == [[first]]


@pytest.mark.parametrize("dest", ["layout", "registry"])
def test_appended(dest: str, tmp_path: Path) -> None:
    how: dict[str, Any] = {"to": "oci" if dest == "layout" else "registry"}
    other = make_image([{"c": b"c"}], names=("other:1",))
    repack(write_oci_layout([other], tmp_path / "other"), tmp_path / dest, **how)
    first = write_hybrid_archive([IMAGE], tmp_path / "in.tar", family="docker")
    if dest == "registry":
        repack(first, tmp_path / "in.oci", to="oci", keep_original=True)
        first = tmp_path / "in.oci"
    repack(first, tmp_path / dest, append=True, keep_original=True, **how)
    assert len(notes(tmp_path / dest)) == 1
    repack(first, tmp_path / dest, append=True, keep_original=True, **how)  # once more: the same
    assert len(notes(tmp_path / dest)) == 1


def test_merged(tmp_path: Path) -> None:
    images = [IMAGE, ARM]
    sources = [
        str(write_hybrid_archive([each], tmp_path / f"{n}.tar", family="docker"))
        for n, each in enumerate(images)
    ]
    merge(sources, tmp_path / "all", multi_platform=True, keep_original=True)
    assert {digests[0] for _, digests in kept(tmp_path / "all")} == {
        of_image(each, "docker").digest for each in images
    }
    assert len(notes(tmp_path / "all")) == 2
    # Two sources with the same image, of which one has an original already.
    repack(sources[0], tmp_path / "one", to="oci", keep_original=True)
    merge([str(tmp_path / "one"), str(tmp_path / "all")], tmp_path / "both", on_conflict="last")
    assert not verify(str(tmp_path / "both")).failed


def test_what_has_no_manifest_is_told(tmp_path: Path) -> None:
    source = write_docker_archive([IMAGE], tmp_path / "saved.tar")
    report = repack(source, tmp_path / "out", to="oci", keep_original=True)
    (warning,) = report.warnings
    assert (warning.code, warning.where.image) == ("no-original", "demo:1")
    assert not kept(tmp_path / "out")


def test_another_config_is_another_image(tmp_path: Path) -> None:
    """Nothing is proven of an image whose image ID changes: nothing is kept, and that is said."""
    source = plain(tmp_path)
    report = repack(source, tmp_path / "out", to="oci", config="oci", keep_original=True)
    assert report.images[0].image_id_before != report.images[0].image_id_after
    (warning,) = report.warnings
    assert warning.code == "no-original"
    assert "config was changed" in warning.message
    assert not kept(tmp_path / "out")


@pytest.mark.parametrize("dest", ["out.tar", "out", None])
def test_an_edit_lets_go_of_one_that_fits_no_more(dest: str | None, tmp_path: Path) -> None:
    repack(plain(tmp_path), tmp_path / "a", to="oci", compression="gzip", keep_original=True)
    how: dict[str, Any] = {"in_place": True} if dest is None else {}
    target = tmp_path / (dest or "a")
    report = edit(tmp_path / "a", None if dest is None else target, labels=["k=v"], **how)
    assert "no-original" in {each.code for each in report.warnings}
    found = verify(str(target))
    assert not found.failed
    assert "original-kept" not in {each.code for each in found.findings}


@pytest.mark.parametrize("dest", ["out.tar", "out", None])
def test_an_edit_of_the_manifest_keeps_it(dest: str | None, tmp_path: Path) -> None:
    repack(plain(tmp_path), tmp_path / "a", to="oci", compression="gzip", keep_original=True)
    how: dict[str, Any] = {"in_place": True} if dest is None else {}
    target = tmp_path / (dest or "a")
    edit(tmp_path / "a", None if dest is None else target, annotations=["k=v"], **how)
    assert len(notes(target)) == 1


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"to": "dir"}, "dir:"),
        ({"to": "docker", "legacy": True}, "--legacy"),
        ({"to": "oci", "attestations": "drop"}, "--attestations"),
    ],
    ids=["dir", "legacy", "drop"],
)
def test_refused(how: dict[str, Any], word: str, tmp_path: Path) -> None:
    dest = tmp_path / ("x" if word == "dir:" else "x.tar")
    with pytest.raises(UsageError, match=word):
        repack(plain(tmp_path), dest, keep_original=True, **how)


def test_what_has_no_place_for_it_says_so(tmp_path: Path) -> None:
    repack(plain(tmp_path), tmp_path / "a.tar", to="docker", keep_original=True)
    for dest, how in (("dir", {"to": "dir"}), ("old.tar", {"to": "docker", "legacy": True})):
        report = repack(tmp_path / "a.tar", tmp_path / dest, **how)
        assert "no-original" in {each.code for each in report.warnings}
    assert PART.digest[7:] not in " ".join(read_files(tmp_path / "dir"))
    repack(tmp_path / "a.tar", tmp_path / "b", to="oci", attestations="drop")
    assert not kept(tmp_path / "b")


def test_a_changed_one_stops_a_conversion(tmp_path: Path) -> None:
    repack(plain(tmp_path), tmp_path / "a", to="oci", compression="gzip", keep_original=True)
    files = read_files(tmp_path / "a")
    name = f"blobs/sha256/{PART.digest[7:]}"
    files[name] = files[name].replace(b"layers", b"Layers")
    source = write_files(files, tmp_path / "changed")
    with pytest.raises(DamagedError, match="was changed") as caught:
        repack(source, tmp_path / "out", to="docker")
    assert "--attestations drop" in str(caught.value)
    assert not (tmp_path / "out").exists()
    repack(source, tmp_path / "out", to="docker", attestations="drop")
    assert not kept(tmp_path / "out")


@pytest.mark.parametrize("archive", [False, True])
def test_tag_rm_and_gc_keep_it_with_its_image(archive: bool, tmp_path: Path) -> None:
    path = tmp_path / ("a.tar" if archive else "a")
    other = make_image([{"c": b"c"}], names=("other:1",))
    source = write_oci_layout([IMAGE, other], tmp_path / "in")
    repack(source, path, to="oci", compression="gzip", keep_original=True)
    assert len(notes(path)) == 2
    tag(path, "demo:1", "demo:2", in_place=True)
    assert len(notes(path)) == 2
    gc(path, in_place=True, older_than=0)
    assert len(notes(path)) == 2
    rm(path, ["other:1"], in_place=True)
    gc(path, in_place=True, older_than=0)
    (note,) = notes(path)
    assert PART.digest in note.message
    rm(path, ["demo:1"], in_place=True)
    assert len(notes(path)) == 1  # demo:2 has it still


@pytest.mark.parametrize("listed", [False, True])
def test_what_refers_by_its_subject_goes_to_docker_too(listed: bool, tmp_path: Path) -> None:
    referrer = make_artifact(b"bundle", artifact_type="application/x", subject=PART.entry())
    entries = [PART.entry(annotations=name_annotations("demo:1"))]
    entries += [referrer.entry()] if listed else []
    source = write_layout(tmp_path / "in", entries, PART, referrer)
    report = repack(source, tmp_path / "a.tar", to="docker", keep_original=True)
    found = check(tmp_path / "a.tar")
    every = found.manifests.values()
    (moved,) = [each for each in every if each.get("artifactType") == "application/x"]
    assert moved["subject"]["digest"] == str(report.images[0].manifest_after)
    assert len(found.index["manifests"]) == 1
    repack(source, tmp_path / "b.tar", to="docker")
    assert not [each for each in check(tmp_path / "b.tar").manifests.values() if "subject" in each]


def test_a_listed_one_of_somebody_else_goes_as_artifacts_go(tmp_path: Path) -> None:
    new = of_image(make_image([{"a": b"1" * 900}, {"b": b"2"}], compression="gzip"))
    artifact = keep_original(new, PART)
    entries = [new.entry(annotations=name_annotations("demo:1")), artifact.entry()]
    source = write_layout(tmp_path / "in", entries, new, artifact)
    assert len(notes(source)) == 1
    repack(source, tmp_path / "out", to="oci", compression="zstd:1", keep_original=True)
    found = check(tmp_path / "out")
    assert len(found.index["manifests"]) == 2
    assert [digests for _, digests in kept(tmp_path / "out")] == [[PART.digest]]


def test_a_dry_run_says_the_same(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [IMAGE, ARM], "demo:1")
    how: dict[str, Any] = {"to": "oci", "platforms": ["linux/amd64"], "keep_original": True}
    dry = repack(source, None, dry_run=True, **how)
    wet = repack(source, tmp_path / "out", **how)
    assert dry.changes == wet.changes
    (change,) = map(str, wet.changes)
    assert change.endswith(": 1 index that led to it")


def test_inspect_says_what_it_is(tmp_path: Path) -> None:
    repack(plain(tmp_path), tmp_path / "x.tar", to="docker", keep_original=True)
    told = json.dumps(inspect(tmp_path / "x.tar").to_json())
    assert told.count('"original manifest"') == 1
    text = succeed("inspect", tmp_path / "x.tar").decode()
    assert "original manifest of linux/amd64" in text


def test_the_command_takes_the_option(tmp_path: Path) -> None:
    text = succeed(
        "repack", plain(tmp_path), "--to", "docker", "-o", tmp_path / "x.tar", "--keep-original"
    )
    assert "as a referrer of" in " ".join(text.decode().split())
