"""Selection: which images go, which platforms of them, and what cannot go because it is absent."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import attrs

from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import DamagedError, SelectionError
from oci_layout.finding import Findings, Where
from oci_layout.model.layout import ATTESTATION_DIGEST
from oci_layout.plan.options import Options, Renames
from oci_layout.platform import Platform
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.source.graph import (
    Absent,
    Artifact,
    Image,
    ImageIndex,
    Node,
    Opaque,
    Root,
    images,
    walk,
)


def select(roots: Sequence[Root], options: Options, findings: Findings) -> tuple[Root, ...]:
    """The roots to convert, pruned to what is wanted and complete.

    Raises:
        SelectionError: no such image or platform.
        DamagedError: nothing that is wanted is complete; the missing digests are named.
    """
    chosen = _by_name(roots, options.images) if options.images else tuple(roots)
    if options.platforms:
        chosen = _by_platform(chosen, options.platforms, findings)
    chosen = _complete(chosen, findings)
    return _renamed(chosen, options.renames)


def _describe(roots: Sequence[Root]) -> str:
    names = [str(name) for root in roots for name in root.names]
    if not names:
        names = [_digest(root.node) for root in roots]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more if names else "no image"


def _digest(node: Node) -> str:
    if isinstance(node, Image):
        return str(node.config.digest)
    return str(node.descriptor.digest)


def _digests(node: Node) -> set[Digest]:
    found = set()
    if isinstance(node, Image):
        found.add(node.config.digest)
        if node.descriptor is not None:
            found.add(node.descriptor.digest)
    else:
        found.add(node.descriptor.digest)
    return found


def _by_name(roots: Sequence[Root], wanted: tuple[str, ...]) -> tuple[Root, ...]:
    taken: dict[int, Root] = {}
    extra: list[Root] = []
    for text in wanted:
        hit = False
        digest = _as_digest(text)
        for number, root in enumerate(roots):
            if digest is not None:
                node = _find_digest(root.node, digest)
                if node is root.node:
                    taken[number] = root
                elif node is not None:
                    extra.append(Root(node=node))
                hit = hit or node is not None
                continue
            keys = _keys(text)
            names = tuple(name for name in root.names if name.key in keys or name.text == text)
            if names:
                before = taken[number].names if number in taken else ()
                merged = tuple(dict.fromkeys((*before, *names)))
                taken[number] = attrs.evolve(root, names=merged)
                hit = True
        if not hit:
            raise SelectionError(
                what=f"there is no image {text!r}", hint=f"the source has {_describe(roots)}"
            )
    return (*(taken[number] for number in sorted(taken)), *extra)


def _as_digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except InvalidDigestError:
        return None


def _find_digest(node: Node, digest: Digest) -> Node | None:
    return next((each for each in walk(node) if digest in _digests(each)), None)


def _keys(text: str) -> set[str]:
    keys = {text}
    with contextlib.suppress(InvalidReferenceError):
        keys.add(str(Reference.parse(text)))
    return keys


def _by_platform(
    roots: tuple[Root, ...], wanted: tuple[Platform, ...], findings: Findings
) -> tuple[Root, ...]:
    kept = []
    there: set[str] = set()
    for root in roots:
        there.update(str(image.platform) for image in images(root.node))
        picked: set[int] = set()
        for platform in wanted:
            picked |= _matching(root.node, platform)
        node = _only(root.node, picked)
        if node is not None:
            kept.append(attrs.evolve(root, node=_unwrapped(node)))
        elif any(isinstance(each, Image) for each in walk(root.node)):
            findings.warning(
                "platform-absent",
                f"{_describe([root])} has no image for {', '.join(map(str, wanted))}; left out",
            )
        elif not any(isinstance(each, Image | Absent) for each in walk(root.node)):
            kept.append(root)  # an artifact has no platform
    if not any(isinstance(each, Image) for root in kept for each in walk(root.node)):
        raise SelectionError(
            what=f"no image for {', '.join(map(str, wanted))}",
            hint=f"the source has {', '.join(sorted(there)) or 'no image'}",
        )
    return tuple(kept)


def _stated(node: Node) -> Platform | None:
    """The platform an index states for a child, or else its config."""
    if isinstance(node, Image):
        stated = node.descriptor.platform if node.descriptor is not None else None
        return stated if stated is not None and stated.architecture else node.platform
    if isinstance(node, Absent):
        return node.descriptor.platform
    return None


def _matching(node: Node, wanted: Platform) -> set[int]:
    """The best match for a platform below a node, as containerd would take it."""
    candidates = [(each, _stated(each)) for each in walk(node)]
    for choice in wanted.runs():
        found = {
            id(each)
            for each, platform in candidates
            if platform is not None and platform.matches(choice)
        }
        if found:
            return found
    return set()


def _only(node: Node, picked: set[int]) -> Node | None:
    """A node without the images that were not picked, and without what belongs to them."""
    if not isinstance(node, ImageIndex):
        return node if id(node) in picked else None
    children = [_only(child, picked) for child in node.children]
    subjects = {
        str(child.descriptor.digest)
        for child in children
        if child is not None and child.descriptor is not None
    }
    kept = [
        new if new is not None else old if _refers(old, subjects) else None
        for old, new in zip(node.children, children, strict=True)
    ]
    if all(child is None for child in kept):
        return None
    return attrs.evolve(node, children=tuple(child for child in kept if child is not None))


def _refers(node: Node, subjects: set[str]) -> bool:
    """Whether an artifact is attached to one of the digests."""
    if not isinstance(node, Artifact):
        return False
    if node.descriptor.annotations.get(ATTESTATION_DIGEST) in subjects:
        return True
    subject = node.manifest.subject
    return subject is not None and str(subject.digest) in subjects


def _unwrapped(node: Node) -> Node:
    """The one image of an index that a choice of platform has left alone in it."""
    while isinstance(node, ImageIndex) and len(node.children) == 1:
        node = node.children[0]
    return node


def _complete(roots: tuple[Root, ...], findings: Findings) -> tuple[Root, ...]:
    kept = []
    missing: list[Digest] = []
    for root in roots:
        node = _pruned(root.node, findings, missing, _describe([root]))
        if node is not None:
            kept.append(attrs.evolve(root, node=node))
    if missing and not kept:
        listed = ", ".join(str(digest) for digest in dict.fromkeys(missing[:8]))
        more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        raise DamagedError(
            what=f"nothing in this source is complete; missing: {listed}{more}",
            hint="save the image again, with all its blobs",
            code="sparse-index",
        )
    return tuple(kept)


def _absences(node: Node) -> tuple[Digest, ...]:
    if isinstance(node, Absent | Image | Artifact):
        return node.missing
    return ()


def _pruned(node: Node, findings: Findings, missing: list[Digest], label: str) -> Node | None:
    """A node without what is not all there; each absence is reported."""
    if isinstance(node, Opaque):
        return node
    if isinstance(node, ImageIndex):
        children = [_pruned(child, findings, missing, label) for child in node.children]
        subjects = {
            str(child.descriptor.digest)
            for child in children
            if child is not None and child.descriptor is not None
        }
        kept = []
        for child in children:
            if isinstance(child, Artifact) and _orphaned(child, node, subjects):
                findings.warning(
                    "sparse-index",
                    f"the attestation {child.descriptor.digest} is left out with its image",
                    Where(image=label),
                )
            elif child is not None:
                kept.append(child)
        if not kept and node.children:
            return None
        return attrs.evolve(node, children=tuple(kept))
    absent = _absences(node)
    if not absent:
        return node
    missing.extend(absent)
    platform = _stated(node)
    findings.warning(
        "sparse-index",
        f"{platform or 'a manifest'} is left out: {absent[0]} is not in the source"
        + (f", nor are {len(absent) - 1} more of its blobs" if len(absent) > 1 else ""),
        Where(image=label),
    )
    return None


def _orphaned(artifact: Artifact, index: ImageIndex, kept: set[str]) -> bool:
    """Whether what an attestation attests was listed beside it and is not kept."""
    attested = artifact.descriptor.annotations.get(ATTESTATION_DIGEST)
    listed = {str(child.digest) for child in index.index.manifests}
    return attested is not None and attested in listed and attested not in kept


def _renamed(roots: tuple[Root, ...], renames: Renames) -> tuple[Root, ...]:
    if renames.single is not None:
        if len(roots) != 1:
            raise SelectionError(
                what=f"--name NAME names a single image, and there are {len(roots)}",
                hint="choose one with --image, or use --name OLD=NEW; there are "
                + _describe(roots),
            )
        root = roots[0]
        chosen = tuple((renames.single.key, digest) for _, digest in root.docker[:1])
        return (attrs.evolve(root, names=(renames.single,), docker=chosen),)
    pairs = dict(renames.pairs)
    used: set[str] = set()
    result = []
    for root in roots:
        names = []
        platforms = dict(root.docker)
        for name in root.names:
            new = pairs.get(name.key) or pairs.get(name.text)
            used.update({name.key, name.text})
            names.append(new or name)
            if new is not None and name.key in platforms:
                platforms[new.key] = platforms.pop(name.key)
        kept = tuple(dict.fromkeys(names))
        result.append(attrs.evolve(root, names=kept, docker=tuple(platforms.items())))
    for old_key in pairs.keys() - used:
        raise SelectionError(
            what=f"there is no image {old_key!r} to rename", hint=f"there are {_describe(roots)}"
        )
    _distinct(result)
    return tuple(result)


def _distinct(roots: list[Root]) -> None:
    owner: dict[str, int] = {}
    for number, root in enumerate(roots):
        for name in root.names:
            if name.reference is not None and owner.setdefault(name.key, number) != number:
                raise SelectionError(what=f"{name} would name two different images")
