"""Signatures that notation itself made: what its own tests call valid holds, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from oci_layout import verify
from oci_layout.finding import Findings
from oci_layout.signatures.attached import Allowance, attached
from oci_layout.signatures.values import BadSignatureError
from oci_layout.source.opening import open_source
from tests.builders.notation import authority, pem
from tests.shared import needs_shared, sample_path, samples

# By the name of the sample; a timestamp is not looked at, so those certificates are out of date.
EXPECTED = {
    "e2e-valid-signature": "signature-valid",
    "e2e-valid-multiple-signatures": "signature-valid",
    "e2e-expired-signature": "signature-expired",
    "e2e-with-expired-cert": "certificate-expired",
    "e2e-with-timestamped-signature": "certificate-expired",
    "e2e-with-invalid-timestamped-signature": "certificate-expired",
    "e2e-invalid-signature": "",
}
SAMPLES = [
    pytest.param(row, EXPECTED[name], id=row["rel"])
    for row in samples()
    if (name := row["rel"].rpartition("/")[2]) in EXPECTED
] or [pytest.param({}, "", id="absent", marks=needs_shared)]


def roots_in(source: Path) -> bytes:
    """The last certificate of the first envelope: the one that notation's tests trust."""
    with open_source(str(source), findings=Findings()) as opened:
        for each in attached(opened.roots):
            try:
                der = each.read(Allowance()).proofs[0].chain[-1]
            except BadSignatureError:
                continue
            return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    return b""


@needs_shared
@pytest.mark.parametrize(("row", "code"), SAMPLES)
def test_what_notation_signed(row: dict[str, Any], code: str, tmp_path: Path) -> None:
    source = sample_path(row, tmp_path / "sample")
    key = tmp_path / "root.pem"
    key.write_bytes(roots_in(source) or pem(authority()))
    report = verify(str(source), keys=[str(key)], require_signature=True, jobs=1)
    found = {finding.code for finding in report.findings}
    # Of the signature that is broken, one sample has the envelope and another has not.
    assert found & ({code} if code else {"bad-signature", "signature-missing"})
    assert report.failed == (code != "signature-valid")
    assert report.chains is not None
    assert ("signed" in {chain.verdict for chain in report.chains}) == (not report.failed)
