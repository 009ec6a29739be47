"""A registry's storage as a result: what a registry would have made, and tags last."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from oci_layout import (
    DestinationError,
    SelectionError,
    TargetError,
    UsageError,
    merge,
    repack,
    verify,
)
from oci_layout.disk.folder import Folder
from oci_layout.errors import DamagedError, NameConflictError
from tests.builders import make_image, write_docker_archive, write_index_layout, write_oci_layout
from tests.builders.artifacts import (
    make_artifact,
    make_index,
    make_signature,
    of_image,
    write_layout,
)
from tests.builders.image import hex_of
from tests.builders.layout import name_annotations
from tests.builders.registry import ROOT, data_name, registry_files, repository_name, write_registry
from tests.builders.trees import fingerprint, heavy_image, read
from tests.command import names_in
from tests.conftest import Figure
from tests.forking import Forked
from tests.moments import STEPPER
from tests.sink.registries import require_whole, tags_of

SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"
APP = make_image([{"a": b"1"}], names=("app:1", "registry.example:5000/team/deep/app:2"))
OTHER = make_image([{"b": b"2"}], names=("app:2",))


def test_it_is_what_a_registry_makes(tmp_path: Path) -> None:
    """File by file, for an index with attestations, names of hosts, and both vocabularies."""
    source = write_index_layout(tmp_path / "in", [APP, OTHER], "multi:1", attestations=True)
    report = repack(source, tmp_path / "r", to="registry")
    assert report.destination_kind == "a registry's storage"
    assert list(require_whole(tmp_path / "r")) == ["multi:1"]
    assert [each.code for each in verify(tmp_path / "r").findings] == ["repeated-platform"]
    docker = write_oci_layout([APP, OTHER], tmp_path / "docker", family="docker")
    repack(docker, tmp_path / "d", to="registry")
    held = [
        ("app:1", of_image(APP, "docker")),
        ("team/deep/app:2", of_image(APP, "docker")),
        ("app:2", of_image(OTHER, "docker")),
    ]
    assert read(tmp_path / "d") == registry_files(held)


def test_what_a_name_becomes(tmp_path: Path) -> None:
    """The host is dropped, and said; Docker Hub's is not one that anybody wrote."""
    image = make_image(names=("docker.io/library/app:1", "quay.io/x/app:2"))
    report = repack(write_oci_layout([image], tmp_path / "in"), tmp_path / "r", to="registry")
    assert set(tags_of(tmp_path / "r")) == {"app:1", "x/app:2"}
    (note,) = [each for each in report.warnings if each.code == "host-dropped"]
    assert "quay.io/x/app:2 as x/app" in note.message
    assert "docker.io" not in note.message


def test_every_image_needs_a_name(tmp_path: Path) -> None:
    source = write_oci_layout([make_image(names=())], tmp_path / "in")
    with pytest.raises(TargetError, match="name none"):
        repack(source, tmp_path / "r", to="registry")
    assert not (tmp_path / "r").exists()
    repack(source, tmp_path / "r", to="registry", names="app:1")
    assert list(require_whole(tmp_path / "r")) == ["app:1"]
    two = write_oci_layout(
        [
            make_image([{"x": b"1"}], names=("a.example/app:1",)),
            make_image([{"x": b"2"}], names=("b.example/app:1",)),
        ],
        tmp_path / "two",
    )
    with pytest.raises(SelectionError, match="leaves the host out") as caught:
        repack(two, tmp_path / "two-r", to="registry")
    assert "app:1 names two different images: a.example/app:1 (" in str(caught.value)
    assert "--name b.example/app:1=NEW" in str(caught.value)


