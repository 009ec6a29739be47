"""What of a result stays together when it is cut into volumes, read from its documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import FailFast, Findings
from oci_layout.havelist.values import chains_of
from oci_layout.model import jsontext
from oci_layout.model.config import Config
from oci_layout.model.layout import CONTAINERD_NAME, ORIGINAL_ARTIFACT, REF_NAME
from oci_layout.model.manifest import Index, Manifest, read_document
from oci_layout.plan.assemble import Documents
from oci_layout.reference import ImageName, Reference
from oci_layout.where import Where


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Stack:
    """An image of one platform: its layers in order, and what an engine finds them by.

    Args:
        manifest: as it goes out.
        config: digest of its config.
        layers: digests of the blobs, base first.
        diff_ids: of the tars inside; empty where they are not known.
        chains: chain ID of each layer; None where it is not known.
    """

    manifest: Manifest
    config: Digest
    layers: tuple[Digest, ...]
    diff_ids: tuple[Digest, ...]
    chains: tuple[Digest | None, ...]

    @property
    def divisible(self) -> bool:
        """Whether an image of its first layers can be made."""
        return all(chain is not None for chain in self.chains)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Piece:
    """What goes into one volume, or is cut between its layers.

    Args:
        entries: of ``index.json``, with their places there.
        saved: entries of ``manifest.json``.
        documents: digests of manifests, indexes and configs.
        blobs: digests of what is no layer of an image: parts of signatures and other artifacts.
        stacks: its images; those that ``manifest.json`` lists come first.
        listed: digests of the configs that ``manifest.json`` lists.
        nested: whether an index holds its images together.
        names: of the entries.
    """

    entries: tuple[tuple[int, Mapping[str, Any]], ...]
    saved: tuple[Mapping[str, Any], ...]
    documents: tuple[Digest, ...]
    blobs: tuple[Digest, ...]
    stacks: tuple[Stack, ...]
    listed: frozenset[Digest]
    nested: bool
    names: tuple[ImageName, ...]

    @property
    def reference(self) -> Reference | None:
        """Its first full name: without one no engine keeps what it brings."""
        return next((name.reference for name in self.names if name.reference), None)

    @property
    def label(self) -> str:
        """What to call it."""
        if self.names:
            return str(self.names[0])
        known = self.stacks[0].config if self.stacks else next(iter(self.documents), None)
        return known.short if known is not None else "a blob"

    @property
    def called(self) -> tuple[str, ...]:
        """All its names; a digest where it has none; nothing for what no entry leads to."""
        named = tuple(str(name) for name in self.names)
        return named or ((self.label,) if self.entries else ())

    @property
    def units(self) -> list[tuple[Stack, int]]:
        """Its layers, in the order in which they go out."""
        return [(stack, number) for stack in self.stacks for number in range(len(stack.layers))]


def entry_name(entry: Mapping[str, Any]) -> ImageName | None:
    """The name that an entry of ``index.json`` of ours has."""
    notes = entry.get("annotations") or {}
    if CONTAINERD_NAME in notes:
        return ImageName.from_containerd(notes[CONTAINERD_NAME])
    return ImageName.from_ref_name(notes[REF_NAME]) if REF_NAME in notes else None


def pieces_of(documents: Documents) -> list[Piece]:
    """The pieces of a result, in the order of their first entries.

    Entries that lead to one image of ``manifest.json`` are one piece: it has one entry there.

    Args:
        documents: of the whole result.
    """
    index = jsontext.parse(documents.index, Where(), FailFast())
    saved = jsontext.parse(documents.docker, Where(), FailFast()) if documents.docker else []
    by_config: _Saved = {}
    for each in saved:
        by_config.setdefault(_digest_of(each["Config"]), []).append(each)
    walker = _Walker(documents)
    entries: dict[Digest, list[int]] = {}
    for number, entry in enumerate(index["manifests"]):
        entries.setdefault(Digest.parse(entry["digest"]), []).append(number)
    for digest in documents.unlisted:
        entries.setdefault(digest, [])
    groups = _grouped({digest: walker.walk(digest) for digest in entries}, by_config)
    return [
        _piece([walker.walk(digest) for digest in group], group, entries, index, by_config)
        for group in groups
    ]


_Saved = dict[Digest, list[Mapping[str, Any]]]  # entries of manifest.json by their configs


def _digest_of(path: str) -> Digest:
    found = Digest.of_path(path)
    if found is None:
        raise AssertionError(f"{path} is no blob of ours")
    return found


@attrs.define(kw_only=True, eq=False, repr=False)
class _Below:
    """What lies below one document."""

    documents: dict[Digest, None] = attrs.field(factory=dict)
    blobs: dict[Digest, None] = attrs.field(factory=dict)
    stacks: dict[Digest, Stack] = attrs.field(factory=dict)
    nested: bool = False


class _Walker:
    """Reads each document once.

    Args:
        documents: of the whole result.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._read: dict[Digest, Manifest | Index | None] = {}
        self._walked: dict[Digest, _Below] = {}
        self._stacks: dict[Digest, Stack] = {}

    def walk(self, digest: Digest) -> _Below:
        """What is below a document, itself included."""
        if digest not in self._walked:
            found = self._walked[digest] = _Below()
            pending = [digest]
            while pending:
                pending += self._step(pending.pop(), found)
        return self._walked[digest]

    def _step(self, digest: Digest, found: _Below) -> Iterator[Digest]:
        if digest in found.documents or digest in found.blobs:
            return
        document = self._document(digest)
        if document is None:
            found.blobs[digest] = None  # of a type that is nobody's manifest, or absent
            return
        found.documents[digest] = None
        if isinstance(document, Index):
            found.nested = True
            yield from reversed([each.digest for each in document.manifests])
            return
        config = document.config
        original = document.artifact_type == ORIGINAL_ARTIFACT
        if config is not None and config.digest in self._documents.blobs and not original:
            found.documents[config.digest] = None
            found.stacks[digest] = self._stack(digest, document, config.digest)
            return
        below = [*([config] if config is not None else []), *document.layers]
        for each in below:  # what is kept of before has its blobs among the documents
            held = original and each.digest in self._documents.blobs
            (found.documents if held else found.blobs)[each.digest] = None

    def _document(self, digest: Digest) -> Manifest | Index | None:
        if digest not in self._read:
            raw = self._documents.blobs.get(digest) if digest in self._documents.manifests else None
            document = read_document(raw, Where(), Findings()) if raw is not None else None
            self._read[digest] = document if isinstance(document, Manifest | Index) else None
        return self._read[digest]

    def _stack(self, digest: Digest, manifest: Manifest, config: Digest) -> Stack:
        if digest not in self._stacks:
            layers = tuple(each.digest for each in manifest.layers)
            raw = self._documents.blobs[config]
            read = Config.from_bytes(raw, Where(), Findings(), algorithm=config.algorithm)
            diff_ids = (read.diff_ids or ()) if read is not None else ()
            known = len(diff_ids) == len(layers)
            self._stacks[digest] = Stack(
                manifest=manifest,
                config=config,
                layers=layers,
                diff_ids=diff_ids if known else (),
                chains=tuple(chains_of(diff_ids) if known else [None] * len(layers)),
            )
        return self._stacks[digest]


