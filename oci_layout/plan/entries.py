"""Entries of an index, and what to call what they lead to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node, Opaque, Root
from oci_layout.graph.walk import images, stated_platform, walk
from oci_layout.mediatype import OCI_CONFIG, OCI_EMPTY
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.jsonedit import Edits
from oci_layout.plan import naming
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.following import Following
from oci_layout.plan.made import Made
from oci_layout.plan.report import ArtifactReport

_TOLD = 8  # platforms of an index that are told
_LEADING = frozenset({"schemaVersion", "mediaType", "manifests", "digest", "size", "data"})


def fill_platforms(
    edits: Edits,
    pairs: Sequence[tuple[Descriptor, Node | None]],
    made: Mapping[Node, Made | None],
) -> int:
    """Say the platform of each image whose entry does not; how many that were."""
    filled = 0
    for number, (entry, child) in enumerate(pairs):
        new = made.get(child) if isinstance(child, Image) else None
        if new is not None and new.platform is not None and not _states(entry):
            edits.set(("manifests", number, "platform"), new.platform)
            filled += 1
    return filled


def joined_entries(
    node: ImageIndex, made: Mapping[Node, Made | None], following: Following
) -> list[dict[str, Any]]:
    """The entries of an index that no source has: each as it was where it was one, but its name.

    Args:
        node: the index.
        made: what its children have become.
        following: knows what attestations are attached to now.
    """
    entries = []
    for child in node.children:
        new, old = made.get(child), child.descriptor
        if new is None:
            continue
        source = old.source if old is not None else {}
        notes = naming.without_names(old.annotations if old is not None else {})
        kept = following.attached(notes)
        entry = naming.entry(source, new.media_type, str(new.digest), new.size, kept)
        if new.platform is not None and not _states(old):
            entry["platform"] = new.platform
        entries.append(entry)
    return entries


def _states(entry: Descriptor | None) -> bool:
    """Whether an entry says for which platform it is."""
    return entry is not None and entry.platform is not None and bool(entry.platform.architecture)


def told_index(root: Root, digest: Digest) -> Change:
    """What to say of an index that no source has."""
    found = dict.fromkeys(str(stated_platform(image)) for image in images(root.node))
    listed = ", ".join(itertools.islice(found, _TOLD))
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    names = ", ".join(map(str, root.names))
    what = f"{names}: index {digest} of {listed}{more}"
    return Change(ChangeKind.MADE, what, digest=str(digest))


def subject_of(node: Node) -> Descriptor | None:
    """What the document itself says it refers to."""
    if isinstance(node, Image | Artifact):
        return node.manifest.subject if node.manifest is not None else None
    return node.index.subject if isinstance(node, ImageIndex) else None


def what(node: Node) -> str:
    """What to call a node in a report."""
    if isinstance(node, Artifact | Opaque):
        return f"{kind_of(node)} {node.descriptor.digest}"
    if isinstance(node, ImageIndex):
        return f"index {node.descriptor.digest}, which holds no image"
    return "image"


def kind_of(node: Node) -> str:
    """What a node is that is no image, by the media type that tells most."""
    if isinstance(node, Artifact):
        manifest = node.manifest
        kind = "attestation" if node.is_attestation else manifest.artifact_type
        config = manifest.config.media_type if manifest.config is not None else ""
        if not kind and config not in (OCI_CONFIG, OCI_EMPTY):
            kind = config
        if not kind and manifest.layers:  # as a signature of cosign
            kind = manifest.layers[0].media_type
        return kind or "artifact"
    if isinstance(node, ImageIndex):
        return "index that holds no image"
    return "image" if node.descriptor is None else node.descriptor.media_type


def artifacts_of(root: Root) -> list[Node]:
    """What is to be reported of a root beside images: all of it, where it holds none."""
    if not any(images(root.node)):
        return [root.node]
    return [node for node in walk(root.node) if isinstance(node, Artifact)]


def artifact_report(root: Root, node: Node, after: Digest | None) -> ArtifactReport:
    """What becomes of a node that holds no image.

    Args:
        root: that it is, or stands below.
        node: which.
        after: the digest it has in the result; None while nobody knows.
    """
    names = tuple(str(name) for name in root.names)
    alone = node is root.node
    return ArtifactReport(
        names=names if alone else (),
        kind=kind_of(node),
        manifest_before=node.descriptor.digest if node.descriptor else None,
        manifest_after=after,
        inside=() if alone else names,
    )


def lost_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Fields of an index, or of an entry of one, that its new form does not have.

    Args:
        old: as it was; what leads to blobs, and says their types, aside.
        new: as it goes out.

    Returns:
        Their paths; each of the annotations, and of what a platform says, by itself.
    """
    found = []
    for key, value in old.items():
        if key in _LEADING or value is None or value == new.get(key):
            continue
        if key in ("annotations", "platform") and isinstance(value, Mapping):
            below = new.get(key)
            kept = below if isinstance(below, Mapping) else {}
            found += [f"{key}.{name}" for name, item in value.items() if item != kept.get(name)]
        else:
            found.append(key)
    return found


def same_manifests(node: ImageIndex, manifests: list[dict[str, Any]]) -> bool:
    """Whether an index lists these very manifests, in this order."""
    old = [(str(each.digest), each.media_type, each.size) for each in node.index.manifests]
    new = [(each["digest"], each["mediaType"], each["size"]) for each in manifests]
    return old == new and not node.index.misread


def images_first(children: tuple[Node, ...]) -> list[Node]:
    """Children in an order in which what is referred to comes before what refers."""
    return sorted(children, key=lambda child: isinstance(child, Artifact))
