"""Selection: which images go, which platforms of them, and what cannot go because it is absent."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest, QuotedDigest
from oci_layout.errors import SelectionError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Image, ImageIndex, Node, Root
from oci_layout.graph.referrers import (
    digests,
    is_attached,
    spellings,
    targets,
    with_referrers,
    without_attached,
)
from oci_layout.graph.spelling import meant
from oci_layout.graph.walk import attached_to, every, images, stated_platform, walk
from oci_layout.platform import Platform
from oci_layout.reference import ImageName, InvalidReferenceError, Reference
from oci_layout.where import Where


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Choice:
    """What is to be taken of a source.

    Args:
        images: names or digests to take; empty for all.
        platforms: platforms to take; empty for all.
        attestations: ``keep`` or ``drop`` what is attached to images.
        attached: of which images, by digests in all spellings; None for any.
        whole: whether what is attached to an index goes along with one image of it.
    """

    images: tuple[str, ...] = ()
    platforms: tuple[Platform, ...] = ()
    attestations: str = "keep"
    attached: frozenset[str] | None = None
    whole: bool = False


def select(roots: Sequence[Root], choice: Choice, findings: Findings) -> tuple[Root, ...]:
    """The roots that were asked for, by name and platform, with what belongs to them.

    Args:
        roots: of the source.
        choice: what was asked for.
        findings: told of what is left out.

    Raises:
        SelectionError: no such image or platform.
    """
    chosen = _by_name(roots, choice.images) if choice.images else tuple(roots)
    if choice.platforms:
        chosen = _by_platform(chosen, choice.platforms, findings)
    if choice.images or choice.platforms:
        chosen = with_referrers(chosen, roots)
        apart = _of_taken_apart(chosen, roots)
        if choice.whole:
            chosen = with_referrers((*chosen, *apart), roots)
        else:
            _warn_taken_apart(apart, findings)
    if choice.attestations == "drop":
        chosen = without_attached(chosen, findings, choice.attached)
    return chosen


def only_image(roots: Sequence[Root], choice: Choice) -> tuple[Root, Image]:
    """The one image that is meant, with what it is called.

    Args:
        roots: of the source.
        choice: what was asked for.

    Raises:
        SelectionError: there is no such image, or more than one.
    """
    chosen = select(roots, choice, Findings())
    found: dict[tuple[str, str], tuple[Root, Image]] = {}
    for root in chosen:
        for image in images(root.node):
            document = image.config if image.descriptor is None else image.descriptor
            found.setdefault((str(document.digest), str(stated_platform(image))), (root, image))
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise SelectionError(what="there is no image to look into", hint=describe(roots))
    every = [f"{root.label} {stated_platform(image)}" for root, image in found.values()]
    more = f" and {len(every) - 8} more" if len(every) > 8 else ""
    raise SelectionError(
        what=f"{plural(len(every), 'image')}, and one can be looked into",
        hint=f"choose with --image or --platform: {', '.join(every[:8])}{more}",
    )


def describe(roots: Sequence[Root]) -> str:
    """The first few of some roots, for a message."""
    every = [str(name) for root in roots for name in root.names] or [root.label for root in roots]
    names = list(dict.fromkeys(every))
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more if names else "no image"


def what_there_is(text: str, roots: Sequence[Root], whose: str = "the source has") -> str:
    """A hint for who asked for an image that is not there.

    Args:
        text: what was asked for.
        roots: what there is.
        whose: they are.
    """
    close = meant(text, roots)
    guess = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{guess}{whose} {describe(roots)}"


def holds(roots: Sequence[Root], text: str) -> bool:
    """Whether some roots have an image of a name or digest."""
    try:
        return bool(_by_name(roots, (text,)))
    except SelectionError:
        return False


def _of_taken_apart(chosen: tuple[Root, ...], roots: Sequence[Root]) -> list[Root]:
    """What is attached to an index of which one image is left, and no index."""
    there, taken = digests(chosen), {root.node for root in chosen}
    parts = {node for root in chosen for node in walk(root.node)}
    apart = {
        text
        for root in roots
        for node in walk(root.node)
        if isinstance(node, ImageIndex) and any(each in parts for each in walk(node))
        for text in spellings(node.descriptor.digest)
    } - there
    return [root for root in roots if root.node not in taken and targets(root) & apart]


def _warn_taken_apart(apart: Sequence[Root], findings: Findings) -> None:
    for root in apart:
        findings.warning(
            "attachment-dropped",
            "is left out: it is attached to the whole index, and one image of it was chosen",
            Where(image=root.label),
        )


def digests_of(node: Node) -> set[Digest]:
    """By which a node is asked for: that of its document, and of an image's config."""
    found = set()
    if isinstance(node, Image):
        found.add(node.config.digest)
        if node.descriptor is not None:
            found.add(node.descriptor.digest)
    else:
        found.add(node.descriptor.digest)
    return found


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Hit:
    """What a name or digest stands for.

    Args:
        number: of the root, among those that were looked through.
        root: which.
        names: those of its names that are meant; all of them where a digest was asked for.
        node: the root's own, or one below it that has the digest.
        by_digest: whether a digest was asked for.
    """

    number: int
    root: Root
    names: tuple[ImageName, ...]
    node: Node
    by_digest: bool = False


def hits(text: str, roots: Sequence[Root]) -> list[Hit]:
    """All that a name or digest stands for; at least one.

    A text that is no name there may be the tag of one, as in ``oci:FOLDER:TAG`` of skopeo.

    Raises:
        SelectionError: there is no such image, or it is the tag, or the beginning, of several.
    """
    digest = quoted_digest(text, roots)
    found = _named(text, roots) if digest is None else _with_digest(digest, roots)
    if not found:
        raise SelectionError(what=f"there is no image {text!r}", hint=what_there_is(text, roots))
    return found


