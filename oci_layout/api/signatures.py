"""What is asked of signatures, out of a request: its files read, its options held together."""

from __future__ import annotations

import datetime
import importlib.util
from typing import TYPE_CHECKING

from oci_layout.api.words import read_named
from oci_layout.errors import UsageError
from oci_layout.extras import how_to_install
from oci_layout.limits import TRUST_FILE_BYTES
from oci_layout.verification.request import Verify

if TYPE_CHECKING:
    from oci_layout.signatures.trust import Keyless
    from oci_layout.verification.signed import Asked


def files_of_trust(asked: Verify) -> tuple[str, ...]:
    """The files that are read to know what is trusted."""
    root = () if asked.trusted_root is None else (asked.trusted_root,)
    return (*asked.keys, *asked.crls, *root)


def signatures_of(asked: Verify) -> Asked | None:
    """What is asked of signatures; None where nothing is.

    Raises:
        UsageError: an option lacks another, a file has no key, a package is missing.
    """
    if not asked.keys and asked.trusted_root is None:
        _refuse_lone(asked)
        return None
    if asked.output is not None and not asked.attestation:
        raise UsageError(what="--output writes what an attestation states: name its --attestation")
    if importlib.util.find_spec("cryptography") is None:
        raise UsageError(
            what="--key needs the package cryptography", hint=how_to_install("signatures")
        )
    try:
        from oci_layout.signatures.trust import trust_of  # noqa: PLC0415  an optional extra
        from oci_layout.verification.signed import Asked  # noqa: PLC0415  likewise
    except ImportError as error:
        raise UsageError(
            what="--key needs version 45 or later of the package cryptography",
            hint=how_to_install("signatures"),
        ) from error

    trust = trust_of(
        {path: read_named(path, TRUST_FILE_BYTES) for path in asked.keys},
        {path: read_named(path, TRUST_FILE_BYTES) for path in asked.crls},
        now=datetime.datetime.now(datetime.timezone.utc),
        keyless=_keyless(asked),
        identity=(asked.identity or "") if asked.trusted_root is None else "",
        level=asked.trust_level,
    )
    return Asked(
        trust=trust,
        require=asked.require_signature,
        type=asked.signature,
        claims=_claims(asked),
        attestation=asked.attestation or "",
    )


def _refuse_lone(asked: Verify) -> None:
    """Refuse options that mean nothing without a key."""
    for name, value in (
        ("--require-signature", asked.require_signature),
        ("--signature", asked.signature),
        ("--claim", asked.claims),
        ("--crl", asked.crls),
        ("--identity", asked.identity),
        ("--issuer", asked.issuer),
        ("--attestation", asked.attestation),
        ("--output", asked.output),
    ):
        if value:
            raise UsageError(
                what=f"{name} needs --key FILE", hint="or --trusted-root, where a sigstore signed"
            )


def _keyless(asked: Verify) -> Keyless | None:
    if asked.trusted_root is None:
        if asked.issuer is not None:
            raise UsageError(what="--issuer goes with --trusted-root")
        return None
    if not asked.identity or not asked.issuer:
        raise UsageError(
            what="--trusted-root needs --identity and --issuer",
            hint="without them anybody who has an account could have signed",
        )
    from oci_layout.signatures import keyless  # noqa: PLC0415  an optional extra
    from oci_layout.signatures.trust import Keyless  # noqa: PLC0415  likewise

    if not keyless.available():
        raise UsageError(
            what="--trusted-root needs the package sigstore", hint=how_to_install("keyless")
        )
    read_named(asked.trusted_root, TRUST_FILE_BYTES)
    return Keyless(root=asked.trusted_root, identity=asked.identity, issuer=asked.issuer)


def _claims(asked: Verify) -> dict[str, str]:
    found = {}
    for text in asked.claims:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(what=f"--claim: {text[:100]!r} is not KEY=VALUE")
        found[key] = value
    return found
