"""Thin results: what is left out, what stays the same, and how they are completed."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from oci_layout import DamagedError, UsageError, inspect, merge, repack, verify
from oci_layout import check as oci_check
from tests.builders import (
    Image,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_members,
    write_oci_layout,
)
from tests.builders.artifacts import make_artifact, of_image, write_layout
from tests.command import layout
from tests.independent import check, read_files

BASE: list[dict[str, bytes]] = [{"a": b"1" * 900}, {"b": b"2" * 800}]
SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"
MARK = "org.oci-layout.thin"


def pair(compression: str = "none") -> tuple[Image, Image]:
    base = make_image(BASE, names=("base:1",), compression=compression)
    return base, make_image([*BASE, {"c": b"3"}], names=("app:1",), compression=compression)


def saved(images: list[Image], path: Path, **how: Any) -> str:
    return str(write_hybrid_archive(images, path, **how))


def layers(path: str | Path) -> int:
    """Bytes of blobs in an archive beyond documents."""
    return sum(
        len(data)
        for name, data in read_files(Path(path)).items()
        if name.startswith("blobs/") and not data.startswith(b"{")
    )


@pytest.mark.parametrize(
    ("compression", "to"),  # zstd is packed anew for Docker: nobody knows its digest before
    [("none", "oci"), ("gzip", "oci"), ("zstd", "oci"), ("none", "docker"), ("gzip", "docker")],
)
@pytest.mark.parametrize("dest", ["thin.tar", "thin"])
def test_what_is_there_is_left_out_and_comes_back(
    compression: str, to: str, dest: str, tmp_path: Path
) -> None:
    base, app = pair(compression)
    there, new = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    thin, full, again = (str(tmp_path / each) for each in (dest, f"full-{dest}", f"again-{dest}"))
    report = repack(new, thin, to=to, have=there)
    repack(new, full, to=to)
    assert [layer.action for layer in report.images[0].layers] == ["left out", "left out", "kept"]
    assert {layer.expected_from for layer in report.images[0].layers[:2]} == {"base:1"}
    lost = read_files(Path(full)).keys() - read_files(Path(thin)).keys()
    assert lost == {f"blobs/sha256/{each.digest[7:]}" for each in app.layers[:2]}
    repack(thin, again, to=to, bases=there)
    assert read_files(Path(again)) == read_files(Path(full))
    found = verify(thin, bases=there)
    assert not found.failed
    assert [(each.code, each.message) for each in found.findings if each.code == "thin"] == [
        ("thin", "is thin: complete with " + there)
    ]


def test_without_its_base_it_says_what_it_wants(tmp_path: Path) -> None:
    base, app = pair()
    there, new = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    thin = str(tmp_path / "thin.tar")
    repack(new, thin, to="oci", have=there)
    (finding,) = verify(thin).findings
    assert (finding.code, finding.severity) == ("thin", "error")
    assert "base:1" in finding.message
    with pytest.raises(DamagedError, match="--base"):
        repack(thin, str(tmp_path / "out.tar"), to="oci")
    wrong = saved([make_image([{"x": b"x"}])], tmp_path / "wrong.tar")
    with pytest.raises(DamagedError, match=app.layers[0].digest):
        repack(thin, str(tmp_path / "out.tar"), to="oci", bases=wrong)
    assert not (tmp_path / "out.tar").exists()


def test_what_lacks_layers_on_purpose_is_incomplete_and_not_damaged(tmp_path: Path) -> None:
    """Its status says that no engine loads it; damage in what it has is still damage."""
    base, app = pair()
    there, new = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    folder = tmp_path / "part"
    repack(new, str(folder), to="oci", have=there)
    report = verify(str(folder))
    assert report.verdict() == "incomplete"
    assert [(each.sound, each.incomplete) for each in report.images] == [(False, True)]
    done = layout("verify", folder)
    assert done.returncode == 1
    shown = done.stdout.decode()
    assert re.search(r"^  INCOMPLETE  ", shown, re.MULTILINE)
    assert re.search(r"^INCOMPLETE: \d+ errors?", shown, re.MULTILINE)
    assert "DAMAGED" not in shown
    value = json.loads(layout("verify", folder, "--json").stdout)
    assert value["sources"]["incomplete"] == 1
    largest = max((folder / "blobs/sha256").iterdir(), key=lambda each: each.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    broken = verify(str(folder))
    assert broken.verdict() == "damaged"


def test_a_thin_source_stays_thin_for_who_has_the_rest(tmp_path: Path) -> None:
    base, app = pair()
    there, new = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    thin, again = str(tmp_path / "thin.tar"), str(tmp_path / "again.tar")
    repack(new, thin, to="oci", have=there)
    repack(thin, again, to="oci", have=there)
    assert read_files(Path(again)) == read_files(Path(thin))


def test_a_file_of_docker_save_without_its_lower_layers(tmp_path: Path) -> None:
    """Made by hand: nothing marks it, and its layers are known by their diff_ids alone."""
    base, app = pair()
    there = saved([base], tmp_path / "base.tar")
    path = write_docker_archive([app], tmp_path / "app.tar", style="flat")
    repack(str(path), str(tmp_path / "full.tar"), to="oci")
    files = {
        name: data
        for name, data in read_files(path).items()
        if name not in {f"{each.digest[7:]}.tar" for each in app.layers[:2]}
    }
    thin = write_members(files, tmp_path / "thin.tar")
    assert verify(str(thin)).failed
    repack(str(thin), str(tmp_path / "again.tar"), to="oci", bases=there)
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "full.tar").read_bytes()


def test_a_layer_that_one_image_does_not_find_is_written(tmp_path: Path) -> None:
    """It lies on other layers there, so that Docker does not find it; containerd does."""
    base = make_image([{"b": b"2" * 800}], names=("base:1",))
    app = make_image(BASE, names=("app:1",))
    there, new = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    thin = str(tmp_path / "thin.tar")
    for reader, left in (("docker@20.10", 0), ("containerd@1.6", 1), (None, 0)):
        report = repack(new, thin, to="oci", have=there, reader=reader, force=True)
        actions = [layer.action for layer in report.images[0].layers]
        assert actions.count("left out") == left, reader
    assert "packed-otherwise" in {each.code for each in report.warnings}


def test_packed_otherwise_is_written_and_said(tmp_path: Path) -> None:
    raw, packed = pair()[0], pair("gzip")[1]
    there, new = saved([raw], tmp_path / "base.tar"), saved([packed], tmp_path / "app.tar")
    cells: list[tuple[dict[str, Any], int, str]] = [
        ({}, 0, "--compression none"),
        ({"compression": "none"}, 0, ""),
        ({"reader": "docker"}, 2, ""),
    ]
    for options, left, hint in cells:
        asked = {"to": "oci", "have": there, "force": True, **options}
        report = repack(new, str(tmp_path / "thin.tar"), **asked)
        assert sum(each.action == "left out" for each in report.images[0].layers) == left
        hints = [each.hint for each in report.warnings if each.code == "packed-otherwise"]
        assert all(hint in each for each in hints)
    report = repack(there, str(tmp_path / "x.tar"), to="oci", have=new, compression="gzip")
    assert {each.code for each in report.warnings} == {"packed-otherwise"}


def test_signatures_and_digests_are_kept(tmp_path: Path) -> None:
    base, app = pair("gzip")
    there = saved([base], tmp_path / "base.tar")
    subject = of_image(app)
    signature = make_artifact(
        b"signed", artifact_type="application/x.signature", subject=subject.entry()
    )
    entries = [subject.entry(), signature.entry()]
    source = str(write_layout(tmp_path / "in", entries, subject, signature))
    thin = str(tmp_path / "thin")
    repack(source, thin, to="oci", have=there, preserve_digests=True)
    for digest in (subject.digest, signature.digest):
        assert (Path(thin) / "blobs/sha256" / digest[7:]).exists()
    assert not (Path(thin) / "blobs/sha256" / app.layers[0].digest[7:]).exists()
    assert not verify(thin, bases=there).failed


def test_what_holds_every_blob_cannot_be_thin(tmp_path: Path) -> None:
    base, app = pair()
    there, new = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    out = str(tmp_path / "out")
    for options in (
        {"to": "dir"},
        {"to": "oci", "append": True},
        {"to": "oci", "reader": "skopeo"},
    ):
        with pytest.raises(UsageError):
            repack(new, out, have=there, **options)
    with pytest.raises(UsageError, match="--legacy"):
        repack(new, f"{out}.tar", to="docker", legacy=True, have=there)
    with pytest.raises(UsageError, match="goes with --have"):
        repack(new, out, to="oci", reader="docker")
    assert not Path(out).exists()


def test_a_hint_names_an_engine_that_finds_it(tmp_path: Path) -> None:
    """The same blob on other layers: by its chain nobody finds it, by the blob containerd does."""
    there = saved([make_image([{"b": b"2" * 800}], names=("b:1",))], tmp_path / "base.tar")
    new = saved([make_image(BASE, names=("app:1",))], tmp_path / "app.tar")
    for reader in (None, "docker"):
        report = repack(
            new, str(tmp_path / "thin.tar"), to="oci", have=there, reader=reader, force=True
        )
        (note,) = [each for each in report.warnings if each.code == "packed-otherwise"]
        assert note.hint == "--for containerd leaves it out: containerd finds it"


def test_standard_input_is_read_once(tmp_path: Path) -> None:
    for verb in (
        lambda: repack("-", str(tmp_path / "out"), to="oci", have="-"),
        lambda: merge(["-"], str(tmp_path / "out"), have="-"),
        lambda: oci_check("-", have="-"),
    ):
        with pytest.raises(UsageError, match="read once"):
            verb()


def test_what_is_kept_as_absent_stays_out_of_manifest_json(tmp_path: Path) -> None:
    """Nobody is said to have it: Docker would refuse the whole archive for it."""
    base, app = pair()
    other = make_image([{"z": b"1"}], names=("other:1",))
    source = write_oci_layout([app, other], tmp_path / "in")
    (source / "blobs/sha256" / app.layers[0].digest[7:]).unlink()
    out = tmp_path / "out.tar"
    report = repack(str(source), str(out), to="oci", sparse="keep")
    listed = json.loads(read_files(out)["manifest.json"])
    assert [entry["RepoTags"] for entry in listed] == [["other:1"]]
    assert "foreign-layer" in {each.code for each in report.warnings}
    repack(str(source), str(out), to="oci", have=saved([base], tmp_path / "base.tar"), force=True)
    assert len(json.loads(read_files(out)["manifest.json"])) == 2


def test_merge_leaves_out_and_completes(tmp_path: Path) -> None:
    base, app = pair()
    other = make_image([*BASE, {"d": b"4"}], names=("other:1",))
    there = saved([base], tmp_path / "base.tar")
    sources = [saved([app], tmp_path / "app.tar"), saved([other], tmp_path / "other.tar")]
    thin, full, again = (str(tmp_path / f"{each}.tar") for each in ("thin", "full", "again"))
    merge(sources, thin, have=there)
    merge(sources, full)
    assert layers(full) - layers(thin) == sum(len(each.stored) for each in base.layers)
    merge([thin], again, bases=there)
    assert read_files(Path(again)) == read_files(Path(full))


def test_the_mark_names_what_brings_the_rest(tmp_path: Path) -> None:
    base, app = pair()
    there, new = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    repack(new, str(tmp_path / "thin.tar"), to="oci", have=there)
    repack(str(tmp_path / "thin.tar"), str(tmp_path / "full.tar"), to="oci", bases=there)
    marks = [
        json.loads(read_files(tmp_path / name)["index.json"]).get("annotations")
        for name in ("thin.tar", "full.tar")
    ]
    assert marks == [{MARK: "base:1"}, None]
    assert inspect(str(tmp_path / "thin.tar"), bases=there).totals.missing == ()


def _content(chance: random.Random) -> dict[str, bytes]:
    count = chance.choice([0, 1, 1, 2, 3])
    return {
        f"f{chance.randrange(9)}": chance.randbytes(chance.choice([0, 1, 600]))
        for _ in range(count)
    }


@pytest.mark.parametrize("seed", range(1000 if SLOW else 40))
def test_thin_and_base_are_the_whole(seed: int, tmp_path: Path) -> None:
    """Layers added, removed, moved, changed, repeated and empty; raw, gzip and zstd."""
    chance = random.Random(seed)  # noqa: S311  images, not secrets
    old = [_content(chance) for _ in range(chance.randint(0, 5))]
    new = list(old)
    for _ in range(chance.randint(0, 3)):
        change = chance.choice(["add", "drop", "swap", "repeat"])
        at = chance.randrange(len(new) + 1)
        if change == "add" or len(new) < 2:
            new.insert(at, _content(chance))
        elif change == "drop":
            new.pop(at % len(new))
        elif change == "repeat":
            new.insert(at, new[chance.randrange(len(new))])
        else:
            chance.shuffle(new)
    was, now = (chance.choice(["none", "gzip", "zstd"]) for _ in range(2))
    base = make_image(old, names=("base:1",), compression=was)
    app = make_image(new, names=("app:1",), compression=chance.choice([was, now]))
    there, source = saved([base], tmp_path / "base.tar"), saved([app], tmp_path / "app.tar")
    compression = chance.choice(["auto", "keep", "none", "gzip"])
    reader = chance.choice([None, "docker", "containerd", "podman"])
    thin, full, again = (str(tmp_path / f"{each}.tar") for each in ("thin", "full", "again"))
    report = repack(source, full, to="oci", compression=compression)
    told = repack(source, thin, to="oci", compression=compression, have=there, reader=reader)
    assert [image.manifest_after for image in told.images] == [
        image.manifest_after for image in report.images
    ]
    wanting = any(layer.action == "left out" for layer in told.images[0].layers)
    assert verify(thin).failed is wanting
    repack(thin, again, to="oci", compression="keep", bases=there)
    if reader in (None, "containerd"):  # the very blobs are there
        assert Path(again).read_bytes() == Path(full).read_bytes()
    (config,) = check(Path(again)).configs
    assert config == str(report.images[0].image_id_after)
