"""A registry's storage as a source: from whichever folder, what is in it, and nothing outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oci_layout import NotAnImageError, UsageError, diff, have, inspect, merge, repack, verify
from oci_layout.comparison.verdict import Verdict
from oci_layout.errors import DamagedError, ReadError
from oci_layout.graph.nodes import Image
from tests.builders import Family, compress, make_image, sha256, write_files, write_oci_layout
from tests.builders import Image as Built
from tests.builders.artifacts import Built as Stored
from tests.builders.artifacts import make_artifact, make_index, make_signature, of_image
from tests.builders.image import hex_of
from tests.builders.legacy import schema1, steps_of
from tests.builders.registry import (
    ROOT,
    data_name,
    registry_files,
    repository_name,
    write_registry,
    write_registry_tar,
)
from tests.builders.trees import fingerprint
from tests.source.opened import assert_holds, by_names, collected, held, opened, refused

APP = make_image([{"a": b"1"}], names=("app:1", "team/deep/app:2"))
OTHER = make_image([{"b": b"2"}], names=("app:2",))


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_tags_are_names(family: Family, tmp_path: Path) -> None:
    """Nested repositories too; config and layers are those that are linked."""
    root = write_registry([APP, OTHER], tmp_path / "r", family=family)
    assert_holds(root, APP, OTHER)
    (image,) = held(root)[("app:2",)]
    assert image.descriptor is not None
    assert str(image.descriptor.digest) == OTHER.manifest_digest(family)
    assert image.manifest is not None
    assert image.manifest.media_type == image.descriptor.media_type


@pytest.mark.parametrize("below", ["", "docker", "docker/registry", ROOT])
def test_any_folder_of_it_is_it(below: str, tmp_path: Path) -> None:
    root = write_registry([OTHER], tmp_path / "r")
    assert_holds(root / below, OTHER)


def test_some_floors_below(tmp_path: Path) -> None:
    """A volume of Docker, or a folder of a host: found if it is the only one."""
    write_registry([OTHER], tmp_path / "volumes/reg/_data")
    (tmp_path / "volumes/other/_data").mkdir(parents=True)
    assert_holds(tmp_path, OTHER)
    write_registry([OTHER], tmp_path / "volumes/zwei/_data")
    with pytest.raises(NotAnImageError, match="2 registries") as caught, opened(tmp_path):
        pass
    assert "volumes/reg/_data" in caught.value.hint


def test_one_repository(tmp_path: Path) -> None:
    """The folder of a repository, or of all below a name, is that alone."""
    root = write_registry([APP, OTHER], tmp_path / "r")
    found = held(root / ROOT / "repositories/team")
    assert list(found) == [("team/deep/app:2",)]
    report = verify(root / ROOT / "repositories/team/deep/app")
    assert not report.findings
    assert report.blobs == 3


def test_an_archive_of_it(tmp_path: Path) -> None:
    """oc-mirror's archives have working files of other kinds beside it."""
    assert_holds(write_registry_tar([APP, OTHER], tmp_path / "a.tar"), APP, OTHER)
    assert_holds(write_registry_tar([OTHER], tmp_path / "b.tar", prefix="cache/"), OTHER)


def test_a_host_before_the_names(tmp_path: Path) -> None:
    """Without one, app and library/app are one name: nothing is lost in silence."""
    image = make_image([{"c": b"3"}], names=())
    root = write_registry([OTHER], tmp_path / "r", ("library/app:2", of_image(image)))
    host = "registry.example:5000"
    found = inspect(root, registry_host=host)
    names = {str(name) for each in found.roots for name in each.names}
    assert names == {f"{host}/app:2", f"{host}/library/app:2"}
    told = [each for each in collected(root).warnings if each.code == "name-conflict"]
    assert len(told) == 1
    assert "--registry-host" in told[0].hint
    with pytest.raises(UsageError, match="no host"):
        inspect(root, registry_host="a/b")


def test_what_has_no_tag(tmp_path: Path) -> None:
    """An image that a tag stood for is one without a name; children of indexes are no images."""
    index = make_index([of_image(APP).entry(), of_image(OTHER).entry()], *map(of_image, (APP,)))
    old, other = make_image([{"old": b"1"}], names=()), of_image(OTHER)
    root = write_registry([], tmp_path / "r", ("multi:1", index), ("multi", other))
    root = write_registry([], root, ("multi", of_image(old)))
    with opened(root) as source:
        found = by_names(source.roots)
        assert set(found) == {("multi:1",), ()}
        assert [str(each.config.digest) for each in found[()]] == [old.config_digest]
        assert len(found["multi:1",]) == 2


