"""Readers: regular files only, never beyond their stretch, counted and hashed on the way."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from pathlib import Path

import pytest

from oci_layout.digest import Digest
from oci_layout.errors import DamagedError, NotAnImageError, ReadError
from oci_layout.streams.member import FileMember
from oci_layout.streams.reader import Digester, ExtentReader, HeldFile, Metered, chunks
from tests.streams.packing import Bytes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    return file


def whole(held: HeldFile, offset: int, size: int) -> FileMember:
    return FileMember("m", size, offset, lambda: (held, False))


def test_a_held_file_is_read_by_offset(path: Path) -> None:
    with HeldFile(str(path)) as held:
        assert held.size == 10
        assert held.pread(3, 4) == b"456"
        assert held.pread(99, 8) == b"89"
        assert held.pread(1, 10) == b""
    held.close()


def test_a_link_to_a_regular_file_is_followed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with HeldFile(str(link)) as held:
        assert held.pread(1, 0) == b"0"


def test_nothing_but_a_regular_file_is_opened(tmp_path: Path) -> None:
    fifo, sock = tmp_path / "fifo", tmp_path / "sock"
    os.mkfifo(fifo)  # opening it to read would wait for a writer forever
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(sock))
        for odd in (fifo, sock, tmp_path, Path("/dev/null"), tmp_path / "absent"):
            with pytest.raises((NotAnImageError, ReadError)) as caught:
                HeldFile(str(odd))
            assert str(odd) in str(caught.value)


def test_a_stretch_is_never_left(path: Path) -> None:
    with HeldFile(str(path)) as held:
        reader = ExtentReader(held, 2, 5)
        assert reader.read(3) == b"234"
        assert reader.read(99) == b"56"
        assert reader.read(99) == b""


def test_a_file_that_shrank_is_found_out(path: Path) -> None:
    with HeldFile(str(path)) as held:
        reader = ExtentReader(held, 5, 10)
        assert reader.read(99) == b"56789"
        with pytest.raises(DamagedError) as caught:
            reader.read(99)
        assert caught.value.code == "truncated"


def test_a_member_is_read_within_a_limit(path: Path) -> None:
    with HeldFile(str(path)) as held:
        assert whole(held, 1, 4).read(4) == b"1234"
        assert whole(held, 1, 4).head(2) == b"12"
        with pytest.raises(DamagedError) as caught:
            whole(held, 1, 4).read(3)
        assert caught.value.code == "document-too-large"


def test_a_member_can_be_open_twice(path: Path) -> None:
    with HeldFile(str(path)) as held:
        one, two = whole(held, 0, 10).open(), whole(held, 5, 5).open()
        assert (one.read(2), two.read(2), one.read(2)) == (b"01", b"56", b"23")


def test_an_owned_file_is_closed_with_its_reader(path: Path) -> None:
    held = HeldFile(str(path))
    reader = FileMember("m", 10, 0, lambda: (held, True)).open()
    reader.close()
    with pytest.raises((OSError, NotAnImageError)):
        os.fstat(held.fd)


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_what_passes_is_counted_hashed_and_handed_on(algorithm: str, threaded: bool) -> None:
    data = bytes(range(256)) * 50
    passed: list[bytes] = []
    with Digester(algorithm, passed.append, threaded=threaded) as digester:
        reader = Metered(Bytes(data, 1000), digester)
        assert b"".join(chunks(reader, 700)) == data
        assert str(digester.digest) == f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    assert b"".join(passed) == data
    assert digester.size == len(data)


def test_what_a_thread_aside_meets_is_raised_where_the_digest_is_asked_for() -> None:
    def refuse(data: bytes) -> None:
        raise OSError(28, "no space")

    def feed(digester: Digester) -> Digest:
        for _ in range(100):  # more than may be on their way: the feeder must not wait for ever
            digester.feed(b"x")
        return digester.digest

    with Digester(tee=refuse, threaded=True) as digester, pytest.raises(OSError, match="no space"):
        feed(digester)
    assert not any("stage" in thread.name for thread in threading.enumerate())
