"""The documents of the result, from the graph and what is known of each blob."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout import limits, mediatype
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.finding import Findings
from oci_layout.mediatype import Family, Kind
from oci_layout.model import gojson, layout
from oci_layout.model.descriptor import Descriptor, platform_json
from oci_layout.model.jsonedit import Edits, Path
from oci_layout.plan import naming
from oci_layout.plan.convert import Converted, convert
from oci_layout.plan.dockerview import DockerView
from oci_layout.plan.legacy import Legacy, LegacyView
from oci_layout.plan.options import Options
from oci_layout.plan.packing import Packing
from oci_layout.plan.report import ImageReport
from oci_layout.reference import ImageName
from oci_layout.source.graph import Absent, Artifact, Image, ImageIndex, Node, Opaque, Root, images


@attrs.frozen(kw_only=True)
class Made:
    """A document of the result, as a descriptor would point at it."""

    media_type: str
    digest: Digest
    size: int
    platform: Mapping[str, Any] | None = None


@attrs.define(kw_only=True)
class Documents:
    """All documents of the result.

    Args:
        blobs: bytes by digest: manifests, indexes, configs.
        manifests: digests of those that are manifests or indexes.
        top: what each root became, in order: the root, and its new form.
        index: ``index.json``.
        docker: ``manifest.json``, or None.
        legacy: the files for Docker before 1.10, or None.
        images: a report of each image.
        changes: what was dropped outside of images.
    """

    blobs: dict[Digest, bytes] = attrs.field(factory=dict)
    manifests: set[Digest] = attrs.field(factory=set)
    top: list[tuple[Root, Made]] = attrs.field(factory=list)
    index: bytes = b""
    docker: bytes | None = None
    legacy: Legacy | None = None
    images: list[ImageReport] = attrs.field(factory=list)
    changes: list[str] = attrs.field(factory=list)


class Assembler:
    """Builds the documents. What a job came to is looked up, or taken from the source's word.

    Args:
        options: what was asked for.
        packing: what becomes of each blob.
        findings: told what the result will lack.
    """

    def __init__(self, options: Options, packing: Packing, findings: Findings) -> None:
        self._options, self._packing = options, packing
        self._docker = DockerView(options.target, findings)
        self._legacy = LegacyView() if options.legacy else None
        self._made: dict[int, tuple[Made, Converted | None]] = {}
        self._renumbered: dict[Digest, Made] = {}
        self.documents = Documents()

    def run(self, roots: tuple[Root, ...], extra: Mapping[str, Any]) -> Documents:
        """Make every document.

        Args:
            roots: what was selected.
            extra: fields of the source's ``index.json`` to carry over.
        """
        shared = naming.shared_tags([name for root in roots for name in root.names])
        entries: list[dict[str, Any]] = []
        for root in _subjects_first(roots):
            made = self._node(root.node)
            if made is None:
                self._lose(root)
                continue
            self.documents.top.append((root, made))
            self._entries(root, made, shared, entries)
            self._report(root)
            if self._options.docker_view:
                self._save(root)
        value: dict[str, Any] = {"schemaVersion": 2, "mediaType": mediatype.OCI_INDEX}
        value.update({key: item for key, item in extra.items() if key not in value})
        value["manifests"] = entries
        self.documents.index = gojson.encode_bytes(value)
        if self._options.docker_view:
            self.documents.docker = self._docker.finish()
        if self._legacy is not None:
            self.documents.legacy = self._legacy.finish()
        return self.documents

    def _save(self, root: Root) -> None:
        for name, image in self._docker.choose(root):
            converted = self._made[id(image)][1]
            if converted is None:
                continue
            layers = self._packing.layers(image)
            self._docker.add(root, name, converted, layers)
            if self._legacy is not None:
                digest = converted.config_digest
                self._legacy.add(name, digest, self.documents.blobs[digest], layers)

    def _report(self, root: Root) -> None:
        for image in images(root.node):
            made, converted = self._made.get(id(image), (None, None))
            if made is None or converted is None:
                continue
            self.documents.images.append(
                ImageReport(
                    names=tuple(str(name) for name in root.names),
                    platform=converted.platform,
                    manifest_before=image.descriptor.digest if image.descriptor else None,
                    manifest_after=None if self._options.legacy else made.digest,
                    image_id_before=None if image.made_from else image.config.digest,
                    image_id_after=converted.config_digest,
                    config_changes=converted.config_changes,
                    layers=self._packing.report(image),
                    changes=converted.changes,
                )
            )

    def _lose(self, root: Root) -> None:
        names = ", ".join(map(str, root.names))
        self.documents.changes.append(
            f"dropped: {_what(root.node)}{f' ({names})' if names else ''}: "
            "Docker has no form for it"
        )

    def _entries(
        self, root: Root, made: Made, shared: frozenset[str], entries: list[dict[str, Any]]
    ) -> None:
        source = root.descriptor.source if root.descriptor is not None else {}
        kept = root.descriptor.annotations if root.descriptor is not None else {}
        every: tuple[ImageName | None, ...] = root.names or (None,)
        for name in every:
            notes = naming.entry_annotations(name, shared, kept)
            new = naming.entry(source, made.media_type, str(made.digest), made.size, notes)
            if made.platform is not None and "platform" not in new and "platform" in source:
                new["platform"] = made.platform
            entries.append(new)

    def _add(self, raw: bytes, before: Descriptor | None = None, *, kept: bool = False) -> Digest:
        """Take a manifest or index; its digest is of the algorithm that was, or that is asked."""
        was = before.digest.algorithm if before is not None else None
        asked = self._options.algorithm
        digest = Digest.of(raw, (was if kept else asked or was) or "sha256")
        self.documents.blobs[digest] = raw
        self.documents.manifests.add(digest)
        return digest

    def _node(self, node: Node) -> Made | None:
        """The result's form of a node; None when the target has none."""
        known = self._made.get(id(node))
        if known is not None:
            return known[0]
        converted: Converted | None = None
        made: Made | None
        if isinstance(node, Image):
            made, converted = self._image(node)
        elif isinstance(node, ImageIndex):
            made = self._index(node)
        elif self._options.target is Family.DOCKER:
            made = None
        elif isinstance(node, Artifact):
            made = self._artifact(node)
        elif isinstance(node, Absent):  # kept in its index, as asked
            stated = node.descriptor
            made = Made(media_type=stated.media_type, digest=stated.digest, size=stated.size)
        else:
            descriptor = node.descriptor
            digest, size = self._packing.blob(node, 0, descriptor)
            made = Made(media_type=descriptor.media_type, digest=digest, size=size)
        if made is not None:
            self._made[id(node)] = made, converted
            if node.descriptor is not None:
                self._renumbered[node.descriptor.digest] = made
        return made

    def _image(self, image: Image) -> tuple[Made, Converted]:
        raw = image.config_member.read(limits.DOCUMENT_BYTES)
        converted = convert(image, self._packing.layers(image), raw, self._options)
        self.documents.blobs[converted.config_digest] = (
            raw if converted.config is None else converted.config
        )
        kept = image.manifest is not None and converted.manifest == image.manifest.raw
        digest = self._add(converted.manifest, image.descriptor, kept=kept)
        made = Made(
            media_type=mediatype.document_type(Kind.MANIFEST, self._options.target),
            digest=digest,
            size=len(converted.manifest),
            platform=platform_json(converted.platform),
        )
        return made, converted

    def _artifact(self, artifact: Artifact) -> Made:
        raw = artifact.manifest.raw
        subject = artifact.manifest.subject
        moved = self._renumbered.get(subject.digest) if subject is not None else None
        if subject is not None and moved is not None and moved.digest != subject.digest:
            edits = Edits(raw)
            edits.set(("subject", "mediaType"), moved.media_type)
            edits.set(("subject", "digest"), str(moved.digest))
            edits.set(("subject", "size"), moved.size)
            raw = edits.apply()
            self.documents.changes.append(
                f"changed: {_what(artifact)}: its subject is now {moved.digest}; a signature "
                "inside it still speaks of the old digest"
            )
        raw = self._true_blobs(artifact, raw)
        kept = raw == artifact.manifest.raw
        digest = self._add(raw, artifact.descriptor, kept=kept)
        return Made(media_type=artifact.descriptor.media_type, digest=digest, size=len(raw))

    def _true_blobs(self, artifact: Artifact, raw: bytes) -> bytes:
        """The artifact's manifest with its blobs as they are (they differ only when mending)."""
        edits = Edits(raw)
        changed = False
        first = 0 if artifact.manifest.config is None else 1
        for number, (stated, _) in enumerate(artifact.blobs):
            digest, size = self._packing.blob(artifact, number, stated)
            if digest != stated.digest or size != stated.size:
                path: Path = ("config",) if number < first else ("layers", number - first)
                edits.set((*path, "digest"), str(digest))
                edits.set((*path, "size"), size)
                self.documents.changes.append(
                    f"mended: {_what(artifact)}: a blob was stated as {stated.digest}"
                )
                changed = True
        return edits.apply() if changed else raw

    def _index(self, node: ImageIndex) -> Made | None:
        target = self._options.target
        children = [(child, self._node(child)) for child in _images_first(node.children)]
        by_id = {id(child): made for child, made in children}
        if target is Family.DOCKER:
            return self._docker_list(node, by_id)
        index = node.index
        # By identity: one digest may stand for several platforms, not all of them wanted.
        kept = {id(child.descriptor): child for child in node.children}
        edits = Edits(index.raw)
        changed = False
        for number, descriptor in enumerate(index.manifests):
            child = kept.get(id(descriptor))
            made = by_id.get(id(child)) if child is not None else None
            path = ("manifests", number)
            if made is None:
                edits.remove(path)
                changed = True
                continue
            old = (descriptor.media_type, str(descriptor.digest), descriptor.size)
            new = (made.media_type, str(made.digest), made.size)
            for key, before, after in zip(("mediaType", "digest", "size"), old, new, strict=True):
                if before != after:
                    edits.set((*path, key), after)
                    changed = True
            changed |= self._follow(edits, number, descriptor.annotations)
            if descriptor.digest != made.digest and "data" in descriptor.source:
                edits.remove((*path, "data"))
        if index.family is not target:
            edits.set(("mediaType",), mediatype.OCI_INDEX)
            changed = True
        if changed:
            _fill_platforms(edits, index.manifests, kept, by_id)
        raw = edits.apply() if changed else index.raw
        digest = self._add(raw, node.descriptor, kept=not changed)
        return Made(media_type=mediatype.OCI_INDEX, digest=digest, size=len(raw))

    def _follow(self, edits: Edits, number: int, annotations: Mapping[str, str]) -> bool:
        """Let an attestation's annotation follow the digest of what it attests."""
        attested = annotations.get(layout.ATTESTATION_DIGEST)
        if attested is None:
            return False
        try:
            moved = self._renumbered.get(Digest.parse(attested))
        except InvalidDigestError:
            return False
        if moved is None or str(moved.digest) == attested:
            return False
        path = ("manifests", number, "annotations", layout.ATTESTATION_DIGEST)
        edits.set(path, str(moved.digest))
        self.documents.changes.append(
            f"changed: the attestation of {attested} is now attached to {moved.digest}; the "
            "statement inside it still names the old digest"
        )
        return True

    def _docker_list(self, node: ImageIndex, made: Mapping[int, Made | None]) -> Made | None:
        """Docker's manifest list: flat, images only; a single image needs no list."""
        leaves: list[tuple[Image, Made]] = []
        for child in node.children:
            self._leaves(child, made.get(id(child)), leaves)
        if not leaves:
            return None
        if node.index.annotations:
            self.documents.changes.extend(
                f"dropped: index annotation {key}" for key in node.index.annotations
            )
        if len(leaves) == 1:
            return leaves[0][1]
        manifests = [
            {
                "mediaType": each.media_type,
                "size": each.size,
                "digest": str(each.digest),
                "platform": platform_json(image.descriptor.platform)
                if image.descriptor is not None and image.descriptor.platform is not None
                else each.platform,
            }
            for image, each in leaves
        ]
        if node.index.family is Family.DOCKER and _same_manifests(node, manifests):
            digest = self._add(node.index.raw, node.descriptor, kept=True)
            return Made(media_type=mediatype.DOCKER_LIST, digest=digest, size=len(node.index.raw))
        value = {"schemaVersion": 2, "mediaType": mediatype.DOCKER_LIST, "manifests": manifests}
        raw = gojson.encode_bytes(value)
        return Made(media_type=mediatype.DOCKER_LIST, digest=self._add(raw), size=len(raw))

    def _leaves(self, node: Node, made: Made | None, leaves: list[tuple[Image, Made]]) -> None:
        if isinstance(node, ImageIndex):
            for child in node.children:
                self._leaves(child, self._node(child), leaves)
        elif isinstance(node, Image) and made is not None:
            leaves.append((node, made))
        else:
            self.documents.changes.append(f"dropped: {_what(node)}: Docker has no form for it")


