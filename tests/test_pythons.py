"""What newer versions of Python have themselves: the same on each."""

from __future__ import annotations

import base64
import enum
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.mediatype import Compression
from oci_layout.pythons import StrEnum, base64_bytes, base64_quickly


def test_a_word_is_a_text_wherever_one_is() -> None:
    word = Compression.GZIP
    assert (str(word), f"{word}", f"{word:>6}", "%s" % word) == ("gzip", "gzip", "  gzip", "gzip")  # noqa: UP031
    assert word == "gzip"
    assert json.dumps({word: word}) == '{"gzip": "gzip"}'
    assert ",".join(Compression) == "none,gzip,zstd,bzip2,xz"
    assert Compression("gzip") is word is pickle.loads(pickle.dumps(word))  # noqa: S301
    assert issubclass(StrEnum, enum.Enum)


@given(st.binary(max_size=20))
def test_base64_is_read(data: bytes) -> None:
    text = base64.b64encode(data)
    assert base64_bytes(text.decode()) == base64_quickly(text) == data


@pytest.mark.parametrize(
    "text",
    ["Y", "YQ", "YQ=", "YQ===", "YWFh=", "YWFh==", "YWFh====", "=", "==", "====", "=YQ=", "Y=Q=",
     "YQ==YQ==", "YW\nFh", "YQ==\n", "YW-_", "YWF!", "YWFé"],
)  # fmt: skip
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        base64_bytes(text)
    with pytest.raises(ValueError, match=r"."):
        base64_quickly(text.encode())
