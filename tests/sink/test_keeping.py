"""`list`, `tag`, `rm`, `gc`: a table of what each does to the names and blobs of a layout.

What is meant by a name follows umoci (`umoci tag`, `umoci rm`, `umoci gc`: a name is an entry, and
blobs go with gc alone) and regctl (`regctl tag rm`, `regctl manifest rm`).
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import independent
from tests.builders import (
    Image,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
)
from tests.builders.artifacts import (
    Built,
    make_artifact,
    make_index,
    make_signature,
    of_image,
    write_layout,
)
from tests.builders.dockerroot import unpack
from tests.builders.image import hex_of
from tests.builders.layout import name_annotations
from tests.builders.trees import fingerprint
from tests.command import layout, printed, succeed, the_line

REF = "org.opencontainers.image.ref.name"


def _image(text: str) -> Image:
    architecture = "arm64" if text == "arm" else "amd64"
    return make_image([{"base": b"shared"}, {"text": text.encode()}], architecture=architecture)


ONE, TWO, AMD, ARM, BARE = (of_image(_image(text)) for text in ("1", "2", "amd", "arm", "bare"))
ATTESTED = make_artifact(b"provenance of arm")
INDEX = make_index(
    [
        AMD.entry(platform={"os": "linux", "architecture": "amd64"}),
        ARM.entry(platform={"os": "linux", "architecture": "arm64"}),
        ATTESTED.entry(
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": ARM.digest,
            }
        ),
    ],
    AMD,
    ARM,
    ATTESTED,
)
SIGNED = make_signature(ONE.digest)
SBOM = make_artifact(b"sbom of two", subject=TWO.entry())  # no index lists it
ORPHAN = Built(b"nothing leads here", "", {})
PARTS = {
    "one": ONE,
    "two": TWO,
    "index": INDEX,
    "amd": AMD,
    "arm": ARM,
    "attested": ATTESTED,
    "signed": SIGNED,
    "sbom": SBOM,
    "bare": BARE,
    "orphan": ORPHAN,
}
SIG = f"sha256-{hex_of(ONE.digest)}.sig"
NAMED = {
    "app:1": "one",
    "app:2": "two",
    "app:latest": "two",
    "multi:1": "index",
    SIG: "signed",
    "@bare": "bare",
}


def _entry(name: str, part: Built) -> dict[str, object]:
    if name.startswith("@"):
        return part.entry()
    notes = name_annotations(name) if ":" in name else {REF: name}
    return part.entry(annotations=notes)


def write(dest: Path) -> Path:
    entries = [_entry(name, PARTS[part]) for name, part in NAMED.items()]
    return write_layout(dest, entries, *PARTS.values())


def names_of(dest: Path) -> dict[str, str]:
    """What each name stands for, by the label of its document, or `new` for one of ours.

    What has no name is called by `@` and its label.
    """
    labels = {part.digest: label for label, part in PARTS.items()}
    found = [
        (each["name"], labels.get(each["digest"], "new"))
        for each in printed("list", dest)["images"]
    ]
    return {name or f"@{label}": label for name, label in found}


def there(dest: Path) -> set[str]:
    """Labels of the documents that lie in a layout."""
    return {label for label, part in PARTS.items() if (dest / _path(part)).exists()}


def _path(part: Built) -> str:
    return f"blobs/sha256/{hex_of(part.digest)}"


@dataclass(frozen=True)
class Case:
    """Words, and what comes of them.

    Args:
        words: of the command; a digest stands as `@label`, the image ID as `%label`.
        says: part of the one line, where it is refused.
        status: of the command.
        names: names that are other than before; None for gone.
        gone: labels of documents that `gc` takes after it.
    """

    words: str
    says: str = ""
    status: int = 0
    names: Mapping[str, str | None] = field(default_factory=dict)
    gone: str = "orphan"


WRITERS: dict[str, Callable[[Sequence[Image], Path], Path]] = {
    "docker": write_docker_archive,
    "hybrid": write_hybrid_archive,
    "oci": write_oci_archive,
}

CASES = [
    # tag: one name more, what there is stays
    Case("tag app:1 app:stable", names={"app:stable": "one"}),
    Case(
        "tag app:1 registry.example:5000/team/app:1",
        names={"registry.example:5000/team/app:1": "one"},
    ),
    Case("tag app:1 other", names={"other:latest": "one"}),
    Case("tag docker.io/library/app:1 app:stable", names={"app:stable": "one"}),
    Case("tag @one app:stable", names={"app:stable": "one"}),
    Case("tag %one app:stable", names={"app:stable": "one"}),
    Case("tag @bare app:3", names={"app:3": "bare", "@bare": None}),
    Case("tag @arm arm:1", names={"arm:1": "arm"}),
    Case("tag @index multi:2", names={"multi:2": "index"}),
    Case("tag latest app:stable", names={"app:stable": "two"}),
    Case("tag app:2 app:latest"),  # it has the name already
    Case("tag app:1 app:2", "app:2 is the name of another image", 4),
    Case("tag app:1 app:2 --move", names={"app:2": "one"}),
    Case("tag app:2 app:1 --move", names={"app:1": "two", "@one": "one"}),
    Case("tag app:9 app:10", "there is no image 'app:9'", 4),
    Case("tag app:1 App:1", "not an image name; repositories are lower case", 2),
    Case("tag app:1 @two", "is a digest, not a name", 2),
    Case("tag 1 app:3", "is the tag of several images", 4),
    Case("tag app:1 app:stable --dry-run"),
    # rm: names go, blobs stay until gc
    Case("rm app:1", names={"app:1": None}, gone="orphan one"),
    Case("rm app:2", names={"app:2": None}),  # app:latest holds it
    Case("rm app:2 app:latest", names={"app:2": None, "app:latest": None}, gone="orphan two sbom"),
    Case("rm latest", names={"app:latest": None}),
    Case("rm @two", names={"app:2": None, "app:latest": None}, gone="orphan two sbom"),
    Case("rm %two", names={"app:2": None, "app:latest": None}, gone="orphan two sbom"),
    Case("rm @bare", names={"@bare": None}, gone="orphan bare"),
    Case("rm multi:1", names={"multi:1": None}, gone="orphan index amd arm attested"),
    Case("rm @index", names={"multi:1": None}, gone="orphan index amd arm attested"),
    Case("rm @arm", names={"multi:1": "new"}, gone="orphan index arm attested"),
    Case("rm @amd", names={"multi:1": "new"}, gone="orphan index amd"),
    Case("rm @attested", names={"multi:1": "new"}, gone="orphan index attested"),
    Case("rm @arm @amd", "nothing would be left of the index", 4),
    Case("rm @arm @amd @index", names={"multi:1": None}, gone="orphan index amd arm attested"),
    Case(
        "rm app:1 --attestations drop", names={"app:1": None, SIG: None}, gone="orphan one signed"
    ),
    Case("rm app:2 --attestations drop", names={"app:2": None}),
    Case(f"rm {SIG}", names={SIG: None}, gone="orphan signed"),
    Case("rm app:1 app:9", "there is no image 'app:9'", 4),
    Case("rm @orphan", "there is no image", 4),
    Case("rm app:1 --dry-run"),
    # gc
    Case("gc --older-than 0", gone="orphan"),
    Case("gc --older-than 0 --dry-run"),
    Case("gc"),  # all that is here is young
    Case("gc --older-than soon", "is no span of time", 2),
]


def _words(text: str, dest: Path) -> list[object]:
    verb, *rest = text.split()
    words: list[object] = [verb, dest]
    for word in rest:
        if word[0] == "@":
            words.append(PARTS[word[1:]].digest)
        elif word[0] == "%":
            words.append(json.loads(PARTS[word[1:]].document)["config"]["digest"])
        else:
            words.append(word)
    return words


@pytest.mark.parametrize("case", CASES, ids=[case.words[:40] for case in CASES])
def test_names_and_blobs(case: Case, tmp_path: Path) -> None:
    dest = write(tmp_path / "layout")
    before = (dest / "index.json").read_bytes()
    done = layout(*_words(case.words, dest))
    if case.says:
        assert case.says in the_line(done, case.status)
    assert done.returncode == case.status, done.stderr
    wanted = {**NAMED, **case.names}
    assert names_of(dest) == {name: part for name, part in wanted.items() if part is not None}
    if not case.names:
        assert (dest / "index.json").read_bytes() == before
    if not case.words.startswith("gc --older-than 0") or "dry" in case.words:
        assert there(dest) == set(PARTS), "only gc takes blobs"
    if not case.says:
        succeed("gc", dest, "--older-than", "0")
        assert set(PARTS) - there(dest) == set(case.gone.split())
        (verified,) = printed("verify", dest)["reports"]
        assert verified["findings"] == []
        assert os.listdir(tmp_path) == ["layout"]
        assert printed("gc", dest, "--older-than", "0")["removed"] == []


def test_what_nobody_named_keeps_its_bytes(tmp_path: Path) -> None:
    dest = write(tmp_path / "layout")
    text = (dest / "index.json").read_text()
    entries = json.loads(text)["manifests"]
    entries[1]["annotations"]["com.example.note"] = "kept"
    entries[1]["x-unknown"] = {"kept": [1, 2.50]}
    (dest / "index.json").write_text(json.dumps({"schemaVersion": 2, "x": 1, "manifests": entries}))
    succeed("tag", dest, "app:2", "app:stable")
    succeed("rm", dest, "app:1")
    after = json.loads((dest / "index.json").read_text())
    assert after["x"] == 1
    assert after["manifests"][:-1] == [each for each in entries if each is not entries[0]]
    new = after["manifests"][-1]
    assert new["x-unknown"] == {"kept": [1, 2.5]}
    assert new["annotations"]["com.example.note"] == "kept"


def test_tags_alone(tmp_path: Path) -> None:
    """As umoci writes them: a name without a repository stays one."""
    entries = [ONE.entry(annotations={REF: "latest"}), TWO.entry(annotations={REF: "v2"})]
    dest = write_layout(tmp_path / "layout", entries, ONE, TWO)
    succeed("tag", dest, "latest", "v1")
    succeed("tag", dest, "latest", "v2", "--move")
    assert names_of(dest) == {"latest": "one", "v1": "one", "v2": "one", "@two": "two"}
    notes = [
        each.get("annotations", {})
        for each in json.loads((dest / "index.json").read_text())["manifests"]
    ]
    assert notes == [{REF: "latest"}, {}, {REF: "v1"}, {REF: "v2"}]


def test_a_tag_that_two_names_have(tmp_path: Path) -> None:
    """skopeo takes the first entry of a tag, silently: the second one carries its full name."""
    entries = [ONE.entry(annotations=name_annotations("app:1"))]
    dest = write_layout(tmp_path / "layout", entries, ONE)
    succeed("tag", dest, "app:1", "other:1")
    found = json.loads((dest / "index.json").read_text())["manifests"]
    assert [each["annotations"][REF] for each in found] == ["1", "docker.io/library/other:1"]


def test_platforms_side_by_side(tmp_path: Path) -> None:
    """One name, an entry for each platform, as containerd exports some: the name is of all."""
    notes = name_annotations("multi:1")
    entries = [
        AMD.entry(annotations=notes, platform={"os": "linux", "architecture": "amd64"}),
        ARM.entry(annotations=notes, platform={"os": "linux", "architecture": "arm64"}),
    ]
    dest = write_layout(tmp_path / "layout", entries, AMD, ARM)
    succeed("tag", dest, "multi:1", "multi:2")
    listed = json.loads((dest / "index.json").read_text())["manifests"]
    assert [each["digest"] for each in listed] == [AMD.digest, ARM.digest] * 2
    succeed("rm", dest, "multi:1")
    succeed("rm", dest, ARM.digest)
    assert names_of(dest) == {"multi:2": "amd"}
    succeed("gc", dest, "--older-than", "0")
    assert there(dest) == {"amd"}


def test_an_index_in_an_index(tmp_path: Path) -> None:
    outer = make_index([INDEX.entry(), TWO.entry()], INDEX, TWO)
    dest = write_layout(
        tmp_path / "l", [outer.entry(annotations=name_annotations("deep:1"))], outer
    )
    succeed("rm", dest, ARM.digest)
    succeed("gc", dest, "--older-than", "0")
    assert there(dest) == {"amd", "two"}
    assert independent.check(dest)
    (image,) = printed("list", dest)["images"]
    assert len(image["platforms"]) == 2


def test_what_gc_does_not_understand_stays(tmp_path: Path) -> None:
    """A document of an unknown type may need the blobs whose digests stand in it."""
    needed = Built(b"a blob", "", {})
    strange = Built(
        json.dumps({"parts": [needed.digest]}).encode(), "application/vnd.example+json", {}
    )
    dest = write_layout(tmp_path / "l", [strange.entry()], strange, needed, ORPHAN)
    succeed("gc", dest, "--older-than", "0")
    assert (dest / _path(needed)).exists()
    assert not (dest / _path(ORPHAN)).exists()


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_gc_takes_nothing_where_a_document_is_damaged(damage: str, tmp_path: Path) -> None:
    dest = write(tmp_path / "l")
    path = dest / _path(INDEX)
    raw = path.read_bytes()
    path.write_bytes(raw[:-40] if damage == "cut" else raw.replace(ARM.digest.encode(), b"x"))
    before = there(dest)
    line = the_line(layout("gc", dest, "--older-than", "0"), 3)
    assert "nothing is removed" in line
    assert there(dest) == before
    succeed("rm", dest, "multi:1")
    succeed("gc", dest, "--older-than", "0")
    assert "orphan" not in there(dest)


def test_gc_and_links(tmp_path: Path) -> None:
    """A link that nothing leads to goes, and what it leads to stays, wherever that is."""
    dest = write_layout(tmp_path / "l", [ONE.entry()], ONE)
    outside = tmp_path / "kept"
    outside.write_bytes(b"outside")
    link = dest / "blobs/sha256" / ("a" * 64)
    link.symlink_to(outside)
    manifest = dest / _path(ONE)
    moved = manifest.with_name("b" * 64)
    manifest.rename(moved)
    manifest.symlink_to(moved.name)
    succeed("gc", dest, "--older-than", "0")
    assert outside.read_bytes() == b"outside"
    assert not link.is_symlink()
    assert manifest.is_symlink()
    assert moved.exists()
    assert names_of(dest) == {"@one": "one"}


def test_gc_leaves_what_is_no_blob(tmp_path: Path) -> None:
    dest = write(tmp_path / "l")
    for name in ("notes.txt", "blobs/sha256/oci-put-blob123", "blobs/README", "blobs/sha256/short"):
        (dest / name).write_bytes(b"mine")
    leftover = tmp_path / ".l.layout-0123abcd.tmp"
    leftover.mkdir()
    succeed("gc", dest, "--older-than", "0")
    assert (dest / "notes.txt").exists()
    assert (dest / "blobs/sha256/oci-put-blob123").exists()
    assert (dest / "blobs/README").exists()
    assert (dest / "blobs/sha256/short").exists()
    assert not leftover.exists()


@pytest.mark.parametrize("verb", ["tag app:1 app:3", "rm app:1", "gc"])
def test_nothing_else_is_changed_unasked(verb: str, tmp_path: Path) -> None:
    """An archive, a hybrid's folder: one line, and nothing is touched."""
    saved = write_docker_archive([_image("1")], tmp_path / "saved.tar")
    hybrid = tmp_path / "hybrid"
    unpack(write_hybrid_archive([_image("1")], tmp_path / "h.tar").read_bytes(), hybrid, None)
    for path in (saved, hybrid):
        before = fingerprint(path)
        assert "-o DEST, or --in-place" in the_line(layout(*_words(verb, path)), 2)
        assert fingerprint(path) == before
    assert "No such file" in the_line(layout(*_words(verb, tmp_path / "nix")), 3)


