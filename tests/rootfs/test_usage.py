"""What layers take, hide and repeat: counted by hand, and held against the merged file system."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from oci_layout import files, limits, report_page
from oci_layout.api.page import gathered
from oci_layout.page.request import Page
from oci_layout.rootfs.usage import FileNode, Usage, walk_files
from oci_layout.streams.layerfiles import FileType
from tests.builders import layer_tar
from tests.chance.trees import Making
from tests.rootfs.made import written


def used(source: str) -> Usage:
    (found,) = gathered(source, Page()).usages.values()
    assert isinstance(found, Usage), found
    return found


def sizes(usage: Usage) -> dict[str, int]:
    return {path: node.size for node, path in walk_files(usage.root) if not node.folder}


def tar_of(*members: tuple[str, str | bytes]) -> bytes:
    """A layer of files, and of symbolic links where a text is given; a folder ends with a slash."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name.rstrip("/"))
            if name.endswith("/"):
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            elif isinstance(data, str):
                member.type, member.linkname = tarfile.SYMTYPE, data
                tar.addfile(member)
            else:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def test_a_file_in_two_layers_counts_with_both_versions(tmp_path: Path) -> None:
    one, two = layer_tar({"a/b": bytes(10), "c": bytes(5)}), layer_tar({"a/b": bytes(30)})
    usage = used(written(tmp_path, one, two))
    assert sizes(usage) == {"a/b": 30, "c": 5}
    (only,) = usage.repeated
    assert (only.path, only.layers, only.bytes, only.removed) == ("a/b", 2, 40, False)
    assert (usage.wasted, usage.hidden, usage.bytes) == (40, 10, 45)
    assert [(each.files, each.bytes, each.hidden) for each in usage.layers] == [
        (2, 15, 10),
        (1, 30, 0),
    ]


def test_what_is_removed_counts_once_and_is_told(tmp_path: Path) -> None:
    base = layer_tar({"d/e/f": bytes(7), "d/g": bytes(8), "k": bytes(9)})
    usage = used(written(tmp_path, base, layer_tar({".wh.d": b"", ".wh.k": b""})))
    assert sizes(usage) == {}
    assert [(each.path, each.bytes, each.removed) for each in usage.repeated] == [
        ("k", 9, True),
        ("d/g", 8, True),
        ("d/e/f", 7, True),
    ]
    assert (usage.layers[1].whiteouts, usage.layers[0].hidden, usage.wasted) == (2, 24, 24)


@pytest.mark.parametrize("order", [1, -1])
def test_a_whiteout_spares_what_its_own_layer_has(tmp_path: Path, order: int) -> None:
    """Wherever it stands in it; an opaque folder likewise."""
    base = layer_tar({"d/old": bytes(7), "o/old": bytes(6), "o/in/old": bytes(5)})
    members = [(".wh.d", b""), ("d/new", bytes(3)), ("o/.wh..wh..opq", b""), ("o/in/new", bytes(2))]
    usage = used(written(tmp_path, base, tar_of(*members[::order])))
    assert sizes(usage) == {"d/new": 3, "o/in/new": 2}
    assert usage.hidden == 18


def test_what_comes_back_counts_all_its_versions(tmp_path: Path) -> None:
    usage = used(
        written(
            tmp_path,
            layer_tar({"a": bytes(4)}),
            layer_tar({".wh.a": b""}),
            layer_tar({"a": bytes(6)}),
        )
    )
    (only,) = usage.repeated
    assert (only.layers, only.bytes, only.removed) == (2, 10, False)


def test_a_file_in_the_place_of_a_folder_and_back(tmp_path: Path) -> None:
    usage = used(
        written(
            tmp_path,
            layer_tar({"a/b": bytes(4)}),
            layer_tar({"a": bytes(6)}),
            layer_tar({"a/c": bytes(1)}),
        )
    )
    assert sizes(usage) == {"a/c": 1}
    assert {each.path: each.bytes for each in usage.repeated} == {"a/b": 4, "a": 6}


def test_a_path_twice_in_one_layer_is_no_repetition_but_hides(tmp_path: Path) -> None:
    usage = used(written(tmp_path, tar_of(("a", bytes(5)), ("a", bytes(3)))))
    assert (usage.repeated, usage.hidden, sizes(usage)) == ((), 5, {"a": 3})


def test_links_of_the_same_layer_are_followed(tmp_path: Path) -> None:
    layer = tar_of(("usr/lib/", b""), ("lib", "usr/lib"), ("lib/x", bytes(5)), ("up", "../.."))
    usage = used(written(tmp_path, layer, tar_of(("../../etc/y", bytes(2)))))
    assert sizes(usage) == {"usr/lib/x": 5, "lib": 0, "up": 0, "etc/y": 2}


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    usage = used(written(tmp_path, tar_of(("a", "b"), ("b", "a"), ("a/x", bytes(5)))))
    assert sum(sizes(usage).values()) == 5


@pytest.mark.parametrize("seed", range(30))
def test_the_tree_is_that_of_the_merged_file_system(tmp_path: Path, seed: int) -> None:
    """Of random images, held against the merge from the top down."""
    layers = Making(seed).image()
    source = written(tmp_path, *layers)
    merged = {each.file.path: each.file for each in files(source)}
    hard = {name for layer in layers for name in hard_links(layer)}
    expected = {
        path: file.size
        for path, file in merged.items()
        if file.type is FileType.FILE
        and path not in hard  # a link may stand for a file that is gone
    }
    found = sizes(used(source))
    assert {path: found.get(path) for path in expected} == expected
    assert found.keys() == {p for p, f in merged.items() if f.type is not FileType.DIRECTORY}


def hard_links(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return [member.name for member in tar if member.islnk()]


def test_sums_of_folders(tmp_path: Path) -> None:
    usage = used(written(tmp_path, layer_tar({"a/b/c": bytes(4), "a/d": bytes(3), "e": bytes(2)})))
    folder = (usage.root.children or {})["a"]
    assert isinstance(folder, FileNode)
    assert (folder.size, folder.files, usage.root.size, usage.root.files) == (7, 2, 9, 3)


def test_too_many_files_are_told_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USAGE_PATHS", 3)
    source = written(tmp_path, layer_tar({f"f{n}": b"1" for n in range(9)}))
    (found,) = gathered(source, Page()).usages.values()
    assert isinstance(found, str)
    assert "more than 3 files" in found
    report_page(source, tmp_path / "page.html")
    assert "more than 3 files" in (tmp_path / "page.html").read_text()


def test_whiteouts_in_each_other_take_linear_steps(tmp_path: Path) -> None:
    """Each folder is looked through once a layer, however many whiteouts lead into it."""
    deep = "/".join("d" * 300)
    members: list[tuple[str, bytes]] = [(f"{deep}/f{n}", b"1") for n in range(3000)]
    base = tar_of(*members)
    parts = deep.split("/")
    opaque = [("/".join([*parts[:n], ".wh..wh..opq"]), b"") for n in range(len(parts))]
    usage = used(written(tmp_path, base, tar_of(*opaque, *members[:1500])))
    assert len(sizes(usage)) == 1500