def _fill_platforms(
    edits: Edits,
    entries: tuple[Descriptor, ...],
    kept: Mapping[int, Node],
    made: Mapping[int, Made | None],
) -> None:
    """Say the platform of each image whose entry does not: the index is a new one anyway."""
    for number, entry in enumerate(entries):
        child = kept.get(id(entry))
        new = made.get(id(child)) if isinstance(child, Image) else None
        if new is not None and entry.platform is None and new.platform is not None:
            edits.set(("manifests", number, "platform"), new.platform)


def _what(node: Node) -> str:
    if isinstance(node, Artifact):
        manifest = node.manifest
        config = manifest.config.media_type if manifest.config is not None else ""
        kind = "attestation" if node.is_attestation else manifest.artifact_type or config
        return f"{kind or 'artifact'} {node.descriptor.digest}"
    if isinstance(node, Opaque):
        return f"{node.descriptor.media_type} {node.descriptor.digest}"
    if isinstance(node, ImageIndex):
        return f"index {node.descriptor.digest}, which holds no image"
    return "image"


def _same_manifests(node: ImageIndex, manifests: list[dict[str, Any]]) -> bool:
    old = [(str(each.digest), each.media_type, each.size) for each in node.index.manifests]
    return old == [(each["digest"], each["mediaType"], each["size"]) for each in manifests]


def _images_first(children: tuple[Node, ...]) -> list[Node]:
    """Children in an order in which what is referred to comes before what refers."""
    return sorted(children, key=lambda child: isinstance(child, Artifact))


def _subjects_first(roots: tuple[Root, ...]) -> list[Root]:
    """Roots in an order in which subjects come before their referrers, else as they were."""
    rank = {id(root): isinstance(root.node, Artifact) for root in roots}
    return sorted(roots, key=lambda root: rank[id(root)])