def _archive(form: str, dest: Path) -> Path:
    images = [make_image([{"t": b"1"}], names=("app:1",))]
    images.append(make_image([{"t": b"2"}], names=("app:2", "app:latest")))
    return WRITERS[form](images, dest)


def _ids(path: Path) -> dict[str, str]:
    return {each["name"]: each["image_id"] for each in printed("list", path)["images"]}


@pytest.mark.parametrize("place", ["-o", "--in-place"])
@pytest.mark.parametrize("form", sorted(WRITERS))
def test_archives(form: str, place: str, tmp_path: Path) -> None:
    """The same on what is written again: the form stays, and what is not named."""
    source = _archive(form, tmp_path / "in.tar")
    before = _ids(source)
    kind = "hybrid" if form == "docker" else _kind(source)  # as repack --to docker writes it

    def run(*words: object) -> Path:
        nonlocal source
        dest = source if place == "--in-place" else tmp_path / f"{len(os.listdir(tmp_path))}.tar"
        succeed(words[0], source, *words[1:], *([place] if dest is source else [place, dest]))
        source = dest
        assert _kind(source) == kind
        assert printed("verify", source)["reports"][0]["verdict"] == "sound"
        return source

    assert _ids(run("tag", "app:1", "app:stable")) == {**before, "app:stable": before["app:1"]}
    run("tag", "app:1", "app:2", "--move")
    one, two = before["app:1"], before["app:2"]
    now = {"app:1": one, "app:stable": one, "app:2": one, "app:latest": two}
    assert _ids(source) == now
    del now["app:1"]
    assert _ids(run("rm", "app:1")) == now
    assert "is the name of another image" in the_line(
        layout("tag", source, "app:2", "app:latest", "--in-place"), 4
    )
    assert _ids(run("rm", one)) == {"app:latest": two}
    with tarfile.open(source, "a") as tar:
        info = tarfile.TarInfo(f"blobs/sha256/{'c' * 64}" if form != "docker" else "c/layer.tar")
        tar.addfile(info, io.BytesIO(b""))
    assert _ids(run("gc")) == {"app:latest": two}
    with tarfile.open(source) as tar:
        assert info.name not in tar.getnames()


