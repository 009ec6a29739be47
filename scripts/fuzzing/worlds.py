"""A sound source taken apart so that any part can change and what names it by digest follows."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import zlib
from typing import Any

import zstandard

from scripts.differential_tar.make import summed
from scripts.fuzzing import tars, values

BLOCK = 512
Files = dict[str, bytes]
_TOKEN = re.compile(r"@(\d+)([sux])@")
_SIZE = re.compile(r'"@(\d+)z@"')
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
ODD_NAMES = [
    "../x",
    "/etc/x",
    "a//b",
    "manifest.json",
    "index.json",
    "repositories",
    "x" * 200,
    "\udcff",
]


def _unpacked(data: bytes) -> bytes:
    if data.startswith(_GZIP):
        return gzip.decompress(data)
    if data.startswith(_ZSTD):
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def packed(data: bytes, like: bytes) -> bytes:
    if like.startswith(_GZIP):
        return gzip.compress(data, 1, mtime=0)
    if like.startswith(_ZSTD):
        return zstandard.ZstdCompressor(level=1).compress(data)
    return data


class World:
    """The files of a source, with a token wherever one names another by digest or states its size.

    Args:
        files: names and contents.
        archive: the archive they come from, whose headers are kept; empty for a folder.
    """

    def __init__(self, files: Files, archive: bytes = b"") -> None:
        self._names, self._data = list(files), list(files.values())
        self._heads = tars.split(archive) if archive else ()
        sums: dict[str, str] = {}
        for at, data in enumerate(self._data):
            sums.setdefault(hashlib.sha512(data).hexdigest(), f"@{at}x@")
            sums.setdefault(hashlib.sha256(_unpacked(data)).hexdigest(), f"@{at}u@")
        for at, data in enumerate(self._data):
            sums[hashlib.sha256(data).hexdigest()] = f"@{at}s@"
        known = re.compile("|".join(sums))
        self._tokens = lambda text: known.sub(lambda match: sums[match[0]], text)
        self._documents: dict[int, str] = {}
        for at, data in enumerate(self._data):
            if data.lstrip()[:1] in (b"{", b"["):
                value = json.loads(self._tokens(data.decode()))
                self._sizes(value)
                self._documents[at] = json.dumps(value)
        self._layers = [
            at
            for at, data in enumerate(self._data)
            if len(plain := _unpacked(data)) > BLOCK and not len(plain) % BLOCK
        ]
        self._order = self._sorted()

    @staticmethod
    def _sizes(value: Any) -> None:
        for holder, key in values.places(value):
            if key == "size" and isinstance(holder, dict):
                match = _TOKEN.search(str(holder.get("digest")))
                if match and match[2] == "s":
                    holder[key] = f"@{match[1]}z@"

    def _sorted(self) -> list[int]:
        """Numbers of the files, what is named before what names it."""
        done: dict[int, None] = {}

        def visit(at: int, above: frozenset[int]) -> None:
            for match in _TOKEN.finditer(self._documents.get(at, "")):
                below = int(match[1])
                if below not in done and below not in above:
                    visit(below, above | {at})
            done[at] = None

        for at in range(len(self._data)):
            if at not in done:
                visit(at, frozenset())
        return list(done)

    def change(self, rng: random.Random) -> dict[int, bytes | str]:
        """New content for some files: a text still has its tokens."""
        changed: dict[int, bytes | str] = {}
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            kind = rng.random()
            if kind < 0.7 and self._documents:
                at = rng.choice(list(self._documents))
                value = values.change(
                    rng, json.loads(self._documents[at]), rng.choice([1, 1, 2, 4])
                )
                changed[at] = values.render(rng, value)
            elif kind < 0.9 and self._layers:
                at = rng.choice(self._layers)
                changed[at] = self._layer(rng, self._data[at])
            else:
                at = rng.randrange(len(self._data))
                changed[at] = values.garble(rng, self._data[at])
        return changed

    @staticmethod
    def _layer(rng: random.Random, data: bytes) -> bytes:
        raw = tars.change(rng, list(tars.split(_unpacked(data))), rng.choice([1, 1, 2, 4]))
        kind = rng.random()
        if kind < 0.7:
            return packed(raw, data)
        like = rng.choice([_GZIP, _ZSTD, b""])
        stored = packed(raw, like)
        return stored + packed(b"", like) if kind < 0.8 else values.garble(rng, stored)

    def files(self, changed: dict[int, bytes | str]) -> list[tuple[str, bytes]]:
        """The files, the digests and sizes that they state made to fit what is changed."""
        data: dict[int, bytes] = {}
        sums: dict[tuple[int, str], str] = {}

        def content(at: int) -> bytes:
            return data.get(at, self._data[at])

        def summed_of(match: re.Match[str]) -> str:
            at, kind = int(match[1]), match[2]
            if at >= len(self._data):
                return "0" * 64
            found = sums.get((at, kind))
            if found is None:
                bytes_ = content(at)
                if kind == "x":
                    found = hashlib.sha512(bytes_).hexdigest()
                else:
                    if kind == "u":
                        try:
                            bytes_ = _unpacked(bytes_)
                        except (OSError, EOFError, ValueError, zstandard.ZstdError, zlib.error):
                            bytes_ = b""
                    found = hashlib.sha256(bytes_).hexdigest()
                sums[at, kind] = found
            return found

        def size_of(match: re.Match[str]) -> str:
            at = int(match[1])
            return str(len(content(at))) if at < len(self._data) else "0"

        for at in self._order:
            new = changed.get(at)
            if isinstance(new, bytes):
                data[at] = new
                continue
            text = self._documents.get(at) if new is None else new
            if text is None or (new is None and not self._follows(text, data)):
                continue
            text = _TOKEN.sub(summed_of, _SIZE.sub(size_of, text))
            data[at] = text.encode("utf-8", "surrogatepass")
            for kind in "sux":
                sums.pop((at, kind), None)
        return [
            (_TOKEN.sub(summed_of, self._tokens(name)), content(at))
            for at, name in enumerate(self._names)
        ]

    @staticmethod
    def _follows(text: str, data: dict[int, bytes]) -> bool:
        return any(int(match[1]) in data for match in _TOKEN.finditer(text))

    def tree(self, rng: random.Random) -> Files:
        """A changed folder."""
        files = self.files(self.change(rng))
        if rng.random() < 0.2:
            at = rng.randrange(len(files))
            name, data = files[at]
            files[at] = rng.choice([(name, b""), (name + "x", data), (name, data[:-1]), files[0]])
        return dict(files)

    def archive(self, rng: random.Random) -> bytes:
        """A changed archive: its documents and layers, its headers, or both."""
        kind = rng.random()
        files = self.files(self.change(rng) if kind < 0.75 else {})
        if rng.random() < 0.1:
            at = rng.randrange(len(files))
            files[at] = (rng.choice([rng.choice(ODD_NAMES), rng.choice(files)[0]]), files[at][1])
        members = self._members(files)
        return tars.change(rng, members, rng.choice([1, 1, 2, 3]) if kind > 0.65 else 0)

    def _members(self, files: list[tuple[str, bytes]]) -> tars.Parts:
        by_name = dict(zip(self._names, files, strict=True))
        members: tars.Parts = []
        for head, body in self._heads:
            old = head[:100].rstrip(b"\0").decode()
            found = by_name.get(old)
            if found is None or head[156:157] not in b"0\0":
                members.append((head, body))
                continue
            name, data = found
            raw = name.encode("utf-8", "surrogateescape")[:100].ljust(100, b"\0")
            made = raw + head[100:124] + b"%011o\0" % len(data) + head[136:]
            same = made[:148] == head[:148]
            members.append((head if same else summed(made), data + bytes(-len(data) % BLOCK)))
        return members