def test_referrers_come_along(tmp_path: Path) -> None:
    """By tag scheme, and by subject without any tag, as everywhere."""
    image = of_image(OTHER)
    signature = make_signature(image.digest)
    sbom = make_artifact(b"sbom", artifact_type="application/x", subject=image.entry())
    of_sbom = make_artifact(b"more", artifact_type="application/x", subject=sbom.entry())
    tag = f"app:sha256-{hex_of(image.digest)}.sig"
    more = ((tag, signature), ("app", sbom), ("app", of_sbom))
    root = write_registry([OTHER], tmp_path / "r", *more)
    with opened(root) as source:
        listed = {str(name) for each in source.roots if each.listed for name in each.names}
        assert listed == {"app:2", tag}
        assert sum(not each.listed for each in source.roots) == 2
    repack(root, tmp_path / "out", to="oci", images=("app:2",))
    digests = {path.name for path in (tmp_path / "out/blobs/sha256").iterdir()}
    assert {hex_of(each.digest) for each in (signature, sbom, of_sbom)} <= digests
    assert not verify(root).findings


def test_it_becomes_a_layout_and_stays_as_it_was(tmp_path: Path) -> None:
    root = write_registry([APP, OTHER], tmp_path / "r")
    before = fingerprint(root)
    repack(root, tmp_path / "out", to="oci", preserve_digests=True)
    wanted = write_oci_layout([APP, OTHER], tmp_path / "wanted")
    assert diff(tmp_path / "out", wanted).verdict is Verdict.IDENTICAL
    assert diff(root, wanted).verdict is Verdict.IDENTICAL
    merge([root, wanted], tmp_path / "all.tar", to="docker")
    assert_holds(tmp_path / "all.tar", APP, OTHER)
    assert len(have([root]).images) == len(have([wanted]).images)
    assert fingerprint(root) == before


def test_bit_rot_is_found(tmp_path: Path) -> None:
    """Of a layer, a manifest, and a blob that nothing names."""
    stray = b"stray"
    layer = data_name(OTHER.layers[0].digest)
    strays = {data_name(of_image(APP).digest[:-4] + "0000"): stray}
    root = write_registry([OTHER], tmp_path / "r", change={layer: b"rotten", **strays})
    codes = [(each.code, each.where.member.split("/")[-1]) for each in verify(root).findings]
    assert codes.count(("digest-mismatch", "data")) == 2
    manifest = data_name(OTHER.manifest_digest())
    rotten = OTHER.manifest_bytes().replace(b"2", b"3", 1)
    assert refused(write_registry([OTHER], tmp_path / "m", change={manifest: rotten}))


def test_damage_to_others_does_not_concern_a_choice(tmp_path: Path) -> None:
    link = repository_name("app", "_manifests", "tags", "1", "current")
    root = write_registry([APP, OTHER], tmp_path / "r", change={link: b"what?"})
    with pytest.raises(DamagedError, match="no digest") as caught:
        repack(root, tmp_path / "all.tar", to="oci")
    assert caught.value.code == "bad-link"
    report = repack(root, tmp_path / "one.tar", to="oci", images=("app:2",))
    assert [each.code for each in report.warnings] == ["bad-link"]


@pytest.mark.parametrize("what", ["data", "link", "folder", "blobs"])
def test_links_lead_nowhere(what: str, tmp_path: Path) -> None:
    """Symbolic links inside are not followed, wherever they lead: nothing outside is opened."""
    root = write_registry([OTHER], tmp_path / "r")
    outside = write_registry([OTHER], tmp_path / "outside")
    name = {
        "data": data_name(OTHER.layers[0].digest),
        "link": repository_name("app", "_manifests", "tags", "2", "current"),
        "folder": f"{ROOT}/repositories/app",
        "blobs": f"{ROOT}/blobs/sha256",
    }[what]
    (root / name).rename(tmp_path / "away")
    (root / name).symlink_to(outside / name)
    report = verify(root / ROOT)
    assert report.failed or not report.images
    with opened(root) if what != "blobs" else opened(outside) as source:
        for each in source.store.names() if what != "blobs" else ():
            assert not (root / ROOT / each).is_symlink()
    if what == "data":
        assert [each.code for each in report.findings] == ["missing-blob"]


