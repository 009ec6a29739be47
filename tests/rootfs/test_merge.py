"""What of which layer is seen, rule by rule."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from oci_layout import cat, changes, export, files
from oci_layout.errors import DamagedError, SelectionError
from oci_layout.rootfs.table import PathTable
from oci_layout.source import sorting
from tests.rootfs.entries import entry, folder, hardlink, layer, symlink
from tests.rootfs.made import as_tar, written


def paths(source: str, **how: Any) -> dict[str, int]:
    """Each path, and the layer that it comes from."""
    return {each.file.path: each.layer for each in files(source, **how)}


def content(source: str, path: str, **how: Any) -> bytes:
    out = io.BytesIO()
    cat(source, path, out, **how)
    return out.getvalue()


CASES: dict[str, tuple[tuple[bytes, ...], dict[str, int]]] = {
    "a whiteout": (
        (layer(entry("a"), entry("b")), layer(entry(".wh.a"))),
        {"b": 0},
    ),
    "a whiteout of a folder": (
        (layer(folder("d"), entry("d/a"), entry("d/b")), layer(entry(".wh.d"))),
        {},
    ),
    "a whiteout, and the file again in the same layer": (
        (layer(entry("a", b"old")), layer(entry(".wh.a"), entry("a", b"new"))),
        {"a": 1},
    ),
    "a file, and then its whiteout in the same layer": (
        (layer(entry("a", b"old")), layer(entry("a", b"new"), entry(".wh.a"))),
        {"a": 1},
    ),
    "a whiteout, and the folder again": (
        (layer(folder("d"), entry("d/a")), layer(entry(".wh.d"), folder("d"), entry("d/b"))),
        {"d": 1, "d/b": 1},
    ),
    "an opaque folder": (
        (layer(folder("d"), entry("d/a")), layer(folder("d"), entry("d/.wh..wh..opq"))),
        {"d": 1},
    ),
    "an opaque folder, said after what is in it": (
        (
            layer(folder("d"), entry("d/a"), folder("d/e"), entry("d/e/a")),
            layer(folder("d"), entry("d/b"), entry("d/.wh..wh..opq")),
        ),
        {"d": 1, "d/b": 1},
    ),
    "an opaque root": (
        (layer(entry("a")), layer(entry(".wh..wh..opq"), entry("b"))),
        {"b": 1},
    ),
    "what AUFS left": (
        (layer(entry("a"), entry(".wh..wh.plnk"), entry(".wh..wh.aufs")),),
        {"a": 0},
    ),
    "a file over a folder": (
        (layer(folder("d"), entry("d/a")), layer(entry("d"))),
        {"d": 1},
    ),
    "a link over a folder, below a folder again": (
        (layer(folder("d"), entry("d/a")), layer(symlink("d", "e")), layer(folder("d"))),
        {"d": 2},
    ),
    "a folder over a file": (
        (layer(entry("d")), layer(folder("d"), entry("d/a"))),
        {"d": 1, "d/a": 1},
    ),
    "a folder over a link": (
        (layer(folder("usr"), symlink("lib", "usr")), layer(entry("lib/a"))),
        {"lib": 1, "lib/a": 1, "usr": 0},
    ),
    "a folder that the base alone lists": (
        (layer(folder("d", mode=0o700)), layer(entry("d/a"))),
        {"d": 0, "d/a": 1},
    ),
    "a folder that nobody lists": ((layer(entry("d/e/a")),), {"d": 0, "d/e": 0, "d/e/a": 0}),
    "through a link of the same layer": (
        (layer(folder("usr"), symlink("lib", "/usr"), entry("lib/a")),),
        {"lib": 0, "usr": 0, "usr/a": 0},
    ),
    "names of every spelling": (
        (layer(entry("./a"), entry("/b"), folder("c//"), entry("c/./d"), entry("x/../../e")),),
        {"a": 0, "b": 0, "c": 0, "c/d": 0, "e": 0},
    ),
    "twice in one layer": ((layer(entry("a", b"1"), entry("a", b"22")),), {"a": 0}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_seen(case: str, tmp_path: Path) -> None:
    layers, wanted = CASES[case]
    source = written(tmp_path, *layers)
    assert paths(source) == wanted
    assert as_tar(source, tmp_path).keys() == wanted.keys()


def test_the_last_of_two_counts(tmp_path: Path) -> None:
    source = written(tmp_path, layer(entry("a", b"1"), entry("b"), entry("a", b"22")))
    assert content(source, "a") == b"22"
    assert [each.file.size for each in files(source, "a")] == [2]


def test_metadata_of_a_folder_are_the_uppers(tmp_path: Path) -> None:
    tars = layer(folder("d", mode=0o700, uid=7)), layer(folder("d", mode=0o711, uid=8))
    seen = as_tar(written(tmp_path, *tars), tmp_path)
    assert (seen["d"].mode, seen["d"].uid) == (0o711, 8)


def test_a_folder_that_nobody_lists_belongs_to_root(tmp_path: Path) -> None:
    seen = as_tar(written(tmp_path, layer(entry("d/a", uid=5))), tmp_path)
    assert (seen["d"].mode, seen["d"].uid, seen["d"].kind) == (0o755, 0, "folder")


@pytest.mark.parametrize(
    ("layers", "groups"),
    [
        ((layer(entry("a", b"1"), hardlink("b", "a")),), {"a": "a", "b": "a"}),
        ((layer(entry("a", b"1")), layer(hardlink("b", "a"))), {"a": "a", "b": "a"}),
        (  # the file is replaced above, and its link stays what it was
            (layer(entry("a", b"1"), hardlink("b", "a")), layer(entry("a", b"2"))),
            {"a": "a", "b": "b"},
        ),
        (
            (
                layer(entry("a", b"1")),
                layer(hardlink("b", "a"), hardlink("c", "b")),
                layer(entry(".wh.a")),
            ),
            {"b": "b", "c": "b"},
        ),
        (
            (
                layer(entry("a", b"1"), hardlink("b", "a"), hardlink("c", "a")),
                layer(entry(".wh.a")),
            ),
            {"b": "b", "c": "b"},
        ),
    ],
    ids=["in one layer", "to a lower layer", "replaced", "removed above", "removed"],
)
def test_hard_links(layers: tuple[bytes, ...], groups: dict[str, str], tmp_path: Path) -> None:
    source = written(tmp_path, *layers)
    seen = as_tar(source, tmp_path)
    assert {path: each.links for path, each in seen.items()} == groups
    assert content(source, "b") == b"1"


def test_a_hard_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    source = written(tmp_path, layer(hardlink("b", "nowhere")))
    with pytest.raises(DamagedError, match="hard link to 'nowhere'") as caught:
        export(source, tmp_path / "x.tar")
    assert caught.value.code == "layer-member"
    assert not (tmp_path / "x.tar").exists()


@pytest.mark.parametrize(
    ("tar", "said"),
    [
        (layer(entry("a"), entry("a/b")), "files below 'a'"),
        (layer(folder("a"), entry("a/b"), entry("a")), "'a' is no folder"),
        (layer(symlink("a", "a"), entry("a/b")), "leads nowhere"),
        (layer(folder("a"), hardlink("b", "a")), "hard link to a folder"),
        (layer(entry("x", kind=b"V")), "of a type"),
        (layer(entry("/".join(["d" * 50] * 90))), "a path of 4"),
    ],
    ids=["below a file", "over its files", "circle", "linked folder", "type", "long"],
)
def test_what_no_engine_unpacks(tar: bytes, said: str, tmp_path: Path) -> None:
    source = written(tmp_path, tar)
    with pytest.raises(DamagedError, match=said) as caught:
        export(source, tmp_path / "out")
    assert caught.value.code == "layer-member"
    assert not (tmp_path / "out").exists()


def test_the_state_after_a_layer(tmp_path: Path) -> None:
    source = written(tmp_path, layer(entry("a", b"1")), layer(entry(".wh.a"), entry("b")))
    assert paths(source, layer=0) == {"a": 0}
    assert paths(source, layer=1) == {"b": 1}
    with pytest.raises(SelectionError, match="no layer 2"):
        paths(source, layer=2)


def test_what_changed(tmp_path: Path) -> None:
    source = written(
        tmp_path,
        layer(entry("a", b"1"), entry("b"), entry("same"), entry("text", b"x")),
        layer(entry(".wh.a"), entry("b", mode=0o600), entry("c"), entry("text", b"y")),
    )
    found = [(each.path, each.change, each.attributes) for each in changes(source, 0, 1)]
    assert found == [
        ("a", "removed", ()),
        ("b", "changed", ("mode",)),
        ("c", "added", ()),
        ("text", "changed", ("content",)),
    ]
    back = [(each.path, each.change) for each in changes(source, 1, 0)]
    assert back == [("a", "added"), ("b", "changed"), ("c", "removed"), ("text", "changed")]


def test_links_are_followed_inside(tmp_path: Path) -> None:
    source = written(
        tmp_path,
        layer(
            folder("usr"),
            folder("usr/bin"),
            entry("usr/bin/dash", b"dash"),
            symlink("usr/bin/sh", "dash"),
            symlink("bin", "usr/bin"),
            symlink("up", "../../../../usr/bin/sh"),
            symlink("round", "round"),
        ),
    )
    for path in ("/bin/sh", "bin/sh", "/up", "usr/bin/../bin/dash"):
        assert content(source, path) == b"dash"
    assert [each.file.path for each in files(source, "/bin/sh")] == ["usr/bin/sh"]
    for path in ("/round", "/nothing", "/bin/nothing"):
        with pytest.raises(SelectionError):
            content(source, path)


def test_a_folder_comes_as_a_tar(tmp_path: Path) -> None:
    source = written(
        tmp_path,
        layer(folder("a"), folder("a/b"), entry("a/b/f", b"1"), entry("out", b"2")),
        layer(hardlink("a/b/far", "out")),
    )
    with tarfile.open(fileobj=io.BytesIO(content(source, "a/b"))) as tar:
        assert sorted(tar.getnames()) == ["b", "b/f", "b/far"]
        far = tar.extractfile("b/far")
        assert far is not None
        assert far.read() == b"2"  # what it is a link to is not in this tar


def test_a_layer_that_is_not_what_the_config_says(tmp_path: Path) -> None:
    good, bad = layer(entry("a", b"1")), layer(entry("a", b"2"))
    source = Path(written(tmp_path, good))
    for blob in (source / "blobs/sha256").iterdir():
        if blob.read_bytes() == good:
            blob.write_bytes(bad)
    for dest in ("x.tar", "x"):
        with pytest.raises(DamagedError) as caught:
            export(source, tmp_path / dest)
        assert caught.value.code in ("diffid-mismatch", "digest-mismatch")
        assert not (tmp_path / dest).exists()


def test_all_that_a_header_says_comes_out(tmp_path: Path) -> None:
    headers = {"SCHILY.xattr.user.a": "1\n2", "mtime": "1.25"}
    member = entry("n" * 200, b"x", uid=3_000_000, gid=2**31, uname="someone", pax_headers=headers)
    as_tar(written(tmp_path, layer(member)), tmp_path)
    with tarfile.open(tmp_path / "rootfs.tar") as tar:
        (found,) = tar.getmembers()
    assert (found.name, found.uid, found.gid, found.uname) == (
        "n" * 200,
        3_000_000,
        2**31,
        "someone",
    )
    assert found.mtime == 1.25
    assert found.pax_headers["SCHILY.xattr.user.a"] == "1\n2"


def test_more_than_stays_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_RUN_BYTES", 2000)
    monkeypatch.setattr(sorting, "_READ", 100)
    names = [f"d{number % 7}/f{number}" for number in range(300)]
    source = written(tmp_path, layer(*(entry(name) for name in names)))
    listed = list(paths(source))
    assert listed == sorted({*names, *(f"d{n}" for n in range(7))}, key=lambda p: p.split("/"))


def test_a_table_of_paths_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    table = PathTable()
    for number in range(20_000):
        at = table.place(f"p{number}")
        table.given[at] = number % 4000
    assert all(table.given[table.find(f"p{n}")] == n % 4000 for n in range(20_000))
    assert table.find("nothing") == -1
    monkeypatch.setattr("oci_layout.limits.MERGED_PATHS", 25_000)
    with pytest.raises(DamagedError, match="more than 25000 paths"):
        _ = [table.place(f"q{number}") for number in range(60_000)]


@pytest.mark.parametrize("bound", ["IMPLIED_FOLDERS", "WAITING_LINKS"])
def test_what_is_kept_is_bounded(
    bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"oci_layout.limits.{bound}", 5)
    many = [layer(*(entry(f"d{n}/f") for n in range(9)))]
    if bound == "WAITING_LINKS":
        many = [layer(entry("a")), layer(*(hardlink(f"l{n}", "a") for n in range(9)))]
    with pytest.raises(DamagedError, match="more than 5") as caught:
        paths(written(tmp_path, *many))
    assert caught.value.code == "too-many-members"


def test_too_many_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oci_layout.rootfs.layers.MERGED_LAYERS", 2)
    with pytest.raises(DamagedError, match="at most 2"):
        paths(written(tmp_path, *[layer(entry(f"{n}")) for n in range(3)]))
