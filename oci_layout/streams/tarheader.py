"""The fields of a tar header, and of the extended headers before it: bytes in, values out.

Everything is read as Go's archive/tar reads it (strconv.go, reader.go), since the engines are Go.
"""

from __future__ import annotations

import enum
import re
import zlib

from oci_layout import limits

BLOCK = 512
ZERO = bytes(BLOCK)
# An extended header tells of the member that follows; a global one of all that follow.
EXTENDED = (b"x", b"L", b"K", b"g")
_INT64 = 1 << 63
_INT64_DIGITS = 19
_NUMBERS = ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148))  # mode to mtime
_DEVICE = ((329, 337), (337, 345))
_STAR_TIMES = ((476, 488), (488, 500))
# How nearly all writers fill these fields: one match costs a tenth of reading each.
_USUAL_NUMBERS = re.compile(rb"(?:[0-7]{7}[ \0]){3}(?:[0-7]{11}[ \0]){2}")
_USUAL_DEVICE = re.compile(rb"(?:[0-7]{7}[ \0]|\0{8}){2}")
_PAX_IDS = frozenset({"uid", "gid", "size"})
_PAX_NUMBERS = _PAX_IDS | {"atime", "ctime", "mtime"}
_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))
_TEXTS = (b"path", b"linkpath", b"uname", b"gname")  # PAX records that hold no NUL


class Format(enum.Enum):
    """The format of a header, as its magic tells (Go: block.getFormat)."""

    V7 = enum.auto()
    USTAR = enum.auto()
    STAR = enum.auto()
    GNU = enum.auto()


def format_of(header: bytes) -> Format:
    """The format of a header block."""
    magic = header[257:265]
    if magic[:6] == b"ustar\0":
        return Format.STAR if header[508:512] == b"tar\0" else Format.USTAR
    return Format.GNU if magic == b"ustar  \0" else Format.V7


def looks_like_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are a tar header (or the end of an empty tar)."""
    if len(head) < BLOCK:
        return False
    return head[:BLOCK] == ZERO or checksum_holds(head[:BLOCK])


def checksum_holds(header: bytes) -> bool:
    """Whether a header block has the checksum that it states."""
    try:
        stated = _octal(header[148:156])
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
        ValueError: neither, negative, or more than 63 bits.
    """
    value = signed_number(field)
    if value < 0:
        raise ValueError("a negative number")
    return value


def signed_number(field: bytes) -> int:
    """A number that may be negative, as times before 1970 are (in base-256 only).

    Go: parseNumeric, parseOctal.

    Raises:
        ValueError: neither octal nor base-256, or more than 63 bits.
    """
    if not field[0] & 0x80:
        return _octal(field)
    bits = 8 * len(field) - 1
    value = int.from_bytes(field, "big") & ((1 << bits) - 1)
    value = value - (1 << bits) if field[0] & 0x40 else value
    if not -_INT64 <= value < _INT64:
        raise ValueError("a number of more than 63 bits")
    return value


def _octal(field: bytes) -> int:
    """Octal digits with spaces and NULs around them; no digits are zero."""
    digits = field.strip(b" \0").split(b"\0", 1)[0]
    if not digits:
        return 0
    if digits.translate(None, b"01234567"):
        raise ValueError(f"{digits!r} is not an octal number")
    return int(digits, 8)


def check_numbers(header: bytes, form: Format) -> None:
    """Hold every number that Go reads against its form, also those that nobody asks for.

    Go: readHeader, which refuses the archive for any one of them.

    Args:
        header: the block.
        form: its format.

    Raises:
        ValueError: one that is none.
    """
    if not _USUAL_NUMBERS.match(header, _NUMBERS[0][0]):
        for begin, end in _NUMBERS:
            signed_number(header[begin:end])
    if form is Format.V7:
        return
    if not _USUAL_DEVICE.match(header, _DEVICE[0][0]):
        for begin, end in _DEVICE:
            signed_number(header[begin:end])
    if form is Format.STAR:
        for begin, end in _STAR_TIMES:
            signed_number(header[begin:end])


def text(field: bytes) -> str:
    """A text of a header: up to its first NUL; bytes that are not UTF-8 as surrogates."""
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def ustar_name(header: bytes, form: Format) -> str:
    """The name in a header block, with the prefix that its format has.

    Go: readHeader. POSIX headers have 155 bytes of prefix, star's 131, GNU's none; but Go before
    1.8 wrote one into GNU headers, so where the times that belong there are no numbers, text is.

    Args:
        header: the block.
        form: its format.
    """
    name, prefix = text(header[0:100]), ""
    if form is Format.STAR:
        prefix = text(header[345:476])
    elif form is Format.USTAR:
        prefix = text(header[345:500])
    elif form is Format.GNU and not (_is_time(header[345:357]) and _is_time(header[357:369])):
        prefix = text(header[345:500])
        prefix = prefix if prefix.isascii() else ""
    return f"{prefix}/{name}" if prefix else name


def _is_time(field: bytes) -> bool:
    try:
        return not field[0] or signed_number(field) is not None
    except ValueError:
        return False


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
            raise ValueError("a record without a length")
        end = at + int(data[at:space])
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n":
            raise ValueError("a record with a wrong length")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or not key:
            raise ValueError("a record without a key or a value")
        if b"\0" in (value if key in _TEXTS else key):
            raise ValueError("a record with a NUL")
        records.append(
            (key.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        )
        at = end
    return records


def pax_records(data: bytes) -> dict[str, str]:
    """The records of a PAX header; of two of one name the last, and none whose value is empty.

    An empty value gives the field back to the header block (Go: mergePAX).

    Raises:
        ValueError: not a PAX header.
    """
    return pax_fields(pax_pairs(data))


def pax_fields(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Records by their names; of two of one name the last, and none whose value is empty."""
    return {key: value for key, value in dict(pairs).items() if value}


def pax_size(records: dict[str, str]) -> int | None:
    """The size that PAX records give the next member; None when they give none.

    Raises:
        ValueError: a number among them is none (Go: mergePAX refuses the archive for any).
    """
    for key in _PAX_NUMBERS & records.keys():
        whole, point, fraction = records[key].removeprefix("-").partition(".")
        decimal(whole)
        if point and (key in _PAX_IDS or fraction.translate(_NO_DIGITS)):
            raise ValueError(f"{records[key][:40]!r} is not a number")
    size = records.get("size")
    return None if size is None else decimal(size)


def decimal(value: str) -> int:
    """A number of a PAX record that is a size or an id.

    Raises:
        ValueError: not plain digits, or more than 63 bits.
    """
    digits = value.lstrip("0")
    if not (value.isascii() and value.isdigit()) or len(digits) > _INT64_DIGITS:
        raise ValueError(f"{value[:40]!r} is not a number")
    found = int(digits or "0")
    if found >= _INT64:
        raise ValueError(f"{value!r} is a number of more than 63 bits")
    return found
