"""Volumes: none is too large, each loads after those before it, and together they are the whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from oci_layout import TargetError, UsageError, check, inspect, merge, repack, verify
from oci_layout.plan.report import VolumeReport
from tests.builders import (
    Image,
    make_image,
    name_annotations,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.artifacts import make_artifact, make_signature, of_image, write_layout
from tests.independent import read_files

SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"
ENGINES = (
    "docker@20.10",
    "docker@28",
    "docker@29+containerd",
    "containerd@1.6",
    "containerd@2.1",
)


def content(size: int = 30_000) -> dict[str, bytes]:
    name = os.urandom(4).hex()
    return {name: os.urandom(size)}


def shelf() -> list[Image]:
    """Images that share a base, and one that is larger than a volume."""
    base = [content(), content()]
    found = [make_image([*base, content(9_000)], names=(f"app{n}:1",)) for n in range(3)]
    found.insert(1, make_image([content() for _ in range(6)], names=("large:1", "large:latest")))
    return found


def whole(images: list[Image], folder: Path) -> str:
    path = folder / "in.tar"
    write_hybrid_archive(images, path)
    return str(path)


def document(volume: Path, name: str) -> Any:
    return json.loads(read_files(volume)[name])


def loads(folder: Path, volumes: tuple[VolumeReport, ...], *targets: str) -> list[str]:
    """What check refuses of the volumes, each with those before it as what is there."""
    refused = []
    for number, volume in enumerate(volumes):
        have = [str(folder / each.file) for each in volumes[:number]]
        said = check(str(folder / volume.file), targets=targets, have=have)
        refused += [
            f"{volume.file}: {each.target}: {[reason.rule.code for reason in each.reasons]}"
            for each in said.answers
            if not each.loads and [reason.rule.code for reason in each.reasons] != ["no-name"]
        ]
    return refused


def test_an_image_larger_than_a_volume_is_cut_between_its_layers(tmp_path: Path) -> None:
    source = whole(shelf(), tmp_path)
    report = repack(source, str(tmp_path / "x.tar"), to="oci", volume_size=120_000)
    volumes = report.volumes
    assert [each.file for each in volumes] == [f"x.vol{n}.tar" for n in range(1, len(volumes) + 1)]
    partial = [each for each in volumes if each.partial]
    assert {each.partial_of for each in partial} == {"large:1"}
    assert [each.partial for each in partial] == [
        f"large-vol{volumes.index(each) + 1}:1" for each in partial
    ]
    assert loads(tmp_path, volumes, *ENGINES) == []
    # What is brought in the end is not brought twice.
    names = [name for each in volumes for name in each.images]
    assert sorted(names) == ["app0:1", "app1:1", "app2:1", "large:1", "large:latest"]
    layers = [
        name
        for each in volumes
        for name, data in read_files(tmp_path / each.file).items()
        if name.startswith("blobs/") and not data.startswith(b"{")
    ]
    assert len(set(layers)) == len(layers)


def test_a_partial_image_is_marked_and_no_other(tmp_path: Path) -> None:
    source = whole(shelf(), tmp_path)
    volumes = repack(source, str(tmp_path / "x.tar"), to="oci", volume_size=120_000).volumes
    for number, volume in enumerate(volumes, 1):
        index = document(tmp_path / volume.file, "index.json")
        assert index["annotations"]["org.oci-layout.volume"] == f"{number} of {len(volumes)}"
        assert ("org.oci-layout.thin" in index["annotations"]) is bool(volume.needs)
        marked = [
            entry
            for entry in index["manifests"]
            if "org.oci-layout.partial" in entry.get("annotations", {})
        ]
        assert len(marked) == bool(volume.partial)
        tags = [
            tag
            for each in document(tmp_path / volume.file, "manifest.json")
            for tag in each["RepoTags"]
        ]
        assert tags == [*volume.images, *filter(None, [volume.partial])]


def test_the_list_says_what_is_there(tmp_path: Path) -> None:
    source = whole(shelf(), tmp_path)
    report = repack(source, str(tmp_path / "x.tar"), to="oci", volume_size=120_000)
    listed = json.loads((tmp_path / "x.volumes.json").read_text())
    assert (listed["kind"], listed["version"]) == ("oci-layout-volumes", 1)
    for told, volume in zip(listed["volumes"], report.volumes, strict=True):
        data = (tmp_path / told["file"]).read_bytes()
        assert told["file"] == volume.file
        assert told["size"] == volume.size == len(data) <= 120_000
        assert told["sha256"] == volume.sha256 == hashlib.sha256(data).hexdigest()
        assert tuple(told["images"]) == volume.images
        assert tuple(told["needs"]) == volume.needs
    assert report.destination.endswith("x.volumes.json")
    assert report.bytes_written == sum(each.size for each in report.volumes)
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["in.tar", "x.volumes.json", *(each.file for each in report.volumes)]
    )


def test_the_list_is_the_whole_again(tmp_path: Path) -> None:
    source, listed = whole(shelf(), tmp_path), str(tmp_path / "x.volumes.json")
    full, again = (str(tmp_path / name) for name in ("full.tar", "again.tar"))
    repack(source, full, to="oci")
    repack(source, str(tmp_path / "x.tar"), to="oci", volume_size=120_000)
    repack(listed, again, to="oci")
    assert Path(again).read_bytes() == Path(full).read_bytes()
    found = verify(listed)
    assert not found.failed_strictly
    assert found.findings == ()
    assert len(found.images) == 4
    assert inspect(listed).totals.missing == ()
    with pytest.raises(UsageError, match="one volume"):
        check(listed)


def test_a_size_to_the_byte(tmp_path: Path) -> None:
    """The size of the whole is enough for one volume, and a byte less is not."""
    source = whole([make_image([content() for _ in range(3)], names=("app:1",))], tmp_path)
    (only,) = repack(source, str(tmp_path / "a.tar"), to="oci", volume_size=10**9).volumes
    for size, count in ((only.size, 1), (only.size - 1, 2)):
        report = repack(source, str(tmp_path / f"{count}.tar"), to="oci", volume_size=size)
        assert len(report.volumes) == count
        assert all(each.size <= size for each in report.volumes)


def test_more_than_nine_volumes_stand_in_order(tmp_path: Path) -> None:
    source = whole([make_image([content() for _ in range(11)], names=("app:1",))], tmp_path)
    volumes = repack(source, str(tmp_path / "x.tar"), to="oci", volume_size=61_440).volumes
    names = [each.file for each in volumes]
    assert len(names) > 9
    assert names == sorted(names)
    assert names[0] == "x.vol01.tar"
    assert loads(tmp_path, volumes, "docker@20.10", "containerd@1.6") == []


@pytest.mark.parametrize("compression", ["keep", "gzip", "none"])
@pytest.mark.parametrize("jobs", [1, 4])
def test_bytes_are_the_same_with_any_number_of_jobs(
    compression: str, jobs: int, tmp_path: Path
) -> None:
    chance = random.Random(7)  # noqa: S311  images, not secrets
    layers = [{f"f{n}": chance.randbytes(30_000)} for n in range(6)]
    image = make_image(layers, names=("app:1",), compression=chance.choice(["gzip"]))
    source = whole([image], tmp_path)
    found = []
    for each in (1, jobs):
        folder = tmp_path / str(each)
        folder.mkdir(exist_ok=True)
        repack(
            source,
            str(folder / "x.tar"),
            to="oci",
            compression=compression,
            volume_size=120_000,
            jobs=each,
            force=True,
        )
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]


def test_one_layer_on_other_layers_is_there_for_nobody(tmp_path: Path) -> None:
    """Docker finds a layer by those below it: the second image brings its own."""
    shared = content()
    images = [
        make_image([content(), shared], names=("a:1",)),
        make_image([content(), shared], names=("b:1",)),
    ]
    report = repack(whole(images, tmp_path), str(tmp_path / "x.tar"), to="oci", volume_size=110_000)
    first, second = (read_files(tmp_path / each.file) for each in report.volumes)
    assert images[0].layers[1].digest == images[1].layers[1].digest
    assert f"blobs/sha256/{images[0].layers[1].digest[7:]}" in first.keys() & second.keys()
    assert loads(tmp_path, report.volumes, *ENGINES) == []


def test_what_an_image_without_a_name_brings_is_not_relied_on(tmp_path: Path) -> None:
    """containerd keeps nothing of it, so what comes later brings the layers again."""
    base = [content(), content()]
    nameless = make_image([*base, content()], names=())
    named = make_image([*base, content()], names=("app:1",))
    source = write_oci_layout([nameless, named], tmp_path / "in")
    report = repack(str(source), str(tmp_path / "x.tar"), to="oci", volume_size=150_000)
    assert [each.needs for each in report.volumes] == [(), ()]


@pytest.mark.parametrize("attestations", [False, True])
def test_an_index_of_several_platforms(attestations: bool, tmp_path: Path) -> None:
    images = [
        make_image([content() for _ in range(3)], architecture=arch) for arch in ("arm64", "amd64")
    ]
    source = write_index_layout(tmp_path / "in", images, name="multi:1", attestations=attestations)
    full, again = (str(tmp_path / name) for name in ("full.tar", "again.tar"))
    repack(str(source), full, to="oci")
    report = repack(str(source), str(tmp_path / "x.tar"), to="oci", volume_size=100_000)
    repack(str(tmp_path / "x.volumes.json"), again, to="oci")
    assert Path(again).read_bytes() == Path(full).read_bytes()
    assert loads(tmp_path, report.volumes, "containerd@1.6") == []
    assert not verify(str(tmp_path / "x.volumes.json")).failed


def test_signatures_and_artifacts_come_along(tmp_path: Path) -> None:
    image = make_image([content()], names=("app:1",))
    built = of_image(image)
    artifact, signature = (
        make_artifact(os.urandom(60_000), subject=built.entry()),
        make_signature(built.digest),
    )
    tag = f"docker.io/library/app:sha256-{built.digest[7:]}.sig"
    entries = [
        built.entry(annotations=name_annotations("app:1")),
        artifact.entry(),
        signature.entry(annotations=name_annotations(tag)),
    ]
    source = write_layout(tmp_path / "in", entries, built, artifact, signature)
    full, again = (str(tmp_path / name) for name in ("full.tar", "again.tar"))
    repack(str(source), full, to="oci", preserve_digests=True)
    report = repack(
        str(source), str(tmp_path / "x.tar"), to="oci", volume_size=90_000, preserve_digests=True
    )
    assert len(report.volumes) == 2
    repack(str(tmp_path / "x.volumes.json"), again, to="oci")
    assert Path(again).read_bytes() == Path(full).read_bytes()
    # Docker refuses an archive without manifest.json.
    assert all("manifest.json" in read_files(tmp_path / each.file) for each in report.volumes)


def test_with_what_is_there_left_out(tmp_path: Path) -> None:
    base = [content(), content()]
    there = tmp_path / "there.tar"
    write_hybrid_archive([make_image(base, names=("base:1",))], there)
    image = make_image([*base, *(content() for _ in range(4))], names=("app:1",))
    source = whole([image], tmp_path)
    how: dict[str, Any] = {"to": "oci", "volume_size": 100_000, "have": str(there)}
    report = repack(source, str(tmp_path / "x.tar"), **how)
    assert len(report.volumes) == 2
    have = [str(there)]
    for volume in report.volumes:
        path = tmp_path / volume.file
        assert check(str(path), targets=ENGINES, have=have).loads
        assert "base:1" in document(path, "index.json")["annotations"]["org.oci-layout.thin"]
        have.append(str(path))
    full, again = (str(tmp_path / name) for name in ("full.tar", "again.tar"))
    repack(source, full, to="oci")
    repack(str(tmp_path / "x.volumes.json"), again, to="oci", bases=str(there))
    assert Path(again).read_bytes() == Path(full).read_bytes()
    assert verify(str(tmp_path / "x.volumes.json")).failed
    assert not verify(str(tmp_path / "x.volumes.json"), bases=str(there)).failed


def test_merge_cuts_too(tmp_path: Path) -> None:
    sources = []
    for number, image in enumerate(shelf()):
        path = tmp_path / f"{number}.tar"
        write_docker_archive([image], path)
        sources.append(str(path))
    report = merge(sources, str(tmp_path / "x.tar"), volume_size=120_000)
    merge(sources, str(tmp_path / "full.tar"))
    repack(str(tmp_path / "x.volumes.json"), str(tmp_path / "again.tar"), to="oci")
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "full.tar").read_bytes()
    assert loads(tmp_path, report.volumes, *ENGINES) == []


def test_a_layer_larger_than_a_volume_is_named(tmp_path: Path) -> None:
    image = make_image([content(1_000), content(200_000)], names=("app:1",))
    source = whole([image], tmp_path)
    with pytest.raises(TargetError, match=r"layer 1 .*split -b 100000") as raised:
        repack(source, str(tmp_path / "x.tar"), to="oci", volume_size=100_000)
    assert image.layers[1].digest in str(raised.value)
    assert raised.value.where.image == "app:1"
    assert os.listdir(tmp_path) == ["in.tar"]


def test_what_cannot_be_cut_is_named(tmp_path: Path) -> None:
    built = make_artifact(os.urandom(100_000))
    source = write_layout(tmp_path / "in", [built.entry()], built)
    with pytest.raises(TargetError, match="cannot be cut"):
        repack(str(source), str(tmp_path / "x.tar"), to="oci", volume_size=50_000)
    tiny = whole([make_image([content(10)], names=("app:1",))], tmp_path)
    with pytest.raises(TargetError, match="does not fit"):
        repack(tiny, str(tmp_path / "x.tar"), to="oci", volume_size=5_000)
    assert sorted(os.listdir(tmp_path)) == ["in", "in.tar"]


@pytest.mark.parametrize(
    ("dest", "how"),
    [
        ("x", {}),
        ("x.tar.gz", {}),
        ("-", {}),
        ("x", {"append": True}),
        ("oci-archive:x.img", {}),
        ("x.tar", {"to": "docker", "legacy": True}),
        ("x", {"to": "dir"}),
    ],
)
def test_what_is_not_cut(dest: str, how: dict[str, Any], tmp_path: Path) -> None:
    source = whole([make_image([content()], names=("app:1",))], tmp_path)
    path = dest if dest == "-" or ":" in dest else str(tmp_path / dest)
    with pytest.raises(UsageError, match="--volume-size"):
        repack(source, path, **{"to": "oci", "volume_size": 50_000, **how})


def test_a_layer_that_is_larger_than_its_stream_ends_with(tmp_path: Path) -> None:
    """Sizes are foreseen by the end of a gzip stream; one of two members says less than all."""
    layers = [content(20_000) for _ in range(4)]
    image = make_image(layers, names=("app:1",), compression="gzip")
    first = image.layers[0]
    two = gzip.compress(first.raw[:512], mtime=0) + gzip.compress(first.raw[512:], mtime=0)
    object.__setattr__(first, "stored", two)
    source = whole([image], tmp_path)
    how: dict[str, Any] = {"to": "oci", "compression": "none"}
    repack(source, str(tmp_path / "full.tar"), **how)
    report = repack(source, str(tmp_path / "x.tar"), volume_size=61_440, **how)
    assert len(report.volumes) > 2
    assert all(each.size <= 61_440 for each in report.volumes)
    repack(str(tmp_path / "x.volumes.json"), str(tmp_path / "again.tar"), to="oci")
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "full.tar").read_bytes()


def test_without_manifest_json(tmp_path: Path) -> None:
    source = whole(shelf(), tmp_path)
    report = repack(source, str(tmp_path / "x.tar"), to="oci", volume_size=120_000, pure=True)
    assert not any("manifest.json" in read_files(tmp_path / each.file) for each in report.volumes)
    assert loads(tmp_path, report.volumes, "containerd@1.6", "docker@29+containerd") == []
    assert not verify(str(tmp_path / "x.volumes.json")).failed


def test_what_a_name_is_taken_for(tmp_path: Path) -> None:
    """An image that is called as a partial one would be keeps its name."""
    images = [
        make_image([content() for _ in range(4)], names=("app:1",)),
        make_image([content(10)], names=("app-vol1:1",)),
    ]
    report = repack(whole(images, tmp_path), str(tmp_path / "x.tar"), to="oci", volume_size=110_000)
    partial = [each.partial for each in report.volumes if each.partial]
    assert partial[0] == "app-vol1-part:1"
    assert loads(tmp_path, report.volumes, *ENGINES) == []


def random_images(chance: random.Random) -> list[Image]:
    pool = [{f"f{n}": chance.randbytes(chance.choice([0, 10, 5_000, 20_000]))} for n in range(12)]
    found: list[Image] = []
    stacks: list[list[dict[str, bytes]]] = [[]]
    for number in range(chance.randint(1, 6)):
        below = chance.choice(stacks)[: chance.randint(0, 5)]
        stack = [*below, *(chance.choice(pool) for _ in range(chance.randint(0, 5)))]
        stacks.append(stack)
        names = chance.choice([(f"i{number}:1",), (f"i{number}:1", f"host:5000/i{number}:2"), ()])
        packed = chance.choice(["none", "none", "gzip"])
        found.append(make_image(stack, names=names, compression=packed))
    return found


@pytest.mark.parametrize("seed", range(400 if SLOW else 40))
def test_volumes_of_random_images(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311  images, not secrets
    source = str(tmp_path / "in.tar")
    write_docker_archive(random_images(chance), Path(source))
    how: dict[str, Any] = {
        "to": chance.choice(["oci", "oci", "docker"]),
        "compression": chance.choice(["auto", "keep", "gzip", "none"]),
    }
    size = chance.choice([50_000, 61_440, 70_001, 90_000, 200_000])
    full, again = (str(tmp_path / name) for name in ("full.tar", "again.tar"))
    repack(source, full, **how)
    report = repack(source, str(tmp_path / "x.tar"), volume_size=size, **how)
    for volume in report.volumes:
        path = tmp_path / volume.file
        assert path.stat().st_size == volume.size <= size
        assert hashlib.sha256(path.read_bytes()).hexdigest() == volume.sha256
        assert set(volume.needs) <= {each.file for each in report.volumes}
    listed = str(tmp_path / "x.volumes.json")
    repack(listed, again, to=how["to"], compression="keep")
    assert Path(again).read_bytes() == Path(full).read_bytes()
    assert verify(listed).verdict(strict=True) is verify(full).verdict(strict=True)
    assert loads(tmp_path, report.volumes, "docker@20.10", "containerd@2.1") == []
