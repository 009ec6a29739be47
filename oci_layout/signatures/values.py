"""What a signature says and what proves it, whichever tool wrote it. No cryptography yet."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout.signatures.policy import SignatureType


class BadSignatureError(ValueError):
    """What should be a signature cannot be read as one."""


@attrs.frozen(kw_only=True, eq=False)
class Proof:
    """One signature over one message.

    Args:
        signature: its bytes.
        message: what was signed; None for the document of the image itself.
        algorithms: of JOSE, that it may be of; empty for whatever goes with the key.
        hint: base64 of the sha256 of the public key that is said to have made it, or empty.
        chain: DER certificates that it carries, the signer's first.
        raw_ecdsa: whether ECDSA's two numbers stand side by side (JOSE, COSE), and not in DER.
    """

    signature: bytes
    message: bytes | None
    algorithms: tuple[str, ...] = ()
    hint: str = ""
    chain: tuple[bytes, ...] = ()
    raw_ecdsa: bool = False


@attrs.frozen(kw_only=True, eq=False)
class Signed:
    """What one signature object says.

    Args:
        type: who writes such.
        names: digests that it is of; none where the document itself is what was signed.
        proofs: signatures, one of which is enough.
        claims: free text that is signed along.
        predicate_type: of an attestation; empty for a plain signature.
        predicate: what an attestation says.
        expires: after which the signer does not stand by it; None for never.
        bundle: a sigstore bundle as it lies, for who reads all of it.
    """

    type: SignatureType
    names: tuple[str, ...]
    proofs: tuple[Proof, ...]
    claims: Mapping[str, str] = attrs.field(factory=dict)
    predicate_type: str = ""
    predicate: Any = None
    expires: datetime.datetime | None = None
    bundle: bytes = b""

    @property
    def attestation(self) -> bool:
        """Whether it states something about an image, and does not just sign it."""
        return bool(self.predicate_type)
