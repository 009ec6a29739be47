"""Packing: deterministic, readable by others, and nothing said of time or place."""

from __future__ import annotations

import gzip
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_layout.mediatype import Compression
from oci_layout.streams.codecs import gzip as gzip_codec
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.pipeline import Pipeline
from tests.streams.packing import sniffed, unpack

DATA = b"some text, " * 50_000 + bytes(100_000)
TEXTS = ["gzip", *(f"gzip:{n}" for n in range(1, 10)), "zstd", "zstd:1", "zstd:7", "zstd:19"]


def packed(text: str, data: bytes = DATA, piece: int = 1 << 20) -> bytes:
    encoder = Encoding.parse(text).encoder()
    parts = [encoder.compress(data[at : at + piece]) for at in range(0, len(data), piece)]
    return b"".join([*parts, encoder.flush()])


@pytest.mark.parametrize("text", TEXTS)
def test_others_read_it_and_twice_is_the_same(text: str) -> None:
    result = packed(text)
    assert len(result) < len(DATA) / 20
    assert packed(text) == result
    kind = sniffed(result)
    assert text.startswith(kind)
    assert unpack(result, kind) == DATA
    if kind is Compression.GZIP:
        assert gzip.decompress(result) == DATA
    else:
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(result)) as reader:
            assert reader.read() == DATA


@pytest.mark.parametrize("text", TEXTS[:10])
def test_gzip_tells_neither_time_nor_name(text: str) -> None:
    head = packed(text)[:10]
    assert head[:4] == b"\x1f\x8b\x08\0"
    assert head[4:8] == bytes(4)


def test_none_is_the_bytes_themselves() -> None:
    assert packed("none") == DATA
    assert Encoding.parse("none").encoder_name == "none"


@pytest.mark.parametrize("text", ["gzip", "zstd"])
def test_nothing_packs_to_something_that_reads_as_nothing(text: str) -> None:
    result = packed(text, b"")
    assert unpack(result, sniffed(result)) == b""


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(["gzip", "gzip:6", "zstd"]), st.binary(max_size=2000))
def test_any_bytes(text: str, data: bytes) -> None:
    result = packed(text, data)
    assert unpack(result, Compression(text.partition(":")[0])) == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auto",
        "xz",
        "GZIP",
        "gzip:",
        "gzip:0",
        "gzip:10",
        "gzip:-1",
        "gzip:x",
        "gzip:1.5",
        "gzip: 1",
        "gzip:\u0661",
        "zstd:0",
        "zstd:20",
        "none:1",
        "gzip:1:2",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Encoding.parse(text)


def test_the_encoder_is_named_with_its_version_and_level() -> None:
    names = {Encoding.parse(text).encoder_name for text in TEXTS}
    assert len(names) >= len(TEXTS) - 2  # the defaults may be levels of the list
    assert all(any(char.isdigit() for char in name) for name in names)


def test_without_isal_zlib_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzip_codec, "isal_zlib", None)
    monkeypatch.setattr(gzip_codec, "igzip_lib", None)
    result = packed("gzip")
    assert "zlib" in Encoding.parse("gzip").encoder_name
    assert gzip.decompress(result) == DATA
    assert unpack(result * 2, Compression.GZIP, piece=1000, size=777) == DATA * 2


@pytest.mark.parametrize("text", ["gzip", "gzip:3", "gzip:6", "zstd", "zstd:1"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_bytes_do_not_depend_on_lanes_or_pieces(text: str, count: int) -> None:
    data = b"".join(number.to_bytes(3, "big") for number in range(1_000_000))
    alone = packed(text, data)
    with ThreadPoolExecutor(count) as executor:
        encoder = Encoding.parse(text).encoder(Pipeline(executor=executor, count=count))
        parts = [encoder.compress(data[at : at + 77_777]) for at in range(0, len(data), 77_777)]
        assert b"".join([*parts, encoder.flush()]) == alone
    assert unpack(alone, sniffed(alone)) == data
    if text.startswith("gzip"):
        assert gzip.decompress(alone) == data


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_gzip_at_the_edges_of_its_blocks(size: int) -> None:
    data = (b"0123456789abcdef" * 65536)[: (512 << 10) + size]
    assert gzip.decompress(packed("gzip", data)) == data
    assert packed("gzip", data) == packed("gzip", data, piece=1000)
