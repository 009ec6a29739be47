"""Tar headers as every engine reads them: plain ustar, regular files, no owner, no time."""

from __future__ import annotations

BLOCK = 512
END = bytes(2 * BLOCK)
RECORD = 20 * BLOCK  # tar's blocking factor; some tape-minded readers want whole records
_NAME_MAX = 100
_USTAR_MAX = 8**11  # sizes from here on do not fit eleven octal digits


def padding(size: int) -> int:
    """Zero bytes that follow a member's data."""
    return -size % BLOCK


def header(name: str, size: int, *, mode: int = 0o644) -> bytes:
    """The header of a regular file.

    Args:
        name: ASCII; past 100 bytes (a sha512 blob) a PAX record carries it.
        size: bytes of data; from 8 GiB on, a PAX record carries it and the ustar field is zero.
        mode: permission bits.
    """
    records = b""
    if len(name) > _NAME_MAX:
        records += _record("path", name)
    if size >= _USTAR_MAX:
        records += _record("size", str(size))
    if not records:
        return _block(name, size, b"0", mode)
    short = name[-_NAME_MAX:]
    extended = _block("PaxHeaders/" + name[-80:], len(records), b"x", mode)
    plain = _block(short, size if size < _USTAR_MAX else 0, b"0", mode)
    return extended + records + bytes(padding(len(records))) + plain


def symlink(name: str, target: str) -> bytes:
    """The header of a symbolic link.

    Args:
        name: ASCII, at most 100 bytes, as is the target.
        target: what it points at.
    """
    return _block(name, 0, b"2", 0o777, target)


def _record(key: str, value: str) -> bytes:
    """A PAX record; its length counts its own digits."""
    body = f" {key}={value}\n"
    size = len(body)
    while len(str(size)) + len(body) != size:
        size = len(str(size)) + len(body)
    return f"{size}{body}".encode()


def _block(name: str, size: int, kind: bytes, mode: int, link: str = "") -> bytes:
    encoded = name.encode("ascii")
    block = bytearray(BLOCK)
    block[: len(encoded)] = encoded
    block[100:108] = b"%07o\0" % mode
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157 : 157 + len(link)] = link.encode("ascii")
    block[257:265] = b"ustar\x0000"
    block[329:345] = b"0000000\0" * 2
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)
