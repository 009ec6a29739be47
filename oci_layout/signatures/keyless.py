"""Bundles that were signed without a key: a certificate of some minutes, and a log that saw it.

The library of sigstore's own does all of it (certificate, log, times), against a trusted root in a
file; it asks no network where the root is given. Imports ``sigstore``, an optional extra.
"""

from __future__ import annotations

import importlib.util

from oci_layout.signatures.trust import Keyless


def available() -> bool:
    """Whether such bundles can be checked here."""
    return importlib.util.find_spec("sigstore") is not None


def verify_bundle(
    bundle: bytes, keyless: Keyless, *, certificate: bytes, document: bytes | None
) -> str:
    """Check a bundle; why it does not hold, or an empty text.

    Two readers could find two certificates in one bundle, so it must be the one that is known here
    to have signed what is read here.

    Args:
        bundle: its JSON.
        keyless: the trusted root, and who must have signed.
        certificate: DER of the one that signed.
        document: what was signed; None where the bundle has it inside.
    """
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  an extra
    from sigstore.errors import Error  # noqa: PLC0415  takes a second
    from sigstore.models import Bundle, TrustedRoot  # noqa: PLC0415  likewise
    from sigstore.verify import Verifier, policy  # noqa: PLC0415  likewise

    try:
        read = Bundle.from_json(bundle)
        verifier = Verifier(trusted_root=TrustedRoot.from_file(keyless.root))
        who = policy.Identity(identity=keyless.identity, issuer=keyless.issuer)
        if document is None:
            verifier.verify_dsse(read, who)
        else:
            verifier.verify_artifact(document, read, who)
        if read.signing_certificate.public_bytes(Encoding.DER) != certificate:
            return "the bundle has more than one certificate"
    except (Error, ValueError) as error:
        return f"the certificate of a sigstore does not hold: {str(error)[:200]}"
    return ""
