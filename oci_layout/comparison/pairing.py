"""Which image of one source is to be held against which of the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Image, ImageIndex, Root
from oci_layout.graph.selection import Choice, select
from oci_layout.graph.walk import every, images, stated_platform
from oci_layout.platform import Platform
from oci_layout.source.opening import Source


@attrs.frozen(kw_only=True)
class Candidate:
    """One image of a source, and what it stands under.

    Args:
        source: where it is.
        root: what its names stand for: the image itself, or an index around it.
        image: the image.
    """

    source: Source
    root: Root
    image: Image

    @property
    def platform(self) -> Platform:
        """What it runs on, in the one spelling that engines compare."""
        return (stated_platform(self.image) or self.image.platform).normalised()

    @property
    def index(self) -> ImageIndex | None:
        """The index that its names stand for; None for an image alone.

        The entries of a flat ``index.json`` have no index that anybody could push.
        """
        node, blobs = self.root.node, self.source.contents.blobs
        if not isinstance(node, ImageIndex) or blobs is None:
            return None
        return node if blobs.find(node.descriptor.digest) is not None else None


def candidates(source: Source, choice: Choice) -> list[Candidate]:
    """The images of a source that were asked for.

    Args:
        source: opened.
        choice: what was asked for.

    Raises:
        SelectionError: no such image or platform.
    """
    # The index around a chosen platform stays: its digest is what a tag in a registry shows.
    named = select(source.roots, attrs.evolve(choice, platforms=()), Findings())
    wanted = select(source.roots, choice, Findings()) if choice.platforms else named
    kept = {image for root in wanted for image in images(root.node)}
    return [
        Candidate(source=source, root=root, image=image)
        for root in named
        for image in images(root.node)
        if image in kept
    ]


Pair = tuple[Candidate, Candidate]
_Item = TypeVar("_Item")


def pair(
    a: Sequence[Candidate], b: Sequence[Candidate]
) -> tuple[list[Pair], list[Candidate], list[Candidate]]:
    """Pairs of images, and those of either side that have no match.

    By name, and under one name by platform; then by image ID. Where each side has one name (or one
    image), it is compared whatever the names are.

    Args:
        a: images of the first source.
        b: images of the second.
    """
    pairing = _Pairing()
    groups_a, groups_b = _by_root(a), _by_root(b)
    if len(groups_a) == 1 and len(groups_b) == 1:
        pairing.roots(groups_a[0], groups_b[0])
    else:
        pairing.by_name(groups_a, groups_b)
    pairing.by_image_id(a, b)
    order = {candidate.image: number for number, candidate in reversed(list(enumerate(a)))}
    pairing.pairs.sort(key=lambda both: order[both[0].image])
    return (
        pairing.pairs,
        _unpaired(a, {left.image for left, _ in pairing.pairs}),
        _unpaired(b, {right.image for _, right in pairing.pairs}),
    )


class _Pairing:
    def __init__(self) -> None:
        self.pairs: list[Pair] = []
        self._seen: set[tuple[Image, Image]] = set()

    def take(self, left: Candidate, right: Candidate) -> None:
        key = left.image, right.image
        if key not in self._seen:
            self._seen.add(key)
            self.pairs.append((left, right))

    def by_name(self, a: list[list[Candidate]], b: list[list[Candidate]]) -> None:
        """Pair what has a name in common; a bare tag may repeat."""
        for (_, one), (_, two) in _matched(
            [(name.key, group) for group in a for name in group[0].root.names],
            [(name.key, group) for group in b for name in group[0].root.names],
            key=lambda item: item[0],
            alike=lambda item: frozenset(map(_digest, item[1])),
        ):
            self.roots(one, two)

    def roots(self, a: list[Candidate], b: list[Candidate]) -> None:
        """Pair what two names stand for: by platform, and one image with one image."""
        if len(a) == 1 and len(b) == 1:
            self.take(a[0], b[0])
            return
        for one, two in _matched(a, b, key=lambda each: each.platform, alike=_digest):
            self.take(one, two)

    def by_image_id(self, a: Sequence[Candidate], b: Sequence[Candidate]) -> None:
        """Pair what is left on both sides and has the same config."""
        done = {candidate.image for both in self.pairs for candidate in both}
        left = _unpaired(a, done), _unpaired(b, done)
        for one, two in _matched(*left, key=lambda each: each.image.config.digest, alike=_digest):
            self.take(one, two)


def _matched(
    a: Sequence[_Item],
    b: Sequence[_Item],
    *,
    key: Callable[[_Item], object],
    alike: Callable[[_Item], object],
) -> list[tuple[_Item, _Item]]:
    """Pairs of one key, each item once; of several those that are alike in full first."""
    of_key: dict[object, deque[int]] = {}
    of_both: dict[object, deque[int]] = {}
    for number, item in enumerate(b):
        of_key.setdefault(key(item), deque()).append(number)
        of_both.setdefault((key(item), alike(item)), deque()).append(number)
    found: dict[int, int] = {}
    for number, item in enumerate(a):
        waiting = of_both.get((key(item), alike(item)))
        if waiting:
            found[number] = waiting.popleft()
    taken = set(found.values())
    for number, item in enumerate(a):
        waiting = of_key.get(key(item))
        while number not in found and waiting:
            other = waiting.popleft()
            if other not in taken:
                found[number] = other
    return [(a[number], b[other]) for number, other in sorted(found.items())]


def _digest(candidate: Candidate) -> object:
    descriptor = candidate.image.descriptor
    return descriptor.digest if descriptor is not None else candidate.image.config.digest


def _by_root(side: Sequence[Candidate]) -> list[list[Candidate]]:
    groups: dict[Root, list[Candidate]] = {}
    for candidate in side:
        groups.setdefault(candidate.root, []).append(candidate)
    return list(groups.values())


def _unpaired(side: Sequence[Candidate], done: set[Image]) -> list[Candidate]:
    """Images without a match, each once though several names may stand for it."""
    left: dict[Image, Candidate] = {}
    for candidate in side:
        if candidate.image not in done:
            left.setdefault(candidate.image, candidate)
    return list(left.values())


def absent(side: Sequence[Candidate]) -> list[Absent]:
    """What the indexes around some images list and the source does not hold."""
    roots = dict.fromkeys(candidate.root for candidate in side)
    return [node for _, node in every(roots) if isinstance(node, Absent)]
