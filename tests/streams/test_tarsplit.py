"""What an engine wrote down of a layer: a line says the same, at a glance and read as JSON."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.errors import DamagedError
from oci_layout.streams import tarsplit
from oci_layout.streams.member import BytesMember
from oci_layout.streams.tarsplit import Record, SplitFile
from oci_layout.where import Where

BYTES = b'{"type":2,"payload":"AAECAw==","position":0}'
FILE = b'{"type":1,"name":"usr/bin/x","size":12,"payload":"AAECAwQFBgc=","position":1}'
EMPTY = b'{"type":1,"name":"usr/bin/","payload":null,"position":1}'
LINES = [
    BYTES,
    EMPTY,
    b'{"type":1,"name":"","payload":null,"position":1}',
    b'{"type":1,"name":"x","size":3,"payload":null,"position":1}',
    b'{"type":2,"payload":null,"position":0}',
    b'{"type":2,"payload":"AA\\/A","position":0}',
    b'{"type":2,"payload":"A\\"AA","position":0}',
    b'{"type":2,"payload":"AA==AA==","position":0}',
    b'{"type":2,"payload":"====","position":0}',
    FILE,
    b'{"type":2,"payload":"","position":0}',
    b'{"type":2,"payload":"AAE","position":0}',
    b'{"type":2,"payload":"A===","position":0}',
    b'{"type":2,"payload":"AA=A","position":0}',
    b'{"type":2,"position":0}',
    b'{"type":1,"name":"x","payload":"","position":3}',
    b'{"type":1,"name":"x","size":0,"payload":"AAECAwQFBgc=","position":3}',
    b'{"type":1,"name":"x","size":01,"payload":"AAECAwQFBgc=","position":3}',
    b'{"type":1,"name":"x","size":-1,"payload":"AAECAwQFBgc=","position":3}',
    b'{"type":1,"name":"a\\u0026b","size":3,"payload":"AAECAwQFBgc=","position":3}',
    b'{"type":1,"name":"\xc3\xa9","size":3,"payload":"AAECAwQFBgc=","position":3}',
    b'{"type":1,"name_raw":"/w==","size":3,"payload":"AAECAwQFBgc=","position":3}',
    b'{"type":1,"name":"x","size":3,"payload":"AAECAwQFBg==","position":3}',
    b'{"type":3,"payload":"AAAA","position":0}',
    b' {"type":2,"payload":"AAAA","position":0}',
    b"{}",
    b"[]",
    b"",
    b"nothing",
]


def record(line: bytes) -> Record:
    data = gzip.compress(line + b"\n")
    member = BytesMember.of("tar-split.json.gz", data)
    return Record(open=member.open, where=Where(member=member.name))


def agree(line: bytes) -> None:
    """It is the same whether it is measured, read at a glance, or read as JSON."""
    expected = tarsplit._piece_of_json(line)
    if expected is None:
        with pytest.raises(DamagedError, match="line 1 is none of tar-split's"):
            list(record(line).pieces())
        with pytest.raises(DamagedError, match="line 1 is none of tar-split's"):
            record(line).measure(lambda _: None)
        return
    assert list(record(line).pieces()) == ([expected] if expected else [])
    size = expected.size if isinstance(expected, SplitFile) else len(expected)
    counts: list[int] = []
    assert record(line).measure(counts.append) == size
    assert counts == [1 if size else 0]


@pytest.mark.parametrize("line", LINES)
def test_a_line_says_the_same(line: bytes) -> None:
    agree(line)


def test_what_it_says() -> None:
    lines = b"\n".join([BYTES, EMPTY, FILE])
    assert list(record(lines).pieces()) == [
        bytes(range(4)),
        SplitFile("usr/bin/x", 12, bytes(range(8))),
    ]


@pytest.mark.parametrize("bad", [b"", b"{}", b'{"type":2,"payload":"A\nA="}', BYTES + BYTES])
@pytest.mark.parametrize("before", [0, 1, 3_000])
def test_the_line_that_is_none_is_named(bad: bytes, before: int) -> None:
    """However many lines are taken apart at a time."""
    made = record(b"\n".join([*[BYTES, EMPTY, FILE] * before, bad, *[FILE] * 1_000]))
    told = f"line {3 * before + 1} is none of tar-split's"
    with pytest.raises(DamagedError, match=told):
        list(made.pieces())
    with pytest.raises(DamagedError, match=told):
        made.measure(lambda _: None)


def test_a_last_line_without_an_end() -> None:
    data = gzip.compress(BYTES + b"\n" + FILE)
    member = BytesMember.of("tar-split.json.gz", data)
    made = Record(open=member.open, where=Where())
    assert made.measure(lambda _: None) == 4 + 12
    assert len(list(made.pieces())) == 2


@given(
    st.integers(0, 3),
    st.text(max_size=12),
    st.integers(-2, 1 << 62),
    st.text("AB/+=", max_size=13),
    st.booleans(),
)
def test_any_line(kind: int, name: str, size: int, payload: str, narrow: bool) -> None:
    value = {"type": kind, "name": name, "size": size, "payload": payload, "position": 7}
    if kind == 2:
        del value["name"], value["size"]
    separators = (",", ":") if narrow else None
    agree(json.dumps(value, separators=separators, ensure_ascii=False).encode())


@given(st.integers(0, len(FILE) - 1), st.integers(0, 255))
def test_a_byte_of_a_line_changed(at: int, byte: int) -> None:
    agree(FILE[:at] + bytes([byte]) + FILE[at + 1 :])
