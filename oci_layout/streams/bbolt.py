"""A bbolt database, read only: pages, branches, leaves and buckets.

go.etcd.io/bbolt ``internal/common/page.go``, ``meta.go``, ``bucket.go``. Two meta pages take turns:
of those whose checksum holds, the one of the higher transaction counts. Pages that it leads to are
not written again until the transaction after the next one. So whoever reads all of them between two
looks at the meta pages that show the same has a consistent whole, without any lock.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError, ReadError
from oci_layout.where import Where

_MAGIC, _VERSION = 0xED0CDAED, 2
_BRANCH, _LEAF, _META = 0x01, 0x02, 0x04
_BUCKET = 0x01  # flag of an entry
_HEADER = 16  # bytes of a page's, of an element's and of a bucket's header alike
_META_BYTES = 64
_SMALLEST, _LARGEST = 256, 16 << 20  # bytes of a page; bbolt looks for up to 16 MiB
_GUESSED = tuple(1024 << shift for shift in range(15))
_TRIES = 200  # of a database that is written meanwhile
_MASK = (1 << 64) - 1

Read = Callable[[int, int], bytes]


@attrs.frozen(kw_only=True)
class Meta:
    """What a meta page says.

    Args:
        page_size: in bytes.
        root: number of the page that the outermost bucket begins with.
        pages: how many pages the file has in use.
        txid: number of the transaction.
        order: ``<`` or ``>``: the byte order of the machine that wrote it.
    """

    page_size: int
    root: int
    pages: int
    txid: int
    order: str


def snapshot(read: Read, where: Where) -> Bucket:
    """The outermost bucket of a database that somebody may be writing.

    Args:
        read: bytes of the file, by their number and offset; fewer at its end.
        where: the database is, for errors.

    Raises:
        DamagedError: ``bad-database``: it is none, or larger than is read.
        ReadError: it is written faster than it can be read.
    """
    for _ in range(_TRIES):
        meta = _newest(read, where)
        size = meta.page_size * meta.pages
        if size > limits.DATABASE_BYTES:
            raise _bad(where, f"has {size} bytes in use, which is more than is read")
        data = read(size, 0)
        if _newest(read, where) == meta:
            return _Pages(data, meta, where).bucket(meta.root)
    raise ReadError(
        what="is written faster than it can be read", where=where, hint="try again, or read a copy"
    )


def _newest(read: Read, where: Where) -> Meta:
    """The meta page that counts."""
    first = _meta(read(_HEADER + _META_BYTES, 0), 0)
    second = None
    for size in _GUESSED if first is None else (first.page_size,):
        second = _meta(read(_HEADER + _META_BYTES, size), 1)
        if second is not None and second.page_size == size:
            break
        second = None
    found = [each for each in (first, second) if each is not None]
    if not found:
        raise _bad(where, "is no bbolt database: neither of its meta pages holds")
    return max(found, key=lambda each: each.txid)


def _meta(page: bytes, number: int) -> Meta | None:
    """What a meta page says; None where it does not hold."""
    if len(page) < _HEADER + _META_BYTES:
        return None
    order = "<" if page[_HEADER : _HEADER + 4] == _MAGIC.to_bytes(4, "little") else ">"
    called, flags, _, _ = struct.unpack_from(f"{order}QHHI", page)
    magic, version, page_size, _, root, _, _, pages, txid, checksum = struct.unpack_from(
        f"{order}IIIIQQQQQQ", page, _HEADER
    )
    if (magic, version, called) != (_MAGIC, _VERSION, number) or not flags & _META:
        return None
    if checksum != _fnv(page[_HEADER : _HEADER + _META_BYTES - 8]):
        return None
    if not _SMALLEST <= page_size <= _LARGEST or not 1 < root < pages:
        return None
    return Meta(page_size=page_size, root=root, pages=pages, txid=txid, order=order)


def _fnv(data: bytes) -> int:
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & _MASK
    return value


def _bad(where: Where, what: str) -> DamagedError:
    return DamagedError(code="bad-database", what=what, where=where)


class _Pages:
    """The pages of a database. Each is part of one bucket, so it is read once.

    Args:
        data: all of them.
        meta: which page size and byte order they have.
        where: the database is.
    """

    def __init__(self, data: bytes, meta: Meta, where: Where) -> None:
        self._data, self._size, self._where = memoryview(data), meta.page_size, where
        self._header = struct.Struct(f"{meta.order}QHHI")
        self._branch = struct.Struct(f"{meta.order}IIQ")
        self._leaf = struct.Struct(f"{meta.order}IIII")
        self._root = struct.Struct(f"{meta.order}QQ")
        self._seen: set[int] = set()
        self._entries = 0

    def bad(self, what: str) -> DamagedError:
        """The error of something that does not hold."""
        return _bad(self._where, what)

    def bucket(self, page: int) -> Bucket:
        """The bucket that begins with a page."""
        return Bucket(self, page, memoryview(b""))

    def nested(self, value: memoryview) -> Bucket:
        """The bucket that an entry of another one is: it may lie within the entry itself."""
        if len(value) < _HEADER:
            raise self.bad("a bucket has no header")
        page, _ = self._root.unpack_from(value)
        return Bucket(self, page, value[_HEADER:])

    def page(self, number: int) -> memoryview:
        """A page with all that continues it, read for the first time."""
        start = number * self._size
        if number < 2 or start + self._size > len(self._data):
            raise self.bad(f"page {number} is not there")
        called, _, _, more = self._header.unpack_from(self._data, start)
        end = start + (more + 1) * self._size
        if called != number or end > len(self._data):
            raise self.bad(f"page {number} is not what it should be")
        for each in range(number, number + more + 1):
            if each in self._seen:
                raise self.bad(f"page {each} is in two places")
            self._seen.add(each)
        return self._data[start:end]

    def kind(self, page: memoryview) -> int:
        """What a page is."""
        if len(page) < _HEADER:
            raise self.bad("a page ends within its header")
        return int(self._header.unpack_from(page)[1])

    def children(self, page: memoryview) -> list[int]:
        """The pages that a branch lists."""
        found = [child for *_, child in self._elements(page, self._branch)]
        if not found:
            raise self.bad("a branch leads nowhere")
        return found

    def entries(self, page: memoryview) -> Iterator[tuple[bytes, memoryview, bool]]:
        """The entries of a leaf: key, value, and whether that is a bucket."""
        self._entries += self._header.unpack_from(page)[2]
        if self._entries > limits.DATABASE_ENTRIES:
            raise self.bad(f"lists more than {limits.DATABASE_ENTRIES} things")
        at, last = _HEADER, _HEADER
        for flags, position, key_size, value_size in self._elements(page, self._leaf):
            start = at + position
            middle = start + key_size
            end = middle + value_size
            at += _HEADER
            # They follow each other, so all of them together are no more than the page.
            if start < last or end > len(page) or flags & ~_BUCKET:
                raise self.bad("an entry is not within its page")
            last = end
            yield bytes(page[start:middle]), page[middle:end], bool(flags & _BUCKET)

    def _elements(self, page: memoryview, form: struct.Struct) -> Iterator[tuple[int, ...]]:
        count = self._header.unpack_from(page)[2]
        table = page[_HEADER : _HEADER * (count + 1)]
        if len(table) != _HEADER * count:
            raise self.bad("a page is too small for its entries")
        return form.iter_unpack(table)


class Bucket:
    """A bucket: keys in order, each with a value or another bucket. It is read once.

    Args:
        pages: of the database.
        page: that it begins with; 0 for one that lies within an entry.
        inline: its page, where that is so.
    """

    def __init__(self, pages: _Pages, page: int, inline: memoryview) -> None:
        self._pages, self._page, self._inline = pages, page, inline

    def items(self) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """What is in it.

        Raises:
            DamagedError: ``bad-database``: a page does not hold.
        """
        before: bytes | None = None
        for key, value, inner in self._entries():
            if not key or (before is not None and key <= before):
                raise self._pages.bad("the keys of a bucket are not in order")
            before = key
            yield key, self._pages.nested(value) if inner else bytes(value)

    def _entries(self) -> Iterator[tuple[bytes, memoryview, bool]]:
        pages = self._pages
        if not self._page:
            if pages.kind(self._inline) != _LEAF:
                raise pages.bad("a bucket within an entry is no leaf")
            yield from pages.entries(self._inline)
            return
        todo = [self._page]
        while todo:
            page = pages.page(todo.pop())
            kind = pages.kind(page)
            if kind == _BRANCH:
                todo += reversed(pages.children(page))
            elif kind == _LEAF:
                yield from pages.entries(page)
            else:
                raise pages.bad("a page of a bucket is neither branch nor leaf")

    def buckets(self) -> Iterator[tuple[bytes, Bucket]]:
        """The buckets in it."""
        return ((key, each) for key, each in self.items() if isinstance(each, Bucket))

    def values(self) -> dict[bytes, bytes]:
        """The values in it, without buckets."""
        return {key: each for key, each in self.items() if isinstance(each, bytes)}
