"""What a source shows to an engine: each of its views as it stands, and how the files lie there.

Engines do not reconcile views as this package does: each reads one of them. So nothing here is
taken from the reconciler.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding, Findings
from oci_layout.graph.nodes import Image, Node
from oci_layout.graph.walk import walk
from oci_layout.havelist.values import HaveList
from oci_layout.mediatype import Compression, Kind
from oci_layout.model import dockersave, jsontext, layout
from oci_layout.model.config import Config
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.dockersave import SavedImage
from oci_layout.model.documenttypes import SAVED
from oci_layout.model.gotypes import At, Misread
from oci_layout.model.manifest import Index, read_document
from oci_layout.source import kinds
from oci_layout.source.blobs import GraphReader, LayoutBlobs
from oci_layout.source.opening import STANDARD_INPUT, Source
from oci_layout.source.reading import read_bounded
from oci_layout.source.store import ArchiveStore, Store, listed
from oci_layout.streams.codecs.zstdframes import window
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.streams.member import Member
from oci_layout.streams.names import UnsafeNameError, cleaned, joined
from oci_layout.streams.tarindex import MemberType, TarMember
from oci_layout.targets.layersread import LayersRead
from oci_layout.where import Where

# Beyond these a tar reader written in Go stops with an error.
_BROKEN = ("truncated", "bad-tar-header", "size-conflict", "too-many-members")


@attrs.frozen(kw_only=True)
class SavedLayer:
    """A file that ``manifest.json`` lists as a layer.

    Args:
        name: as it is listed.
        member: its bytes, links followed; None when it is not there.
        entry: the archive's member of that name, links not followed; None in a directory.
        packing: how its bytes are packed, by their beginning.
        window: bytes of memory that unpacking it takes, where it is packed with zstd.
        diff_id: what the config says of it; None where the config has fewer.
    """

    name: str
    member: Member | None
    entry: TarMember | None
    packing: Compression
    window: int
    diff_id: Digest | None

    @property
    def digest(self) -> None:
        """Nobody says one: the path is only a name."""
        return


@attrs.frozen(kw_only=True, eq=False)
class Saved:
    """An entry of ``manifest.json``.

    Args:
        config_name: the file that it names as its config.
        config: what that says; None when it is not there, or no config.
        config_member: the name of that file, links followed; empty when it is not there.
        config_entry: the archive's member of that name, links not followed; None in a directory.
        tags: RepoTags, as written.
        layers: the files it lists, base first.
    """

    config_name: str
    config: Config | None
    config_member: str
    config_entry: TarMember | None
    tags: tuple[str, ...]
    layers: tuple[SavedLayer, ...]

    @property
    def label(self) -> str:
        """What to call it."""
        return self.tags[0] if self.tags else self.config_name


@attrs.frozen(kw_only=True)
class Configs:
    """Configs by their digests and by the files they are in, to find one view's in another.

    A config has one digest by sha256 and another by sha512; the file is the same.
    """

    digests: frozenset[Digest]
    members: frozenset[str]

    @classmethod
    def saved(cls, entries: Iterable[Saved]) -> Configs:
        """Those of entries of ``manifest.json``."""
        found = [each for each in entries if each.config is not None]
        return cls(
            digests=frozenset(each.config.digest for each in found if each.config is not None),
            members=frozenset(each.config_member for each in found),
        )

    @classmethod
    def of(cls, found: Iterable[Image]) -> Configs:
        """Those of images."""
        every = list(found)
        return cls(
            digests=frozenset(image.config.digest for image in every),
            members=frozenset(image.config_member.name for image in every),
        )

    def has(self, image: Image) -> bool:
        """Whether an image's config is among them."""
        return image.config.digest in self.digests or image.config_member.name in self.members

    def lists(self, saved: Saved) -> bool:
        """Whether that of an entry of ``manifest.json`` is among them."""
        known = saved.config is not None and saved.config.digest in self.digests
        return known or saved.config_member in self.members


@attrs.frozen(kw_only=True)
class Entry:
    """An entry of ``index.json``.

    Args:
        descriptor: the entry itself, annotations and all.
        node: what it leads to.
    """

    descriptor: Descriptor
    node: Node

    @property
    def name(self) -> str:
        """Its name as containerd and podman take it; empty when it has none."""
        notes = self.descriptor.annotations
        return notes.get(layout.CONTAINERD_NAME) or notes.get(layout.REF_NAME, "")

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or str(self.descriptor.digest)


