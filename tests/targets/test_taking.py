"""`--preserve-digests` keeps media types, and says who takes them, as `check` does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oci_layout import check, limits, merge, repack, verify
from oci_layout.errors import TargetError
from oci_layout.plan.report import Report
from oci_layout.targets.target import USUAL, Target
from tests import independent
from tests.builders import make_image, name_annotations, write_docker_archive, write_oci_layout
from tests.builders.artifacts import make_index, of_image, write_layout
from tests.builders.typed import MIXED, OPAQUE, SPELLED, Typed
from tests.interop.shown import HERE

IMAGE = make_image(architecture=HERE)
# What a result says of its form, whatever the documents in it are.
FORM = {"needs-archive", "needs-manifest-json", "no-image", "several-images"}
TOLD = re.compile(r"kept: media types of (.+?): (?:(.+?) take them)?(?:; )?(.*)")


def told(report: Report) -> dict[str, tuple[set[str], set[str]]]:
    """Who takes the types of each image that is told of, and who refuses them."""
    found = {}
    for change in report.changes:
        match = TOLD.fullmatch(str(change))
        if match is None:
            continue
        refused = [
            name
            for part in match[3].split("; ")
            for name in part.partition(" refuse them")[0].split(", ")
        ]
        found[match[1]] = set((match[2] or "").split(", ")) - {""}, set(refused) - {""}
    return found


def predicted(path: Path) -> tuple[set[str], set[str]]:
    """Who loads a result, and who does not for what is in its documents."""
    answers = check(path, platform=f"linux/{HERE}").answers
    refused = {
        str(each.target)
        for each in answers
        if not {reason.rule.code for reason in each.reasons} <= FORM
    }
    return {str(each.target) for each in answers if each.loads}, refused


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize("name", MIXED | SPELLED | OPAQUE)
def test_check_agrees(name: str, pure: bool, tmp_path: Path) -> None:
    typed: Typed = (MIXED | SPELLED | OPAQUE)[name]
    source = typed.write(IMAGE, tmp_path / "in.tar", hybrid=not pure)
    before = independent.read_files(source)["index.json"]
    dest = tmp_path / "out.tar"
    report = repack(source, dest, to="oci", preserve_digests=True, pure=pure)
    assert not verify(dest).failed
    assert independent.read_files(dest)["index.json"] == before
    (image,) = report.images
    assert image.manifest_after == image.manifest_before
    found = told(report)
    if name == "encrypted":  # whose types are the spec's, and whose form is nobody's concern here
        assert found == {}
        return
    assert found == {"demo:1": predicted(dest)}
    (kept,) = [change for change in image.changes if change.field == "mediaType"]
    assert "for --preserve-digests" in str(kept)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_side_by_side(dest: str, wrapped: bool, tmp_path: Path) -> None:
    """As `ctr images export` writes them: what is told is of the types, not of the form."""
    images = [make_image([{"a": name.encode()}], names=(name,)) for name in ("one:1", "two:1")]
    parts = [of_image(images[0], "docker"), of_image(images[1])]
    if wrapped:
        parts = [
            make_index([part.entry(platform=image.platform)], part)
            for part, image in zip(parts, images, strict=True)
        ]
    entries = [
        part.entry(annotations=name_annotations(image.names[0]))
        for part, image in zip(parts, images, strict=True)
    ]
    source = write_layout(tmp_path / "in", entries, *parts)
    report = repack(source, tmp_path / dest, to="oci", preserve_digests=True)
    every = {str(Target.parse(text)) for text in USUAL}
    (found,) = told(report).values()
    # podman 4 makes a name of the path of a folder, and this one makes none.
    folders = {"podman@5.8", "skopeo@1.9", "skopeo@1.22", "cri-o@1.34"}
    assert found == (every if dest == "out.tar" else folders, set())
    assert "its media types are Docker's" in str(report.images[0].changes[-1])
    assert report.images[1].changes == ()
    # A dry run tells it as well.
    again = repack(source, tmp_path / f"x{dest}", to="oci", preserve_digests=True, dry_run=True)
    assert told(again) == told(report)


def test_nothing_is_told_of_what_all_take(tmp_path: Path) -> None:
    docker = write_oci_layout([IMAGE], tmp_path / "docker", family="docker")
    saved = write_docker_archive([IMAGE], tmp_path / "saved.tar")
    plain = write_oci_layout([IMAGE], tmp_path / "oci")
    for source, preserve in ((saved, True), (plain, True), (docker, False)):
        dest = tmp_path / f"{source.name}-out.tar"
        report = repack(source, dest, to="oci", preserve_digests=preserve)
        assert told(report) == {}
    repack(docker, tmp_path / "registry", to="registry", preserve_digests=True)


def test_each_mixture_is_asked_about_once(tmp_path: Path) -> None:
    """However many images have it; of very many mixtures the first are told."""
    shapes = [*MIXED.values(), *SPELLED.values()]
    sources = [
        typed.write(
            make_image([{"a": b"a"}, {"b": b"%d" % number}], names=(f"x:{number}",)),
            tmp_path / name,
        )
        for number, typed in enumerate([*shapes, *shapes])
        for name in [f"{number}.tar"]
    ]
    report = merge(sources, tmp_path / "out.tar", preserve_digests=True, pure=True)
    assert len(told(report)) == limits.MIXTURES
    (more,) = [str(change) for change in report.changes if "more mixture" in str(change)]
    assert more.startswith(f"kept: {len(shapes) - limits.MIXTURES} more mixtures of media types")


def test_a_label_that_lies_is_no_mixture(tmp_path: Path) -> None:
    """containerd goes by it: it is repaired, and so the digest cannot stay."""
    lying = Typed(("application/vnd.oci.image.layer.v1.tar+gzip",))
    source = lying.write(IMAGE, tmp_path / "in.tar")
    with pytest.raises(TargetError, match="the digest would change"):
        repack(source, tmp_path / "out.tar", to="oci", preserve_digests=True)
    repack(source, tmp_path / "out.tar", to="oci")


def test_docker_has_one_vocabulary(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    with pytest.raises(TargetError, match="the digest would change") as caught:
        repack(source, tmp_path / "out.tar", to="docker", preserve_digests=True)
    assert "--to oci keeps" in caught.value.hint


@pytest.mark.parametrize("name", MIXED)
def test_without_being_asked_types_are_put_right(name: str, tmp_path: Path) -> None:
    source = MIXED[name].write(IMAGE, tmp_path / "in.tar")
    repack(source, tmp_path / "out.tar", to="oci")
    types = independent.check(tmp_path / "out.tar").media_types
    assert all(".oci." in each for each in types)


@pytest.mark.parametrize("name", MIXED)
def test_a_registry_keeps_them(name: str, tmp_path: Path) -> None:
    """It serves what it was given; nobody has to ask for that."""
    source = MIXED[name].write(IMAGE, tmp_path / "in.tar")
    report = repack(source, tmp_path / "registry", to="registry")
    assert report.images[0].manifest_after == report.images[0].manifest_before
    assert not verify(tmp_path / "registry").failed


@pytest.mark.parametrize("lacking", [False, True])
def test_what_is_left_out_is_no_reason(lacking: bool, tmp_path: Path) -> None:
    """Neither are layers that the source lacks, since the other side has them."""
    files = [{"a": b"base"}, {"b": b"top"}]
    base = make_image(files[:1], names=("base:1",), architecture=HERE)
    image = make_image(files, architecture=HERE)
    part = of_image(image, "docker")
    drop = [base.layers[0].digest] if lacking else []
    entry = part.entry(annotations=name_annotations("demo:1"))
    source = write_layout(tmp_path / "in", [entry], part, drop=drop)
    there = write_docker_archive([base], tmp_path / "there.tar")
    thin = repack(source, tmp_path / "thin.tar", to="oci", preserve_digests=True, have=there)
    assert [layer.action for layer in thin.images[0].layers] == ["left out", "kept"]
    (found,) = told(thin).values()
    every = {str(Target.parse(text)) for text in USUAL}
    assert found[1] == set()
    # skopeo and CRI-O have no layers to find; what reads no base says nothing of types.
    assert lacking or found[0] == every
    assert {"docker@20.10", "containerd@1.6", "podman@4.3"} <= found[0]
