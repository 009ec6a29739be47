"""New names for images."""

from __future__ import annotations

import attrs

from oci_layout.errors import SelectionError
from oci_layout.graph.nodes import Root
from oci_layout.graph.referrers import is_attached
from oci_layout.graph.selection import describe, digests_of, quoted_digest, what_there_is
from oci_layout.plan.options import Renames
from oci_layout.reference import ImageName


def renamed(roots: tuple[Root, ...], renames: Renames) -> tuple[Root, ...]:
    """The roots under the names they are to have.

    Args:
        roots: what was selected.
        renames: what was asked for.

    Raises:
        SelectionError: a name that is not there, is ambiguous, or would stand for two images.
    """
    if renames.single is not None:
        alone = [root for root in roots if not is_attached(root)] or list(roots)
        if len(alone) != 1:
            raise SelectionError(
                what=f"--name NAME names a single image, and there are {len(alone)}",
                hint="choose one with --image, or use --name OLD=NEW; there are " + describe(alone),
            )
        named = _called(alone[0], [renames.single])
        # A signature beside it keeps the tag by which it is found.
        return tuple(named if root is alone[0] else root for root in roots)
    pairs = dict(renames.pairs)
    by_digest = {key: quoted_digest(key, roots) for key in pairs}
    used: set[str] = set()
    result = []
    for root in roots:
        there = digests_of(root.node)
        asked = [key for key, digest in by_digest.items() if digest in there]
        if asked:
            used.update(asked)
            result.append(_called(root, [pairs[key] for key in asked]))
            continue
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
        old = str(ImageName.from_ref_name(old_key))
        raise SelectionError(
            what=f"there is no image {old!r} to rename",
            hint=what_there_is(old, roots, "there are"),
        )
    _distinct(result)
    return tuple(result)


def _called(root: Root, names: list[ImageName]) -> Root:
    """The root under these names alone."""
    chosen = tuple((name.key, digest) for name in names for _, digest in root.docker[:1])
    return attrs.evolve(root, names=tuple(names), docker=chosen)


def _distinct(roots: list[Root]) -> None:
    owner: dict[str, int] = {}
    for number, root in enumerate(roots):
        for name in root.names:
            if name.reference is not None and owner.setdefault(name.key, number) != number:
                raise SelectionError(what=f"{name} would name two different images")