@attrs.frozen(kw_only=True)
class Facts:
    """A source as engines see it.

    Args:
        source: opened, with all its findings.
        path: as the user called it; ``-`` for standard input.
        broken: what stops a reader of the archive before its end; None when nothing does.
        version: ``imageLayoutVersion``; empty when it says none, None without ``oci-layout``.
        marker_unread: whether there is an ``oci-layout`` that is no such JSON object.
        index: entries of ``index.json``; None without that file. Blobs that stand in ``data``
            alone are not there: no engine stores them (measured: all of them).
        unusable: how many entries of ``index.json`` have no digest.
        mistyped: values of wrong types in ``index.json`` itself.
        saved: entries of ``manifest.json``; None without that file, or when it is no list.
        saved_there: whether there is a ``manifest.json``.
        saved_unread: whether that is no JSON.
        saved_mistyped: values of wrong types in it.
        saved_followed: whether something follows its list, which some readers pass over.
        index_followed: whether something follows the value of ``index.json``.
        folders: names of the folders at the top.
        damage: what reading every blob found, by member; None when none was read.
        have: what the engine has already.
    """

    source: Source
    path: str
    broken: Finding | None
    version: str | None
    marker_unread: bool
    index: tuple[Entry, ...] | None
    unusable: int
    mistyped: tuple[Misread, ...]
    saved: tuple[Saved, ...] | None
    saved_there: bool
    saved_unread: bool
    saved_mistyped: tuple[Misread, ...]
    saved_followed: bool
    index_followed: bool
    folders: frozenset[str]
    layers: LayersRead | None
    have: HaveList

    @property
    def archive(self) -> bool:
        """Whether it is one file."""
        return self.source.archive

    @property
    def named(self) -> str:
        """What to call it in a command line: standard input has passed, and must be a file."""
        return "FILE" if self.path == STANDARD_INPUT else self.path

    @property
    def packed_twice(self) -> bool:
        """Whether the archive as a whole is packed in something that is packed."""
        return self.source.inner is not Compression.NONE

    @property
    def outer(self) -> Compression:
        """How the archive as a whole is packed."""
        return self.source.outer

    def narrowed(self, digests: frozenset[Digest]) -> Facts:
        """The same source, as if it listed some images alone.

        Args:
            digests: of their manifests, indexes and configs.
        """
        saved = self.saved
        if saved is not None:
            saved = tuple(each for each in saved if each.config and each.config.digest in digests)
        return attrs.evolve(
            self,
            saved=saved,
            index=_narrowed(self.index, digests),
        )

    def exact(self, name: str) -> bool:
        """Whether a file is called so, as Go's ``path.Clean`` leaves names: ``/x`` is not ``x``."""
        store = self.source.store
        if store.find(name) is None:
            return False
        entry = store.entry(name) if isinstance(store, ArchiveStore) else None
        return entry is None or cleaned(entry.name) == name

    def plain(self, name: str) -> bool:
        """Whether a file is called so and is no link, of which containerd knows none but layers."""
        return self.exact(name) and not self.hard(name) and not self.soft(name)

    def hard(self, name: str) -> bool:
        """Whether a member is a hard link."""
        return is_link(_entry_of(self.source, name), MemberType.HARDLINK)

    def soft(self, name: str) -> bool:
        """Whether a member is a symbolic link."""
        return is_link(_entry_of(self.source, name), MemberType.SYMLINK)

    @property
    def old_gnu(self) -> frozenset[str]:
        """Sparse files of GNU's own type."""
        store = self.source.store
        return store.old_gnu if isinstance(store, ArchiveStore) else frozenset()

    @property
    def odd_types(self) -> frozenset[str]:
        """Members of a type that nobody knows."""
        store = self.source.store
        return store.odd_types if isinstance(store, ArchiveStore) else frozenset()

    def absent(self, path: str, code: str) -> str:
        """The rule for a path of ``manifest.json`` that leads to nothing.

        Args:
            path: as it is listed.
            code: of the rule, where nothing mends the path.
        """
        mended = listed(self.source.store, path.replace("\\", "/"))
        return code if mended is None else "backslash-path"

    @property
    def v1_tops(self) -> frozenset[str]:
        """Folders at the top that hold a V1 image."""
        find = self.source.store.find
        return frozenset(
            name
            for name in self.folders
            if find(f"{name}/json") is not None and find(f"{name}/layer.tar") is not None
        )


def _narrowed(
    index: tuple[Entry, ...] | None, digests: frozenset[Digest]
) -> tuple[Entry, ...] | None:
    if index is None:
        return None
    return tuple(each for each in index if not digests.isdisjoint(_inside(each.node)))


def _inside(node: Node) -> set[Digest]:
    nodes = list(walk(node))
    found = {each.descriptor.digest for each in nodes if each.descriptor is not None}
    return found | {each.config.digest for each in nodes if isinstance(each, Image)}


def _folders(store: Store) -> frozenset[str]:
    """Names of the folders at the top; of an archive empty ones too."""
    if isinstance(store, ArchiveStore):
        return store.folders
    return frozenset(name.partition("/")[0] for name in store.names() if "/" in name)


