"""Tars made by the standard library or byte by byte, and what the scanner says of them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from oci_layout.finding import Findings
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.tarindex import TarMember, TarScanner

BLOCK = 512
END = bytes(2 * BLOCK)


def member(
    name: str,
    data: bytes = b"",
    *,
    kind: bytes = b"0",
    size: int | bytes | None = None,
    linkname: str = "",
    prefix: str = "",
    magic: bytes = b"ustar\x0000",
) -> bytes:
    """One member, header and data, with any field as it is wanted."""
    field = size if isinstance(size, bytes) else b"%011o\0" % (len(data) if size is None else size)
    header = bytearray(BLOCK)
    header[: len(name.encode())] = name.encode()
    header[100:124] = b"0000644\0" + b"0000000\0" * 2
    header[124:136] = field
    header[136:148] = b"00000000000\0"
    header[156:157] = kind
    header[157 : 157 + len(linkname)] = linkname.encode()
    header[257:265] = magic
    header[345 : 345 + len(prefix)] = prefix.encode()
    return checksummed(bytes(header)) + padded(data)


def checksummed(header: bytes) -> bytes:
    """A header with the checksum that it should have."""
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


def padded(data: bytes) -> bytes:
    """Data up to the end of its last block."""
    return data + bytes(-len(data) % BLOCK)


def record(key: str, value: str) -> bytes:
    """One PAX record."""
    body = f" {key}={value}\n".encode()
    size = len(body) + 1
    while len(str(size)) + len(body) != size:
        size += 1
    return str(size).encode() + body


def pax(*records: tuple[str, str], kind: bytes = b"x") -> bytes:
    """A PAX extended header."""
    return member("PaxHeaders/0", b"".join(record(*each) for each in records), kind=kind)


def scan(archive: bytes | Path, tmp_path: Path) -> tuple[list[TarMember], Findings]:
    """The members, and what was found, collecting."""
    path = archive
    if isinstance(path, bytes):
        file_path = tmp_path / "scanned.tar"
        file_path.write_bytes(path)
        path = file_path
    findings = Findings()
    with HeldFile(str(path)) as file:
        return list(TarScanner(file, findings)), findings


def codes(findings: Findings) -> tuple[list[str], list[str]]:
    """Codes of errors, and of warnings."""
    return [each.code for each in findings.errors], [each.code for each in findings.warnings]


def by_tarfile(members: dict[str, bytes], form: int) -> bytes:
    """A tar that the standard library makes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
