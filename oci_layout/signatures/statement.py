"""Statements of in-toto: what is said of which digests (in-toto/attestation, spec/v1/statement.md).

The version before it, 0.1, has the same fields.
"""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.signatures.reading import member, read_object, texts
from oci_layout.signatures.values import BadSignatureError

STATEMENT_TYPE = "application/vnd.in-toto+json"
# What cosign 3 writes into a bundle to sign an image: nothing is stated, the subject is signed.
SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
_VERSIONS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")

# cosign cmd/cosign/cli/options/predicate.go has the short words for types.
SHORT_TYPES = {
    "custom": ("https://cosign.sigstore.dev/attestation/v1",),
    "slsaprovenance": (
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/provenance/v1",
        "https://slsa.dev/provenance/v0.1",
    ),
    "slsaprovenance02": ("https://slsa.dev/provenance/v0.2",),
    "slsaprovenance1": ("https://slsa.dev/provenance/v1",),
    "spdx": ("https://spdx.dev/Document",),
    "spdxjson": ("https://spdx.dev/Document",),
    "cyclonedx": ("https://cyclonedx.org/bom",),
    "link": ("https://in-toto.io/Link/v1",),
    "vuln": ("https://cosign.sigstore.dev/attestation/vuln/v1",),
    "openvex": ("https://openvex.dev/ns",),
}


def is_of(predicate_type: str, wanted: str) -> bool:
    """Whether a type is the one that is asked for, by a short word or written out.

    Args:
        predicate_type: as a statement has it; some end in a version (``/v0.2.0``).
        wanted: what is asked for.
    """
    types = SHORT_TYPES.get(wanted, (wanted,))
    return any(predicate_type == each or predicate_type.startswith(f"{each}/") for each in types)


@attrs.frozen(kw_only=True, eq=False)
class Statement:
    """A statement.

    Args:
        digests: of its subjects, as ``algorithm:hex``.
        claims: annotations of its subjects, which cosign 3 writes.
        predicate_type: what kind of statement it is.
        predicate: what it says.
    """

    digests: tuple[str, ...]
    claims: dict[str, str]
    predicate_type: str
    predicate: Any


def read_statement(raw: bytes) -> Statement:
    """A statement out of its JSON.

    Raises:
        BadSignatureError: it is none.
    """
    value = read_object(raw, "the statement")
    if value.get("_type") not in _VERSIONS:
        raise BadSignatureError(f"a statement of the type {str(value.get('_type'))[:60]!r}")
    subjects = member(value, "subject", list, "the statement")
    if not subjects or len(subjects) > limits.STATEMENT_SUBJECTS:
        raise BadSignatureError(f"a statement of {plural(len(subjects), 'subject')}")
    digests: dict[str, None] = {}
    claims: dict[str, str] = {}
    for subject in subjects:
        if not isinstance(subject, dict) or not isinstance(subject.get("digest"), dict):
            raise BadSignatureError("a subject of the statement has no digest")
        for algorithm, text in subject["digest"].items():
            if isinstance(text, str):
                digests[f"{algorithm}:{text.lower()}"] = None
        claims |= texts(subject.get("annotations"))
    return Statement(
        digests=tuple(digests),
        claims=claims,
        predicate_type=member(value, "predicateType", str, "the statement"),
        predicate=value.get("predicate"),
    )
