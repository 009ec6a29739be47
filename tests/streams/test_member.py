"""Members give the same bytes wherever these lie."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout.errors import DamagedError
from oci_layout.streams.member import AssembledMember, BytesMember, FileMember, Member
from oci_layout.streams.reader import HeldFile, chunks

DATA = bytes(range(251)) * 1_200


def in_file(folder: Path) -> Member:
    path = folder / "file"
    path.write_bytes(b"before" + DATA + b"after")
    return FileMember("m", len(DATA), 6, lambda: (HeldFile(str(path)), True))


def in_memory(folder: Path) -> Member:
    return BytesMember.of("m", DATA)


def assembled(folder: Path) -> Member:
    return AssembledMember("m", len(DATA), lambda: io.BytesIO(DATA))


@pytest.mark.parametrize("make", [in_file, in_memory, assembled])
def test_bytes_are_those_of_the_member(make: Callable[[Path], Member], tmp_path: Path) -> None:
    member = make(tmp_path)
    reader = member.open()
    assert b"".join(chunks(reader)) == DATA
    reader.close()
    assert member.read(len(DATA)) == DATA
    assert member.head(512) == DATA[:512]
    assert member.head(1 << 20) == DATA
    assert member.tail(4) == DATA[-4:]
    assert member.stretch(100_000, 150_000) == DATA[100_000:250_000]


def test_only_a_file_of_its_own_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    whole = FileMember(
        "m", len(DATA), 0, lambda: (HeldFile(str(path)), True), store="s", path=str(path)
    )
    assert whole.alone is whole
    assert all(make(tmp_path).alone is None for make in (in_file, in_memory, assembled))


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1, 0])
def test_what_is_assembled_has_the_size_that_was_promised(size: int) -> None:
    member = AssembledMember("layer", size, lambda: io.BytesIO(DATA), store="the store")
    reader = member.open()
    with pytest.raises(DamagedError, match=f"has not the {size} bytes") as caught:
        list(chunks(reader))
    assert "layer" in str(caught.value)
