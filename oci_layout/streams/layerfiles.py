"""The files of a layer, one after the other, as its tar streams by: nothing is ever extracted.

What a header means is what Go's archive/tar makes of it, since every engine unpacks layers with
it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.digest import Digest, new_hash
from oci_layout.errors import DamagedError
from oci_layout.streams.reader import Reader
from oci_layout.streams.sparsefiles import Sparse, old_sparse, pax_sparse
from oci_layout.streams.tarheader import (
    BLOCK,
    EXTENDED,
    ZERO,
    checksum_holds,
    decimal,
    extended_limit,
    format_of,
    number,
    pax_pairs,
    signed_number,
    text,
    ustar_name,
)
from oci_layout.streams.whiteouts import Whiteout, whiteout
from oci_layout.where import Where

_XATTR = "SCHILY.xattr."
_NANOSECONDS = 10**9
_DIGITS = 19  # of the largest number in 64 bits


class FileType(enum.Enum):
    """What a file of a layer is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"
    CHARACTER = "character device"
    BLOCK = "block device"
    FIFO = "FIFO"
    OTHER = "unknown type"  # engines refuse it


_TYPES = {
    b"\0": FileType.FILE,
    b"0": FileType.FILE,
    b"7": FileType.FILE,
    b"S": FileType.FILE,
    b"1": FileType.HARDLINK,
    b"2": FileType.SYMLINK,
    b"3": FileType.CHARACTER,
    b"4": FileType.BLOCK,
    b"5": FileType.DIRECTORY,
    b"6": FileType.FIFO,
}


@attrs.frozen(kw_only=True)
class LayerFile:
    """One file of a layer, as its headers tell it.

    Args:
        path: its name from the root, without ``./``, leading, doubled or trailing slash; the root
            itself is ``.``. A ``..`` in it stays: never build a path of your own from it. Bytes
            that are not UTF-8 are surrogates (``surrogateescape``).
        type: what it is.
        mode: permission bits, with setuid, setgid and sticky.
        uid: number of the owner, as is gid of the group.
        uname: name of the owner, as is gname of the group; engines do not look at names.
        mtime: nanoseconds since 1970.
        size: bytes that the file has; for a sparse one with its holes.
        linkname: what a symbolic link says, as written; what a hard link stands for, normalised.
        device: major and minor number of a device.
        xattrs: extended attributes in order of their names.
        content: digest of the bytes of a regular file, where asked for.
        name: as it is written.
    """

    path: str
    type: FileType
    mode: int
    uid: int
    gid: int
    uname: str
    gname: str
    mtime: int
    size: int = 0
    linkname: str = ""
    device: tuple[int, int] | None = None
    xattrs: tuple[tuple[str, bytes], ...] = ()
    content: Digest | None = None
    name: str = attrs.field(default="", eq=False, repr=False)

    @property
    def whiteout(self) -> Whiteout | None:
        """What it removes of the layers below, if it is a whiteout."""
        return whiteout(self.path)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value, without its path."""
        return {
            "type": self.type.value,
            "mode": f"{self.mode:04o}",
            "uid": self.uid,
            "gid": self.gid,
            "mtime": self.mtime,
            "size": self.size,
            "linkname": self.linkname,
            "device": list(self.device) if self.device is not None else None,
            "xattrs": {name: value.hex() for name, value in self.xattrs},
            "content": str(self.content) if self.content is not None else None,
        }


def read_layer(reader: Reader, where: Where, *, contents: bool = False) -> Iterator[LayerFile]:
    """The files of a layer in the order of its tar, each once its data has passed.

    Args:
        reader: the unpacked tar; read to its end, so that what unpacks it can judge that too.
        where: the layer, for messages.
        contents: whether to digest the data of regular files.

    Raises:
        DamagedError: while iterating: ``bad-tar-header``, ``truncated``, ``bomb`` (a sparse file
            whose holes are far larger than anything), or what the reader raises.
    """
    for entry in read_entries(reader, where):
        file = entry.file
        if contents and file.type is FileType.FILE:
            file = attrs.evolve(file, content=entry.digest())
        entry.finish()
        yield file


def read_entries(reader: Reader, where: Where) -> Iterator[LayerEntry]:
    """The files of a layer in the order of its tar, with their data.

    Args:
        reader: the unpacked tar; read to its end.
        where: the layer, for messages.

    Raises:
        DamagedError: see ``read_layer``; also while data is taken.
    """
    return iter(_Layer(_Stream(reader, where), where))


def normalised(name: str) -> str:
    """One spelling for the path of a file: no ``./``, no leading, doubled or trailing slash."""
    return "/".join(part for part in name.split("/") if part not in ("", ".")) or "."


class _Stream:
    """Takes exact stretches from a reader, which gives what it likes."""

    def __init__(self, reader: Reader, where: Where) -> None:
        self._reader, self._where = reader, where
        self._data, self._at = b"", 0
        self.offset = 0

    def some(self, size: int) -> bytes:
        """Between one and ``size`` bytes; none at the end."""
        if self._at == len(self._data):
            self._data, self._at = self._reader.read(limits.CHUNK), 0
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        self.offset += len(piece)
        return piece

    def upto(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        piece = self.some(size)
        while len(piece) < size and (more := self.some(size - len(piece))):
            piece += more
        return piece

    def exactly(self, size: int) -> bytes:
        """So many bytes; ``size`` has been bounded."""
        piece = self.upto(size)
        if len(piece) < size:
            raise self.truncated()
        return piece

    def pieces(self, size: int) -> Iterator[bytes]:
        """So many bytes, piece by piece."""
        while size:
            piece = self.some(size)
            if not piece:
                raise self.truncated()
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over so many bytes."""
        for _ in self.pieces(size):
            pass

    def pad(self, size: int) -> None:
        """Pass over what follows so many bytes of data; Go does not mind where the tar ends there.

        Reader.next: tryReadFull.
        """
        self.upto(-size % BLOCK)

    def truncated(self) -> DamagedError:
        return DamagedError(
            what="the layer's tar ends inside a file",
            where=attrs.evolve(self._where, offset=self.offset),
            code="truncated",
        )


