"""The index of a tar: names, sizes and places as every reader sees them."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oci_layout.streams.tarheader import looks_like_tar
from oci_layout.streams.tarindex import MemberType
from tests.streams.tars import (
    BLOCK,
    END,
    by_tarfile,
    checksummed,
    codes,
    member,
    padded,
    pax,
    scan,
)

LONG = "d" * 60 + "/" + "e" * 90 + "/" + "f" * 120
FORMS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_names_sizes_and_places(form: int, tmp_path: Path) -> None:
    files = {
        "a": b"",
        "b/c": b"x" * 511,
        "n" * 100: b"y" * 512,
        "p" * 100 + "/" + "q" * 90: b"z" * 513,
    }
    if form != tarfile.USTAR_FORMAT:
        files |= {LONG: b"long", "\u00fcml\u00e4ut": b"utf-8"}
    archive = by_tarfile(files, form)
    members, findings = scan(archive, tmp_path)
    assert not findings.found
    assert {each.name: archive[each.offset : each.offset + each.size] for each in members} == files
    assert all(each.type is MemberType.FILE for each in members)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_long_link_names(form: Literal[0, 1, 2], tmp_path: Path) -> None:
    target = "t" * (100 if form == tarfile.USTAR_FORMAT else 300)
    info = tarfile.TarInfo("link")
    info.type, info.linkname = tarfile.SYMTYPE, target
    archive = info.tobuf(form) + END
    members, findings = scan(archive, tmp_path)
    assert not findings.found
    assert [(each.type, each.linkname) for each in members] == [(MemberType.SYMLINK, target)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (b"0", MemberType.FILE),
        (b"\0", MemberType.FILE),
        (b"7", MemberType.FILE),
        (b"1", MemberType.HARDLINK),
        (b"2", MemberType.SYMLINK),
        (b"3", MemberType.SPECIAL),
        (b"4", MemberType.SPECIAL),
        (b"5", MemberType.DIRECTORY),
        (b"6", MemberType.SPECIAL),
        (b"A", MemberType.OTHER),
    ],
)
def test_types(kind: bytes, expected: MemberType, tmp_path: Path) -> None:
    archive = member("m", kind=kind, linkname="l") + member("next", b"n") + END
    members, findings = scan(archive, tmp_path)
    assert not findings.found
    assert [(each.name, each.type) for each in members] == [
        ("m", expected),
        ("next", MemberType.FILE),
    ]


def test_only_a_v7_file_with_a_slash_is_a_directory(tmp_path: Path) -> None:
    archive = member("dir/", kind=b"\0", size=700) + member("file/", b"data") + END
    members, _ = scan(archive, tmp_path)
    assert [(each.type, each.size) for each in members] == [
        (MemberType.DIRECTORY, 0),
        (MemberType.FILE, 4),
    ]


def gnu_name(name: str) -> bytes:
    return member("././@LongLink", name.encode() + b"\0", kind=b"L", magic=b"ustar  \0")


SMUGGLED = {
    "FIFO with a size": (member("p", kind=b"6", size=512) + member("n"), ["p", "n"]),
    "device with a size": (member("p", kind=b"3", size=512) + member("n"), ["p", "n"]),
    "two PAX headers": (pax(("path", "x")) + pax(("mtime", "1")) + member("n"), ["n"]),
    "an empty PAX path": (pax(("path", "")) + member("n"), ["n"]),
    "a PAX path taken back": (pax(("path", "x"), ("path", "")) + member("n"), ["n"]),
    "GNU name, then PAX path": (gnu_name("n") + pax(("path", "x")) + member("m"), ["n"]),
    "PAX path, then GNU name": (pax(("path", "x")) + gnu_name("n") + member("m"), ["n"]),
    "empty GNU name": (gnu_name("") + member("n"), ["n"]),
    "global between": (pax(("path", "x")) + pax(("a", "b"), kind=b"g") + member("n"), ["n"]),
    "global after GNU name": (gnu_name("x") + pax(("a", "b"), kind=b"g") + member("n"), ["n"]),
    "star's shorter prefix": (
        checksummed((member("n", prefix="p" * 131)[:476] + b"0" * 24).ljust(508, b"\0") + b"tar\0"),
        ["p" * 131 + "/n"],
    ),
    "an empty PAX size": (pax(("size", "")) + member("n", b"x") + member("m"), ["n", "m"]),
}


@pytest.mark.parametrize(("archive", "expected"), SMUGGLED.values(), ids=SMUGGLED)
def test_what_go_reads(archive: bytes, expected: list[str], tmp_path: Path) -> None:
    members, findings = scan(archive + END, tmp_path)
    assert ([each.name for each in members], findings.errors) == (expected, [])


@pytest.mark.parametrize("at", [100, 108, 116, 136, 329, 337])
def test_any_number_that_is_none_refuses_the_archive(at: int, tmp_path: Path) -> None:
    header = member("n")
    header = checksummed(header[:at] + b"x" + header[at + 1 :])
    assert codes(scan(header + END, tmp_path)[1])[0] == ["bad-tar-header"]


@pytest.mark.parametrize("key", ["uid", "gid", "mtime", "atime", "ctime", "size"])
@pytest.mark.parametrize("value", ["x", "9" * 20, "9" * 5000, "-", "1.x", " 1", "1_0"])
def test_any_pax_number_that_is_none_refuses_the_archive(
    key: str, value: str, tmp_path: Path
) -> None:
    _, findings = scan(pax((key, value)) + member("n") + END, tmp_path)
    assert codes(findings)[0] == ["bad-tar-header"]


def test_links_have_no_data_whatever_size_they_state(tmp_path: Path) -> None:
    archive = member("l", kind=b"1", linkname="f", size=700) + member("f", b"data") + END
    members, findings = scan(archive, tmp_path)
    assert not findings.errors
    assert [each.name for each in members] == ["l", "f"]


def test_a_prefix_counts_only_where_posix_says_so(tmp_path: Path) -> None:
    archive = member("n", prefix="p") + member("o", prefix="junk", magic=b"ustar  \0")
    archive += member("v", prefix="junk", magic=bytes(8)) + END
    members, _ = scan(archive, tmp_path)
    assert [each.name for each in members] == ["p/n", "junk/o", "v"]  # no time: what Go 1.7 wrote


def test_base_256_sizes(tmp_path: Path) -> None:
    size = b"\x80" + (3).to_bytes(11, "big")
    members, findings = scan(member("n", b"abc", size=size) + END, tmp_path)
    assert (members[0].size, findings.found) == (3, [])


@pytest.mark.parametrize(
    "field",
    [b"0000003\0    ", b"          3 ", b"00000000003 ", b"3\0" + bytes(10), b"\0\0 00000003\0"],
)
def test_octal_as_old_writers_wrote_it(field: bytes, tmp_path: Path) -> None:
    members, findings = scan(member("n", b"abc", size=field) + END, tmp_path)
    assert (members[0].size, findings.found) == (3, [])


def test_signed_checksums_of_old_writers(tmp_path: Path) -> None:
    header = member("\u00fc\u00fc")
    signed = sum(b - 256 if b > 127 else b for b in header[:148] + b" " * 8 + header[156:])
    old = header[:148] + b"%06o\0 " % signed + header[156:]
    members, findings = scan(old + END, tmp_path)
    assert not findings.found
    assert members[0].name == "\u00fc\u00fc"


def test_a_member_of_more_than_8_gib(tmp_path: Path) -> None:
    """Its ustar size is zero and a PAX record has the real one; sparse on disk, never read."""
    size = (9 << 30) + 5
    path = tmp_path / "large.tar"
    with path.open("wb") as file:
        file.write(pax(("size", str(size))) + member("large", size=0))
        start = file.tell()
        file.seek(start + size + -size % BLOCK)
        file.write(member("after", b"x") + END)
    assert os.stat(path).st_blocks * 512 < 1 << 20
    members, findings = scan(path, tmp_path)
    assert not findings.found
    assert [(each.name, each.size) for each in members] == [("large", size), ("after", 1)]
    assert members[0].offset == start


def test_pax_names_count_for_one_member(tmp_path: Path) -> None:
    archive = pax(("path", LONG), ("mtime", "1.5")) + member("short", b"x") + member("next") + END
    members, findings = scan(archive, tmp_path)
    assert not findings.found
    assert [each.name for each in members] == [LONG, "next"]
    assert members[0].header == 0


def test_harmless_global_headers_pass(tmp_path: Path) -> None:
    archive = pax(("comment", "x"), kind=b"g") + member("n", b"x") + END
    members, findings = scan(archive, tmp_path)
    assert ([each.name for each in members], findings.errors) == (["n"], [])


def test_a_sparse_version_that_nobody_knows_is_a_plain_file(tmp_path: Path) -> None:
    archive = pax(("GNU.sparse.major", "1"), ("GNU.sparse.size", "9")) + member("s", b"x") + END
    members, _ = scan(archive, tmp_path)
    assert (members[0].type, members[0].size, members[0].sparse) == (MemberType.FILE, 1, None)


def test_what_looks_like_a_tar() -> None:
    assert looks_like_tar(member("n")[:512])
    assert looks_like_tar(bytes(512))
    assert looks_like_tar(checksummed(bytes(512)))
    assert not looks_like_tar(member("n")[:511])
    assert not looks_like_tar(b'{"a": 1}' + b" " * 600)
    assert not looks_like_tar(b"x" * 512)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.dictionaries(
        st.text("abc/\u00fc", min_size=1, max_size=150)
        .map(lambda name: name.strip("/"))
        .filter(bool),
        st.binary(max_size=1200),
        max_size=5,
    ),
    form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_all_that_tarfile_writes(files: dict[str, bytes], form: int, tmp_path: Path) -> None:
    archive = by_tarfile(files, form)
    members, findings = scan(archive, tmp_path)
    assert not findings.found
    read = {each.name: archive[each.offset : each.offset + each.size] for each in members}
    assert read == files
    assert padded(b"") == b""
