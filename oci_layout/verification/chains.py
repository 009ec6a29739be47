"""What came of an image's signatures, as values of the report. No cryptography here."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.platform import Platform

SAME_IMAGE_ID = "same image ID as signed"


@attrs.frozen(kw_only=True)
class Link:
    """One step from a key to bytes.

    Args:
        step: ``key``, ``signature``, ``index``, ``manifest``, ``config and layers``, ``bytes``;
            of an original ``index as signed``, ``manifest as signed``, ``config``, ``diff_ids``.
        what: the file, name or digest that it is.
        verdict: ``trusted``, ``holds``, ``damaged``, ``missing`` or ``not read``.
    """

    step: str
    what: str
    verdict: str


@attrs.frozen(kw_only=True)
class Chain:
    """One image, and what signs it.

    Args:
        image: its name, or digest.
        platform: it runs on; None where that is not known.
        manifest: digest; None where there is none.
        verdict: ``signed``, ``same image ID as signed`` (its original is), ``not signed`` or
            ``damaged``.
        type: of the signature; None without one.
        by: whose key, certificate or identity signed; None without.
        claims: that were signed along.
        links: from the key to the bytes; none without a signature that holds.
        original: digest of the manifest that is signed, where that is one of before a conversion.
    """

    image: str
    platform: Platform | None
    manifest: Digest | None
    verdict: str
    type: str | None = None
    by: str | None = None
    claims: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    original: Digest | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "image": self.image,
            "platform": str(self.platform) if self.platform is not None else None,
            "manifest": str(self.manifest) if self.manifest is not None else None,
            "verdict": self.verdict,
            "original": str(self.original) if self.original is not None else None,
            "type": self.type,
            "by": self.by,
            "claims": dict(self.claims),
            "links": [attrs.asdict(link) for link in self.links],
        }


@attrs.frozen(kw_only=True)
class Attestation:
    """An attestation that holds.

    Args:
        image: digest of what it is about.
        type: of its predicate.
        by: who signed it, or the index that it stands in.
        predicate: what it says.
    """

    image: str
    type: str
    by: str
    predicate: Any

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, without what it says."""
        return {"image": self.image, "type": self.type, "by": self.by}
