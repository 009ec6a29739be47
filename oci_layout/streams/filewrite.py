"""Tar headers of files of any kind, so that every reader has all that a layer says of them.

ustar where its fields are wide enough; what is longer, finer or not in it (nanoseconds, extended
attributes) is in a PAX header, as Go's archive/tar writes it and every engine reads it.
"""

from __future__ import annotations

import os
import struct
import zlib

from oci_layout.streams.layerfiles import FileType, LayerFile
from oci_layout.streams.tarheader import BLOCK

_BLOCK = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
_MAGIC = b"ustar\x0000"
_BLANK = b" " * 8
_NAME, _OWNER_NAME = 100, 32  # bytes of fields
_ID_MAX, _WIDE_MAX = 8**7, 8**11  # numbers from here on do not fit the octal digits
_NANOSECONDS = 10**9
_XATTR = b"SCHILY.xattr."
_KINDS = {
    FileType.FILE: b"0",
    FileType.HARDLINK: b"1",
    FileType.SYMLINK: b"2",
    FileType.CHARACTER: b"3",
    FileType.BLOCK: b"4",
    FileType.DIRECTORY: b"5",
    FileType.FIFO: b"6",
}


def file_header(file: LayerFile) -> bytes:
    """The header blocks of a file; its data, padded, is to follow.

    Args:
        file: its path becomes the name, with a slash after that of a folder.
    """
    name, link = os.fsencode(file.path), os.fsencode(file.linkname)
    if file.type is FileType.DIRECTORY:
        name += b"/"
    seconds, fraction = divmod(file.mtime, _NANOSECONDS)
    size = file.size if file.type is FileType.FILE else 0
    uname, gname = os.fsencode(file.uname), os.fsencode(file.gname)
    records = [(_XATTR + os.fsencode(key), value) for key, value in file.xattrs]
    if len(name) > _NAME:
        records.append((b"path", name))
    if len(link) > _NAME:
        records.append((b"linkpath", link))
    if fraction or not 0 <= seconds < _WIDE_MAX:
        records.append((b"mtime", _decimal(file.mtime)))
        seconds = seconds if 0 <= seconds < _WIDE_MAX else 0
    if size >= _WIDE_MAX:
        records.append((b"size", b"%d" % size))
    for key, number in ((b"uid", file.uid), (b"gid", file.gid)):
        if not 0 <= number < _ID_MAX:
            records.append((key, b"%d" % number))
    for key, text in ((b"uname", uname), (b"gname", gname)):
        if len(text) > _OWNER_NAME:
            records.append((key, text))
    block = _block(
        name[-_NAME:] if len(name) > _NAME else name,
        _KINDS[file.type],
        mode=file.mode,
        owner=(file.uid, file.gid),
        size=size if size < _WIDE_MAX else 0,
        seconds=seconds,
        link=link[-_NAME:] if len(link) > _NAME else link,
        names=(uname[:_OWNER_NAME], gname[:_OWNER_NAME]),
        device=file.device or (0, 0),
    )
    return _extended(name, records) + block if records else block


def _extended(name: bytes, records: list[tuple[bytes, bytes]]) -> bytes:
    data = b"".join(_record(key, value) for key, value in records)
    head = _block(b"PaxHeaders.0/" + name[-80:].strip(b"/"), b"x", mode=0o644, size=len(data))
    return head + data + bytes(-len(data) % BLOCK)


def _record(key: bytes, value: bytes) -> bytes:
    """A PAX record; its length counts its own digits."""
    body = b" %s=%s\n" % (key, value)
    size = len(body)
    while len(str(size)) + len(body) != size:
        size = len(str(size)) + len(body)
    return b"%d%s" % (size, body)


def _decimal(nanoseconds: int) -> bytes:
    """Seconds with the digits that they need."""
    sign = b"-" if nanoseconds < 0 else b""
    whole, fraction = divmod(abs(nanoseconds), _NANOSECONDS)
    digits = (b".%09d" % fraction).rstrip(b"0") if fraction else b""
    return b"%s%d%s" % (sign, whole, digits)


def _octal(number: int, digits: int) -> bytes:
    """A number in a field that is one byte wider than its digits; base-256 where they are few."""
    if 0 <= number < 8**digits:
        return b"%0*o\0" % (digits, number)
    if number < 0:
        return b"0" * digits + b"\0"
    return b"\x80" + number.to_bytes(digits, "big")


def _block(
    name: bytes,
    kind: bytes,
    *,
    mode: int,
    size: int,
    owner: tuple[int, int] = (0, 0),
    seconds: int = 0,
    link: bytes = b"",
    names: tuple[bytes, bytes] = (b"", b""),
    device: tuple[int, int] = (0, 0),
) -> bytes:
    ids = [each if 0 <= each < _ID_MAX else 0 for each in owner]
    block = _BLOCK.pack(
        name,
        b"%07o\0" % mode,
        b"%07o\0" % ids[0],
        b"%07o\0" % ids[1],
        b"%011o\0" % size,
        b"%011o\0" % seconds,
        _BLANK,
        kind,
        link,
        _MAGIC,
        names[0],
        names[1],
        _octal(device[0], 7),
        _octal(device[1], 7),
        b"",
    )
    # The lower half of an Adler-32 of so few bytes is one and their sum.
    total = (zlib.adler32(block[:256]) & 0xFFFF) + (zlib.adler32(block[256:]) & 0xFFFF) - 2
    return b"%s%06o\0 %s" % (block[:148], total, block[156:])