class LayerEntry:
    """A file of a layer, and its data, which is taken before the next file is asked for, or not.

    Args:
        file: what its headers tell.
        layer: that it is in.
        stored: bytes that it has in the tar.
        sparse: which of them are where, in a file with holes.
    """

    __slots__ = ("_layer", "_left", "_sparse", "_stored", "file")

    def __init__(self, file: LayerFile, layer: _Layer, stored: int, sparse: Sparse | None) -> None:
        self.file, self._layer, self._stored, self._sparse = file, layer, stored, sparse
        self._left = stored - (sparse.map_bytes if sparse is not None else 0)

    def pieces(self) -> Iterator[bytes | int]:
        """The data, once; a number stands for so many zeros of a hole.

        Raises:
            DamagedError: the tar ends, or holes are far larger than anything.
        """
        if self._sparse is None:
            yield from self._data(self._left)
            return
        self._layer.require_filled(self.file, self._left)
        at = 0
        for offset, length in self._sparse.extents:
            if offset > at:
                yield offset - at
            yield from self._data(length)
            at = offset + length
        if self.file.size > at:
            yield self.file.size - at

    def _data(self, size: int) -> Iterator[bytes]:
        for piece in self._layer.stream.pieces(size):
            self._left -= len(piece)
            yield piece

    def digest(self) -> Digest:
        """The digest of the data, zeros in its holes.

        Raises:
            DamagedError: see ``pieces``.
        """
        running = new_hash("sha256")
        for piece in self.pieces():
            if isinstance(piece, int):
                _zeros(running.update, piece)
            else:
                running.update(piece)
        return Digest.finish(running)

    def finish(self) -> None:
        """Pass over what nobody took, and what pads it.

        Raises:
            DamagedError: the tar ends.
        """
        stream = self._layer.stream
        if self._left:
            stream.skip(self._left)
            self._left = 0
        if self._stored:
            stream.pad(self._stored)
            self._stored = 0


