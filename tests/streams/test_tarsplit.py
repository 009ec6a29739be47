"""What an engine wrote down of a layer: a line says the same, at a glance and read as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.streams import tarsplit
from oci_layout.streams.tarsplit import SplitFile

BYTES = b'{"type":2,"payload":"AAECAw==","position":0}'
FILE = b'{"type":1,"name":"usr/bin/x","size":12,"payload":"AAECAwQFBgc=","position":1}'
LINES = [
    BYTES,
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


def agree(line: bytes) -> None:
    piece = tarsplit._piece(line)
    assert piece == tarsplit._piece_of_json(line)
    size = None if piece is None else piece.size if isinstance(piece, SplitFile) else len(piece)
    assert tarsplit._size(line) == size


@pytest.mark.parametrize("line", LINES)
def test_a_line_says_the_same(line: bytes) -> None:
    agree(line)


def test_what_it_says() -> None:
    assert tarsplit._piece(BYTES) == bytes(range(4))
    assert tarsplit._piece(FILE) == SplitFile("usr/bin/x", 12, bytes(range(8)))


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
