"""Digests: what is one, what is not, and the path that only a digest makes."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.digest import Digest, InvalidDigestError, QuotedDigest

HEX = "0123456789abcdef" * 4
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_of_what_is_left_of_a_file() -> None:
    data = bytes(range(256)) * 3000
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    assert Digest.of_file(file, "sha512") == Digest.of(data, "sha512")
    assert str(Digest.of_file(file)) == f"sha256:{EMPTY}"


@pytest.mark.parametrize("text", [f"sha256:{HEX}", f"sha512:{HEX * 2}", f"sha256:{'0' * 64}"])
def test_valid(text: str) -> None:
    digest = Digest.parse(text)
    assert str(digest) == text
    assert digest.blob_path == "blobs/" + text.replace(":", "/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"SHA256:{HEX}",
        f"sha256:{HEX[:-1]}g",
        f"sha256:{HEX}\n",
        f" sha256:{HEX}",
        f"sha256 :{HEX}",
        f"sha256:{HEX[:-3]}/..",
        f"sha256:{'../' * 21}x",
        f"sha256:{HEX[:-1]}\0",
        f"sha256:sha256:{HEX}",
        f"sha256-{HEX}",
        f"sha256/{HEX}",
        f"sha512:{HEX}",
        f"sha256:{HEX * 2}",
        f"sha384:{HEX}{HEX[:32]}",
        f"md5:{HEX[:32]}",
        f"../sha256:{HEX}",
        f"sha256+b64:{HEX}",
        HEX,
        f"sha256:{HEX[:-1]}\u0660",  # a digit, to str.isdigit
        f"sha256:{HEX[:-1]}\uff11",
    ],
)
def test_invalid(text: str) -> None:
    with pytest.raises(InvalidDigestError):
        Digest.parse(text)


def test_an_algorithm_that_is_not_registered_is_named() -> None:
    with pytest.raises(InvalidDigestError, match=r"blake3.*not supported"):
        Digest.parse(f"blake3:{HEX}")


def test_a_message_does_not_repeat_endless_text() -> None:
    with pytest.raises(InvalidDigestError) as caught:
        Digest.parse("sha256:" + "a" * 1_000_000)
    assert len(str(caught.value)) < 500


def test_of_bytes() -> None:
    assert str(Digest.of(b"")) == f"sha256:{EMPTY}"
    assert Digest.of(b"x", "sha512").hex == hashlib.sha512(b"x").hexdigest()
    assert Digest.of(b"").short == EMPTY[:12]


def test_equal_and_ordered() -> None:
    digests = {Digest.of(b"a"), Digest.of(b"a"), Digest.of(b"b")}
    assert len(digests) == 2
    assert sorted(digests) == sorted(digests, key=str)


@given(st.text(max_size=200))
def test_any_text_is_a_digest_or_refused(text: str) -> None:
    try:
        digest = Digest.parse(text)
    except InvalidDigestError:
        return
    assert str(digest) == text


@given(st.binary(max_size=100), st.sampled_from(["sha256", "sha512"]))
def test_parse_reads_what_of_makes(data: bytes, algorithm: str) -> None:
    digest = Digest.of(data, algorithm)
    assert Digest.parse(str(digest)) == digest
    assert digest.blob_path.count("/") == 2
    assert ".." not in digest.blob_path


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        ("sha256:9b106d81954b", "sha256"),
        ("9b106d81954b", ""),
        ("sha256:9b106d81954b...", "sha256"),
        ("9b106d8", ""),
        (f"sha256:{'9b106d81954b':0<64}", "sha256"),
    ],
)
def test_what_is_printed_can_be_pasted_back(text: str, algorithm: str) -> None:
    quoted = QuotedDigest.parse(text)
    assert quoted is not None
    assert quoted.algorithm == algorithm
    digest = Digest("sha256", f"{'9b106d81954b':0<64}")
    assert quoted.means(digest)
    assert not quoted.means(Digest("sha256", "0" * 64))
    assert quoted.means(Digest("sha512", f"{'9b106d81954b':0<128}")) is (not algorithm)


@pytest.mark.parametrize(
    "text", ["", "hello:1", "9b106", "sha256:", "SHA256:9b106d8", "9B106D8", "md5:9b106d8"]
)
def test_what_is_no_digest(text: str) -> None:
    assert QuotedDigest.parse(text) is None