def test_names_of_two_sources_that_come_to_one(tmp_path: Path) -> None:
    """Two hosts, one tag: an error with both names and sources, or settled as was asked."""
    first = make_image([{"x": b"1"}], names=("a.example/app:1", "a.example/app:2"))
    second = make_image([{"x": b"2"}], names=("b.example/app:1", "b.example/app:3"))
    one, two = tmp_path / "one", tmp_path / "two"
    sources = (write_oci_layout([first], one), write_oci_layout([second], two))
    with pytest.raises(NameConflictError) as caught:
        merge(sources, tmp_path / "r", to="registry")
    (conflict,) = caught.value.conflicts
    assert conflict.name == "app:1"
    for image, told in zip(
        conflict.images, (("a.example/app:1", one), ("b.example/app:1", two)), strict=True
    ):
        assert image.startswith(f"{told[0]} (")
        assert image.endswith(f" in {told[1]})")
    assert conflict.hint.endswith("--name b.example/app:1=NEW")
    assert not (tmp_path / "r").exists()
    for who, kept in (("first", sources[0]), ("last", sources[1])):
        report = merge(sources, tmp_path / who, to="registry", on_conflict=who)
        assert [each.code for each in report.warnings].count("name-taken") == 1
        tags = tags_of(tmp_path / who)
        assert set(tags) == {"app:1", "app:2", "app:3"}
        repack(kept, tmp_path / f"{who}-alone", to="registry")
        assert tags["app:1"] == tags_of(tmp_path / f"{who}-alone")["app:1"]
    renamed = {"b.example/app:1": "app:4"}
    names = [f"{old}={new}" for old, new in renamed.items()]
    merge(sources, tmp_path / "renamed", to="registry", names=names)
    assert set(tags_of(tmp_path / "renamed")) == {"app:1", "app:2", "app:3", "app:4"}


def test_referrers_go_to_their_subject(tmp_path: Path) -> None:
    """A bare tag of the tag scheme, and one that has only a subject, in each repository of it."""
    image = of_image(APP)
    signature = make_signature(image.digest)
    sbom = make_artifact(b"sbom", artifact_type="application/x", subject=image.entry())
    more = make_artifact(b"more", artifact_type="application/x", subject=sbom.entry())
    sig = f"sha256-{hex_of(image.digest)}.sig"
    entries = [
        *(image.entry(annotations=name_annotations(name)) for name in APP.names),
        signature.entry(annotations={"org.opencontainers.image.ref.name": sig}),
        sbom.entry(),
        more.entry(),
    ]
    source = write_layout(tmp_path / "in", entries, image, signature, sbom, more)
    repack(source, tmp_path / "r", to="registry")
    tags = require_whole(tmp_path / "r")
    assert set(tags) == {"app:1", f"app:{sig}", "team/deep/app:2", f"team/deep/app:{sig}"}
    for repository in ("app", "team/deep/app"):
        for each in (sbom, more):
            revision = ("_manifests", "revisions", "sha256", hex_of(each.digest))
            assert (tmp_path / "r" / repository_name(repository, *revision)).is_file()
    assert not verify(tmp_path / "r").findings


def test_there_and_back(tmp_path: Path) -> None:
    """A registry into a layout and back into a registry: the same files."""
    index = make_index([of_image(OTHER).entry()], of_image(OTHER))
    root = write_registry([APP, OTHER], tmp_path / "r", ("multi:1", index))
    repack(root, tmp_path / "again", to="registry")
    assert read(tmp_path / "again").keys() >= read(root).keys() - _team(root)
    repack(root, tmp_path / "layout", to="oci", preserve_digests=True)
    repack(tmp_path / "layout", tmp_path / "back", to="registry")
    assert read(tmp_path / "back") == read(tmp_path / "again")


def _team(root: Path) -> set[str]:
    return {name for name in read(root) if "/team/" in name}


def test_added_to_one_that_is_there(tmp_path: Path) -> None:
    """What was there stays; what is there is not written again."""
    root = write_registry([OTHER], tmp_path / "r")
    before = read(root)
    source = write_oci_layout([APP, OTHER], tmp_path / "in")
    with pytest.raises(DestinationError, match="exists already"):
        repack(source, root, to="registry")
    with pytest.raises(UsageError, match="never replaced"):
        repack(source, root, to="registry", force=True)
    report = repack(source, root, to="registry", append=True)
    assert report.added == ("app:1", "team/deep/app:2")
    assert before.items() <= read(root).items()
    assert set(require_whole(root)) == {"app:1", "app:2", "team/deep/app:2"}
    again = repack(source, root, to="registry", append=True)
    assert (again.added, again.bytes_written) == ((), 0)
    assert names_in(root) == ["docker"]
    assert names_in(tmp_path) == ["in", "r"]


@pytest.mark.parametrize(("how", "wins"), [("error", "old"), ("first", "old"), ("last", "new")])
def test_a_tag_that_is_taken(how: str, wins: str, tmp_path: Path) -> None:
    new = make_image([{"new": b"1"}], names=("app:2", "fresh:1"))
    root = write_registry([OTHER], tmp_path / "r")
    before = fingerprint(root)
    source = write_oci_layout([new], tmp_path / "in")
    options: dict[str, Any] = {"to": "registry", "append": True, "on_conflict": how}
    if how == "error":
        with pytest.raises(SelectionError, match="app:2 names two"):
            repack(source, root, **options)
        assert fingerprint(root) == before
        return
    report = repack(source, root, **options)
    assert "name-taken" in [each.code for each in report.warnings]
    tags = require_whole(root)
    assert tags["app:2"] == (new if wins == "new" else OTHER).manifest_digest()
    assert tags["fresh:1"] == new.manifest_digest()
    there = [each for each in verify(root).findings if each.code not in ("orphan",)]
    assert not there


