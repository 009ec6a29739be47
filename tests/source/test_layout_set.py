"""A folder of layouts, as zot keeps them, is one source: each repository's tags are names."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import NotAnImageError, inspect, repack, verify
from oci_layout.errors import DamagedError
from tests.builders import Image, make_image, write_files, write_oci_layout
from tests.builders.artifacts import Built, make_artifact, make_index, of_image, write_layout
from tests.builders.image import hex_of
from tests.builders.layout import REF_NAME
from tests.sink.registries import require_whole
from tests.source.opened import assert_holds, by_names, collected, opened

APP = make_image([{"a": b"1"}], names=("app:1",))
DEEP = make_image([{"b": b"2"}], names=("team/deep/db:1",))


def tagged(built: Built, *tags: str) -> list[dict[str, object]]:
    return [built.entry(annotations={REF_NAME: tag}) for tag in tags]


def zot(dest: Path, *images: Image) -> Path:
    """A layout for each image, with bare tags, and what zot keeps beside them."""
    for image in images:
        repository, _, tag = image.names[0].partition(":")
        built = of_image(image)
        write_layout(dest / repository, tagged(built, tag), built)
    write_files({"cache.db": b"x", "_trivy/db/trivy.db": b"x"}, dest)
    return dest


def test_each_repository_is_read(tmp_path: Path) -> None:
    root = zot(tmp_path / "zot", APP, DEEP)
    assert_holds(root, APP, DEEP)
    report = verify(root)
    assert not report.findings
    assert report.source_kind == "several OCI layouts (directory)"
    names = {
        str(name) for each in inspect(root, registry_host="z.lan").roots for name in each.names
    }
    assert names == {"z.lan/app:1", "z.lan/team/deep/db:1"}


def test_children_are_no_images_of_their_own(tmp_path: Path) -> None:
    """zot lists each child of an index, and each referrer, in index.json."""
    here, there = of_image(APP), of_image(make_image(architecture="arm64"))
    index = make_index([here.entry(), there.entry()], here, there)
    sbom = make_artifact(b"sbom", artifact_type="application/x", subject=index.entry())
    root = zot(tmp_path / "zot", DEEP)
    entries = [*tagged(index, "1", "2"), here.entry(), there.entry(), sbom.entry()]
    write_layout(root / "multi", entries, index, sbom)
    with opened(root) as source:
        assert set(by_names(source.roots)) == {("multi:1", "multi:2"), ("team/deep/db:1",), ()}
        assert [each.listed for each in source.roots] == [True, False, True]
    repack(root, tmp_path / "r", to="registry")
    assert set(require_whole(tmp_path / "r")) == {"multi:1", "multi:2", "team/deep/db:1"}


def test_rot_in_either_copy_is_found(tmp_path: Path) -> None:
    """Repositories that share a layer have it twice."""
    other = Image(layers=APP.layers, config=APP.config, names=("other:1",))
    for folder in ("app", "other"):
        root = zot(tmp_path / folder, APP, other)
        blob = root / folder / "blobs/sha256" / hex_of(APP.layers[0].digest)
        blob.write_bytes(blob.read_bytes()[:-1] + b"x")
        found = verify(root).findings
        assert {each.code for each in found} == {"digest-mismatch", "diffid-mismatch"}
        assert all(each.where.member.startswith(f"{folder}/blobs/") for each in found)


def test_damage_names_the_layout(tmp_path: Path) -> None:
    root = zot(tmp_path / "zot", APP, DEEP)
    (root / "app/index.json").write_bytes(b"{")
    codes = {(each.code, each.where.member) for each in collected(root).errors}
    assert codes == {("bad-json", "app/index.json")}
    with pytest.raises(DamagedError), opened(root):
        pass


def test_one_layout_alone_is_none_of_several(tmp_path: Path) -> None:
    write_oci_layout([APP], tmp_path / "a/b/c")
    with pytest.raises(NotAnImageError), opened(tmp_path / "a"):
        pass
