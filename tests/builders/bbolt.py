"""bbolt databases, written by the rules of their format alone."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Tree = Mapping[bytes, "bytes | Tree"]
_HEADER = 16
_BRANCH, _LEAF, _META, _FREELIST = 1, 2, 4, 16


def fnv(data: bytes) -> int:
    """FNV-1a of 64 bits."""
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 % (1 << 64)
    return value


def meta_page(
    number: int, page_size: int, root: int, pages: int, txid: int, order: str = "<"
) -> bytes:
    """A meta page."""
    header = struct.pack(f"{order}QHHI", number, _META, 0, 0)
    said = struct.pack(f"{order}IIIIQQQQQ", 0xED0CDAED, 2, page_size, 0, root, 0, 2, pages, txid)
    return (header + said + struct.pack(f"{order}Q", fnv(said))).ljust(page_size, b"\0")


@dataclass
class Writer:
    """Puts trees into pages.

    Args:
        page_size: in bytes.
        order: of bytes.
        pages: those that are written, each with what continues it.
    """

    page_size: int = 4096
    order: str = "<"
    pages: list[bytes] = field(default_factory=list)

    def _take(self, flags: int, count: int, body: bytes) -> int:
        number = 3 + sum(len(each) // self.page_size for each in self.pages)
        size = -(-(len(body) + _HEADER) // self.page_size) * self.page_size
        more = size // self.page_size - 1
        header = struct.pack(f"{self.order}QHHI", number, flags, count, more)
        self.pages.append((header + body).ljust(size, b"\0"))
        return number

    def _body(self, entries: Sequence[tuple[int, bytes, bytes]]) -> bytes:
        table, data = b"", b""
        for number, (flags, key, value) in enumerate(entries):
            at = _HEADER * (len(entries) - number) + len(data)
            table += struct.pack(f"{self.order}IIII", flags, at, len(key), len(value))
            data += key + value
        return table + data

    def _groups(self, sized: Iterable[tuple[int, int]]) -> list[list[int]]:
        """Numbers of what goes into one page each: two at least, as bbolt does it."""
        groups: list[list[int]] = [[]]
        left = self.page_size - _HEADER
        for number, size in sized:
            if left < size and len(groups[-1]) > 1:
                groups.append([])
                left = self.page_size - _HEADER
            groups[-1].append(number)
            left -= size
        return groups

    def bucket(self, tree: Tree) -> int:
        """The page that a bucket begins with."""
        entries = [self._entry(key, tree[key]) for key in sorted(tree)]
        sizes = ((i, _HEADER + len(key) + len(value)) for i, (_, key, value) in enumerate(entries))
        level: list[tuple[bytes, int]] = []
        for group in self._groups(sizes):
            some = [entries[number] for number in group]
            page = self._take(_LEAF, len(some), self._body(some))
            level.append((some[0][1] if some else b"", page))
        while len(level) > 1:
            level = [self._branch([level[i] for i in group]) for group in self._fit(level)]
        return level[0][1]

    def _fit(self, level: list[tuple[bytes, int]]) -> list[list[int]]:
        return self._groups((i, _HEADER + len(key)) for i, (key, _) in enumerate(level))

    def _branch(self, children: list[tuple[bytes, int]]) -> tuple[bytes, int]:
        table, data = b"", b""
        for number, (key, page) in enumerate(children):
            at = _HEADER * (len(children) - number) + len(data)
            table += struct.pack(f"{self.order}IIQ", at, len(key), page)
            data += key
        return children[0][0], self._take(_BRANCH, len(children), table + data)

    def _entry(self, key: bytes, value: bytes | Tree) -> tuple[int, bytes, bytes]:
        if isinstance(value, bytes):
            return 0, key, value
        plain = [
            (0, each, inner) for each, inner in sorted(value.items()) if isinstance(inner, bytes)
        ]
        body = self._body(plain)
        if len(plain) == len(value) and len(body) + _HEADER <= self.page_size // 4:
            header = struct.pack(f"{self.order}QHHI", 0, _LEAF, len(plain), 0)
            return 1, key, struct.pack(f"{self.order}QQ", 0, 0) + header + body
        return 1, key, struct.pack(f"{self.order}QQ", self.bucket(value), 0)


def bbolt(
    tree: Tree,
    *,
    page_size: int = 4096,
    order: str = "<",
    txid: int = 7,
    before: Tree | None = None,
) -> bytes:
    """A database.

    Args:
        tree: what is in it.
        page_size: in bytes.
        order: of bytes.
        txid: of the transaction that wrote it.
        before: what was in it before; the same by default.
    """
    writer = Writer(page_size, order)
    root = writer.bucket(tree)
    old = root if before is None else writer.bucket(before)
    pages = 3 + sum(len(each) for each in writer.pages) // page_size
    metas = [
        meta_page(
            number,
            page_size,
            root if number == txid % 2 else old,
            pages,
            txid if number == txid % 2 else txid - 1,
            order,
        )
        for number in (0, 1)
    ]
    freelist = struct.pack(f"{order}QHHI", 2, _FREELIST, 0, 0).ljust(page_size, b"\0")
    return b"".join([*metas, freelist, *writer.pages])
