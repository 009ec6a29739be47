"""Which signatures count, how much of one is enforced, and how much is only told.

notaryproject trust-store-trust-policy.md, "Signature Verification details": integrity is enforced
by every level but ``skip``.
"""

from __future__ import annotations

import enum

from oci_layout.pythons import StrEnum


class SignatureType(StrEnum):
    """Who writes such signatures."""

    COSIGN = "cosign"
    BUNDLE = "bundle"
    NOTATION = "notation"


class Level(StrEnum):
    """Levels of Notation's trust policy."""

    STRICT = "strict"
    PERMISSIVE = "permissive"
    AUDIT = "audit"
    SKIP = "skip"


class Check(enum.Enum):
    """What can be wrong with a signature whose bytes hold."""

    AUTHENTICITY = "authenticity"
    TIME = "authentic timestamp"
    EXPIRY = "expiry"
    REVOCATION = "revocation"


_ENFORCED: dict[Level, frozenset[Check]] = {
    Level.STRICT: frozenset(Check),
    Level.PERMISSIVE: frozenset({Check.AUTHENTICITY}),
    Level.AUDIT: frozenset(),
    Level.SKIP: frozenset(),
}


def enforced(level: Level, check: Check) -> bool:
    """Whether a failed check makes the signature fail, and is not only told."""
    return check in _ENFORCED[level]
