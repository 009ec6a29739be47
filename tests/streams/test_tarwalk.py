"""Whether a tar that streams by is whole."""

from __future__ import annotations

import pytest

from oci_layout.streams.tarwalk import TarWalker
from tests.streams.tars import BLOCK, END, member, pax


def walked(archive: bytes, step: int) -> TarWalker:
    walker = TarWalker()
    for at in range(0, len(archive), step):
        walker.feed(archive[at : at + step])
    return walker


@pytest.mark.parametrize("step", [1, 100, BLOCK, 1 << 20])
def test_whole_and_cut(step: int) -> None:
    archive = (
        pax(("size", "600")) + member("a", b"x" * 600, size=0) + member("b", kind=b"6", size=9)
    )
    assert walked(archive + END, step).whole
    assert not walked(archive, step).whole
    assert not walked(archive[:-BLOCK] + END, step).broken


@pytest.mark.parametrize("size", ["-1536", "-1", str(1 << 63), "9" * 5000, "x"])
def test_a_size_that_is_none_breaks_it(size: str) -> None:
    walker = walked(pax(("size", size)) + member("f") + END, 1 << 20)
    assert walker.broken
    assert not walker.whole


@pytest.mark.parametrize("length", [255, 256])
def test_names_that_no_file_system_takes(length: int) -> None:
    """In a PAX header and as a long name of GNU's; the folder before it may be long."""
    name = f"{'d' * 200}/{'n' * length}"
    long = member("././@LongLink", name.encode() + b"\0", kind=b"L")
    for before in (pax(("path", name)), long):
        walker = walked(before + member("short") + member("next") + END, 1 << 20)
        assert walker.whole
        assert bool(walker.refused) is (length > 255)


def test_what_says_the_size() -> None:
    inner = member("x" * 99, b"y" * 512)  # stands where a reader with another size looks
    for before in (
        pax(("size", "1024")) + pax(("mtime", "1")),
        pax(("size", "1024")) + pax(("a", "b"), kind=b"g"),
        pax(("size", "1024"), ("size", "")),
    ):
        assert walked(before + member("f", size=0) + inner + END, 1 << 20).whole
