"""The readers of envelopes: strict, bounded, and in agreement with other writers."""

from __future__ import annotations

import base64
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout import limits
from oci_layout.signatures import bundle, cbor, cosign, notation, pem
from oci_layout.signatures.reading import base64_of, base64url_of
from oci_layout.signatures.statement import read_statement
from oci_layout.signatures.values import BadSignatureError
from tests.builders import notation as built
from tests.builders.image import go_json
from tests.command import environment

VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(0, 300) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(VALUES)
def test_cbor_is_read_as_it_was_written(value: Any) -> None:
    assert cbor.decode(built.cbor(value)) == value


@given(st.binary(max_size=300))
def test_cbor_and_bytes_are_written_alike(data: bytes) -> None:
    assert cbor.encode_array(cbor.encode_text("a"), cbor.encode_bytes(data)) == built.cbor(
        ["a", data]
    )


@given(st.binary(max_size=200))
def test_no_bytes_stop_a_reader(data: bytes) -> None:
    for read in (
        cbor.decode,
        bundle.read_bundle,
        lambda raw: bundle.read_attestation(raw, {}),
        lambda raw: cosign.read_payload(raw, {}),
        lambda raw: notation.read_envelope(raw, notation.JWS_TYPE),
        lambda raw: notation.read_envelope(raw, notation.COSE_TYPE),
        pem.certificates_of,
    ):
        try:
            read(data)
        except BadSignatureError:
            continue
        assert read is cbor.decode


@given(st.binary(min_size=1, max_size=50))
def test_base64_with_and_without_padding(data: bytes) -> None:
    padded = base64.b64encode(data).decode()
    assert base64_of(padded, "x") == base64_of(padded.rstrip("="), "x") == data
    assert base64url_of(base64.urlsafe_b64encode(data).decode(), "x") == data


@pytest.mark.parametrize("text", [None, "", "a b", "a\n", "\u00e4", "a", 5, "-_"])
def test_what_is_no_base64(text: object) -> None:
    with pytest.raises(BadSignatureError):
        base64_of(text, "x")


def test_cbor_is_bounded() -> None:
    for raw in (
        b"\x81" * 1_000_000 + b"\x01",
        b"\x9a\xff\xff\xff\xff" + bytes(100),
        b"\xa2\x01\x01\x01\x01",
        b"\xa1\x80\x01",
        b"\xf9\x00\x00",
        b"\x62\xff\xff",
        b"",
    ):
        with pytest.raises(BadSignatureError):
            cbor.decode(raw)


def test_a_statement_has_so_many_subjects() -> None:
    one = {"digest": {"sha256": "ab" * 32}}
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "x",
        "subject": [one] * (limits.STATEMENT_SUBJECTS + 1),
    }
    with pytest.raises(BadSignatureError, match="subjects"):
        read_statement(go_json(value))


def test_cryptography_is_loaded_with_a_key_alone() -> None:
    """The start of the command is what most calls of it cost."""
    code = (
        "import sys, oci_layout\n"
        "from oci_layout import verify, inspect\n"
        "verify('testdata/docker20.tar'); inspect('testdata/docker20.tar')\n"
        "assert 'oci_layout.signatures.values' not in sys.modules\n"
        "inspect('testdata/docker20.tar', provenance=True)\n"
        "sys.exit('cryptography' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
