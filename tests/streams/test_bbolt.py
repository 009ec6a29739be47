"""bbolt databases: whatever is in the file, our own errors alone, and what is right is read."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Any

import pytest

from oci_layout import limits
from oci_layout.errors import DamagedError, LayoutError, ReadError
from oci_layout.streams.bbolt import Bucket, snapshot
from oci_layout.where import Where
from tests.builders.bbolt import Tree, Writer, bbolt, meta_page

SMALL: Tree = {
    b"a": b"1",
    b"deep": {b"x": {b"y": {b"z": b"3"}}, b"empty": {}},
    b"inline": {b"k": b"v", b"l": b"w" * 50},
    b"none": b"",
}


def reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda size, offset: data[offset : offset + size]


def everything(bucket: Bucket) -> dict[bytes, Any]:
    return {
        key: everything(value) if isinstance(value, Bucket) else value
        for key, value in bucket.items()
    }


def read(data: bytes) -> dict[bytes, Any]:
    return everything(snapshot(reading(data), Where(member="meta.db")))


def outcome(data: bytes) -> dict[bytes, Any] | None:
    """What is read; None for the one error that there may be."""
    try:
        return read(data)
    except DamagedError as error:
        if error.code != "bad-database":
            raise
        return None


def large(seed: int, number: int = 1500) -> Tree:
    rng = random.Random(seed)  # noqa: S311  the same each time
    inner = {
        rng.randbytes(rng.randint(1, 60)): rng.randbytes(rng.randint(0, 90)) for _ in range(300)
    }
    return {
        **{
            rng.randbytes(rng.randint(1, 60)): rng.randbytes(rng.randint(0, 90))
            for _ in range(number)
        },
        b"long": rng.randbytes(200_000),
        b"many": inner,
        b"more": {b"many": inner},
    }


@pytest.mark.parametrize("page_size", [1024, 4096, 16384, 65536])
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_was_written_is_read(page_size: int, order: str) -> None:
    """Branches above branches, values over several pages, buckets in entries and in pages."""
    for tree in (SMALL, large(1), {}):
        assert read(bbolt(tree, page_size=page_size, order=order)) == tree


@pytest.mark.parametrize("txid", [6, 7])
def test_the_newer_meta_page_counts(txid: int) -> None:
    """Where it does not hold, the older one does: that is the state before a crash."""
    for page_size in (1024, 4096, 65536):
        data = bytearray(bbolt(SMALL, page_size=page_size, txid=txid, before={b"old": b"1"}))
        assert read(bytes(data)) == SMALL
        data[(txid % 2) * page_size + 40] ^= 1
        assert read(bytes(data)) == {b"old": b"1"}
        data[(1 - txid % 2) * page_size + 40] ^= 1
        with pytest.raises(DamagedError, match="no bbolt database"):
            read(bytes(data))


def test_every_byte_flipped() -> None:
    """Our own errors, or a reading that is bounded by the file."""
    data = bbolt(SMALL, page_size=1024)
    refused = same = 0
    for at in range(len(data)):
        for bit in (1, 0x80, 0xFF):
            flipped = bytearray(data)
            flipped[at] ^= bit
            found = outcome(bytes(flipped))
            refused += found is None
            same += found == SMALL
    assert refused > 300
    assert same > len(data)  # what is not in use


def test_every_length() -> None:
    data = bbolt(SMALL, page_size=1024)
    for end in range(0, len(data), 7):
        with pytest.raises(DamagedError):
            read(data[:end])


def test_noise() -> None:
    """Whole pages of a real tree, with bytes of others strewn in."""
    rng = random.Random(5)  # noqa: S311  the same each time
    data = bbolt(large(3, 300), page_size=1024)
    for _ in range(150):
        noisy = bytearray(data)
        for _ in range(rng.randint(1, 40)):
            at = rng.randrange(3 * 1024, len(noisy))
            noisy[at : at + 4] = rng.randbytes(4)[: len(noisy) - at]
        outcome(bytes(noisy))


def pages_of(*pages: bytes, root: int = 3) -> bytes:
    """A database of some pages, which begin with number 3."""
    number = 3 + len(pages)
    metas = b"".join(meta_page(each, 1024, root, number, 5 + each) for each in (0, 1))
    return metas + bytes(1024) + b"".join(each.ljust(1024, b"\0") for each in pages)


def header(number: int, flags: int, count: int, more: int = 0) -> bytes:
    return struct.pack("<QHHI", number, flags, count, more)


def leaf(number: int, *entries: tuple[int, int, int, int], data: bytes = b"") -> bytes:
    return (
        header(number, 2, len(entries)) + b"".join(struct.pack("<IIII", *e) for e in entries) + data
    )


def branch(number: int, *children: int) -> bytes:
    body = b"".join(struct.pack("<IIQ", 0, 0, each) for each in children)
    return header(number, 1, len(children)) + body


IN_PAGE = struct.pack("<QQ", 3, 0)  # a bucket that begins with the page it is in

HOSTILE = {
    "a branch to itself": (branch(3, 3), "two places"),
    "a page twice": (branch(3, 4, 4), "two places"),
    "nothing below": (branch(3), "nowhere"),
    "a meta page": (branch(3, 1), "not there"),
    "far away": (branch(3, 1 << 60), "not there"),
    "another number": (header(4, 2, 0), "not what it should be"),
    "beyond the end": (header(3, 2, 0, 1 << 31), "not what it should be"),
    "a page of no kind": (header(3, 16, 0), "neither branch nor leaf"),
    "more than fit": (header(3, 2, 65535), "too small"),
    "an entry outside": (leaf(3, (0, 4000, 5, 5)), "not within"),
    "entries on each other": (leaf(3, (0, 32, 9, 0), (0, 16, 9, 0), data=b"x" * 99), "not within"),
    "keys that go back": (leaf(3, (0, 32, 1, 0), (0, 17, 1, 0), data=b"ba"), "in order"),
    "a key twice": (leaf(3, (0, 32, 1, 0), (0, 17, 1, 0), data=b"aa"), "in order"),
    "no key": (leaf(3, (0, 16, 0, 1), data=b"a"), "in order"),
    "an unknown flag": (leaf(3, (2, 16, 1, 1), data=b"ab"), "not within"),
    "a bucket without header": (leaf(3, (1, 16, 1, 9), data=b"a" * 10), "no header"),
    "a bucket in itself": (leaf(3, (1, 16, 1, 16), data=b"a" + IN_PAGE), "two places"),
    "half a bucket": (leaf(3, (1, 16, 1, 20), data=b"a" + bytes(20)), "within its header"),
    "a branch in an entry": (
        leaf(3, (1, 16, 1, 32), data=b"a" + bytes(16) + header(0, 1, 1)),
        "no leaf",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    page, told = HOSTILE[name]
    data = pages_of(page, leaf(4))
    with pytest.raises(DamagedError, match=told) as caught:
        read(data)
    assert (caught.value.code, caught.value.where.member) == ("bad-database", "meta.db")


def test_a_bucket_within_buckets_without_end() -> None:
    """Those that lie within entries are bounded by the entry."""
    value = struct.pack("<QQ", 0, 0) + header(0, 2, 0)
    for _ in range(20):
        value = struct.pack("<QQ", 0, 0) + leaf(0, (1, 16, 1, len(value)), data=b"a" + value)
    data = pages_of(leaf(3, (1, 16, 1, len(value)), data=b"a" + value)[:1024])
    depth = 0

    def down(bucket: Bucket) -> None:
        nonlocal depth
        depth += 1
        for _, inner in bucket.buckets():
            down(inner)

    with pytest.raises(DamagedError):
        down(snapshot(reading(data), Where()))
    assert depth < 22


@pytest.mark.parametrize(("root", "pages"), [(0, 9), (1, 9), (9, 9), (1 << 63, 9)])
def test_a_root_that_is_none(root: int, pages: int) -> None:
    data = b"".join(meta_page(each, 1024, root, pages, 5 + each) for each in (0, 1)) + bytes(9000)
    with pytest.raises(DamagedError, match="no bbolt database"):
        read(data)


def test_larger_than_is_read() -> None:
    """By what is in use; the file may be longer, as it is after it was larger."""
    pages = limits.DATABASE_BYTES // 1024 + 1
    data = b"".join(meta_page(each, 1024, 3, pages, 5 + each) for each in (0, 1))
    with pytest.raises(DamagedError, match="more than is read"):
        read(data)
    assert read(bbolt(SMALL) + bytes(1 << 20)) == SMALL


def test_more_than_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DATABASE_ENTRIES", 300)
    with pytest.raises(DamagedError, match="more than 300 things"):
        read(bbolt(large(1)))


def test_written_meanwhile() -> None:
    """What is read between two looks at the meta pages counts only where both show the same."""
    new, old = bbolt(SMALL, txid=9), bbolt(large(2, 50), txid=8)
    now = old

    def read_torn(size: int, offset: int) -> bytes:
        nonlocal now
        found = now[offset : offset + size]
        if size > 100:  # the pages: afterwards another transaction is there
            now = new
        return found

    assert everything(snapshot(read_torn, Where())) == SMALL
    turns = 0

    def read_never(size: int, offset: int) -> bytes:
        nonlocal turns
        turns += size > 100
        return bbolt({}, txid=10 + turns)[offset : offset + size]

    with pytest.raises(ReadError, match="faster than"):
        snapshot(read_never, Where())


def test_the_writer_makes_several_floors() -> None:
    """Else the tests above would read no branch."""
    writer = Writer(1024)
    writer.bucket(large(1))
    kinds = [struct.unpack_from("<H", page, 8)[0] for page in writer.pages]
    assert kinds.count(1) > 3
    assert kinds.count(2) > 100


def test_errors_are_ours() -> None:
    with pytest.raises(LayoutError):
        read(b"")