def test_without_openat2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older kernel: each folder on the way is entered in turn."""
    monkeypatch.setattr("oci_layout.streams.beneath._OPENAT2", 100_000)
    root = write_registry([APP, OTHER], tmp_path / "r")
    assert_holds(root, APP, OTHER)
    name = data_name(OTHER.layers[0].digest)
    (root / name).rename(tmp_path / "away")
    (root / name).symlink_to(tmp_path / "away")
    assert [each.code for each in verify(root).findings] == ["missing-blob"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_who_may_read_is_said(tmp_path: Path) -> None:
    root = write_registry([OTHER], tmp_path / "r")
    os.chmod(root / ROOT / "repositories/app", 0o700)
    tmp_path.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if str(folder) != "/tmp":
            folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        with pytest.raises(ReadError) as caught, opened(root):
            pass
    finally:
        os.seteuid(0)
    assert "read it as root" in caught.value.hint


def test_uploads_in_progress_are_passed_over(tmp_path: Path) -> None:
    upload = repository_name("app", "_uploads", "x").replace("link", "data")
    root = write_registry([OTHER], tmp_path / "r", change={upload: b"half"})
    assert not verify(root).findings


def test_schema_1(tmp_path: Path) -> None:
    """A registry keeps what was signed, without the signatures."""
    steps = steps_of({"a": b"1"}, {"b": b"2"})
    raw = schema1(steps)
    blobs = (compress(step.layer, "gzip") for step in steps)
    old = Stored(raw, "", {sha256(data): data for data in blobs})
    files = registry_files([("old:1", old)])
    of_manifest = ("sha256", hex_of(old.digest))
    links = files.pop(repository_name("old", "_layers", *of_manifest))
    files[repository_name("old", "_manifests", "revisions", *of_manifest)] = links
    root = write_files(files, tmp_path / "r")
    assert [each.code for each in verify(root).findings] == ["unsigned"]
    repack(root, tmp_path / "out", to="oci")
    assert list(held(tmp_path / "out")) == [("old:1",)]


def test_a_blob_that_is_named_twice_is_one(tmp_path: Path) -> None:
    two = Built(layers=APP.layers, config=APP.config, names=("x:1", "y:1"))
    root = write_registry([two], tmp_path / "r")
    with opened(root) as source:
        (only,) = source.roots
        assert sorted(map(str, only.names)) == ["x:1", "y:1"]
        assert isinstance(only.node, Image)


def test_names_that_are_none(tmp_path: Path) -> None:
    """A registry makes no such folders; whoever did loses a name, with a warning, and no image."""
    files = registry_files([("app:2", of_image(OTHER))])
    renamed = {name.replace("/app/", "/App\n\udcff/"): data for name, data in files.items()}
    root = write_files(renamed, tmp_path / "r")
    assert list(held(root)) == [()]
    assert [each.code for each in collected(root).warnings] == ["bad-name"]
    assert not verify(root).failed


def test_empty(tmp_path: Path) -> None:
    """A registry to which nobody has pushed, and one whose links are gone."""
    (tmp_path / "none" / ROOT / "repositories").mkdir(parents=True)
    with pytest.raises(NotAnImageError), opened(tmp_path / "none"):
        pass
    files = registry_files([("app:2", of_image(OTHER))])
    blobs = {name: data for name, data in files.items() if name.startswith(f"{ROOT}/blobs")}
    report = verify(write_files(blobs, tmp_path / "r"))
    assert [each.code for each in report.findings] == ["empty", *["orphan"] * len(blobs)]


def test_as_a_base(tmp_path: Path) -> None:
    """What a thin archive leaves out is there."""
    root = write_registry([OTHER], tmp_path / "r")
    whole = write_oci_layout([OTHER], tmp_path / "whole")
    repack(whole, tmp_path / "thin.tar", to="oci", have=str(root))
    assert verify(tmp_path / "thin.tar").failed
    assert not verify(tmp_path / "thin.tar", bases=(str(root),)).failed


def test_what_vanishes_is_one_clear_error(tmp_path: Path) -> None:
    """The registry's garbage collection may run meanwhile."""
    root = write_registry([OTHER], tmp_path / "r")
    with opened(root) as source:
        (image,) = (root.node for root in source.roots)
        assert isinstance(image, Image)
        layer = image.layers[0].member
        assert layer is not None
        path = root / data_name(OTHER.layers[0].digest)
        path.unlink()
        with pytest.raises(ReadError, match="No such file"):
            layer.read(1 << 20)
        path.write_bytes(b"x" * layer.size)
        with pytest.raises(ReadError, match="changed"):
            layer.read(1 << 20)


def test_the_time_of_access_stays(tmp_path: Path) -> None:
    root = write_registry([OTHER], tmp_path / "r")
    for path in root.rglob("*"):
        os.utime(path, (1, path.stat().st_mtime))
    verify(root)
    assert {path.stat().st_atime for path in root.rglob("*") if path.is_file()} == {1}