class _Layer:
    """Iterates over the files."""

    def __init__(self, stream: _Stream, where: Where) -> None:
        self.stream, self._where = stream, where
        self._holes = 0

    def __iter__(self) -> Iterator[LayerEntry]:
        records: list[tuple[str, str]] = []
        long_name = long_link = ""
        while (header := self._header()) is not None:
            start = self.stream.offset - BLOCK
            entry = None
            try:
                kind = header[156:157]
                if kind not in EXTENDED:
                    entry = self._file(header, records, long_name, long_link)
                    records, long_name, long_link = [], "", ""
                else:
                    data = self._extended(kind, number(header[124:136]))
                    if kind == b"x":
                        records = pax_pairs(data)
                    elif kind == b"L":
                        long_name = text(data)
                    elif kind == b"K":
                        long_link = text(data)
                    else:  # Go hands it out as a member of its own: what was said before is gone
                        records, long_name, long_link = [], "", ""
            except ValueError as error:
                raise DamagedError(
                    what=str(error),
                    where=attrs.evolve(self._where, offset=start),
                    code="bad-tar-header",
                ) from error
            if entry is not None:
                yield entry
                entry.finish()
        while self.stream.some(limits.CHUNK):  # nobody reads what follows the end
            pass

    def require_filled(self, file: LayerFile, stored: int) -> None:
        """Count the holes of a file that is read: they cost as much as bytes would.

        Args:
            file: with its holes.
            stored: bytes without them.

        Raises:
            DamagedError: all that were read are far larger than anything.
        """
        self._holes += file.size - stored
        if self._holes > limits.BOMB_BYTES and file.size > limits.BOMB_RATIO * stored:
            raise DamagedError(
                what=f"holes of sparse files come to {self._holes} bytes with {file.path}",
                where=attrs.evolve(self._where, offset=self.stream.offset),
                code="bomb",
            )

    def _header(self) -> bytes | None:
        header = self.stream.upto(BLOCK)
        if not header or (header == ZERO and self.stream.upto(BLOCK) in (b"", ZERO)):
            return None  # Go asks for no end-of-archive marker either
        if len(header) < BLOCK:
            raise self.stream.truncated()
        if not checksum_holds(header):
            raise DamagedError(
                what="the checksum of a tar header does not hold",
                where=attrs.evolve(self._where, offset=self.stream.offset - BLOCK),
                code="bad-tar-header",
            )
        return header

    def _extended(self, kind: bytes, size: int) -> bytes:
        limit = extended_limit(kind)
        if size > limit:
            raise ValueError(f"an extended header of {size} bytes; at most {limit} are read")
        data = self.stream.exactly(size)
        self.stream.skip(-size % BLOCK)
        return data

    def _file(
        self, header: bytes, pairs: list[tuple[str, str]], long_name: str, long_link: str
    ) -> LayerEntry:
        # An empty value gives the field back to the header block.
        records = {key: value for key, value in pairs if value}
        name = long_name or records.get("path") or ustar_name(header, format_of(header))
        linkname = long_link or records.get("linkpath") or text(header[157:257])
        if "\0" in name or "\0" in linkname:
            raise ValueError("a NUL in a name")
        kind = header[156:157]
        type_ = _TYPES.get(kind, FileType.OTHER)
        if kind == b"\0" and name.endswith("/"):
            type_ = FileType.DIRECTORY  # how pre-POSIX tars wrote directories
        size = decimal(records["size"]) if "size" in records else number(header[124:136])
        if type_ not in {FileType.FILE, FileType.OTHER}:
            size = 0  # whatever they state, they have no data
        file = LayerFile(
            path=normalised(name),
            type=type_,
            mode=signed_number(header[100:108]) & 0o7777,
            uid=_integer(records["uid"]) if "uid" in records else signed_number(header[108:116]),
            gid=_integer(records["gid"]) if "gid" in records else signed_number(header[116:124]),
            uname=records.get("uname") or text(header[265:297]),
            gname=records.get("gname") or text(header[297:329]),
            mtime=_mtime(header, records),
            size=size,
            linkname=_linkname(type_, linkname),
            device=_device(type_, header),
            xattrs=_xattrs(pairs),
            name=name,
        )
        sparse = self._sparse(kind, header, pairs, file)
        if sparse is None:
            return LayerEntry(file, self, size, None)
        sparse.check(size - sparse.map_bytes)
        if sparse.name:
            file = attrs.evolve(file, path=normalised(sparse.name))
        return LayerEntry(attrs.evolve(file, size=sparse.size), self, size, sparse)

    def _sparse(
        self, kind: bytes, header: bytes, pairs: list[tuple[str, str]], file: LayerFile
    ) -> Sparse | None:
        """The map of a file with holes; None for every other."""
        if kind == b"S":
            return old_sparse(header, self.stream.exactly)
        if file.type is FileType.FILE and any(key.startswith("GNU.sparse.") for key, _ in pairs):
            return pax_sparse(pairs, file.size, self.stream.exactly)
        return None


def _zeros(update: Callable[[bytes], object], size: int) -> None:
    hole = bytes(min(size, limits.CHUNK))
    while size:
        update(hole[:size])
        size -= min(size, len(hole))


def _linkname(type_: FileType, linkname: str) -> str:
    if type_ is FileType.HARDLINK:
        return normalised(linkname)
    return linkname if type_ is FileType.SYMLINK else ""


def _device(type_: FileType, header: bytes) -> tuple[int, int] | None:
    if type_ not in {FileType.CHARACTER, FileType.BLOCK} or header[257:262] != b"ustar":
        return None
    return number(header[329:337]), number(header[337:345])


def _integer(value: str) -> int:
    """A number of a PAX record; Go holds it in 64 bits (strconv.ParseInt), and refuses others."""
    digits = value.removeprefix("-").lstrip("0") or value[-1:]
    if len(digits) > _DIGITS:  # before it costs anything to convert
        raise ValueError(f"a number of {plural(len(digits), 'digit')}, which 64 bits do not hold")
    found = -decimal(digits) if value.startswith("-") else decimal(digits)
    if not -(1 << 63) <= found < 1 << 63:
        raise ValueError(f"the number {value[:40]}, which 64 bits do not hold")
    return found


def _mtime(header: bytes, records: dict[str, str]) -> int:
    """Nanoseconds; PAX gives decimals of any length, of which nine count, toward zero."""
    if "mtime" not in records:
        return signed_number(header[136:148]) * _NANOSECONDS
    value = records["mtime"]
    whole, _, fraction = value.removeprefix("-").partition(".")
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"mtime {value[:40]!r}")
    if not (whole or "0").isdigit():  # a second sign
        raise ValueError(f"mtime {value[:40]!r}")
    nanoseconds = _integer(whole or "0") * _NANOSECONDS + int(fraction[:9].ljust(9, "0"))
    return -nanoseconds if value.startswith("-") else nanoseconds


def _xattrs(pairs: list[tuple[str, str]]) -> tuple[tuple[str, bytes], ...]:
    found = {
        key.removeprefix(_XATTR): value.encode("utf-8", "surrogateescape")
        for key, value in pairs
        if key.startswith(_XATTR)
    }
    return tuple(sorted(found.items()))
