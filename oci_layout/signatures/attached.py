"""Where signatures are in a graph: which artifact holds one, and what it stands with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.graph.nodes import Artifact, Root
from oci_layout.graph.referrers import tagged_digest
from oci_layout.graph.walk import walk
from oci_layout.model.descriptor import Descriptor
from oci_layout.signatures import bundle, cosign, dsse, notation
from oci_layout.signatures.policy import SignatureType
from oci_layout.signatures.statement import STATEMENT_TYPE, Statement, read_statement
from oci_layout.signatures.values import BadSignatureError, Signed
from oci_layout.streams.member import Member


class Allowance:
    """How many bytes of signatures of one source have been read."""

    def __init__(self) -> None:
        self._spent = 0

    def spend(self, size: int) -> None:
        """Count what is to be read.

        Raises:
            BadSignatureError: it is too much for one source.
        """
        self._spent += size
        if self._spent > limits.SIGNATURES_BYTES:
            most = limits.SIGNATURES_BYTES >> 20
            raise BadSignatureError(f"all signatures here have more than {most} MiB")


@attrs.frozen(kw_only=True, eq=False)
class Attached:
    """One signature object, and what it stands with.

    Args:
        label: of the root that it is in.
        artifact: the manifest that holds it.
        blob: the object's descriptor.
        member: its bytes; None where they are not there.
        type: who writes such.
        of: digest of what it is attached to by a subject or a tag, as that says it; empty if none.
        beside: digest of what it lies beside, where nothing but its place says so (``kind``).
    """

    label: str
    artifact: Artifact
    blob: Descriptor
    member: Member | None
    type: SignatureType
    of: str
    beside: str

    def read(self, allowance: Allowance) -> Signed:
        """What it says.

        Args:
            allowance: what all signatures of a source may take together.

        Raises:
            BadSignatureError: it cannot be read, or its bytes are others than the manifest says.
        """
        if self.member is None:
            raise BadSignatureError(f"{self.blob.digest} is not there")
        if self.member.size > limits.DOCUMENT_BYTES:
            raise BadSignatureError(f"it has more than {limits.DOCUMENT_BYTES >> 20} MiB")
        allowance.spend(self.member.size)
        try:
            raw = self.member.read(limits.DOCUMENT_BYTES)
        except DamagedError as error:
            raise BadSignatureError(error.what) from error
        if Digest.of(raw, self.blob.digest.algorithm) != self.blob.digest:
            raise ChangedError("it was changed: its manifest lists it by another digest")
        media_type, annotations = self.blob.media_type, self.blob.annotations
        if self.type is SignatureType.NOTATION:
            return notation.read_envelope(raw, media_type)
        if self.type is SignatureType.BUNDLE:
            return bundle.read_bundle(raw)
        if media_type == dsse.ENVELOPE_TYPE:
            return bundle.read_attestation(raw, annotations)
        return cosign.read_payload(raw, annotations)


class ChangedError(BadSignatureError):
    """The bytes of a signature are not those that its manifest lists."""


def attached(roots: Sequence[Root]) -> Iterator[Attached]:
    """Every signature object of some roots, each once for each thing that it stands with."""
    seen: set[tuple[str, str, int]] = set()
    for root in roots:
        for node in walk(root.node):
            if not isinstance(node, Artifact):
                continue
            for of, beside in _places(node, root):
                for number, (descriptor, member) in enumerate(node.blobs):
                    kind = _type(node, descriptor)
                    same = (str(node.descriptor.digest), of or beside, number)
                    if kind is None or same in seen:
                        continue
                    seen.add(same)
                    yield Attached(
                        label=root.label,
                        artifact=node,
                        blob=descriptor,
                        member=member,
                        type=kind,
                        of=of,
                        beside=beside,
                    )


def statements(artifact: Artifact, allowance: Allowance) -> Iterator[Statement]:
    """The statements of an artifact that are not in envelopes, as BuildKit writes them.

    Those that cannot be read, or are changed, are passed over.

    Args:
        artifact: that holds them.
        allowance: what all of a source may take together.
    """
    for descriptor, member in artifact.blobs:
        if descriptor.media_type != STATEMENT_TYPE or member is None:
            continue
        try:
            allowance.spend(member.size)
            raw = member.read(limits.DOCUMENT_BYTES)
            if Digest.of(raw, descriptor.digest.algorithm) == descriptor.digest:
                yield read_statement(raw)
        except (DamagedError, BadSignatureError):
            continue


def _places(artifact: Artifact, root: Root) -> list[tuple[str, str]]:
    """What an artifact says that it is attached to, and what it only lies beside."""
    subject = artifact.manifest.subject
    if subject is not None:
        return [(str(subject.digest), "")]
    # The same signature under the tags of two images is one root with two names.
    tags = [tagged[0] for name in root.names if (tagged := tagged_digest(name.tag)) is not None]
    if tags:
        return [(tag, "") for tag in tags]
    return [("", str(root.subject) if root.subject is not None else "")]


def _type(artifact: Artifact, blob: Descriptor) -> SignatureType | None:
    """Which kind of signature a blob of an artifact is, by its media type; None for none."""
    if blob.media_type in (cosign.PAYLOAD_TYPE, dsse.ENVELOPE_TYPE):
        return SignatureType.COSIGN
    if blob.media_type.startswith(bundle.BUNDLE_TYPES):
        return SignatureType.BUNDLE
    config = artifact.manifest.config
    types = {artifact.manifest.artifact_type, config.media_type if config is not None else ""}
    if notation.ARTIFACT_TYPE in types and blob.media_type in notation.ENVELOPE_TYPES:
        return SignatureType.NOTATION
    return None
