"""Members of an archive: repeated, linked, unsafe, special; and files of a directory."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from oci_layout import limits
from oci_layout.errors import ChangedError, DamagedError
from oci_layout.finding import Findings
from oci_layout.limits import LINK_HOPS, NAME_BYTES
from oci_layout.source.store import ArchiveStore, DirectoryStore
from oci_layout.streams.reader import HeldFile
from tests.streams.tars import END, checksummed, codes, member, pax


def stored(raw: bytes, tmp_path: Path) -> tuple[ArchiveStore, Findings]:
    path = tmp_path / "x.tar"
    path.write_bytes(raw + END)
    findings = Findings()
    return ArchiveStore(HeldFile(str(path)), "x.tar", findings), findings


def content(store: ArchiveStore | DirectoryStore, name: str) -> bytes | None:
    found = store.find(name)
    return None if found is None else found.read(1 << 20)


def link(name: str, target: str, *, hard: bool = False) -> bytes:
    return member(name, kind=b"1" if hard else b"2", linkname=target)


@pytest.mark.parametrize("name", ["a", "./a", ".//a", "a/", "/a"])
def test_a_member_has_one_name_however_it_is_spelled(name: str, tmp_path: Path) -> None:
    raw = member(name, b"data") if not name.endswith("/") else member("a", b"data")
    store, findings = stored(raw, tmp_path)
    assert content(store, "a") == content(store, "./a") == b"data"
    assert codes(findings) == ([], ["absolute-name"] if name.startswith("/") else [])
    assert list(store.names()) == ["a"]
    store.close()


@pytest.mark.parametrize("name", ["..", "../a", "a/../../b", "a/.."])
def test_a_name_that_leaves_is_an_error(name: str, tmp_path: Path) -> None:
    store, findings = stored(member(name, b"x"), tmp_path)
    assert codes(findings)[0] == ["unsafe-name"]
    assert list(store.names()) == []
    store.close()


@pytest.mark.parametrize("again", ["a", "./a", "/a"])
def test_repeated_members(again: str, tmp_path: Path) -> None:
    store, findings = stored(member("a", b"x" * 9000) + member(again, b"x" * 9000), tmp_path)
    assert codes(findings)[0] == []
    assert "repeated-member" in codes(findings)[1]
    store.close()
    for other in (b"x" * 8999, b"x" * 8999 + b"y", b""):
        store, findings = stored(member("a", b"x" * 9000) + member(again, other), tmp_path)
        assert codes(findings)[0] == ["conflicting-member"]
        store.close()


def test_repeated_links(tmp_path: Path) -> None:
    data = member("f", b"1") + member("g", b"2")
    store, findings = stored(data + link("l", "f") * 2, tmp_path)
    assert codes(findings) == ([], ["repeated-member"])
    store.close()
    for conflict in (link("l", "f") + link("l", "g"), link("l", "f") + member("l", b"1")):
        store, findings = stored(data + conflict, tmp_path)
        assert codes(findings)[0] == ["conflicting-member"]
        store.close()


def test_repeated_directories_are_nothing(tmp_path: Path) -> None:
    store, findings = stored(member("d/", kind=b"5") * 2 + member("d/f", b"x"), tmp_path)
    assert not findings.found
    assert content(store, "d/f") == b"x"
    assert content(store, "d") is None
    store.close()


@pytest.mark.parametrize("hard", [False, True])
def test_links(hard: bool, tmp_path: Path) -> None:
    target = "real/f" if hard else "f"
    raw = member("real/f", b"data") + link("real/l", target, hard=hard)
    store, findings = stored(raw, tmp_path)
    assert content(store, "real/l") == b"data"
    assert not findings.found
    store.close()


def test_links_before_their_targets_and_through_directories(tmp_path: Path) -> None:
    raw = (
        link("v1/layer.tar", "../deep/dir/l.tar")
        + link("deep", "top")
        + link("top/dir", "/real")
        + link("real/l.tar", "real/m.tar", hard=True)
        + member("real/m.tar", b"data")
    )
    store, findings = stored(raw, tmp_path)
    assert content(store, "v1/layer.tar") == b"data"
    assert not findings.errors
    store.close()


@pytest.mark.parametrize("length", [1, LINK_HOPS, LINK_HOPS + 1])
def test_chains_of_links(length: int, tmp_path: Path) -> None:
    raw = b"".join(link(f"l{n}", f"l{n + 1}") for n in range(length))
    store, _ = stored(raw + member(f"l{length}", b"end"), tmp_path)
    assert content(store, "l0") == (b"end" if length <= LINK_HOPS else None)
    store.close()


def test_loops_and_dangling_links_are_no_files(tmp_path: Path) -> None:
    raw = link("a", "b") + link("b", "a") + link("self", "self") + link("d", "nowhere")
    store, _ = stored(raw, tmp_path)
    assert [content(store, name) for name in ("a", "b", "self", "d", "self/x")] == [None] * 5
    store.close()


@pytest.mark.parametrize("target", ["../../etc/passwd", "..", "x/../../y"])
@pytest.mark.parametrize("hard", [False, True])
def test_links_that_leave_are_errors(target: str, hard: bool, tmp_path: Path) -> None:
    store, findings = stored(link("l", target, hard=hard), tmp_path)
    assert codes(findings)[0] == ["unsafe-link"]
    assert content(store, "l") is None
    store.close()


def test_an_absolute_link_begins_at_the_archive_s_root(tmp_path: Path) -> None:
    store, _ = stored(link("l", "/etc/passwd") + member("etc/passwd", b"inside"), tmp_path)
    assert content(store, "l") == b"inside"
    store.close()


@pytest.mark.parametrize("kind", [b"3", b"4", b"6"])
def test_special_members_are_no_files(kind: bytes, tmp_path: Path) -> None:
    store, findings = stored(member("dev", kind=kind) + member("f", b"x"), tmp_path)
    assert codes(findings) == ([], ["special-member"])
    assert content(store, "dev") is None
    assert content(store, "f") == b"x"
    store.close()


DISAGREED = {
    "FIFO, then file": member("a", kind=b"6") + member("a", b"x"),
    "file, then device": member("a", b"x") + member("a", kind=b"3"),
    "folder, then file": member("a", kind=b"5") + member("a", b"x"),
    "file, then folder": member("a", b"x") + member("a", kind=b"5"),
    "below a link": member("d/f", b"1") + link("l", "d") + member("l/f", b"2"),
    "below a file": member("l-", b"1") + member("l/a/f", b"2") + member("l", b"3"),
    "unknown type": member("a", b"x", kind=b"A"),
    "absolute link": member("a", b"1") + member("d/a", b"2") + link("d/l", "/a"),
    "hard link to a link": member("a", b"1") + link("d/l", "../a") + link("h", "d/l", hard=True),
    "'..' after a folder": member("a", b"1") + link("l", "x/../a"),
    "mode of a link": checksummed(member("a")[:100] + b"0120644\0" + member("a")[108:]),
}


@pytest.mark.parametrize("raw", DISAGREED.values(), ids=DISAGREED)
def test_members_that_engines_take_differently(raw: bytes, tmp_path: Path) -> None:
    store, findings = stored(raw, tmp_path)
    assert "conflicting-member" in codes(findings)[0]
    store.close()


def test_the_mode_of_old_writers(tmp_path: Path) -> None:
    old = checksummed(member("a")[:100] + b"0100644\0" + member("a")[108:])
    store, findings = stored(old, tmp_path)
    assert not findings.found
    store.close()


def test_a_long_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of such a name can be there: looking for it costs nothing."""
    store, _ = stored(member("a", b"x") + link("l", "a"), tmp_path)
    monkeypatch.setattr("oci_layout.streams.names.follow", lambda *_: pytest.fail("followed"))
    assert store.find("l/" * NAME_BYTES + "a") is None
    store.close()