@pytest.mark.parametrize("place", ["-o", "--in-place", "--dry-run"])
def test_a_platform_goes_out_of_an_archive(place: str, tmp_path: Path) -> None:
    """The new index is told; of a dry run nobody knows it."""
    source = tmp_path / "in.tar"
    succeed("repack", write(tmp_path / "layout"), "--to", "oci", "--pure", "-q", "-o", source)
    dest = source if place != "-o" else tmp_path / "out.tar"
    report = printed("rm", source, ARM.digest, place, *([dest] if place == "-o" else []))
    (new,) = report["added"]
    assert (new["name"], new["before"]) == ("multi:1", INDEX.digest)
    assert report["removed"] == []
    (listed,) = [each for each in printed("list", dest)["images"] if each["name"] == "multi:1"]
    if place == "--dry-run":
        assert new["digest"] is None
        assert listed["digest"] == INDEX.digest
        return
    assert new["digest"] == listed["digest"]
    assert listed["platforms"] == ["linux/amd64"]
    line = the_line(layout("rm", dest, AMD.digest, "--in-place"), 4)
    assert "nothing would be left of the index" in line


def _kind(source: Path) -> str:
    return str(printed("inspect", source)["source"]["kind"])


def test_list_of_every_source(tmp_path: Path) -> None:
    saved = write_docker_archive([make_image(names=("b:1", "a:1"))], tmp_path / "saved.tar")
    assert succeed("list", saved).decode().split() == ["b:1", "a:1"]
    (image, _) = printed("list", saved)["images"]
    assert image["digest"] == image["image_id"]
    assert image["media_type"] is None
    dest = write(tmp_path / "layout")
    lines = succeed("list", dest, "--digests").decode().splitlines()
    assert f"{BARE.digest}" in lines
    assert f"{ONE.digest}  app:1" in lines
