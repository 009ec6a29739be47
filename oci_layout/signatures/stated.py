"""All that a graph's attestations state, signed or not, with what each is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.graph.nodes import Artifact, Root
from oci_layout.graph.walk import attached_to, walk
from oci_layout.signatures.attached import Allowance, attached, statements
from oci_layout.signatures.reading import read_object
from oci_layout.signatures.values import BadSignatureError


@attrs.frozen(kw_only=True, eq=False)
class Stated:
    """One statement.

    Args:
        of: digests of what it is about, as far as that is said.
        type: of its predicate.
        predicate: what it says.
        signed: whether it stands in a signed envelope, which nobody has checked here.
    """

    of: tuple[str, ...]
    type: str
    predicate: Any
    signed: bool


# SBOMs that lie beside an image as they are (cosign specs/SBOM_SPEC.md; oras attach).
_BARE = {
    "application/spdx+json": "https://spdx.dev/Document",
    "text/spdx+json": "https://spdx.dev/Document",
    "application/vnd.cyclonedx+json": "https://cyclonedx.org/bom",
}


def stated(roots: Sequence[Root]) -> Iterator[Stated]:
    """Every statement of some roots; what cannot be read is passed over.

    Args:
        roots: whose artifacts are looked at, as many as ``ATTACHED_SIGNATURES``.
    """
    number, allowance = 0, Allowance()
    seen: set[str] = set()
    for root in roots:
        for node in walk(root.node):
            if not isinstance(node, Artifact) or str(node.descriptor.digest) in seen:
                continue
            seen.add(str(node.descriptor.digest))
            about = tuple(sorted(attached_to(node)))
            for each in statements(node, allowance):
                yield Stated(
                    of=about or each.digests,
                    type=each.predicate_type,
                    predicate=each.predicate,
                    signed=False,
                )
            yield from _bare(node, about, allowance)
    for at in attached(roots):
        number += 1
        if number > limits.ATTACHED_SIGNATURES:
            return
        try:
            signed = at.read(allowance)
        except BadSignatureError:
            continue
        if signed.attestation:
            of = (at.of,) if at.of else signed.names
            yield Stated(of=of, type=signed.predicate_type, predicate=signed.predicate, signed=True)


def _bare(node: Artifact, about: tuple[str, ...], allowance: Allowance) -> Iterator[Stated]:
    for descriptor, member in node.blobs:
        kind = _BARE.get(descriptor.media_type)
        if kind is None or member is None:
            continue
        try:
            allowance.spend(member.size)
            value = read_object(member.read(limits.DOCUMENT_BYTES), "the SBOM")
        except (DamagedError, BadSignatureError):
            continue
        yield Stated(of=about, type=kind, predicate=value, signed=False)
