"""Whole sources are edited: the form stays, and so does all that was not meant."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import oci_layout
from oci_layout.errors import DestinationError, LayoutError, SelectionError, UsageError
from oci_layout.sink.layoutfolder import held
from tests import independent
from tests.builders import (
    Image,
    Layer,
    make_image,
    sha256,
    write_dir,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.artifacts import make_artifact, make_signature, of_image, write_layout
from tests.builders.legacy import steps_of, write_v1
from tests.command import layout, names_in
from tests.converting import sound

ONE = make_image([{"a": b"1"}], names=("one:1",))
TWO = make_image([{"a": b"1"}, {"b": b"2"}], names=("two:1", "two:latest"))
AMD = make_image([{"a": b"amd"}], names=())
ARM = make_image([{"a": b"arm"}], names=(), architecture="arm", variant="v7")
Write = Callable[[Path], Path]

# A source with ONE and TWO, the name that its form is written under, and what it is afterwards.
FORMS: dict[str, tuple[Write, str, str]] = {
    "docker save": (lambda p: write_docker_archive([ONE, TWO], p / "in.tar"), "o.tar", "hybrid"),
    "hybrid": (lambda p: write_hybrid_archive([ONE, TWO], p / "in.tar"), "o.tar", "hybrid"),
    "Docker's types": (
        lambda p: write_hybrid_archive([ONE, TWO], p / "in.tar", family="docker"),
        "o.tar",
        "hybrid",
    ),
    "layout": (lambda p: write_oci_layout([ONE, TWO], p / "in"), "out", "oci-layout"),
    "layout of Docker's types": (
        lambda p: write_oci_layout([ONE, TWO], p / "in", family="docker"),
        "out",
        "oci-layout",
    ),
    "archive": (lambda p: write_oci_archive([ONE, TWO], p / "in.tar"), "o.tar", "oci-layout"),
}


def configs(path: Path) -> dict[str, dict[str, Any]]:
    """The config of each name; every digest is checked."""
    files = independent.read_files(path)
    found = {}
    for entry in json.loads(files["index.json"])["manifests"]:
        manifest = json.loads(files["blobs/" + entry["digest"].replace(":", "/")])
        raw = files["blobs/" + manifest["config"]["digest"].replace(":", "/")]
        assert sha256(raw) == manifest["config"]["digest"]
        found[entry["annotations"][independent.NAME]] = json.loads(raw)
    return found


def labelled(image: Image, **labels: str) -> dict[str, Any]:
    inner = image.config["config"]
    return {**image.config, "config": {**inner, "Labels": {**inner["Labels"], **labels}}}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_stays_and_the_other_image_too(form: str, tmp_path: Path) -> None:
    write, name, kind = FORMS[form]
    source = write(tmp_path)
    oci_layout.edit(source, tmp_path / name, images=["two:1"], labels=["a=b"])
    sound(tmp_path / name)
    checked = independent.check(tmp_path / name)
    assert (checked.docker is not None) == (kind == "hybrid")
    found = configs(tmp_path / name)
    assert found["docker.io/library/one:1"] == ONE.config
    assert found["docker.io/library/two:1"] == labelled(TWO, a="b")
    assert found["docker.io/library/two:latest"] == labelled(TWO, a="b")
    before = independent.read_files(source)
    if "index.json" in before:
        digest = ONE.manifest_digest("docker" if "Docker" in form else "oci")
        assert digest in checked.manifests
        types = {entry["mediaType"] for entry in json.loads(before["index.json"])["manifests"]}
        assert {entry["mediaType"] for entry in checked.index["manifests"]} == types


@pytest.mark.parametrize("form", FORMS)
def test_in_place(form: str, tmp_path: Path) -> None:
    write, _, _ = FORMS[form]
    source = write(tmp_path)
    report = oci_layout.edit(source, in_place=True, images=["two:1"], labels=["a=b"])
    assert report.destination == str(source)
    assert names_in(tmp_path) == [source.name]
    found = configs(source)
    assert found["docker.io/library/one:1"] == ONE.config
    assert found["docker.io/library/two:latest"] == labelled(TWO, a="b")
    assert layout("verify", source).returncode == 0
    before = independent.read_files(source)
    again = oci_layout.edit(source, in_place=True, images=["two:1"], labels=["a=b"])
    assert all(image.image_id_before == image.image_id_after for image in again.images)
    assert independent.read_files(source) == before


def test_a_layout_keeps_its_blobs_and_the_text_of_its_index(tmp_path: Path) -> None:
    source = write_oci_layout([ONE, TWO], tmp_path / "in")
    (source / "mine.txt").write_text("not of a layout, and left alone")
    index = json.loads((source / "index.json").read_bytes())
    index["annotations"] = {"x": "<&>"}
    index["manifests"][0]["annotations"] = {independent.NAME: "odd NAME", "kept": "yes"}
    index["manifests"][0]["x-odd"] = 1.50
    text = json.dumps(index, indent=3)
    (source / "index.json").write_text(text)
    before = independent.read_files(source)
    oci_layout.edit(source, in_place=True, images=["two:1"], user="u")
    after = independent.read_files(source)
    assert before.items() - after.items() == {("index.json", before["index.json"])}
    entries = json.loads(after["index.json"])["manifests"]
    new = text
    for number in (1, 2):
        old = index["manifests"][number]
        new = new.replace(old["digest"], entries[number]["digest"])
        new = new.replace(f'"size": {old["size"]}', f'"size": {entries[number]["size"]}')
    assert after["index.json"].decode() == new
    assert len(after) == len(before) + 2


def test_a_layout_that_changes_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_oci_layout([ONE], tmp_path / "in")

    def late(place: Any) -> Any:
        monkeypatch.undo()
        other = write_docker_archive([TWO], tmp_path / "two.tar")
        oci_layout.repack(other, source, to="oci", append=True)
        return held(place)

    monkeypatch.setattr("oci_layout.sink.inplace.held", late)
    with pytest.raises(DestinationError, match="changed it meanwhile"):
        oci_layout.edit(source, in_place=True, user="u")
    assert configs(source)["docker.io/library/two:1"] == TWO.config
    assert configs(source)["docker.io/library/one:1"] == ONE.config
    assert names_in(tmp_path) == ["in", "two.tar"]


@pytest.mark.parametrize("packed", ["gz", "zst"])
def test_an_archive_stays_packed_in_place(packed: str, tmp_path: Path) -> None:
    source = write_docker_archive([ONE], tmp_path / "in.tar")
    name = tmp_path / f"x.tar.{packed}"
    oci_layout.repack(source, name, to="oci")
    moved = name.rename(tmp_path / "no-suffix")
    oci_layout.edit(moved, in_place=True, user="u")
    magic = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5"}
    assert moved.read_bytes()[:2] == magic[packed]
    assert layout("verify", moved).returncode == 0


def test_what_cannot_be_edited_in_place_is_left_alone(tmp_path: Path) -> None:
    archive = write_docker_archive([ONE], tmp_path / "in.tar")
    oci_layout.repack(archive, tmp_path / "registry", to="registry")
    write_dir(ONE, tmp_path / "dir")
    write_files({"inside/" + name: data for name, data in independent.read_files(
        write_oci_layout([ONE], tmp_path / "layout")).items()}, tmp_path / "outer")  # fmt: skip
    os.link(archive, tmp_path / "linked.tar")
    for name in ("registry", "dir", "outer"):
        before = independent.read_files(tmp_path / name)
        with pytest.raises(DestinationError, match="-o DEST"):
            oci_layout.edit(tmp_path / name, in_place=True, user="u")
        assert independent.read_files(tmp_path / name) == before
    done = layout("edit", "-", "--in-place", "--user", "u", stdin=archive.read_bytes())
    assert done.returncode == 2
    oci_layout.edit(archive, in_place=True, user="u")
    assert (tmp_path / "linked.tar").read_bytes() != archive.read_bytes()  # the other name stays


def test_a_destination_follows_the_rules_of_repack(tmp_path: Path) -> None:
    source = write_docker_archive([ONE], tmp_path / "in.tar")
    out = tmp_path / "out.tar"
    oci_layout.edit(source, out, user="u")
    with pytest.raises(DestinationError, match="exists already"):
        oci_layout.edit(source, out, user="v")
    oci_layout.edit(source, out, user="v", force=True)
    assert configs(out)["docker.io/library/one:1"]["config"]["User"] == "v"
    with pytest.raises(DestinationError, match="the source itself"):
        oci_layout.edit(source, source, user="v", force=True)
    done = layout("edit", source, "--user", "w", "-o", "-")
    assert done.returncode == 0
    (tmp_path / "piped.tar").write_bytes(done.stdout)
    assert configs(tmp_path / "piped.tar")["docker.io/library/one:1"]["config"]["User"] == "w"


def test_a_dry_run_says_it_all_and_writes_nothing(tmp_path: Path) -> None:
    source = write_oci_layout([ONE], tmp_path / "in")
    before = independent.read_files(source)
    planned = oci_layout.edit(source, in_place=True, dry_run=True, user="u")
    assert independent.read_files(source) == before
    done = oci_layout.edit(source, in_place=True, user="u")
    assert planned.images == done.images
    assert json.loads(json.dumps(done.to_json()))["version"] == 1


def test_v1_comes_out_as_repack_writes_it(tmp_path: Path) -> None:
    source = write_v1(steps_of({"a": b"1"}, {"b": b"2"}), tmp_path / "v1.tar", "old:1")
    oci_layout.repack(source, tmp_path / "plain.tar", to="docker")
    oci_layout.edit(source, tmp_path / "out.tar", labels=["a=b"])
    sound(tmp_path / "out.tar")
    (before,) = configs(tmp_path / "plain.tar").values()
    (after,) = configs(tmp_path / "out.tar").values()
    assert after["config"].pop("Labels")["a"] == "b"
    before["config"].pop("Labels", None)
    assert after == before


def test_a_dir_and_a_registry_stay_what_they_are(tmp_path: Path) -> None:
    source = write_dir(ONE, tmp_path / "dir", family="docker")
    oci_layout.edit(source, tmp_path / "out", labels=["a=b"])
    manifest = json.loads((tmp_path / "out/manifest.json").read_bytes())
    assert manifest["mediaType"] == ONE.manifest("docker")["mediaType"]
    oci_layout.repack(
        write_docker_archive([ONE, TWO], tmp_path / "in.tar"), tmp_path / "r", to="registry"
    )
    oci_layout.edit(tmp_path / "r", tmp_path / "r2", images=["one:1"], labels=["a=b"])
    sound(tmp_path / "r2")
    with oci_layout.open_source(str(tmp_path / "r2")) as opened:
        assert opened.kind.json == "registry"


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_every_platform_of_an_index_is_edited_or_the_chosen_one(
    family: Any, tmp_path: Path
) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM], family=family, attestations=True)
    oci_layout.edit(source, tmp_path / "all", labels=["a=b"])
    oci_layout.edit(source, tmp_path / "arm", labels=["a=b"], platforms=["linux/arm"])
    for name, wanted in (("all", [True, True]), ("arm", [False, True])):
        sound(tmp_path / name)
        checked = independent.check(tmp_path / name)
        (top,) = checked.index["manifests"]
        assert top["annotations"][independent.NAME] == "docker.io/library/demo:1"
        nested = json.loads(checked.files["blobs/" + top["digest"].replace(":", "/")])
        images, notes = nested["manifests"][:2], nested["manifests"][2:]
        for image, entry, note, edited in zip((AMD, ARM), images, notes, wanted, strict=True):
            assert (entry["digest"] == image.manifest_digest(family)) != edited
            assert entry["platform"] == image.platform
            assert entry["mediaType"] == image.manifest(family)["mediaType"]
            # What is attached to an image follows its digest.
            assert note["annotations"]["vnd.docker.reference.digest"] == entry["digest"]
            config = json.loads(
                checked.configs[checked.manifests[entry["digest"]]["config"]["digest"]]
            )
            assert config == (labelled(image, a="b") if edited else image.config)


def test_a_wrong_platform_is_stated_anew_wherever_it_is_stated(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM])
    oci_layout.edit(source, tmp_path / "o", platforms=["linux/arm"], platform_of="linux/arm64")
    checked = independent.check(tmp_path / "o")
    nested = json.loads(
        checked.files["blobs/" + checked.index["manifests"][0]["digest"].replace(":", "/")]
    )
    assert [entry["platform"] for entry in nested["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]
    raw = checked.configs[checked.manifests[nested["manifests"][1]["digest"]]["config"]["digest"]]
    assert {**json.loads(raw), "variant": "v7", "architecture": "arm"} == ARM.config
    flat = write_layout(
        tmp_path / "flat", [of_image(AMD).entry(platform=AMD.platform)], of_image(AMD)
    )
    oci_layout.edit(flat, in_place=True, platform_of="linux/arm/v6")
    (entry,) = json.loads((flat / "index.json").read_bytes())["manifests"]
    assert entry["platform"] == {"architecture": "arm", "os": "linux", "variant": "v6"}


def signed(tmp_path: Path) -> Path:
    """Two images, each with a signature by tag, and a referrer of each."""
    parts, entries = [], []
    for image in (ONE, TWO):
        built, digest = of_image(image), image.manifest_digest()
        entries.append(
            built.entry(annotations={independent.NAME: f"docker.io/library/{image.names[0]}"})
        )
        signature = make_signature(digest)
        tag = digest.replace(":", "-") + ".sig"
        entries.append(signature.entry(annotations={"org.opencontainers.image.ref.name": tag}))
        referrer = make_artifact(image.names[0].encode(), subject=built.entry())
        entries.append(referrer.entry())
        parts += [built, signature, referrer]
    return write_layout(tmp_path / "signed", entries, *parts)


def test_what_is_attached_is_told_of_kept_or_dropped(tmp_path: Path) -> None:
    source = signed(tmp_path)
    report = oci_layout.edit(source, tmp_path / "kept", images=["two:1"], user="u")
    said = " ".join(map(str, report.changes))
    assert "will not verify" in said
    assert "its subject is now" in said
    assert ONE.manifest_digest() not in said
    dropped = oci_layout.edit(
        source, tmp_path / "less", images=["two:1"], user="u", attestations="drop"
    )
    assert len(dropped.warnings) == 2
    after = json.loads((tmp_path / "less/index.json").read_bytes())["manifests"]
    before = json.loads((source / "index.json").read_bytes())["manifests"]
    assert {each["digest"] for each in before[:3]} < {each["digest"] for each in after}
    assert len(after) == 4
    same = oci_layout.edit(source, tmp_path / "same", images=["two:1"], user="u")
    assert same.images[0].manifest_before == same.images[0].manifest_after


def test_what_a_layout_lacks_it_may_go_on_lacking(tmp_path: Path) -> None:
    source = write_index_layout(
        tmp_path / "in", [AMD, ARM], drop=[ARM.layers[0].digest, ARM.manifest_digest()]
    )
    oci_layout.edit(source, in_place=True, platforms=["linux/amd64"], labels=["a=b"])
    top = json.loads((source / "index.json").read_bytes())["manifests"][0]
    nested = json.loads((source / "blobs" / top["digest"].replace(":", "/")).read_bytes())
    assert nested["manifests"][1]["digest"] == ARM.manifest_digest()
    assert nested["manifests"][0]["digest"] != AMD.manifest_digest()


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        ({"images": ["gone:1"], "user": "u"}, SelectionError, "no image 'gone:1'"),
        ({"platforms": ["linux/s390x"], "user": "u"}, SelectionError, "no image for linux/s390x"),
        ({"names": ["a:1"], "user": "u"}, SelectionError, "names a single image"),
        ({"names": ["gone:1=a:1"]}, SelectionError, "no image 'gone:1'"),
    ],
)
def test_what_is_not_there_is_not_edited(
    asked: Any, kind: type[LayoutError], message: str, tmp_path: Path
) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    with pytest.raises(kind, match=message):
        oci_layout.edit(source, tmp_path / "out.tar", **asked)


def test_names_alone_are_edited_too(tmp_path: Path) -> None:
    source = write_oci_layout([ONE, TWO], tmp_path / "in")
    oci_layout.edit(source, in_place=True, names=["library/=registry.lan/m/", "one:1=+uno:1"])
    assert set(configs(source)) == {
        "docker.io/library/one:1",
        "docker.io/library/uno:1",
        "registry.lan/m/two:1",
        "registry.lan/m/two:latest",
    }
    oci_layout.edit(source, in_place=True, images=["uno:1"], names=["new:1"], user="u")
    assert set(configs(source)) == {
        "docker.io/library/new:1",
        "registry.lan/m/two:1",
        "registry.lan/m/two:latest",
    }


LATEST = 1_577_836_800


def built_at(moment: float, compression: str = "none") -> Image:
    """One build at some moment: the layer that is new has files of then."""
    layers = []
    for number, time in enumerate((LATEST - 5.5, moment)):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name in ("etc/a", "etc/b"):
                info = tarfile.TarInfo(f"{name}{number}")
                info.size, info.mtime = 700, time
                tar.addfile(info, io.BytesIO(b"x" * 700))
        padded = out.getvalue().rstrip(b"\0")
        layers.append(Layer(padded + bytes(-len(padded) % 512 + 1024), compression))
    image = make_image([{}, {}], names=("built:1",))
    stamp = f"2023-01-01T00:00:{int(moment) % 60:02d}.{int(moment * 100) % 100:02d}Z"
    config = {
        **image.config,
        "created": stamp,
        "history": [{**line, "created": stamp} for line in image.config["history"]],
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    return Image(layers=tuple(layers), config=config, names=image.names)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_two_builds_come_to_one_digest_and_a_second_run_changes_nothing(
    compression: str, tmp_path: Path
) -> None:
    found = set()
    how: Any = {"clamp_time": LATEST, "layers": True}
    for number, moment in enumerate((1_672_531_200.25, 1_672_531_207, 1_700_000_000.123456)):
        image = built_at(moment, compression)
        source = write_oci_layout([image], tmp_path / f"in{number}")
        once, twice = tmp_path / f"once{number}", tmp_path / f"twice{number}"
        oci_layout.edit(source, once, **how)
        oci_layout.edit(once, twice, **how)
        sound(once)
        assert independent.read_files(once) == independent.read_files(twice)
        (manifest,) = independent.check(once).manifests.values()
        # The layer that has nothing late in it keeps its bytes.
        assert manifest["layers"][0] == image.manifest()["layers"][0]
        assert manifest["layers"][1]["mediaType"] == image.manifest()["layers"][1]["mediaType"]
        found |= set(independent.check(once).manifests)
    assert len(found) == 1


def test_layers_of_images_that_are_not_edited_keep_their_times(tmp_path: Path) -> None:
    one = built_at(1_672_531_200.25)
    other = Image(layers=one.layers, config={**one.config, "author": "o"}, names=("other:1",))
    source = write_docker_archive([one, other], tmp_path / "in.tar")
    oci_layout.edit(source, tmp_path / "o.tar", images=["built:1"], clamp_time=LATEST, layers=True)
    sound(tmp_path / "o.tar")
    found = configs(tmp_path / "o.tar")
    assert found["docker.io/library/other:1"] == other.config
    ids = found["docker.io/library/built:1"]["rootfs"]["diff_ids"]
    assert ids[0] == one.layers[0].diff_id
    assert ids[1] != one.layers[1].diff_id


def test_a_damaged_layer_is_not_edited(tmp_path: Path) -> None:
    image = built_at(1_672_531_200.25)
    source = write_oci_layout([image], tmp_path / "in")
    blob = source / "blobs" / image.layers[1].digest.replace(":", "/")
    data = bytearray(blob.read_bytes())
    data[600] ^= 1
    blob.write_bytes(data)
    before = independent.read_files(source)
    done = layout("edit", source, "--in-place", "--clamp-time", LATEST, "--layers")
    assert done.returncode == 3
    assert independent.read_files(source) == before


def test_deltas_and_thin_archives_are_completed_first(tmp_path: Path) -> None:
    old = make_image([{"a": os.urandom(9_000)}], names=("old:1",))
    grown = {"a": independent.unpack(old.layers[0].raw)[1][512:9512] + b"more"}
    whole = write_docker_archive([old], tmp_path / "old.tar")
    both = write_docker_archive([make_image([grown], names=("new:1",)), ONE], tmp_path / "new.tar")
    oci_layout.repack(both, tmp_path / "delta.tar", to="oci", have=[whole], delta=True)
    with pytest.raises(LayoutError, match="deltas") as caught:
        oci_layout.edit(tmp_path / "delta.tar", tmp_path / "o.tar", images=["one:1"], user="u")
    assert caught.value.exit_status == 6
    oci_layout.repack(both, tmp_path / "thin.tar", to="oci", have=[both])
    with pytest.raises(LayoutError, match="--base"):
        oci_layout.edit(tmp_path / "thin.tar", tmp_path / "o.tar", user="u")
    assert not (tmp_path / "o.tar").exists()
    oci_layout.edit(tmp_path / "thin.tar", tmp_path / "o.tar", user="u", bases=[both])
    sound(tmp_path / "o.tar")


def test_a_link_to_an_archive_stays_one(tmp_path: Path) -> None:
    source = write_docker_archive([ONE], tmp_path / "in.tar")
    (tmp_path / "link.tar").symlink_to("in.tar")
    oci_layout.edit(tmp_path / "link.tar", in_place=True, user="u")
    assert (tmp_path / "link.tar").is_symlink()
    assert configs(source)["docker.io/library/one:1"]["config"]["User"] == "u"


def test_a_copy_of_a_layout_that_shares_blobs_is_safe(tmp_path: Path) -> None:
    source = write_oci_layout([ONE, TWO], tmp_path / "in")
    shutil.copytree(source, tmp_path / "copy", copy_function=os.link)
    before = independent.read_files(tmp_path / "copy")
    oci_layout.edit(source, in_place=True, user="u", clamp_time=0, layers=True)
    assert independent.read_files(tmp_path / "copy") == before
    with pytest.raises(UsageError):
        oci_layout.edit(source, tmp_path / "x", in_place=True, user="u")