def test_only_a_registrys_root_is_added_to(tmp_path: Path) -> None:
    source = write_oci_layout([APP], tmp_path / "in")
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis").write_bytes(b"chapter 1")
    for dest, match in (
        (other, "no registry's storage"),
        (write_oci_layout([OTHER], tmp_path / "layout"), "no registry's storage"),
        (write_registry([OTHER], tmp_path / "r") / ROOT, "inside of a registry"),
    ):
        with pytest.raises(DestinationError, match=match):
            repack(tmp_path / "in", dest, to="registry", append=True)
    for dest_, options in (("x.tar", {}), ("y", {"have": str(source)}), ("y", {"link": True})):
        with pytest.raises(UsageError):
            repack(source, tmp_path / dest_, to="registry", **options)
    empty = tmp_path / "empty"
    (empty / "lost+found").mkdir(parents=True)
    repack(source, empty, to="registry", append=True)
    assert require_whole(empty)


@pytest.mark.parametrize("made", ["docker", "docker/registry", "docker/.docker.layout-x", ROOT])
def test_one_that_another_run_has_begun(made: str, tmp_path: Path) -> None:
    """Folders alone are a registry in the making, or left by a run that was killed."""
    (tmp_path / "r" / made).mkdir(parents=True)
    source = write_docker_archive([APP], tmp_path / "in.tar")
    repack(source, tmp_path / "r", to="registry", append=True)
    assert set(require_whole(tmp_path / "r")) == {"app:1", "team/deep/app:2"}


@pytest.mark.parametrize("made", ["docker/other", "docker/registry/v1", "docker/registry/file"])
def test_a_folder_of_that_name_alone_is_no_registry(made: str, tmp_path: Path) -> None:
    """What else is in it is somebody's."""
    (tmp_path / "r" / made).mkdir(parents=True)
    source = write_docker_archive([APP], tmp_path / "in.tar")
    with pytest.raises(DestinationError, match="is no registry's storage"):
        repack(source, tmp_path / "r", to="registry", append=True)


def test_a_damaged_blob_that_is_there_is_refused(tmp_path: Path) -> None:
    layer = data_name(OTHER.layers[0].digest)
    root = write_registry([OTHER], tmp_path / "r", change={layer: b"rotten"})
    before = fingerprint(root)
    with pytest.raises(DestinationError, match="the blob that is there"):
        repack(write_oci_layout([OTHER], tmp_path / "in"), root, to="registry", append=True)
    assert fingerprint(root) == before


def test_a_damaged_source_leaves_nothing(tmp_path: Path) -> None:
    source = write_oci_layout([APP], tmp_path / "in")
    blob = source / "blobs/sha256" / hex_of(APP.layers[0].digest)
    blob.write_bytes(bytes(len(APP.layers[0].stored)))
    with pytest.raises(DamagedError):
        repack(source, tmp_path / "r", to="registry")
    root = write_registry([OTHER], tmp_path / "old")
    before = fingerprint(root)
    with pytest.raises(DamagedError):
        repack(source, root, to="registry", append=True)
    assert fingerprint(root) == before
    assert names_in(tmp_path) == ["in", "old"]


