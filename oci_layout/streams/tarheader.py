"""The fields of a tar header, and of the extended headers before it: bytes in, values out.

POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar "Basic Tar Format"
for long names and base-256 numbers.
"""

from __future__ import annotations

import zlib

from oci_layout import limits

BLOCK = 512
ZERO = bytes(BLOCK)
# An extended header tells of the member that follows; a global one of all that follow.
EXTENDED = (b"x", b"L", b"K", b"g")


def looks_like_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are a tar header (or the end of an empty tar)."""
    if len(head) < BLOCK:
        return False
    return head[:BLOCK] == ZERO or checksum_holds(head[:BLOCK])


def checksum_holds(header: bytes) -> bool:
    """Whether a header block has the checksum that it states."""
    try:
        stated = number(header[148:156])
    except ValueError:
        return False
    # The lower half of an Adler-32 is one and the sum of the bytes, as long as that is below 65521:
    # true of 256 bytes. It costs a tenth of summing in Python, for each of 10,000 members.
    total = (zlib.adler32(header[:256]) & 0xFFFF) + (zlib.adler32(header[256:]) & 0xFFFF) - 2
    if stated == total - sum(header[148:156]) + 8 * 32:
        return True
    # Some old writers summed signed characters.
    signed = sum(b - 256 if b > 127 else b for b in header[:148] + header[156:]) + 8 * 32
    return stated == signed


def number(field: bytes) -> int:
    """A number of a header: octal, or base-256 (GNU) when the first bit is set.

    Raises:
        ValueError: neither, or negative.
    """
    if field[0] & 0x80:
        value = signed_number(field)
        if value < 0:
            raise ValueError("a negative number")
        return value
    text = field.split(b"\0", 1)[0].strip(b" ")
    if not text:
        return 0
    if not text.isdigit() or b"8" in text or b"9" in text:
        raise ValueError(f"{text!r} is not an octal number")
    return int(text, 8)


def signed_number(field: bytes) -> int:
    """A number that may be negative, as times before 1970 are (in base-256 only).

    Raises:
        ValueError: neither octal nor base-256.
    """
    if not field[0] & 0x80:
        return number(field)
    bits = 8 * len(field) - 1
    value = int.from_bytes(field, "big") & ((1 << bits) - 1)
    return value - (1 << bits) if field[0] & 0x40 else value


def text(field: bytes) -> str:
    """A text of a header: up to its first NUL; bytes that are not UTF-8 as surrogates."""
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def ustar_name(header: bytes) -> str:
    """The name in a header block; only POSIX headers have a prefix for it."""
    name = text(header[0:100])
    if header[257:263] == b"ustar\0":
        prefix = text(header[345:500])
        if prefix:
            return f"{prefix}/{name}"
    return name


def extended_limit(kind: bytes) -> int:
    """Bytes that an extended header of this type may have."""
    return limits.MEMBER_NAME_BYTES if kind in {b"L", b"K"} else limits.PAX_BYTES


def pax_pairs(data: bytes) -> list[tuple[str, str]]:
    """The records of a PAX header: ``LENGTH KEY=VALUE`` and a newline, each.

    Raises:
        ValueError: not a PAX header.
    """
    records: list[tuple[str, str]] = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 12)
        if space < 0 or not data[at:space].isdigit():
            if not data[at:].strip(b"\0"):
                break
            raise ValueError("a record without a length")
        end = at + int(data[at:space])
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n":
            raise ValueError("a record with a wrong length")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals:
            raise ValueError("a record without a value")
        records.append(
            (key.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        )
        at = end
    return records


def pax_records(data: bytes) -> dict[str, str]:
    """The records of a PAX header; of two of one name the last.

    Raises:
        ValueError: not a PAX header.
    """
    return dict(pax_pairs(data))


def decimal(value: str) -> int:
    """A number of a PAX record that is a size or an id.

    Raises:
        ValueError: not plain digits.
    """
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"{value[:40]!r} is not a number")
    return int(value)