def test_names_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, findings = stored(pax(("path", "n" * (NAME_BYTES + 1))) + member("n"), tmp_path)
    assert codes(findings)[0] == ["unsafe-name"]
    assert len(str(findings.errors[0])) < 500
    store.close()
    monkeypatch.setattr(limits, "NAMES_BYTES", 10)
    with pytest.raises(DamagedError, match="10 bytes"):
        stored(member("abcdef") + member("ghijkl"), tmp_path)
    monkeypatch.setattr(limits, "NAMES_BYTES", 1000)
    monkeypatch.setattr(limits, "SPECIAL_MEMBERS", 2)
    store, findings = stored(b"".join(member(name, kind=b"6") for name in "abcd"), tmp_path)
    assert codes(findings)[0] == ["conflicting-member"]
    store.close()


def test_a_directory_s_files(tmp_path: Path) -> None:
    (tmp_path / "d/sub").mkdir(parents=True)
    (tmp_path / "d/sub/f").write_bytes(b"data")
    (tmp_path / "outside").write_bytes(b"out")
    (tmp_path / "d/l").symlink_to("../outside")
    (tmp_path / "d/dead").symlink_to("nowhere")
    (tmp_path / "d/loop").symlink_to("loop")
    os.mkfifo(tmp_path / "d/fifo")
    store = DirectoryStore(str(tmp_path / "d"))
    assert content(store, "sub/f") == content(store, "./sub//f") == b"data"
    assert content(store, "l") == b"out"
    for name in ("sub", "fifo", "dead", "loop", "absent", "../outside", "/etc/passwd", "a\0b"):
        assert store.find(name) is None, name
    assert "sub/f" in list(store.names("sub"))
    store.close()


def test_an_index_that_is_replaced_is_the_one_that_was_found_first(tmp_path: Path) -> None:
    """So that a reader has one state of a layout that grows; other files must not change."""
    for name in ("index.json", "oci-layout"):
        (tmp_path / name).write_bytes(b"old")
    with closing(DirectoryStore(str(tmp_path))) as store:
        assert content(store, "index.json") == content(store, "oci-layout") == b"old"
        for name in ("index.json", "oci-layout"):
            (tmp_path / "new").write_bytes(b"another")
            (tmp_path / "new").replace(tmp_path / name)
        assert content(store, "index.json") == b"old"
        with pytest.raises(ChangedError):
            store.find("oci-layout")
    with closing(DirectoryStore(str(tmp_path))) as store:
        assert content(store, "index.json") == b"another"
        (tmp_path / "index.json").write_bytes(b"in its place")
        with pytest.raises(ChangedError):
            store.find("index.json")
