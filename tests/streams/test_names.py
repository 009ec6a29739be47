"""Names in an archive: one spelling each, never outside, links followed within bounds."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.limits import LINK_HOPS
from oci_layout.streams.names import UnsafeNameError, follow, joined, link_target, normalise


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", "a"),
        ("./a", "a"),
        ("././a//b/", "a/b"),
        ("a/./b", "a/b"),
        (".", ""),
        ("./", ""),
        ("...", "..."),
        ("a..b/..c", "a..b/..c"),
        ("a\\..\\b", "a\\..\\b"),
        ("blobs/sha256/" + "0" * 64, "blobs/sha256/" + "0" * 64),
    ],
)
def test_one_spelling(name: str, expected: str) -> None:
    assert normalise(name) == expected


@pytest.mark.parametrize("name", ["/a", "//a", "..", "../a", "a/../b", "a/..", "./../a", "a\0b"])
def test_unsafe(name: str) -> None:
    with pytest.raises(UnsafeNameError):
        normalise(name)


@pytest.mark.parametrize(
    ("member", "linkname", "expected"),
    [
        ("a/layer.tar", "../b/layer.tar", "b/layer.tar"),
        ("a", "b", "b"),
        ("a/b/c", "./d", "a/b/d"),
        ("a/b", "/c/d", "c/d"),
        ("a/b", "/../../c", "c"),
        ("a/b", "..", ""),
        ("a/b/c", "../../x/../y", "y"),
    ],
)
def test_where_a_link_leads(member: str, linkname: str, expected: str) -> None:
    assert link_target(member, linkname) == expected


@pytest.mark.parametrize(
    ("member", "linkname"),
    [("a", ".."), ("a", "../b"), ("a/b", "../../c"), ("a/b", "x/../../../c"), ("a", "b\0c")],
)
def test_a_link_that_leaves(member: str, linkname: str) -> None:
    with pytest.raises(UnsafeNameError):
        link_target(member, linkname)


@pytest.mark.parametrize(
    ("name", "links", "expected"),
    [
        ("a", {}, "a"),
        ("a", {"a": "b"}, "b"),
        ("a", {"a": "b", "b": "c/d"}, "c/d"),
        ("dir/x", {"dir": "real"}, "real/x"),
        ("dir/sub/x", {"dir": "d2", "d2/sub": "s"}, "s/x"),
        ("a", {"a": "dir/x", "dir": "real"}, "real/x"),
        ("a", {"a": "a"}, None),
        ("a", {"a": "b", "b": "a"}, None),
        ("a/x", {"a": "a/y"}, None),
    ],
)
def test_following(name: str, links: dict[str, str], expected: str | None) -> None:
    assert follow(name, links.get) == expected


def test_hops_are_counted() -> None:
    def chain(length: int) -> str | None:
        return follow("l0", {f"l{n}": f"l{n + 1}" for n in range(length)}.get)

    assert chain(LINK_HOPS) == f"l{LINK_HOPS}"
    assert chain(LINK_HOPS + 1) is None


@given(st.text("ab./\\\0", max_size=20))
def test_what_is_normal_stays_inside(name: str) -> None:
    try:
        result = normalise(name)
    except UnsafeNameError:
        return
    assert not result.startswith("/")
    assert ".." not in result.split("/")
    assert normalise(result) == result


@given(st.text("ab./", max_size=12), st.text("ab./", min_size=1, max_size=20))
def test_where_a_link_leads_is_inside(member: str, linkname: str) -> None:
    try:
        result = link_target(normalise(member), linkname)
    except UnsafeNameError:
        return
    assert not result.startswith("/")
    assert ".." not in result.split("/")


@given(st.text("a./\0b", max_size=9))
def test_joined_is_what_cleaning_gives(path: str) -> None:
    """Also of a path that needs no cleaning, which is told at a glance."""
    clean = posixpath.normpath(path.lstrip("/"))
    if clean == ".." or clean.startswith("../") or "\0" in clean:
        with pytest.raises(UnsafeNameError):
            joined(path)
    else:
        assert joined(path) == ("" if clean == "." else clean)