def test_no_link_is_written_through(tmp_path: Path) -> None:
    root = write_registry([OTHER], tmp_path / "r")
    (tmp_path / "outside").mkdir()
    (root / ROOT / "repositories/team").symlink_to(tmp_path / "outside")
    with pytest.raises(DestinationError, match="is a link"):
        repack(write_oci_layout([APP], tmp_path / "in"), root, to="registry", append=True)
    assert names_in(tmp_path / "outside") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_registrys_user_owns_what_is_added(tmp_path: Path) -> None:
    root = write_registry([OTHER], tmp_path / "r")
    os.chown(root, 12345, 54321)
    before = {str(path) for path in root.rglob("*")}
    repack(write_oci_layout([APP], tmp_path / "in"), root, to="registry", append=True)
    for path in root.rglob("*"):
        if str(path) not in before:
            assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321), path
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_many_images_hold_few_files_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry has a folder for each blob."""
    images = [make_image([{"n": str(n).encode()}], names=(f"app:{n}",)) for n in range(150)]
    source = write_docker_archive(images, tmp_path / "in.tar")
    most, before = 0, len(os.listdir("/proc/self/fd"))  # what other tests have left open
    enter = Folder.enter

    def counted(self: Folder, name: str) -> Folder:
        nonlocal most
        most = max(most, len(os.listdir("/proc/self/fd")))
        return enter(self, name)

    monkeypatch.setattr(Folder, "enter", counted)
    repack(source, tmp_path / "r", to="registry")
    (tmp_path / "empty").mkdir()
    repack(source, tmp_path / "empty", to="registry", append=True)
    assert most - before < 200
    assert read(tmp_path / "r") == read(tmp_path / "empty")
    assert len(require_whole(tmp_path / "r")) == 150


def test_merged_into_one(tmp_path: Path) -> None:
    first = write_docker_archive([OTHER], tmp_path / "a.tar")
    second = write_registry([APP], tmp_path / "b")
    merge([first, second], tmp_path / "r", to="registry")
    assert {"app:1", "app:2"} <= set(require_whole(tmp_path / "r"))


@pytest.mark.parametrize("there", [True, False], ids=["to a registry", "to nothing"])
def test_sixteen_writers(there: bool, tmp_path: Path) -> None:
    """Each adds its own tags, and all move one; nothing is lost."""
    dest = tmp_path / "dest"
    if there:
        write_registry([OTHER], dest)
    sources = []
    for n in range(16):
        layers = [{"base": b"shared"}, {"text": str(n).encode()}]
        image = make_image(layers, names=(f"new:{n}", f"deep/new{n}:1", "latest:1"))
        sources.append(write_docker_archive([image], tmp_path / f"in{n}.tar"))
    words = ("--to", "registry", "--append", "-q", "--on-conflict", "last")
    running = [Forked("repack", source, *words, "-o", dest) for source in sources]
    said = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 16, said
    wanted = {f"new:{n}" for n in range(16)} | {f"deep/new{n}:1" for n in range(16)} | {"latest:1"}
    assert set(require_whole(dest)) == wanted | ({"app:2"} if there else set())
    assert not verify(dest).findings
    assert names_in(dest) == ["docker"]
    assert len(names_in(tmp_path)) == 17


@pytest.mark.parametrize("target", ["new", "append"])
def test_killed_at_each_step(target: str, tmp_path: Path, figure: Figure) -> None:
    """Before each opening, renaming and removing: every tag that resolves is whole."""
    stage = tmp_path / "stage"
    source = write_docker_archive(
        [heavy_image(1, "heavy:1", layers=2), make_image(names=("app:2", "x/y:1"))],
        tmp_path / "in.tar",
    )
    kept = write_registry([OTHER], tmp_path / "kept")
    more = ("--append", "--on-conflict", "last") if target == "append" else ()
    words = [
        "repack", source, "--to", "registry", "--compression", "keep", "--jobs", "1", "-q", *more,
        "-o", stage / "r",
    ]  # fmt: skip

    def run(number: int) -> Any:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir()
        if target == "append":
            shutil.copytree(kept, stage / "r")
        arguments = [str(stage), str(number), str(int(signal.SIGKILL)), *map(str, words)]
        return Forked(*arguments, code=STEPPER).done()

    total = int(run(0).stderr.split()[-1])
    new = require_whole(stage / "r")
    assert set(new) == {"heavy:1", "app:2", "x/y:1"}
    old = {"app:2": OTHER.manifest_digest()} if target == "append" else {}
    counts: Counter[str] = Counter()
    step, last = (1, 1) if SLOW else (max(1, total // 12), 16)
    for number in [*range(1, total, step), *range(max(1, total - last), total + 1)]:
        assert run(number).returncode == -signal.SIGKILL
        tags = require_whole(stage / "r")
        for name, digest in tags.items():
            assert digest in (old.get(name), new[name])
        assert old.keys() <= tags.keys()
        counts["new" if tags == new else "old" if tags == old else "between"] += 1
        if number % 7 == 0:
            again = [*words] if target == "append" else [*words, "--append"]
            assert Forked(*again).done().returncode == 0
            assert require_whole(stage / "r") == new
            assert names_in(stage) == ["r"]
            assert names_in(stage / "r") == ["docker"]
            counts["ran again"] += 1
    assert counts["old"]
    assert counts["ran again"]
    figure(f"kill -9, registry, {target}: of {total} steps: {dict(counts)}")
