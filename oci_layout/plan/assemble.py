"""The documents of the result, from the graph and what is known of each blob."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout import mediatype
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.referrers import targets
from oci_layout.graph.walk import attached_to, images, paired, walk
from oci_layout.mediatype import Family, Kind
from oci_layout.model import gojson
from oci_layout.model.descriptor import Descriptor, platform_json
from oci_layout.model.jsonedit import Edits, Path
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.model.manifest import Index, Manifest, set_types
from oci_layout.plan import naming
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.convert import Converted, convert, told_types
from oci_layout.plan.dockerview import DockerView
from oci_layout.plan.edited import entry_of, kept_index, restated
from oci_layout.plan.entries import (
    artifact_report,
    artifacts_of,
    fill_platforms,
    images_first,
    joined_entries,
    lost_fields,
    same_manifests,
    subject_of,
    told_index,
    what,
)
from oci_layout.plan.following import Following, several_signed
from oci_layout.plan.legacy import Legacy, LegacyView
from oci_layout.plan.made import Made
from oci_layout.plan.options import Options
from oci_layout.plan.packing import Packing
from oci_layout.plan.report import ArtifactReport, ImageReport
from oci_layout.plan.request import Format
from oci_layout.reference import ImageName


@attrs.define(kw_only=True)
class Documents:
    """All documents of the result.

    Args:
        blobs: bytes by digest: manifests, indexes, configs.
        manifests: digests of those that are manifests or indexes.
        top: what each root became, in order: the root, and its new form.
        unlisted: referrers that go among the blobs without an entry in ``index.json``.
        referrers: those that are kept of manifests and indexes of before, by what they refer to.
        index: ``index.json``.
        docker: ``manifest.json``, or None.
        legacy: the files for Docker before 1.10, or None.
        images: a report of each image.
        artifacts: a report of whatever else goes out.
        changes: what was dropped outside of images.
    """

    blobs: dict[Digest, bytes] = attrs.field(factory=dict)
    manifests: set[Digest] = attrs.field(factory=set)
    top: list[tuple[Root, Made]] = attrs.field(factory=list)
    unlisted: list[Digest] = attrs.field(factory=list)
    referrers: dict[Digest, list[Digest]] = attrs.field(factory=dict)
    index: bytes = b""
    docker: bytes | None = None
    legacy: Legacy | None = None
    images: list[ImageReport] = attrs.field(factory=list)
    artifacts: list[ArtifactReport] = attrs.field(factory=list)
    changes: list[Change] = attrs.field(factory=list)


class Assembler:
    """Builds the documents. What a task came to is looked up, or taken from the source's word.

    Args:
        options: what was asked for.
        packing: what becomes of each blob.
        findings: told what the result will lack.
        apart: digests of indexes that do not go out, and of what stands for each.
        carried: artifacts that go to a target without a form for them, unlisted.
        holding: digests of before, of which a signature holds all the same.
    """

    def __init__(
        self,
        options: Options,
        packing: Packing,
        findings: Findings,
        *,
        apart: Mapping[Digest, Digest] | None = None,
        carried: frozenset[Node] = frozenset(),
        holding: frozenset[str] = frozenset(),
    ) -> None:
        self._options, self._packing = options, packing
        self._apart, self._carried = apart or {}, carried
        self._docker = DockerView(options.target, findings)
        self._legacy = LegacyView() if options.request.legacy else None
        self._made: dict[Node, tuple[Made, Converted | None]] = {}
        self._images: dict[object, tuple[Made, Converted]] = {}
        self.documents = Documents()
        self._following = Following(options.target, self.documents.changes, holding=holding)
        self._referred: frozenset[str] = frozenset()

    def run(self, roots: tuple[Root, ...], extra: Mapping[str, Any]) -> Documents:
        """Make every document.

        Args:
            roots: what was selected.
            extra: fields of the source's ``index.json`` to carry over.
        """
        self._referred = frozenset().union(
            *(targets(root) for root in roots),
            *(attached_to(node) for root in roots for node in walk(root.node)),
        )
        self._make_subjects(roots)
        top: list[tuple[Root, Made]] = []
        for root in roots:
            made = self._node(root.node)
            if made is None:
                self._lose(root)
            else:
                top.append((root, made))
        self.documents.top = [(self._following.root(root, made), made) for root, made in top]
        shared = naming.shared_tags([name for root, _ in self.documents.top for name in root.names])
        entries: list[dict[str, Any]] = []
        for root, made in self.documents.top:
            if not root.listed:
                self.documents.unlisted.append(made.digest)
                self._report_artifacts(root)
                continue
            self._entries(root, made, shared, entries)
            self._report(root)
            if self._options.docker_view:
                self._save(root)
        several = several_signed([root for root, _ in self.documents.top])
        if several is not None:
            self.documents.changes.append(several)
        value: dict[str, Any] = {"schemaVersion": 2, "mediaType": mediatype.OCI_INDEX}
        value.update({key: item for key, item in extra.items() if key not in value})
        value["manifests"] = entries
        kept = kept_index(self._options.editing, roots, self.documents.top)
        self.documents.index = kept or gojson.encode_bytes(value)
        if self._options.request.to in (Format.DIR, Format.REGISTRY):
            self._without_entries(extra)
        if self._options.docker_view:
            self.documents.docker = self._docker.finish()
        if self._legacy is not None:
            self.documents.legacy = self._legacy.finish()
        return self.documents

    def _without_entries(self, extra: Mapping[str, Any]) -> None:
        """Tell what ``index.json`` said, where none is written; of names a finding tells."""
        self._beyond(extra, {}, "index.json", "")
        for root, _ in self.documents.top:
            if root.descriptor is not None:
                source = dict(root.descriptor.source)
                notes = root.descriptor.annotations.items()
                named = (CONTAINERD_NAME, REF_NAME)
                source["annotations"] = {key: text for key, text in notes if key not in named}
                self._beyond(source, {}, "its entry in index.json", str(root.descriptor.digest))

    def _make_subjects(self, roots: tuple[Root, ...]) -> None:
        """Make what is referred to before what refers to it. Chains may be long: no recursion."""
        nodes = [node for root in roots for node in walk(root.node)]
        by_digest = {node.descriptor.digest: node for node in nodes if node.descriptor}
        for node in nodes:
            if isinstance(node, Image) and subject_of(node) is None:
                self._node(node)
        for index, left in self._apart.items():
            made = self._node(by_digest[left]) if left in by_digest else None
            if made is not None:
                self._following.made(index, made)
        for node in nodes:
            chain = [node]
            seen = {node}
            while (subject := subject_of(chain[-1])) is not None:
                target = by_digest.get(subject.digest)
                if target is None or target in self._made or target in seen:
                    break
                seen.add(target)
                chain.append(target)
            for each in reversed(chain[1:]):
                self._node(each)

    def _save(self, root: Root) -> None:
        for image, names in self._docker.choose(root).items():
            converted = self._made[image][1]
            if converted is None:
                continue
            layers = self._packing.layers(image)
            self._docker.add(root, names, converted, layers)
            if self._legacy is not None:
                digest = converted.config_digest
                self._legacy.add(names, digest, self.documents.blobs[digest], layers)

    def _report(self, root: Root) -> None:
        self._report_artifacts(root)
        if isinstance(root.node, ImageIndex) and root.node.joined:
            self.documents.changes.append(told_index(root, self._made[root.node][0].digest))
        for image in images(root.node):
            made, converted = self._made.get(image, (None, None))
            if made is None or converted is None:
                continue
            self.documents.images.append(
                ImageReport(
                    names=tuple(str(name) for name in root.names),
                    platform=converted.platform,
                    manifest_before=image.descriptor.digest if image.descriptor else None,
                    manifest_after=None if self._options.request.legacy else made.digest,
                    image_id_before=None if image.made_from else image.config.digest,
                    image_id_after=converted.config_digest,
                    config_changes=converted.config_changes,
                    layers=self._packing.report(image),
                    changes=converted.changes,
                    pulled_as=image.pulled_as,
                )
            )

    def _report_artifacts(self, root: Root) -> None:
        for node in artifacts_of(root):
            made = self._made.get(node)
            if made is not None:
                self.documents.artifacts.append(artifact_report(root, node, made[0].digest))

    def _lose(self, root: Root) -> None:
        names = ", ".join(map(str, root.names))
        self.documents.changes.append(
            _no_form(root.node, f"{what(root.node)}{f' ({names})' if names else ''}")
        )

    def _entries(
        self, root: Root, made: Made, shared: frozenset[str], entries: list[dict[str, Any]]
    ) -> None:
        source = entry_of(self._options.editing, root)
        kept = root.descriptor.annotations if root.descriptor is not None else {}
        every: tuple[ImageName | None, ...] = root.names or (None,)
        for name in every:
            notes = naming.entry_annotations(name, shared, kept)
            new = naming.entry(source, made.media_type, str(made.digest), made.size, notes)
            entries.append(new)

    def _add(self, raw: bytes, before: Descriptor | None = None, *, kept: bool = False) -> Digest:
        """Take a manifest or index; its digest is of the algorithm that was, or that is asked."""
        was = before.digest.algorithm if before is not None else None
        asked = self._options.request.digest
        digest = Digest.of(raw, (was if kept else asked or was) or "sha256")
        self.documents.blobs[digest] = raw
        self.documents.manifests.add(digest)
        return digest

    def _node(self, node: Node) -> Made | None:
        """The result's form of a node; None when the target has none."""
        known = self._made.get(node)
        if known is not None:
            return known[0]
        converted: Converted | None = None
        made: Made | None
        if isinstance(node, Image):
            made, converted = self._image(node)
        elif isinstance(node, ImageIndex):
            made = self._index(node)
        elif self._options.target is Family.DOCKER and node not in self._carried:
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
            self._made[node] = made, converted
            if node.descriptor is not None:
                self._following.made(node.descriptor.digest, made)
        return made

    def _image(self, image: Image) -> tuple[Made, Converted]:
        """The image, converted once however many entries lead to it."""
        key = (
            image.config.digest,
            image.config_member.name,
            image.layers,
            None
            if image.descriptor is None
            else (image.descriptor.digest, image.descriptor.platform),
            image.manifest is None,
        )
        if key not in self._images:
            self._images[key] = self._converted(image)
        return self._images[key]

    def _converted(self, image: Image) -> tuple[Made, Converted]:
        config = image.raw_config()
        converted = convert(image, self._packing.layers(image), config, self._options)
        self.documents.blobs[converted.config_digest] = (
            config if converted.config is None else converted.config
        )
        raw = converted.manifest
        if self._options.target is Family.OCI:
            raw = self._following.subject(raw, subject_of(image), image, "image with a subject")
        family = image.manifest.family if image.manifest is not None else None
        kept = image.manifest is not None and raw == image.manifest.raw
        digest = self._add(raw, image.descriptor, kept=kept)
        made = Made(
            media_type=mediatype.document_type(Kind.MANIFEST, self._options.target_of(family)),
            digest=digest,
            size=len(raw),
            platform=platform_json(converted.platform),
        )
        return made, converted

    def _artifact(self, artifact: Artifact) -> Made:
        manifest = artifact.manifest
        repaired = self._with_types(manifest, artifact.descriptor)
        raw = self._following.subject(repaired, manifest.subject, artifact, what(artifact))
        raw = self._true_blobs(artifact, raw)
        kept = raw == manifest.raw
        digest = self._add(raw, artifact.descriptor, kept=kept)
        return Made(media_type=artifact.descriptor.media_type, digest=digest, size=len(raw))

    def _with_types(self, document: Manifest | Index, descriptor: Descriptor) -> bytes:
        """A document with its fields in the types that belong there."""
        if not document.misread:
            return document.raw
        edits = Edits(document.raw)
        set_types(edits, document.misread)
        told = told_types(document.misread, str(descriptor.digest))
        self.documents.changes.extend(told)
        return edits.apply()

    def _true_blobs(self, artifact: Artifact, raw: bytes) -> bytes:
        """The artifact's manifest with its blobs as they are (they differ only when repairing)."""
        edits = Edits(raw)
        changed = False
        first = 0 if artifact.manifest.config is None else 1
        for number, (stated, _) in enumerate(artifact.blobs):
            digest, size = self._packing.blob(artifact, number, stated)
            if digest != stated.digest or size != stated.size:
                key = artifact.manifest.layers_key
                path: Path = ("config",) if number < first else (key, number - first)
                edits.set((*path, "digest"), str(digest))
                edits.set((*path, "size"), size)
                self.documents.changes.append(
                    Change(
                        ChangeKind.REPAIRED,
                        f"{what(artifact)}: a blob was stated as {stated.digest}",
                        digest=str(artifact.descriptor.digest),
                    )
                )
                changed = True
        return edits.apply() if changed else raw

    def _index(self, node: ImageIndex) -> Made | None:
        target = self._options.target
        children = [(child, self._node(child)) for child in images_first(node.children)]
        by_child = dict(children)
        if target is Family.DOCKER:
            return self._docker_list(node, by_child)
        if node.joined:
            return self._joined(node, by_child)
        index = node.index
        pairs = paired(node)
        source = self._with_types(index, node.descriptor)
        edits = Edits(source)
        changed = source is not index.raw
        for number, (descriptor, child) in enumerate(pairs):
            made = by_child.get(child) if child is not None else None
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
            changed |= restated(self._options.editing, edits, path, descriptor, child)
            changed |= self._following.annotation(edits, path, descriptor.annotations)
            if descriptor.digest != made.digest and descriptor.embedded:
                edits.remove((*path, "data"))
        media_type = mediatype.document_type(Kind.INDEX, self._options.target_of(index.family))
        if index.family is not self._options.target_of(index.family):
            edits.set(("mediaType",), media_type)
            changed = True
        if self._options.editing is None and (changed or self._may_fill(node)):
            filled = fill_platforms(edits, pairs, by_child)
            if filled:
                self.documents.changes.append(
                    Change(
                        ChangeKind.CHANGED,
                        f"index {node.descriptor.digest.short}: the platform of {filled} of its "
                        "images was missing: now as their configs say",
                        digest=str(node.descriptor.digest),
                    )
                )
                changed = True
        raw = edits.apply() if changed else index.raw
        called = f"index {node.descriptor.digest}"
        raw = self._following.subject(raw, index.subject, node, called)
        digest = self._add(raw, node.descriptor, kept=raw == index.raw)
        return Made(media_type=media_type, digest=digest, size=len(raw))

    def _joined(self, node: ImageIndex, made: Mapping[Node, Made | None]) -> Made:
        """An index that no source has."""
        entries = joined_entries(node, made, self._following)
        value = {"schemaVersion": 2, "mediaType": mediatype.OCI_INDEX, "manifests": entries}
        raw = gojson.encode_bytes(value)
        return Made(media_type=mediatype.OCI_INDEX, digest=self._add(raw), size=len(raw))

    def _may_fill(self, node: ImageIndex) -> bool:
        """Whether an index may change for its platforms alone; not where its digest is relied on.

        skopeo and podman take nothing out of an index that does not state platforms.
        """
        relied_on = str(node.descriptor.digest) in self._referred
        return not self._options.keeps_digests and not relied_on

    def _docker_list(self, node: ImageIndex, made: Mapping[Node, Made | None]) -> Made | None:
        """Docker's manifest list: flat, images only; a single image needs no list."""
        leaves: list[tuple[Image, Made]] = []
        for child in node.children:
            self._leaves(child, made.get(child), leaves)
        if not leaves:
            return None
        before = str(node.descriptor.digest)
        self._beyond(node.index.fields, {}, f"index {node.descriptor.digest.short}", before)
        if len(leaves) == 1:
            ((image, only),) = leaves
            self._entry_lost(image, {"platform": only.platform}, before)
            return only
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
        if node.index.family is Family.DOCKER and same_manifests(node, manifests):
            digest = self._add(node.index.raw, node.descriptor, kept=True)
            return Made(media_type=mediatype.DOCKER_LIST, digest=digest, size=len(node.index.raw))
        for (image, _), new in zip(leaves, manifests, strict=True):
            self._entry_lost(image, new, before)
        value = {"schemaVersion": 2, "mediaType": mediatype.DOCKER_LIST, "manifests": manifests}
        raw = gojson.encode_bytes(value)
        return Made(media_type=mediatype.DOCKER_LIST, digest=self._add(raw), size=len(raw))

    def _entry_lost(self, image: Image, new: Mapping[str, Any], index: str) -> None:
        """Tell what an entry of an index said that the new one cannot."""
        if image.descriptor is not None:
            called = f"entry {image.descriptor.digest.short}"
            self._beyond(image.descriptor.source, new, called, index)

    def _beyond(
        self, old: Mapping[str, Any], new: Mapping[str, Any], called: str, digest: str
    ) -> None:
        self.documents.changes.extend(
            Change(ChangeKind.DROPPED, f"{called}: {field}", digest=digest, field=field)
            for field in lost_fields(old, new)
        )

    def _leaves(self, node: Node, made: Made | None, leaves: list[tuple[Image, Made]]) -> None:
        if isinstance(node, ImageIndex):
            called = f"index {node.descriptor.digest.short}"
            self._beyond(node.descriptor.source, {}, called, str(node.descriptor.digest))
            for child in node.children:
                self._leaves(child, self._node(child), leaves)
        elif isinstance(node, Image) and made is not None:
            leaves.append((node, made))
        else:
            self.documents.changes.append(_no_form(node, what(node)))


def _no_form(node: Node, called: str) -> Change:
    return Change(
        ChangeKind.DROPPED,
        f"{called}: Docker has no form for it",
        digest=str(node.descriptor.digest) if node.descriptor is not None else "",
    )
