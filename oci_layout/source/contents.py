"""What a store holds: which kind of source it is, and the images that its views come to."""

from __future__ import annotations

from itertools import islice

import attrs

from oci_layout.errors import DamagedError, LayoutError, NotAnImageError
from oci_layout.finding import Finding, Findings
from oci_layout.model import dockersave
from oci_layout.source import inner, mistaken
from oci_layout.source.kinds import KINDS, V1, Contents, Reading, SourceKind
from oci_layout.source.store import Store
from oci_layout.where import Where


def read(reading: Reading, told: Findings) -> Contents:
    """What is there.

    Args:
        reading: the store, and what is told of it.
        told: what was found in the store itself. It is passed on only where the store holds an
            image: of a disc of another sort, or half an archive, nobody asks how its links run.

    Raises:
        DamagedError: an archive that ends before anything describes an image.
        NotAnImageError: nothing that describes an image.
    """
    other = mistaken.by_documents(reading.store)
    if other is not None:
        raise no_image(reading.store.label, [], other)
    kind = next((kind for kind in KINDS if kind.told(reading)), None)
    if kind is V1 and inner.folders(reading.store, reading.store.names()):
        kind = None  # V1 folders of what docker save writes of today, in several folders
    if kind is None or _unfinished(kind, reading, told):
        raise _no_image(reading, _cut(told, kind))
    for finding in told.found:
        reading.findings.add(finding)
    reading.findings.left_out += told.left_out
    return kind.read(reading)


def _unfinished(kind: SourceKind, reading: Reading, told: Findings) -> bool:
    """Whether it may be the beginning of what Docker of today saves: that has V1 folders too.

    ``manifest.json`` follows them there, and ``repositories`` is the last file of both.
    """
    if kind is not V1 or _cut(told, kind) is None:
        return False
    names = reading.store.names()
    return all(name.rpartition("/")[2] != dockersave.REPOSITORIES for name in names)


def _cut(told: Findings, kind: SourceKind | None) -> Finding | None:
    """What says that an archive was cut short."""
    found = next((each for each in told.errors if each.code == "truncated"), None)
    if found is None and kind is not None:
        found = next((each for each in told.warnings if each.code == "no-end-marker"), None)
    return found


def _no_image(reading: Reading, cut: Finding | None) -> LayoutError:
    store = reading.store
    found = mistaken.by_names(store.names())
    if found is None and cut is not None:
        place = attrs.evolve(cut.where, file="")
        return DamagedError(
            code="truncated",
            what=f"cut short, before the list of its images: {place}: {cut.message}",
            where=Where(file=store.label),
            hint="copy the file again",
        )
    found = found or _in_folders(store) or mistaken.by_what_is_inside(store.names())
    return no_image(store.label, list(islice(store.names(), 4)), found)


def _in_folders(store: Store) -> mistaken.Mistaken | None:
    """Images in folders of a store, and how to choose one; None where there are none."""
    found = inner.folders(store, store.names())
    return mistaken.images_inside(found, f"{store.label}#{found[0]}") if found else None


def no_image(
    label: str, names: list[str], found: mistaken.Mistaken | None = None
) -> NotAnImageError:
    """The error for what holds no image.

    Args:
        label: what it is called.
        names: a few of what is in it.
        found: what it is instead, where that is known.
    """
    if found is not None:
        return NotAnImageError(
            what=f"this is {found.what}", where=Where(file=label), hint=found.hint
        )
    inside = ", ".join(repr(name[:60]) for name in names) or "nothing"
    return NotAnImageError(
        what=f"no image: there is neither index.json nor manifest.json (found {inside})",
        where=Where(file=label),
    )