def gather(
    source: Source,
    path: str,
    layers: LayersRead | None = None,
    have: HaveList | None = None,
) -> Facts:
    """Look at a source as engines do. Reads documents, and the first bytes of layers.

    Args:
        source: opened with findings collected.
        path: as the user called it.
        layers: what reading every blob has found; None when none was read.
        have: what the engine has already; None for nothing.
    """
    store = source.store
    marker = store.find(layout.MARKER)
    version, unread = _version(marker) if marker is not None else (None, False)
    saved_there = store.find(dockersave.MANIFEST) is not None
    listing, index_followed = _listing(source)
    is_dir = source.kind in (kinds.DIR, kinds.LONE)
    saved, followed = (None, False) if is_dir else _saved_value(source)
    return Facts(
        source=source,
        path=path,
        broken=next((each for each in source.findings.errors if each.code in _BROKEN), None),
        version=version,
        marker_unread=unread,
        index=_index(source, listing),
        unusable=listing.unusable if listing is not None else 0,
        mistyped=(*listing.misread, *listing.refused) if listing is not None else (),
        saved=_saved(source, saved) if saved_there and not is_dir else None,
        saved_there=saved_there,
        saved_unread=saved is None and saved_there and not is_null(source.store),
        saved_mistyped=tuple(SAVED.misread(saved, At())),
        saved_followed=followed,
        index_followed=index_followed,
        folders=_folders(store),
        layers=layers,
        have=have if have is not None else HaveList(),
    )


def _version(marker: Member) -> tuple[str, bool]:
    """The version of the layout, and whether it cannot be read."""
    raw = read_bounded(marker, Findings())
    value = jsontext.parse(jsontext.first(raw), Where(), Findings()) if raw is not None else None
    version = layout.marker_version(value)
    unread = not isinstance(value, dict) or not isinstance(version, str | None)
    return (version if isinstance(version, str) else ""), unread


def _listing(source: Source) -> tuple[Index | None, bool]:
    """``index.json``, and whether something follows its value.

    None where there is none, or it is no index (which has been reported).
    """
    member = source.store.find(layout.INDEX)
    if member is None:
        return None, False
    if source.contents.index is not None:
        return source.contents.index, False
    raw = read_bounded(member, Findings())
    if raw is None:
        return None, False
    value = jsontext.first(raw)
    found = read_document(value, Where(member=layout.INDEX), Findings(), default=Kind.INDEX)
    return found if isinstance(found, Index) else None, value != raw


def _index(source: Source, index: Index | None) -> tuple[Entry, ...] | None:
    if index is None:
        return None if source.store.find(layout.INDEX) is None else ()
    known = source.contents.reader
    first = known or GraphReader(LayoutBlobs(source.store), Findings())
    reader = first.quiet(carried=False)
    return tuple(
        Entry(descriptor=descriptor, node=reader.node(descriptor)) for descriptor in index.manifests
    )


def is_null(store: Store) -> bool:
    """Whether ``manifest.json`` is null, which Go takes for an empty list."""
    member = store.find(dockersave.MANIFEST)
    return member is not None and member.head(16).strip(b" \t\r\n\0") == b"null"


def _saved_value(source: Source) -> tuple[Any, bool]:
    """The value of ``manifest.json``, and whether something follows it.

    None where there is none, or it is no JSON.
    """
    member = source.store.find(dockersave.MANIFEST)
    raw = read_bounded(member, Findings()) if member is not None else None
    if raw is None:
        return None, False
    value = jsontext.first(raw)
    return jsontext.parse(value, Where(), Findings()), value != raw


def _saved(source: Source, value: Any) -> tuple[Saved, ...] | None:
    read = dockersave.saved_of(value, Findings())
    configs: dict[str, Config | None] = {}
    return None if read is None else tuple(_entry(source, item, configs) for item in read)


def _entry(source: Source, item: SavedImage, configs: dict[str, Config | None]) -> Saved:
    """An entry of ``manifest.json``; each config is read once, however many entries name it."""
    store = source.store
    member = listed(store, item.config)
    if member is not None and member.name not in configs:
        raw = read_bounded(member, Findings())
        where = Where(member=item.config)
        configs[member.name] = None if raw is None else Config.from_bytes(raw, where, Findings())
    config = configs[member.name] if member is not None else None
    diff_ids = (config.diff_ids if config is not None else None) or ()
    layers = []
    for number, name in enumerate(item.layers):
        found = listed(store, name)
        head = found.head(SNIFF_BYTES) if found is not None else b""
        layers.append(
            SavedLayer(
                name=name,
                member=found,
                entry=_entry_of(source, name),
                packing=sniff(head),
                window=window(head) if sniff(head) is Compression.ZSTD else 0,
                diff_id=diff_ids[number] if number < len(diff_ids) else None,
            )
        )
    return Saved(
        config_name=item.config,
        config=config,
        config_member=member.name if member is not None else "",
        config_entry=_entry_of(source, item.config),
        tags=item.tags,
        layers=tuple(layers),
    )


def _entry_of(source: Source, path: str) -> TarMember | None:
    store = source.store
    try:
        return store.entry(joined(path)) if isinstance(store, ArchiveStore) else None
    except UnsafeNameError:
        return None


def links(facts: Facts) -> list[TarMember]:
    """The links of an archive; none in a directory."""
    store = facts.source.store
    return store.links() if isinstance(store, ArchiveStore) else []


def is_link(entry: TarMember | None, kind: MemberType) -> bool:
    """Whether a member is a link of that kind."""
    return entry is not None and entry.type is kind


def packing(image: Image, number: int) -> Compression | None:
    """How a layer's bytes are packed; None when it is not there."""
    member = image.layers[number].member
    return None if member is None else sniff(member.head(SNIFF_BYTES))
