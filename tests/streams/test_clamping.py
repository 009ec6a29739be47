"""Times of a tar's headers: those that are late become the latest, and nothing else changes."""

from __future__ import annotations

import io
import tarfile

import pytest

from oci_layout.errors import DamagedError
from oci_layout.streams.clamping import Clamping, late
from oci_layout.where import Where

LATEST = 1_700_000_000
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


class Short:
    """Gives few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, most: int) -> None:
        self._file, self._most = io.BytesIO(data), most

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._most))


def tar(
    *members: tuple[str, float, bytes],
    form: int = tarfile.PAX_FORMAT,
    pax: dict[str, str] | None = None,
    everywhere: dict[str, str] | None = None,
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, pax_headers=everywhere) as made:
        for name, time, data in members:
            info = tarfile.TarInfo(name)
            info.mtime, info.size = time, len(data)
            info.pax_headers = dict(pax or {})
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def clamped(data: bytes, most: int = 1 << 20) -> bytes:
    reader = Clamping(Short(data, most), LATEST, Where())
    pieces = []
    while piece := reader.read(1000):
        pieces.append(piece)
    result = b"".join(pieces)
    assert reader.changed == (result != data)
    assert late(Short(data, most), LATEST, Where()) == (result != data)
    return result


def times(data: bytes) -> dict[str, float]:
    with tarfile.open(fileobj=io.BytesIO(data)) as read:
        return {member.name: member.mtime for member in read}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("most", [1, 511, 1 << 20])
def test_late_times_become_the_latest_and_the_rest_stays(form: int, most: int) -> None:
    long = "deep/" * 30 + "name"
    if form == tarfile.USTAR_FORMAT:
        long = "deep/" * 20 + "name"
    members = (("old", 5.0, b"x" * 600), (long, LATEST + 9, b"y"), ("same", LATEST, b""))
    made = tar(*members, form=form)
    result = clamped(made, most)
    assert times(result) == {"old": 5.0, long: LATEST, "same": LATEST}
    assert len(result) == len(made)
    differ = [n for n, (one, other) in enumerate(zip(made, result, strict=True)) if one != other]
    assert all(136 <= n % 512 < 156 for n in differ)
    assert clamped(result, most) == result


def test_what_is_not_late_keeps_every_byte() -> None:
    made = tar(("a", 12.5, b"1"), ("b", 7, b"2"), pax={"atime": "3.25", "comment": "x"})
    assert clamped(made) == made


def test_builds_at_different_moments_come_to_the_same() -> None:
    """A fraction, or none, of any number of digits: PAX records of it are gone.

    tarfile fills the last 10 KiB up, which nobody else does.
    """
    moments = [LATEST + 10, LATEST + 11.5, LATEST + 12.123456, LATEST + 0.25, 8**11 + 5]
    found = {
        clamped(tar(("a", time, b"1"), ("b/" * 80, time, b""))).rstrip(b"\0") for time in moments
    }
    assert len(found) == 1
    (only,) = found
    assert set(times(only + bytes(2048)).values()) == {LATEST}


def test_other_records_of_a_pax_header_stay() -> None:
    made = tar(
        ("a", LATEST + 1.5, b"1"),
        pax={"SCHILY.xattr.user.x": "v\n=", "atime": str(LATEST + 7.5), "ctime": "4.5"},
    )
    with tarfile.open(fileobj=io.BytesIO(clamped(made))) as read:
        (member,) = read
    assert member.mtime == LATEST
    assert member.pax_headers == {
        "SCHILY.xattr.user.x": "v\n=",
        "atime": str(LATEST),
        "ctime": "4.5",
    }


def test_a_header_that_holds_no_time_gets_the_one_of_its_record() -> None:
    made = bytearray(tar(("a", LATEST + 1.5, b"1")))
    at = made.index(b"a\0", 1024)
    header = bytes(made[at : at + 512])
    zero = header[:136] + b"00000000000\0" + header[148:]
    total = sum(zero[:148]) + sum(zero[156:]) + 8 * 32
    made[at : at + 512] = zero[:148] + b"%06o\0 " % total + zero[156:]
    assert times(clamped(bytes(made))) == {"a": LATEST}


def test_times_for_all_that_follows_are_clamped() -> None:
    made = tar(("a", 3, b"1"), everywhere={"mtime": str(LATEST + 3), "comment": "kept"})
    result = clamped(made)
    assert b"comment=kept" in result
    assert str(LATEST + 3).encode() not in result


def test_times_in_gnus_own_header_are_clamped() -> None:
    made = bytearray(tar(("a", LATEST, b"1"), form=tarfile.GNU_FORMAT))
    before = sum(made[345:369])
    made[345:357] = b"%011o\0" % (LATEST + 5)
    made[357:369] = b"\x80" + (LATEST + 6).to_bytes(11, "big")
    total = int(made[148:154], 8) - before + sum(made[345:369])
    made[148:156] = b"%06o\0 " % total
    result = clamped(bytes(made))
    assert result[345:357] == result[357:369] == b"%011o\0" % LATEST


@pytest.mark.parametrize("data", [b"", bytes(1024), bytes(10240) + b"more"])
def test_an_empty_tar_passes(data: bytes) -> None:
    assert clamped(data) == data


def test_what_is_no_tar_is_refused() -> None:
    with pytest.raises(DamagedError, match="checksum"):
        clamped(b"x" * 2048)


def test_sparse_members_keep_their_maps() -> None:
    """GNU's old form has blocks of the map behind the header; their bytes are no headers."""
    base = tar(("sparse", LATEST + 1, b""), ("next", LATEST + 1, b"2"), form=tarfile.GNU_FORMAT)
    header, rest = bytearray(base[:512]), base[512:]
    header[156:157] = b"S"
    header[482] = 1
    header[124:136] = b"%011o\0" % 5
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    extension = bytes([7]) * 504 + b"\1" + bytes(7)
    last = bytes([9]) * 504 + bytes(8)
    made = bytes(header) + extension + last + b"data!".ljust(512, b"\0") + rest
    result = clamped(made)
    assert result[512:2048] == made[512:2048]
    assert result[2048 + 136 : 2048 + 148] == b"%011o\0" % LATEST
