"""Paths in manifest.json are joined to the root, as Docker joins them."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import verify
from oci_layout.codes import CODES
from oci_layout.errors import DamagedError
from tests.builders import make_image
from tests.builders.paths import PATHS
from tests.repacked import packed
from tests.source.opened import assert_holds, collected, refused

IMAGE = make_image([{"a": b"1"}, {"b": b"2"}], names=("pack.local/app:1",))
# Each shape, and the codes that are found.
READ = {
    "layers and their members begin with /": {"absolute-name", "unclean-path"},
    "all of manifest.json begins with /": {"unclean-path"},
    "layers in manifest.json begin with /": {"unclean-path"},
    "members begin with /": {"absolute-name"},
    "everything begins with /": {"absolute-name", "unclean-path"},
    "./ and .. in manifest.json": {"unclean-path"},
}
REFUSED = {"backslashes": "backslash-path", "out of the archive": "missing-member"}
LACKING = {"out of the archive"}


def test_no_shape_is_left_out() -> None:
    assert PATHS.keys() == READ.keys() | REFUSED.keys()
    assert {code for codes in READ.values() for code in codes} <= CODES.keys()


@pytest.mark.parametrize("name", READ)
def test_it_is_read(name: str, tmp_path: Path) -> None:
    path = PATHS[name].write(IMAGE, tmp_path / "image.tar")
    assert_holds(path, IMAGE)
    assert {each.code for each in collected(path).found} == READ[name]


@pytest.mark.parametrize("name", READ)
def test_what_is_written_has_plain_paths(name: str, tmp_path: Path) -> None:
    source = PATHS[name].write(IMAGE, tmp_path / "image.tar")
    _, result = packed(source, tmp_path / "out.tar", "docker")
    assert result.docker is not None
    (entry,) = result.docker
    assert all(path.startswith("blobs/") for path in (entry["Config"], *entry["Layers"]))
    assert not collected(tmp_path / "out.tar").found


@pytest.mark.parametrize(("name", "code"), REFUSED.items(), ids=list(REFUSED))
def test_it_is_refused(name: str, code: str, tmp_path: Path) -> None:
    path = PATHS[name].write(IMAGE, tmp_path / "image.tar")
    if name in LACKING:  # known once one knows what is wanted of it
        with pytest.raises(DamagedError) as caught:
            packed(path, tmp_path / "out.tar")
        assert caught.value.code == "sparse-index"
        assert code in {each.code for each in verify(path).findings}
    else:
        assert refused(path).code == code


def test_backslashes_are_repaired(tmp_path: Path) -> None:
    path = PATHS["backslashes"].write(IMAGE, tmp_path / "image.tar")
    report, result = packed(path, tmp_path / "out.tar", "docker", repair=True)
    assert set(result.configs) == {IMAGE.config_digest}
    assert [each.code for each in report.warnings] == ["backslash-path"] * 2
