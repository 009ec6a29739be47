"""`--append`: adds to a layout, takes nobody's name unasked, and trusts no blob by its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import independent
from tests.builders import (
    Image,
    full_name,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.trees import blob_name, edit, fingerprint, read
from tests.command import layout, names_in, refuse, report

REF = "org.opencontainers.image.ref.name"
NAME = "io.containerd.image.name"


def image(text: str, *names: str) -> Image:
    """An image of its own content, with a layer that all of them share."""
    return make_image([{"base": b"shared"}, {"text": text.encode()}], names=names)


def saved(image: Image, dest: Path) -> Path:
    return write_docker_archive([image], dest)


def entries(dest: Path) -> dict[str, dict[str, Any]]:
    """The entries of `index.json` by full name."""
    listed = json.loads(read(dest)["index.json"])["manifests"]
    return {entry["annotations"][NAME]: entry for entry in listed}


def without_orphans(dest: Path, tmp_path: Path) -> independent.Checked:
    """Check a copy without the blobs that nothing refers to, if there are any."""
    copy = Path(shutil.copytree(dest, tmp_path / "checked"))
    for _ in range(200):
        try:
            return independent.check(copy)
        except AssertionError as error:
            if "orphans" not in str(error):
                raise
            known = [
                name for name in read(copy) if name.startswith("blobs/") and name in str(error)
            ]
            for name in known:
                (copy / name).unlink()
    raise AssertionError


def test_add_to_a_layout(tmp_path: Path) -> None:
    """Old entries first and unchanged; shared blobs are there once."""
    old, new = image("old", "old:1"), image("new", "new:1", "other/new:1")
    dest = write_oci_layout([old], tmp_path / "dest")
    before = read(dest)
    report(saved(new, tmp_path / "in.tar"), "--to", "oci", "--append", "-o", dest)
    found = independent.check(dest)
    assert set(found.configs) == {old.config_digest, new.config_digest}
    assert list(entries(dest)) == [full_name(name) for name in ("old:1", "new:1", "other/new:1")]
    assert found.index["manifests"][0] == json.loads(before["index.json"])["manifests"][0]
    assert {name: data for name, data in read(dest).items() if name in before} | {
        "index.json": before["index.json"]
    } == before
    assert names_in(tmp_path) == ["dest", "in.tar"]


def test_same_again_changes_nothing(tmp_path: Path) -> None:
    source = saved(image("a", "a:1"), tmp_path / "in.tar")
    dest = tmp_path / "dest"
    report(source, "--to", "oci", "--append", "-o", dest)  # makes what is not there
    before = fingerprint(dest)
    for mode in ("error", "first", "last"):
        report(source, "--to", "oci", "--append", "--on-conflict", mode, "-o", dest)
        assert fingerprint(dest) == before


def test_tag_that_two_repositories_share(tmp_path: Path) -> None:
    """Where two entries would carry one `ref.name`, skopeo would silently take the first."""
    dest = write_oci_layout([image("a", "a:1")], tmp_path / "dest")
    report(saved(image("b", "b:1"), tmp_path / "in.tar"), "--to", "oci", "--append", "-o", dest)
    refs = [entry["annotations"][REF] for entry in entries(dest).values()]
    assert refs == ["1", full_name("b:1")]
    independent.check(dest)


def test_name_that_is_taken(tmp_path: Path) -> None:
    """An error names both, and leaves the layout as it was."""
    old, new = image("old", "demo:1"), image("new", "demo:1")
    dest = write_oci_layout([old], tmp_path / "dest")
    before = fingerprint(dest)
    source = saved(new, tmp_path / "in.tar")
    line = refuse(4, source, "--to", "oci", "--append", "-o", dest)
    assert "demo:1 names two different images" in line
    assert old.manifest_digest()[7:19] in line
    assert "--on-conflict" in line
    assert fingerprint(dest) == before
    assert names_in(tmp_path) == ["dest", "in.tar"]


def test_first_keeps_the_name(tmp_path: Path) -> None:
    """The old image stays; nothing of the one that is not taken is left lying about."""
    old, new = image("old", "demo:1"), image("new", "demo:1")
    dest = write_oci_layout([old], tmp_path / "dest")
    before = fingerprint(dest)
    words = ("--to", "oci", "--append", "--on-conflict", "first")
    report(saved(new, tmp_path / "in.tar"), *words, "-o", dest)
    assert entries(dest)[full_name("demo:1")]["digest"] == old.manifest_digest()
    assert fingerprint(dest) == before


def test_last_takes_the_name(tmp_path: Path) -> None:
    """The new image has it. Readers of the old index may still be at work: blobs stay."""
    old, new = image("old", "demo:1", "demo:keep"), image("new", "demo:1")
    dest = write_oci_layout([old], tmp_path / "dest")
    before = read(dest)
    words = ("--to", "oci", "--append", "--on-conflict", "last")
    report(saved(new, tmp_path / "in.tar"), *words, "-o", dest)
    found = without_orphans(dest, tmp_path)
    assert set(found.configs) == {old.config_digest, new.config_digest}
    listed = entries(dest)
    assert listed[full_name("demo:keep")]["digest"] == old.manifest_digest()
    assert listed[full_name("demo:1")]["digest"] != old.manifest_digest()
    assert len(json.loads(read(dest)["index.json"])["manifests"]) == 2
    assert {name for name in before if name.startswith("blobs/")} <= set(read(dest))


@pytest.mark.parametrize("mode", ["error", "first", "last"])
def test_damaged_blob_in_dest_is_not_trusted(mode: str, tmp_path: Path) -> None:
    """A blob of the right name and size, and other bytes: the disk's fault, or somebody's plan."""
    new = image("new", "new:1")
    dest = write_oci_layout([image("old", "old:1")], tmp_path / "dest")
    shared = dest / blob_name(new.layers[0].digest)
    data = bytearray(shared.read_bytes())
    data[600] ^= 1
    shared.write_bytes(data)
    before = read(dest)
    words = ("--to", "oci", "--append", "--on-conflict", mode)
    line = refuse(5, saved(new, tmp_path / "in.tar"), *words, "-o", dest)
    assert shared.name in line
    after = read(dest)
    assert after["index.json"] == before["index.json"]
    assert {name: after[name] for name in before} == before
    assert names_in(tmp_path) == ["dest", "in.tar"]


def test_several_platforms(tmp_path: Path) -> None:
    dest = write_oci_layout([image("old", "old:1")], tmp_path / "dest")
    images = [make_image([{"a": b"1"}]), make_image([{"b": b"1"}], architecture="arm64")]
    source = write_index_layout(tmp_path / "in", images, attestations=True)
    report(source, "--to", "oci", "--append", "-o", dest)
    assert len(independent.check(dest).manifests) == 5


def test_what_is_no_layout(tmp_path: Path) -> None:
    """A file, a foreign folder, a hybrid that adding would make untrue, a broken index."""
    source = saved(image("a", "a:1"), tmp_path / "in.tar")
    foreign = tmp_path / "home"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    hybrid = tmp_path / "hybrid"
    report(source, "--to", "docker", "-o", hybrid)
    for dest in (foreign, hybrid, source):
        before = fingerprint(dest)
        status = 2 if dest == source else 5
        refuse(status, source, "--to", "oci", "--append", "-o", dest)
        assert fingerprint(dest) == before
    broken = write_oci_layout([image("b", "b:1")], tmp_path / "broken")
    edit(broken, lambda files: files.update({"index.json": files["index.json"][:-9]}))
    before = fingerprint(broken)
    done = layout("repack", source, "--to", "oci", "--append", "-o", broken)
    assert done.returncode in (3, 5)
    assert b"index.json" in done.stderr
    assert fingerprint(broken) == before
    refuse(2, source, "--to", "oci", "--append", "--force", "-o", broken)
    refuse(2, source, "--to", "oci", "--append", "-o", tmp_path / "out.tar")
    refuse(2, source, "--to", "oci", "--append", "-o", "-")


def test_damaged_source_adds_nothing(tmp_path: Path) -> None:
    new = image("new", "new:1")
    dest = write_oci_layout([image("old", "old:1")], tmp_path / "dest")
    before = fingerprint(dest)
    source = write_hybrid_archive([new], tmp_path / "in.tar")
    stored = new.layers[1].stored
    source.write_bytes(source.read_bytes().replace(stored, stored.replace(b"new", b"NEW")))
    refuse(3, source, "--to", "oci", "--append", "-o", dest)
    assert fingerprint(dest) == before
    assert names_in(tmp_path) == ["dest", "in.tar"]


def test_names_that_collide_on_the_way(tmp_path: Path) -> None:
    """`--name OLD=NEW` cannot give one name to two images, nor can a source."""
    source = write_docker_archive([image("a", "a:1"), image("b", "b:1")], tmp_path / "in.tar")
    line = refuse(4, source, "--to", "oci", "--name", "a:1=b:1", "-o", tmp_path / "out")
    assert full_name("b:1") in line or "b:1" in line
    refuse(4, source, "--to", "oci", "--name", "c:1", "-o", tmp_path / "out")
    twice = write_hybrid_archive([image("a", "a:1"), image("b", "a:1")], tmp_path / "twice.tar")
    assert "two different images" in refuse(3, twice, "--to", "oci", "-o", tmp_path / "out")
    assert names_in(tmp_path) == ["in.tar", "twice.tar"]


def test_a_name_that_is_taken_in_another_spelling(tmp_path: Path) -> None:
    """skopeo writes it into `ref.name`, containerd into its own annotation: one rule for both."""
    old, new = image("old", "a:1"), image("new", "a:1")
    dest = write_oci_layout([old], tmp_path / "dest")
    index = json.loads((dest / "index.json").read_bytes())
    index["manifests"][0]["annotations"] = {REF: "a:1"}
    (dest / "index.json").write_text(json.dumps(index))
    before = fingerprint(dest)
    source = saved(new, tmp_path / "in.tar")
    words = (source, "--to", "oci", "--append", "-o", dest)
    assert "a:1 names two different images" in refuse(4, *words)
    assert fingerprint(dest) == before
    report(*words, "--on-conflict", "last")
    assert [entry["digest"] for entry in json.loads(read(dest)["index.json"])["manifests"]] != [
        old.manifest_digest()
    ]


def test_the_last_line_says_what_was_added(tmp_path: Path) -> None:
    dest = write_oci_layout([image("old", "old:1")], tmp_path / "dest")
    new = saved(image("new", "new:1", "other/new:1"), tmp_path / "in.tar")
    words = ("repack", new, "--to", "oci", "--append", "-o", dest)
    before = read(dest).keys()
    value = json.loads(layout(*words, "--json").stdout)
    assert value["added"] == ["new:1", "other/new:1"]
    fresh = [data for name, data in read(dest).items() if name not in before]
    assert value["bytes_written"] == sum(map(len, fresh)) > 0
    last = " ".join(layout(*words).stdout.decode().split())
    assert last.endswith(f"added nothing to {dest}: nothing of the source is new there")
    assert json.loads(layout(*words, "--json").stdout)["added"] == []
    last = " ".join(layout(*words, "--name", "third:1").stdout.decode().split())
    assert f"added to {dest}: third:1, 0 B in " in last


@pytest.mark.parametrize(
    ("dest", "told"),
    [("app.oci", True), ("app.oci/", False), ("app", False), ("app-1.2", False), (".app", False)],
)
def test_a_directory_with_the_name_of_a_file(
    dest: str, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    new = saved(image("new", "new:1"), tmp_path / "in.tar")
    for more in ("--dry-run", "-q", ""):
        words = ["repack", new, "--to", "oci", "-o", dest, *([more] if more else [])]
        last = layout(*words, *(["--force"] if not more else [])).stdout.decode()
        assert ("(a directory, as every name" in last) is (told and more != "-q")
