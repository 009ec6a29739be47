"""Adds to a layout that is there: blobs first, then ``index.json`` renamed over the old one.

Whoever reads the layout meanwhile sees the old index or the new one, and every blob of either.
A run that is killed leaves a folder beside the layout, which the next run removes, and perhaps
blobs that no index names.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from oci_layout import limits
from oci_layout.blobs.pool import Pool
from oci_layout.blobs.task import Fact
from oci_layout.digest import Digest
from oci_layout.disk.draft import Draft
from oci_layout.disk.folder import NOREPLACE, Folder
from oci_layout.disk.lock import locked
from oci_layout.disk.place import Place
from oci_layout.errors import DestinationError
from oci_layout.finding import FailFast, Findings, Where
from oci_layout.model import dockersave, gojson, jsontext, layout
from oci_layout.model.manifest import Index, read_links
from oci_layout.plan.assemble import Documents
from oci_layout.plan.planning import Plan
from oci_layout.reference import ImageName
from oci_layout.sink.layoutdir import BlobFolder, fill
from oci_layout.source import views
from oci_layout.source.spool import write_all
from oci_layout.source.store import DirectoryStore

ON_CONFLICT = ("error", "first", "last")
_OWN = Where(member=layout.INDEX)


def read_layout(dest: str) -> Index:
    """The index of the layout that is added to.

    Raises:
        DestinationError: it cannot be read, or is the unpacked form of a hybrid archive.
    """
    if os.path.lexists(os.path.join(dest, dockersave.MANIFEST)):
        raise DestinationError(
            what="has a manifest.json, which adding would make untrue",
            where=dest,
            hint="repack it to a plain OCI layout first",
        )
    index = views.read_index(DirectoryStore(dest), FailFast())
    if index is None:
        raise DestinationError(what="has no usable index.json", where=dest)
    return index


def append_layout(
    plan: Plan, place: Place, *, on_conflict: str, pool: Pool
) -> tuple[Documents, Mapping[str, Fact], int]:
    """Carry a plan out into a layout that is there.

    Args:
        plan: what to do.
        place: the layout, as it was found.
        on_conflict: what happens when a name is there already and stands for something else:
            ``error``, ``first`` (the old one stays) or ``last`` (the new one takes the name).
        pool: does the work on blobs.

    Raises:
        DestinationError: a name is taken, a blob there is damaged, or the disk refuses.
        DamagedError: the source, or the layout's index, does not hold what it says.
    """
    read_layout(place.real)  # before any work
    with Draft(place, directory=True, replace=False) as draft:
        with BlobFolder(draft.folder) as folder:
            done = fill(plan, folder, pool)
        documents = done[0]
        draft.folder.sync_all()
        with locked(place.parent, place.name, place.path) as dest:
            new = jsontext.parse(documents.index, _OWN, FailFast())["manifests"]
            old = read_layout(place.real)
            merged, added, known = _merged(old, new, on_conflict, plan.findings)
            if len(merged) > limits.DOCUMENT_BYTES:
                raise DestinationError(
                    what="the index would be too large to be read", where=place.path
                )
            _move_blobs(draft.folder, dest, _reachable(documents, added, known))
            _replace_index(draft.folder, dest, merged)
    return done


def _name(entry: Mapping[str, Any]) -> str | None:
    notes = entry.get("annotations") or {}
    name = notes.get(layout.CONTAINERD_NAME) or notes.get(layout.REF_NAME)
    return name if isinstance(name, str) else None


def _key(entry: Mapping[str, Any]) -> str | None:
    """What makes an entry's name the same as another's; None without a name."""
    name = _name(entry)
    return ImageName.from_ref_name(name).key if name is not None else None


def _merged(
    index: Index, new: list[dict[str, Any]], on_conflict: str, findings: Findings
) -> tuple[bytes, list[dict[str, Any]], list[dict[str, Any]]]:
    """The index with the new entries, those, and those of them that it had already.

    The old ones keep their place and their bytes' meaning.
    """
    old = [dict(entry.source) for entry in index.manifests]
    there: dict[str, list[dict[str, Any]]] = {}
    for entry in old:
        if (taken := _key(entry)) is not None:
            there.setdefault(taken, []).append(entry)
    known = {(entry.get("digest"), _key(entry)) for entry in old}
    tags = {(entry.get("annotations") or {}).get(layout.REF_NAME) for entry in old}
    added: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for entry in new:
        name, key = _name(entry), _key(entry)
        if (entry["digest"], key) in known:
            again.append(entry)
            continue
        holders = there.pop(key, []) if key is not None else []
        if holders:
            held = str(holders[0].get("digest"))
            if on_conflict == "error":
                raise DestinationError(
                    what=f"the name {name} is there already, for {held}; it was to be for "
                    f"{entry['digest']}",
                    hint="--on-conflict first keeps it, last takes it away; --name gives another",
                )
            goes, stays = (held, entry["digest"])[:: 1 if on_conflict == "first" else -1]
            where = Where(image=str(name))
            findings.warning("name-taken", f"goes to {goes}, not to {stays}", where)
            if on_conflict == "first":
                there[str(key)] = holders
                continue
            # A flat layout has an entry of that name for each platform.
            old = [each for each in old if all(each is not holder for holder in holders)]
        added.append(_distinct(entry, tags, taken=bool(holders)))
    value = {**index.fields, "manifests": [*old, *added]}
    return gojson.encode_bytes(value), added, again


def _reachable(
    documents: Documents, added: list[dict[str, Any]], known: list[dict[str, Any]]
) -> set[str]:
    """Digests of all that the new entries lead to; what was not taken must not be left lying.

    A referrer that no index lists goes with its subject, be that new or there already.
    """
    raw = {str(digest): documents.blobs[digest] for digest in documents.manifests}
    found = _below([str(entry["digest"]) for entry in added], raw)
    there = found | _below([str(entry["digest"]) for entry in known], raw)
    waiting: dict[str, list[str]] = {}
    for digest in documents.unlisted:
        waiting.setdefault(_subject(raw[str(digest)]), []).append(str(digest))
    todo = [digest for digest in waiting if digest in there]
    while todo:
        more = _below(waiting.pop(todo.pop(), []), raw)
        todo += more & waiting.keys()
        found |= more
    return found


def _subject(raw: bytes) -> str:
    links = read_links(raw, _OWN, FailFast())
    return "" if links is None else str(links.subject)


def _below(tops: list[str], raw: Mapping[str, bytes]) -> set[str]:
    """Digests of all that some manifests and indexes lead to, and their own."""
    found: set[str] = set()
    left = list(tops)
    while left:
        digest = left.pop()
        if digest in found:
            continue
        found.add(digest)
        if digest not in raw:
            continue
        links = read_links(raw[digest], _OWN, FailFast())
        left += [] if links is None else map(str, links.below)
    return found


def _distinct(entry: dict[str, Any], tags: set[Any], *, taken: bool) -> dict[str, Any]:
    """The entry, with its full name as ``ref.name`` where an old entry has the same tag."""
    notes = entry.get("annotations") or {}
    full = notes.get(layout.CONTAINERD_NAME)
    if full and not taken and notes.get(layout.REF_NAME) in tags:
        return {**entry, "annotations": {**notes, layout.REF_NAME: full}}
    return entry


def _beneath(folder: Folder, name: str) -> Folder:
    """A folder of the layout; a link to one is not written through.

    Raises:
        DestinationError: it is a link, or no folder.
    """
    try:
        return folder.enter(name)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise DestinationError(
            what="is a link or no directory, and nothing is written through it",
            where=os.path.join(folder.path, name),
            hint="repack the layout to a new one",
        ) from error


def _move_blobs(staged: Folder, dest: Folder, wanted: set[str]) -> None:
    with ExitStack() as closing:
        blobs = closing.enter_context(staged.enter("blobs"))
        dest.make("blobs")
        into = closing.enter_context(_beneath(dest, "blobs"))
        for algorithm in blobs.names():
            if not any(digest.startswith(f"{algorithm}:") for digest in wanted):
                continue
            here = closing.enter_context(blobs.enter(algorithm))
            into.make(algorithm)
            there = closing.enter_context(_beneath(into, algorithm))
            for name in here.names():
                if f"{algorithm}:{name}" not in wanted:
                    continue
                if there.status(name) is not None:
                    _check_present(there, Digest(algorithm, name))
                elif not here.rename_as(name, name, NOREPLACE, to=there):
                    here.rename(name, name, to=there)
            there.sync()
        into.sync()


def _check_present(folder: Folder, digest: Digest) -> None:
    """A blob that is there already is not trusted by its name; it may be a link to a file."""
    path = os.path.join(folder.path, digest.hex)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(digest.hex, flags, dir_fd=folder.fd), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DestinationError(what="is not a regular file", where=path)
        actual = hashlib.file_digest(file, digest.algorithm).hexdigest()
    if actual != digest.hex:
        raise DestinationError(
            what=f"the blob that is there is {digest.algorithm}:{actual}",
            where=path,
            hint="the layout is damaged; write to a new one",
        )


def _replace_index(staged: Folder, dest: Folder, data: bytes) -> None:
    """Write the index outside of the layout, and let it take the place of the old one."""
    staged.unlink(layout.INDEX)
    fd = staged.create(layout.INDEX)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    staged.rename(layout.INDEX, layout.INDEX, to=dest)
    dest.sync()
