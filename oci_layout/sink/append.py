"""Adds to a layout that is there: blobs first, then ``index.json`` renamed over the old one.

Whoever reads the layout meanwhile sees the old index or the new one, and every blob of either.
A run that is killed leaves a folder beside the layout, which the next run removes, and perhaps
blobs that no index names.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from oci_layout import limits, temporary
from oci_layout.digest import Digest
from oci_layout.errors import DestinationError
from oci_layout.finding import FailFast, Findings, Where
from oci_layout.model import dockersave, gojson, jsontext, layout
from oci_layout.model.manifest import Index, read_links
from oci_layout.plan.assemble import Documents
from oci_layout.plan.jobs import Fact
from oci_layout.plan.planning import Plan
from oci_layout.reference import ImageName
from oci_layout.sink.atomic import INDEX_TEMPORARY, AtomicPath, failed, fsync_directory, fsync_tree
from oci_layout.sink.layoutdir import BlobFolder, fill
from oci_layout.source import views
from oci_layout.source.spool import write_all
from oci_layout.source.store import DirectoryStore
from oci_layout.work.crew import Crew

ON_CONFLICT = ("error", "first", "last")
_OWN = Where(member=layout.INDEX)


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold a layout against other writers of this package."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


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
    plan: Plan, dest: str, *, on_conflict: str, crew: Crew
) -> tuple[Documents, Mapping[str, Fact], int]:
    """Carry a plan out into a layout that is there.

    Args:
        plan: what to do.
        dest: the layout.
        on_conflict: what happens when a name is there already and stands for something else:
            ``error``, ``first`` (the old one stays) or ``last`` (the new one takes the name).
        crew: does the work on blobs.

    Raises:
        DestinationError: a name is taken, a blob there is damaged, or the disk refuses.
        DamagedError: the source, or the layout's index, does not hold what it says.
    """
    dest = os.path.realpath(dest)
    read_layout(dest)  # before any work
    staged = AtomicPath(dest, directory=True, force=False)
    try:
        documents, facts, size = fill(plan, BlobFolder(staged.path), crew)
        fsync_tree(staged.path)
        with _locked(dest):
            new = jsontext.parse(documents.index, _OWN, FailFast())["manifests"]
            merged, added, known = _merged(read_layout(dest), new, on_conflict, plan.findings)
            _move_blobs(staged.path, dest, _reachable(documents, added, known))
            _replace_index(dest, merged)
    except OSError as error:
        raise failed(error, dest) from error
    finally:
        staged.abort()
    return documents, facts, size


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


def _move_blobs(staged: str, dest: str, wanted: set[str]) -> None:
    for algorithm in sorted(os.listdir(os.path.join(staged, "blobs"))):
        folder = os.path.join(dest, "blobs", algorithm)
        if any(digest.startswith(f"{algorithm}:") for digest in wanted):
            os.makedirs(folder, exist_ok=True)
        else:
            continue
        for name in sorted(os.listdir(os.path.join(staged, "blobs", algorithm))):
            if f"{algorithm}:{name}" not in wanted:
                continue
            here, there = os.path.join(staged, "blobs", algorithm, name), os.path.join(folder, name)
            if os.path.lexists(there):
                _check_present(there, Digest(algorithm, name))
            else:
                os.rename(here, there)
        fsync_directory(folder)


def _check_present(path: str, digest: Digest) -> None:
    """A blob that is there already is not trusted by its name."""
    with open(path, "rb") as file:
        actual = hashlib.file_digest(file, digest.algorithm).hexdigest()
    if actual != digest.hex:
        raise DestinationError(
            what=f"the blob that is there is {digest.algorithm}:{actual}",
            where=path,
            hint="the layout is damaged; write to a new one",
        )


def _replace_index(dest: str, data: bytes) -> None:
    if len(data) > limits.DOCUMENT_BYTES:
        raise DestinationError(what="the index would be too large to be read", where=dest)
    path = os.path.join(dest, INDEX_TEMPORARY)
    temporary.register(path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(path, os.path.join(dest, layout.INDEX))
    temporary.forget(path)
    fsync_directory(dest)
