"""There and back: nothing is lost, nothing changes that need not, twice is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import independent
from tests.builders import (
    Family,
    Image,
    go_json,
    make_image,
    sha256,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)
from tests.independent import Checked
from tests.repacked import image_docs, packed, repo_tags

NAMES = ("demo:1", "reg.example:5000/team/app:v2")


def image(compression: str = "none", **how: Any) -> Image:
    return make_image(names=NAMES, compression=compression, **how)


def facts(checked: Checked) -> list[tuple[bytes, list[str]]]:
    """Config bytes and diff_ids of each image."""
    return sorted(
        (config, checked.diff_ids[manifest["config"]["digest"]])
        for manifest, config in image_docs(checked)
    )


@pytest.mark.parametrize("form", ["v1dirs", "flat", "lowercase", "podman", "hybrid"])
@pytest.mark.parametrize("middle", ["oci", "oci.tar"])
@pytest.mark.parametrize("end", ["docker", "docker.tar"])
def test_docker_to_oci_and_back(form: str, middle: str, end: str, tmp_path: Path) -> None:
    images = [image(), make_image([{"x": b"2"}], names=("other:latest",), architecture="arm64")]
    source = tmp_path / "in.tar"
    if form == "hybrid":
        write_hybrid_archive(images, source)
    else:
        write_docker_archive(images, source, style=form)  # type: ignore[arg-type]
    _, there = packed(source, tmp_path / middle, "oci")
    _, back = packed(tmp_path / middle, tmp_path / end, "docker")
    expected = sorted((each.config_bytes, list(each.diff_ids)) for each in images)
    assert facts(there) == facts(back) == expected
    assert sorted(repo_tags(back)) == sorted((*NAMES, "other:latest"))
    assert there.names == back.names
    assert len(back.names) == 3


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_docker_manifest_comes_back_with_its_digest(compression: str, tmp_path: Path) -> None:
    source = write_oci_layout([image(compression)], tmp_path / "in", family="docker")
    before = image(compression).manifest_digest("docker")
    report, there = packed(source, tmp_path / "oci", "oci")
    assert str(report.images[0].manifest_before) == before
    assert before not in there.manifests
    report, back = packed(tmp_path / "oci", tmp_path / "docker.tar", "docker")
    assert list(back.manifests) == [before]
    assert str(report.images[0].manifest_after) == before


def test_an_oci_manifest_comes_back_with_its_digest(tmp_path: Path) -> None:
    source = write_oci_layout([image("gzip")], tmp_path / "in")
    packed(source, tmp_path / "docker", "docker")
    _, back = packed(tmp_path / "docker", tmp_path / "oci", "oci")
    assert list(back.manifests) == [image("gzip").manifest_digest()]


@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_nothing_to_change_keeps_every_digest(
    family: Family, compression: str, dest: str, tmp_path: Path
) -> None:
    built = image(compression)
    source = write_oci_archive([built], tmp_path / "in.tar", family=family)
    report, result = packed(source, tmp_path / dest, family)
    before = independent.read_files(source)
    blobs = {name for name in result.files if name.startswith("blobs/")}
    assert blobs == {name for name in before if name.startswith("blobs/")}
    (told,) = report.images
    assert told.manifest_before == told.manifest_after
    assert told.image_id_before == told.image_id_after
    assert (told.config_changes, told.changes, report.changes) == ((), (), ())
    assert {layer.action for layer in told.layers} == {"kept"}


def test_a_document_is_kept_however_it_is_written(tmp_path: Path) -> None:
    """White space, escapes, number forms and unknown fields are part of a digest."""
    built = image()
    config = json.dumps({**built.config, "x-unknown": [1, {"y": None}]}, indent=3).encode() + b"\n"
    manifest = built.manifest()
    manifest["config"] |= {"digest": sha256(config), "size": len(config), "x": {"kept": True}}
    raw = json.dumps({**manifest, "x-top": "\u00fc<&>"}, indent=1).encode()
    source = write_oci_layout([built], tmp_path / "in")
    for data in (config, raw):
        (source / "blobs/sha256" / sha256(data)[7:]).write_bytes(data)
    entry = {"mediaType": manifest["mediaType"], "digest": sha256(raw), "size": len(raw)}
    (source / "index.json").write_bytes(go_json({"schemaVersion": 2, "manifests": [entry]}))
    _, result = packed(source, tmp_path / "out", "oci")
    assert result.files[f"blobs/sha256/{sha256(raw)[7:]}"] == raw
    _, docker = packed(source, tmp_path / "docker", "docker")
    ((document, kept),) = image_docs(docker)
    assert kept == config
    assert document["config"]["x"] == {"kept": True}
    assert document["x-top"] == "\u00fc<&>"


def test_an_index_comes_back_whole(tmp_path: Path) -> None:
    built = [image("gzip", architecture=each) for each in ("amd64", "arm64", "s390x")]
    source = write_index_layout(tmp_path / "in", built, attestations=True)
    _, once = packed(source, tmp_path / "once.tar", "oci")
    _, twice = packed(tmp_path / "once.tar", tmp_path / "twice", "oci")
    before = {n: d for n, d in independent.read_files(source).items() if n.startswith("blobs/")}
    for result in (once, twice):
        assert {n: d for n, d in result.files.items() if n.startswith("blobs/")} == before
        assert result.names == {"docker.io/library/demo:1"}


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_dir_to_both(family: Family, tmp_path: Path) -> None:
    built = image("gzip")
    source = write_dir(built, tmp_path / "in", family)
    _, oci = packed(source, tmp_path / "oci", "oci")
    _, docker = packed(source, tmp_path / "docker.tar", "docker")
    for result, target in ((oci, "oci"), (docker, "docker")):
        assert facts(result) == [(built.config_bytes, list(built.diff_ids))]
        if target == family:
            assert list(result.manifests) == [built.manifest_digest(family)]


BIG = make_image(
    [{f"d/{n}": bytes([n, 255 - n]) * 40_000} for n in range(6)] + [{"z": b"text\n" * 300_000}]
)


@pytest.mark.parametrize("compression", ["auto", "gzip", "gzip:6", "zstd", "none"])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_twice_the_same_for_any_jobs(compression: str, dest: str, tmp_path: Path) -> None:
    source = write_docker_archive([BIG], tmp_path / "in.tar")
    results = []
    for number, jobs in enumerate((1, 4, 4)):
        folder = tmp_path / str(number)
        folder.mkdir()
        packed(source, folder / dest, "oci", compression=compression, jobs=jobs)
        if dest == "out":
            results.append(independent.read_files(folder / dest))
        else:
            results.append({"": (folder / dest).read_bytes()})
    assert results[0] == results[1] == results[2]


def test_the_form_of_the_source_does_not_show_in_the_result(tmp_path: Path) -> None:
    """One image, saved in four ways, is one and the same archive afterwards."""
    built = image()
    results = set()
    for style in ("v1dirs", "flat", "lowercase", "podman"):
        source = write_docker_archive([built], tmp_path / f"{style}.tar", style=style)
        packed(source, tmp_path / f"{style}-out.tar", "oci")
        results.add((tmp_path / f"{style}-out.tar").read_bytes())
    assert len(results) == 1


def test_a_result_repacked_is_itself(tmp_path: Path) -> None:
    source = write_docker_archive([image()], tmp_path / "in.tar")
    packed(source, tmp_path / "once.tar", "oci", compression="gzip")
    packed(tmp_path / "once.tar", tmp_path / "twice.tar", "oci", compression="gzip")
    assert (tmp_path / "once.tar").read_bytes() == (tmp_path / "twice.tar").read_bytes()
