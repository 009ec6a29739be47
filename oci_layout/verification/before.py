"""Signatures of what images were before they were converted. Imports ``cryptography``."""

from __future__ import annotations

from collections.abc import Sequence

from oci_layout import limits
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node
from oci_layout.graph.referrers import spellings
from oci_layout.signatures.checking import Checked, check
from oci_layout.signatures.trust import Trust
from oci_layout.signatures.values import Signed
from oci_layout.verification.originals import Known


class Before:
    """What images, and the indexes above them, were before they were converted.

    Args:
        known: of the source.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self.here: dict[str, str] = {}  # digests in each spelling, and in full
        self.documents: dict[str, bytes] = {}
        self._stand: dict[str, set[str]] = {}

    def add(self, node: Node, digests: Sequence[str]) -> None:
        """Take what is kept of an image.

        Args:
            node: the image, if it is one.
            digests: its own, and those of the indexes above it as they are.
        """
        for original in self._known.originals.of(node):
            for before, raw in original.documents.items():
                self.here |= dict.fromkeys(spellings(before), str(before))
                self.documents[str(before)] = raw
                for digest in digests[:1] if before == original.digest else digests:
                    self._stand.setdefault(digest, set()).add(str(before))

    def of(self, digest: str) -> set[str]:
        """Digests of what something was, an image or an index, that has another digest now."""
        return self._stand.get(digest, set())

    def checked(
        self, signed: Signed, trust: Trust, document: bytes | None, place: str
    ) -> tuple[Checked, str]:
        """What came of a signature, and of what it is, where it does not say so itself.

        Args:
            signed: as read.
            trust: what is trusted.
            document: the manifest or index that it stands with; None where that is not there.
            place: its digest.
        """
        first = check(signed, trust, document)
        kept = [] if signed.names or not first.code else sorted(self.of(place))
        for before in kept[: limits.ORIGINAL_INDEXES]:
            found = check(signed, trust, self.documents[before])
            if not found.code:
                return found, before
        return first, place

    def names(self, node: Node, *, proved: bool = False) -> list[str]:
        """Digests of what an image was.

        Args:
            node: the image, if it is one.
            proved: without those of which it may hold other layers.
        """
        originals = [
            each
            for each in self._known.originals.of(node)
            if not proved or not self._known.unproved(each, node)
        ]
        return [str(digest) for each in originals for digest in each.documents]


def document_of(node: Node) -> bytes | None:
    """The bytes of a node's manifest or index; None where there is none.

    Args:
        node: an image, an index or an artifact.
    """
    if isinstance(node, ImageIndex):
        return node.index.raw
    if isinstance(node, Image):
        signed = node.schema1 or node.manifest
        return signed.raw if signed is not None else None
    return node.manifest.raw if isinstance(node, Artifact) else None
