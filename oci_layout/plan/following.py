"""What refers to an image by its digest, when conversion gives the image another one.

``subject``, BuildKit's annotation and the tag of the fallback scheme only say where something
belongs, so they follow. What vouches for a digest cannot: a signature or an in-toto statement has
the old one inside, and a new label would pass it off as one of the new image.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Node, Root
from oci_layout.graph.referrers import digest_tag, spellings, tagged_digest
from oci_layout.mediatype import Family
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.jsonedit import Edits, Path
from oci_layout.model.layout import ATTESTATION_DIGEST, COSIGN_IMAGES, COSIGN_KIND
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.made import Made
from oci_layout.reference import ImageName

# Tags of cosign's scheme that lead to what vouches for no digest: referrers, and plain SBOMs.
_FOLLOW = ("", ".sbom")


class Following:
    """Knows what became of each manifest and index.

    Args:
        target: the family of the result.
        changes: told what followed, and what could not.
        holding: digests of manifests and indexes of before that go along.
    """

    def __init__(
        self, target: Family, changes: list[Change], *, holding: frozenset[str] = frozenset()
    ) -> None:
        self._target, self._changes, self._holding = target, changes, holding
        self._made: dict[str, tuple[Digest, Made]] = {}

    def made(self, before: Digest, made: Made) -> None:
        """Note what became of a manifest or index."""
        self._made.update(dict.fromkeys(spellings(before), (before, made)))

    def _moved(self, text: str) -> Made | None:
        """What a digest has become, if that is another one."""
        before, made = self._made.get(text, (None, None))
        return made if made is not None and made.digest != before else None

    def subject(self, raw: bytes, subject: Descriptor | None, node: Node, called: str) -> bytes:
        """A document with its ``subject`` as it is now.

        Args:
            raw: the document.
            subject: its subject as it was, or None.
            node: whose document it is.
            called: what to call it.
        """
        moved = self._moved(str(subject.digest)) if subject is not None else None
        if moved is None:
            return raw
        edits = Edits(raw)
        edits.set(("subject", "mediaType"), moved.media_type)
        edits.set(("subject", "digest"), str(moved.digest))
        edits.set(("subject", "size"), moved.size)
        self._changes.append(
            Change(
                ChangeKind.CHANGED,
                f"{called}: its subject is now {moved.digest}; a signature inside it still speaks "
                "of the old digest",
                digest=str(node.descriptor.digest) if node.descriptor is not None else "",
                field="subject",
            )
        )
        return edits.apply()

    def annotation(self, edits: Edits, path: Path, annotations: Mapping[str, str]) -> bool:
        """Let an attestation's annotation follow what it attests; whether it had to.

        Args:
            edits: of the index.
            path: of the attestation's entry.
            annotations: of the entry.
        """
        moved = self._moved(annotations.get(ATTESTATION_DIGEST, ""))
        if moved is None:
            return False
        edits.set((*path, "annotations", ATTESTATION_DIGEST), str(moved.digest))
        self._attested(annotations[ATTESTATION_DIGEST], moved)
        return True

    def _attested(self, before: str, moved: Made) -> None:
        self._changes.append(
            Change(
                ChangeKind.CHANGED,
                f"the attestation of {before} is now attached to {moved.digest}; the statement "
                "inside it still names the old digest",
                digest=before,
            )
        )

    def attached(self, annotations: Mapping[str, str]) -> dict[str, str]:
        """Annotations of an entry, that of an attestation with what it attests as it is now."""
        text = annotations.get(ATTESTATION_DIGEST, "")
        moved = self._moved(text)
        if moved is None:
            return dict(annotations)
        self._attested(text, moved)
        return {**annotations, ATTESTATION_DIGEST: str(moved.digest)}

    def root(self, root: Root, made: Made) -> Root:
        """A root with the names and annotations that its entries are to have.

        Args:
            root: as it was.
            made: what its node became.
        """
        names = tuple(dict.fromkeys(self._name(name, root, made) for name in root.names))
        self._tell_kind(root)
        descriptor = root.descriptor
        if descriptor is not None:
            notes = self.attached(descriptor.annotations)
            descriptor = attrs.evolve(descriptor, annotations=notes)
        renamed = {old.key: new.key for old, new in zip(root.names, names, strict=False)}
        docker = tuple((renamed.get(key, key), digest) for key, digest in root.docker)
        return attrs.evolve(root, names=names, descriptor=descriptor, docker=docker)

    def _name(self, name: ImageName, root: Root, made: Made) -> ImageName:
        tagged = tagged_digest(name.tag)
        moved = self._moved(tagged[0]) if tagged is not None else None
        if tagged is not None and moved is not None:
            if tagged[1] not in _FOLLOW:
                self._vouches(str(name), tagged[0], moved)
                return name
            return self._renamed(name, tagged[0], tag=digest_tag(moved.digest, tagged[1]))
        before = root.node.descriptor
        if (
            name.reference is not None
            and before is not None
            and name.reference.digest == str(before.digest)
            and made.digest != before.digest
        ):
            return self._renamed(name, str(before.digest), digest=str(made.digest))
        return name

    def _renamed(self, name: ImageName, before: str, /, **parts: str) -> ImageName:
        if name.reference is None:
            new = ImageName(parts["tag"])
        else:
            reference = attrs.evolve(name.reference, **parts)
            new = ImageName(reference.familiar, reference)
        what = f"the name {name} is now {new}, after the new digest"
        self._changes.append(Change(ChangeKind.CHANGED, what, digest=before))
        return new

    def _tell_kind(self, root: Root) -> None:
        moved = self._moved(str(root.subject)) if root.subject is not None else None
        if moved is not None and root.descriptor is not None:
            kind = root.descriptor.annotations.get(COSIGN_KIND, "").rpartition("/")[2]
            self._vouches(f"cosign's {kind}", str(root.subject), moved)

    def _vouches(self, what: str, before: str, moved: Made) -> None:
        why = "it will not verify (--preserve-digests refuses such a change)"
        if before in self._holding:
            why = "it holds by the original manifest alone, which layout verify finds"
        self._changes.append(
            Change(
                ChangeKind.KEPT,
                f"{what}, made for {before}; the image is now {moved.digest}, for which {why}",
                digest=before,
            )
        )


def several_signed(roots: list[Root]) -> Change | None:
    """What to say of a result in which cosign would find one of several signed images."""
    kinds = [
        root.descriptor.annotations.get(COSIGN_KIND, "")
        for root in roots
        if root.descriptor is not None and root.listed
    ]
    signed = sum(kind in COSIGN_IMAGES for kind in kinds)
    if signed < 2:
        return None
    return Change(
        ChangeKind.KEPT,
        f"{signed} images that cosign saved stand in one layout; cosign verify --local-image reads "
        "the first of them alone",
    )