def _grouped(every: Mapping[Digest, _Below], saved: _Saved) -> list[list[Digest]]:
    """Documents at the top by what they share an entry of ``manifest.json`` with."""
    leader: dict[Digest, Digest] = {digest: digest for digest in every}

    def lead(digest: Digest) -> Digest:
        while leader[digest] != digest:
            leader[digest] = leader[leader[digest]]
            digest = leader[digest]
        return digest

    first: dict[Digest, Digest] = {}
    for digest, below in every.items():
        for stack in below.stacks.values():
            if stack.config in saved:
                leader[lead(digest)] = lead(first.setdefault(stack.config, digest))
    groups: dict[Digest, list[Digest]] = {}
    for digest in every:
        groups.setdefault(lead(digest), []).append(digest)
    return list(groups.values())


def _piece(
    below: list[_Below],
    group: list[Digest],
    entries: Mapping[Digest, list[int]],
    index: Mapping[str, Any],
    saved: _Saved,
) -> Piece:
    own = [(number, index["manifests"][number]) for top in group for number in entries[top]]
    own.sort(key=lambda pair: pair[0])
    stacks = {digest: stack for each in below for digest, stack in each.stacks.items()}
    listed = dict.fromkeys(stack.config for stack in stacks.values() if stack.config in saved)
    names = [entry_name(entry) for _, entry in own]
    return Piece(
        entries=tuple(own),
        saved=tuple(each for config in listed for each in saved[config]),
        documents=tuple(dict.fromkeys(digest for each in below for digest in each.documents)),
        blobs=tuple(dict.fromkeys(digest for each in below for digest in each.blobs)),
        stacks=tuple(sorted(stacks.values(), key=lambda stack: stack.config not in listed)),
        listed=frozenset(listed),
        nested=len(stacks) > 1,
        names=tuple(dict.fromkeys(name for name in names if name is not None)),
    )
