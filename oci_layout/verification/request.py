"""What may be asked of ``verify``."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout import option
from oci_layout.option import Working
from oci_layout.pythons import StrEnum
from oci_layout.signatures.policy import Level, SignatureType


class Depth(StrEnum):
    """How deep to look."""

    FULL = "full"
    DIGESTS = "digests"
    QUICK = "quick"


@attrs.frozen(kw_only=True)
class Verify(Working):
    """What may be asked of ``verify``."""

    check: Depth = option.word(
        Depth,
        Depth.FULL,
        "full; digests: stored bytes only, diff_ids are believed; quick: documents, names, sizes.",
    )
    expect: Sequence[str] = option.texts(
        "Image ID or manifest digest that must be inside.", "DIGEST"
    )
    sums: str | None = option.text("Write sums of all files, for sha256sum -c.", "FILE")
    against: str | None = option.text("Check all files against such sums.", "FILE")
    trusted_keys: Sequence[str] = option.texts(
        "Key that must have signed schema 1 manifests.", "FILE", "--trusted-key"
    )
    keys: Sequence[str] = option.texts(
        "Public key, certificate or bundle of authorities that images are signed by.",
        "FILE",
        "--key",
    )
    require_signature: bool = option.flag("An image that nothing signs is an error.")
    signature: SignatureType | None = option.word(
        SignatureType, None, "Count signatures of this type only."
    )
    claims: Sequence[str] = option.texts(
        "What must be signed along, an annotation of cosign sign.", "KEY=VALUE", "--claim"
    )
    crls: Sequence[str] = option.texts("List of revoked certificates.", "FILE", "--crl")
    identity: str | None = option.text("Whom the certificate of the signer must name.", "TEXT")
    issuer: str | None = option.text("Who vouched for that, with --trusted-root.", "URL")
    trusted_root: str | None = option.text("Trusted root of a sigstore.", "FILE")
    trust_level: Level = option.word(
        Level, Level.STRICT, "How much of a certificate is enforced, as Notation has it."
    )
    attestation: str | None = option.text(
        "Each image must have a signed attestation of this type.", "TYPE"
    )
    output: str | None = option.text(
        "Write what the attestations state there, - for standard output.",
        "FILE",
        "--output",
        "-o",
    )
    limit: int | None = option.size("What layers may grow to past 200 times; default 8G.")
    limit_memory: int | None = option.size("Memory to unpack one layer in; default 128M.")
