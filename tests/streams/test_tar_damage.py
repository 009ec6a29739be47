"""Tars that are cut, changed, or that two readers would read differently."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import FailFast
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.tarindex import TarScanner
from tests.corrupt import flip_byte
from tests.streams.tars import BLOCK, END, codes, member, pax, scan

LONG = "x" * 150
ARCHIVE = (
    member("first", b"1" * 1000)
    + pax(("path", LONG))
    + member("short", b"2" * 600)
    + member("last", b"3" * 700)
)


def test_cut_at_every_block(tmp_path: Path) -> None:
    """Before the end of the last member an error; without end marker a warning; then nothing."""
    whole = ARCHIVE + END + bytes(8 * BLOCK)
    starts = [len(member("first", b"1" * 1000)), len(ARCHIVE) - 3 * BLOCK]
    for size in range(BLOCK, len(whole) + 1, BLOCK):
        _, findings = scan(whole[:size], tmp_path)
        errors, warnings = codes(findings)
        if size >= len(ARCHIVE) + len(END):
            assert (errors, warnings) == ([], []), size
        elif size >= len(ARCHIVE) or size in starts:
            assert (errors, warnings) == ([], ["no-end-marker"]), size
        else:
            assert errors == ["truncated"], size


@pytest.mark.parametrize("size", [1, 100, BLOCK - 1, BLOCK + 1, 3 * BLOCK - 30, len(ARCHIVE) - 400])
def test_cut_inside_a_block(size: int, tmp_path: Path) -> None:
    _, findings = scan(ARCHIVE[:size], tmp_path)
    assert codes(findings)[0] == ["truncated"]


def test_only_the_padding_of_the_last_member_is_missing(tmp_path: Path) -> None:
    padding = -700 % BLOCK
    members, findings = scan(ARCHIVE[:-padding], tmp_path)
    assert len(members) == 3
    assert codes(findings) == ([], ["no-end-marker"])


def test_the_offset_of_a_cut_is_told(tmp_path: Path) -> None:
    _, findings = scan(ARCHIVE[:1200], tmp_path)
    assert "first" in str(findings.errors[0])
    assert "1200" in findings.errors[0].message


def test_one_zero_block_is_half_an_end(tmp_path: Path) -> None:
    _, findings = scan(ARCHIVE + bytes(BLOCK), tmp_path)
    assert codes(findings) == ([], ["no-end-marker"])


def test_a_zero_block_between_members(tmp_path: Path) -> None:
    _, findings = scan(member("a", b"x") + bytes(BLOCK) + member("b") + END, tmp_path)
    assert codes(findings)[0] == ["bad-tar-header"]


def test_data_after_the_end(tmp_path: Path) -> None:
    _, findings = scan(ARCHIVE + END + member("hidden", b"x") + END, tmp_path)
    assert codes(findings) == ([], ["trailing-data"])
    _, findings = scan(ARCHIVE + END + bytes(100_000), tmp_path)
    assert not findings.found


@pytest.mark.parametrize("at", [0, 99, 124, 148, 156, 300, 511])
def test_a_header_whose_checksum_does_not_hold(at: int, tmp_path: Path) -> None:
    first = len(member("first", b"1" * 1000))
    members, findings = scan(flip_byte(ARCHIVE + END, first + at), tmp_path)
    assert [each.name for each in members] == ["first"]
    assert codes(findings)[0] == ["bad-tar-header"]


@pytest.mark.parametrize(
    "size", [b"0000000000z\0", b"-0000000001\0", b"\xff" * 12, b"0x000000001\0", b"1 2 3 4 5 6 "]
)
def test_a_size_that_is_none(size: bytes, tmp_path: Path) -> None:
    _, findings = scan(member("n", size=size) + END, tmp_path)
    assert codes(findings)[0] == ["bad-tar-header"]


def test_a_size_beyond_the_archive(tmp_path: Path) -> None:
    huge = b"\x80" + (1 << 70).to_bytes(11, "big")
    for size, code in ((1 << 32, "truncated"), (huge, "bad-tar-header")):
        _, findings = scan(member("n", size=size) + END, tmp_path)
        assert codes(findings)[0] == [code]


def test_pax_and_ustar_sizes_must_agree(tmp_path: Path) -> None:
    def found(stated: str, size: int) -> list[str]:
        archive = pax(("size", stated)) + member("n", b"x" * 600, size=size) + END
        return codes(scan(archive, tmp_path)[1])[0]

    assert found("600", 600) == []
    assert found("600", 0) == []
    assert found("600", 512) == ["size-conflict"]
    assert found("100", 600)[:1] == ["size-conflict"]


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"4 a=\n",
        b"999 a=b\n",
        b"0 a=b\n",
        b"6 abcd\n",
        b"7 a=bcd",
        b"-6 a=b\n",
        b"6 a=b\nx",
        b"6 a=b\n\0",
        b"5 =b\n",
        b"10 path=\0\n",
    ],
)
def test_pax_records_that_are_none(data: bytes, tmp_path: Path) -> None:
    _, findings = scan(member("p", data, kind=b"x") + member("n") + END, tmp_path)
    assert codes(findings)[0] == ["bad-tar-header"]


@pytest.mark.parametrize("size", ["-1", "1.5", "x", "\u0661", str(1 << 63)])
def test_a_pax_size_that_is_none(size: str, tmp_path: Path) -> None:
    _, findings = scan(pax(("size", size)) + member("n") + END, tmp_path)
    assert codes(findings)[0] == ["bad-tar-header"]


@pytest.mark.parametrize("key", ["path", "size", "linkpath"])
def test_a_global_header_that_names_or_sizes(key: str, tmp_path: Path) -> None:
    _, findings = scan(pax((key, "1"), kind=b"g") + member("n", b"x") + END, tmp_path)
    assert "bad-tar-header" in codes(findings)[0]


@pytest.mark.parametrize("kind", [b"x", b"L", b"K", b"g"])
def test_an_extended_header_with_nothing_behind(kind: bytes, tmp_path: Path) -> None:
    is_pax = kind in b"xg"
    header = pax(("comment", "x"), kind=kind) if is_pax else member("l", b"long\0", kind=kind)
    errors, warnings = codes(scan(header, tmp_path)[1])
    assert errors == ["truncated"] if kind != b"g" else "no-end-marker" in warnings
    assert "truncated" in codes(scan(header[: BLOCK + 3], tmp_path)[1])[0]


@pytest.mark.parametrize("kind", [b"x", b"L", b"K", b"g"])
def test_extended_headers_are_bounded(kind: bytes, tmp_path: Path) -> None:
    """Refused by the size stated, before anything is read."""
    _, findings = scan(member("l", kind=kind, size=2 << 30) + END, tmp_path)
    assert codes(findings)[0] == ["bad-tar-header"]


def test_the_number_of_members_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 3)
    with pytest.raises(DamagedError, match="3 members"):
        scan(member("a") * 4 + END, tmp_path)


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_damage_makes_it_crash_or_loop(data: st.DataObject, tmp_path: Path) -> None:
    archive = ARCHIVE + END
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(archive) - 1))
        archive = archive[:at] + data.draw(st.binary(max_size=12)) + archive[at + 4 :]
    archive = archive or b"x"
    members, _ = scan(archive, tmp_path)
    assert all(each.offset + each.size <= len(archive) for each in members)
    with HeldFile(str(tmp_path / "scanned.tar")) as file, contextlib.suppress(DamagedError):
        list(TarScanner(file, FailFast()))