def _with_digest(digest: Digest, roots: Sequence[Root]) -> list[Hit]:
    nodes = [_find_digest(root.node, digest) for root in roots]
    return [
        Hit(number=number, root=root, names=root.names, node=node, by_digest=True)
        for number, (root, node) in enumerate(zip(roots, nodes, strict=True))
        if node is not None
    ]


def _named(text: str, roots: Sequence[Root]) -> list[Hit]:
    keys = _keys(text)
    found, tagged = [], []
    for number, root in enumerate(roots):
        names = tuple(name for name in root.names if name.key in keys or name.text == text)
        if names:
            found.append(Hit(number=number, root=root, names=names, node=root.node))
        names = tuple(name for name in root.names if name.tag == text)
        if names:
            tagged.append(Hit(number=number, root=root, names=names, node=root.node))
    if not found and len({frozenset(digests_of(hit.node)) for hit in tagged}) > 1:
        raise SelectionError(
            what=f"{text!r} is the tag of several images",
            hint=describe([attrs.evolve(hit.root, names=hit.names) for hit in tagged]),
        )
    return found or tagged


def _by_name(roots: Sequence[Root], wanted: tuple[str, ...]) -> tuple[Root, ...]:
    taken: dict[int, Root] = {}
    extra: list[Root] = []
    for text in wanted:
        for hit in hits(text, roots):
            if hit.node is not hit.root.node:
                part = _only(hit.root.node, {hit.node})
                alone = _unwrapped(part if part is not None else hit.node)
                extra.append(Root(node=alone, origin=hit.root.origin))
                continue
            before = taken[hit.number].names if hit.number in taken else ()
            names = tuple(dict.fromkeys((*before, *hit.names)))
            taken[hit.number] = attrs.evolve(hit.root, names=names)
    return (*(taken[number] for number in sorted(taken)), *extra)


def quoted_digest(text: str, roots: Sequence[Root]) -> Digest | None:
    """The one digest that is meant; None where the text is none, or a name.

    Raises:
        SelectionError: several digests begin so.
    """
    quoted = QuotedDigest.parse(text)
    names = [name for root in roots for name in root.names if not name.is_digest]
    if quoted is None or any(text == name.text for name in names):
        return None
    there = {digest for _, node in every(roots) for digest in digests_of(node)}
    found = sorted(digest for digest in there if quoted.means(digest))
    if len(found) > 1:
        raise SelectionError(
            what=f"{text!r} is the beginning of several digests",
            hint=", ".join(map(str, found[:8])),
        )
    return found[0] if found else None


def _find_digest(node: Node, digest: Digest) -> Node | None:
    return next((each for each in walk(node) if digest in digests_of(each)), None)


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
    nowhere = set(wanted)
    for root in roots:
        there.update(str(image.platform) for image in images(root.node))
        picked: set[Node] = set()
        for platform in wanted:
            found = _matching(root.node, platform)
            picked |= found
            if found:
                nowhere.discard(platform)
        node = _only(root.node, picked)
        if node is not None:
            kept.append(attrs.evolve(root, node=_unwrapped(node)))
        elif any(isinstance(each, Image) for each in walk(root.node)):
            findings.warning(
                "platform-absent",
                f"{describe([root])} has no image for {', '.join(map(str, wanted))}; left out",
            )
        elif not is_attached(root) and not any(
            isinstance(each, Image | Absent) for each in walk(root.node)
        ):
            kept.append(root)  # an artifact has no platform
    if nowhere:
        missing = [str(platform) for platform in wanted if platform in nowhere]
        raise SelectionError(
            what=f"no image for {', '.join(missing)}",
            hint=f"the source has {', '.join(sorted(there)) or 'no image'}",
        )
    return tuple(kept)


def _matching(node: Node, wanted: Platform) -> set[Node]:
    """The best match for a platform below a node, as containerd would take it.

    Where a version of Windows is asked for, that is the newest one that runs there; else all are.
    """
    candidates = [(each, stated_platform(each)) for each in walk(node)]
    for choice in wanted.runs():
        found = [
            (each, platform.version_order if wanted.os_version else ())
            for each, platform in candidates
            if platform is not None and platform.matches(choice)
        ]
        if found:
            newest = max(order for _, order in found)
            return {key for key, order in found if order == newest}
    return set()


def _only(node: Node, picked: set[Node]) -> Node | None:
    """A node without the images that were not picked, and without what belongs to them."""
    if node in picked:
        return node
    if not isinstance(node, ImageIndex):
        return None
    children = [_only(child, picked) for child in node.children]
    waiting: dict[str, list[int]] = {}
    for number, old in enumerate(node.children):
        for digest in attached_to(old) if children[number] is None else ():
            waiting.setdefault(digest, []).append(number)
    todo = list(digests(Root(node=child) for child in children if child is not None))
    while todo:  # what refers to a referrer goes with it
        for number in waiting.pop(todo.pop(), ()):
            children[number] = node.children[number]
            todo += digests([Root(node=node.children[number])])
    kept = tuple(child for child in children if child is not None)
    return attrs.evolve(node, children=kept) if kept else None


def _unwrapped(node: Node) -> Node:
    """The one image of an index that a choice of platform has left alone in it."""
    while isinstance(node, ImageIndex) and len(node.children) == 1:
        node = node.children[0]
    return node
