"""Blobs by digest, and the documents among them as a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from oci_layout import limits, mediatype
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Layer, Node, Opaque
from oci_layout.mediatype import Kind
from oci_layout.model import containerdroot, dockersave, jsontext, jws
from oci_layout.model.config import Config
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import (
    Index,
    Manifest,
    kind_by_fields,
    names_no_config,
    read_document,
)
from oci_layout.model.registry import data_path
from oci_layout.model.schema1 import Schema1
from oci_layout.source.reading import Allowance, read_bounded
from oci_layout.source.signatures import report_signatures
from oci_layout.source.store import Store
from oci_layout.source.upgrade import make_image
from oci_layout.streams.member import BytesMember, Member
from oci_layout.where import Where

Leaf = Image | Artifact | Absent


class Blobs(Protocol):
    """Where blobs lie in a store."""

    def find(self, digest: Digest) -> Member | None:
        """The blob's bytes, unchecked; None when it is not there."""
        ...


class LayoutBlobs:
    """Blobs of an image layout: ``blobs/<algorithm>/<hex>``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, digest: Digest) -> Member | None:
        """The blob's bytes, unchecked; None when it is not there."""
        return self._store.find(digest.blob_path)


class RegistryBlobs:
    """Blobs of a registry's storage: ``blobs/<algorithm>/<two digits>/<hex>/data``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, digest: Digest) -> Member | None:
        """The blob's bytes, unchecked; None when it is not there."""
        return self._store.find(data_path(digest))


class ContainerdBlobs:
    """Blobs of containerd's root: ``io.containerd.content.v1.content/blobs/<algorithm>/<hex>``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, digest: Digest) -> Member | None:
        """The blob's bytes, unchecked; None when it is not there."""
        return self._store.find(containerdroot.data_path(digest))


class FlatBlobs:
    """Blobs of a ``dir:`` directory: bare hex; children of a list as ``<hex>.manifest.json``.

    containers/image directory/directory_transport.go.

    Args:
        store: the directory.
        top: digest of ``manifest.json``, the document that all begins with.
    """

    def __init__(self, store: Store, top: Digest) -> None:
        self._store, self._top = store, top

    def find(self, digest: Digest) -> Member | None:
        """The blob's bytes, unchecked; None when it is not there."""
        if digest == self._top:
            return self._store.find(dockersave.MANIFEST)
        return self._store.find(digest.hex) or self._store.find(f"{digest.hex}.manifest.json")


class GraphReader:
    """Reads documents by descriptor and checks each against the descriptor that led to it.

    Args:
        blobs: where blobs are.
        findings: told of all that does not hold.
        trusted: keys that prove who signed a schema 1 manifest.
        allowance: what all documents may come to; one of its own by default.
    """

    def __init__(
        self,
        blobs: Blobs,
        findings: Findings,
        trusted: Sequence[jws.PublicKey] = (),
        allowance: Allowance | None = None,
    ) -> None:
        self._blobs, self._findings = blobs, findings
        self._trusted = trusted
        self._allowance = allowance or Allowance()
        self._looked: set[Digest] = set()
        self._looking = Allowance()
        self._nodes = 0
        self._documents: dict[tuple[Digest, str], Manifest | Index | Schema1 | None] = {}
        self._configs: dict[Digest, Config | None] = {}
        self._running: dict[Digest, tuple[Digest, ...] | None] = {}
        self._read: dict[tuple[Digest, str], Leaf] = {}
        self._carried: dict[Digest, Member] = {}
        self._takes_data = True

    def quiet(self, *, carried: bool) -> GraphReader:
        """Another reader, that reports nothing and does not read again what this one has read.

        Args:
            carried: whether blobs are there that stand in ``data`` alone.
        """
        other = GraphReader(self._blobs, Findings(), self._trusted, self._allowance)
        other._documents, other._configs = self._documents, self._configs
        if carried or not self._carried:
            other._read, other._carried = self._read, self._carried
        other._takes_data = carried
        return other

    def checked(self, descriptor: Descriptor, member: Member) -> bytes | None:
        """A document's bytes, held against its descriptor's size and digest."""
        raw = read_bounded(member, self._findings, self._allowance)
        if raw is not None:
            self._check(raw, descriptor, Where(member=member.name))
        return raw

    def _check(self, raw: bytes, descriptor: Descriptor, where: Where) -> None:
        if descriptor.stated_size not in (None, len(raw)):
            self._findings.error(
                "size-mismatch",
                f"has {plural(len(raw), 'byte')}, its descriptor says {descriptor.size}",
                where,
            )
        actual = Digest.of(raw, descriptor.digest.algorithm)
        if actual != descriptor.digest:
            self._findings.error(
                "digest-mismatch", f"is {actual}, its descriptor says {descriptor.digest}", where
            )

    def _too_many(self, number: int, where: Where) -> bool:
        """Count what documents list: a few small ones can list each other without end."""
        before, self._nodes = self._nodes, self._nodes + number
        if self._nodes <= limits.NODES:
            return False
        if before <= limits.NODES:
            self._findings.error(
                "index-depth",
                f"indexes and manifests list more than {limits.NODES} things",
                where,
            )
        return True

    def _find(self, descriptor: Descriptor) -> Member | None:
        """A blob: as it lies in the source, or else as a document carries it (``data``)."""
        digest = descriptor.digest
        member = self._blobs.find(digest)
        if member is not None or not self._takes_data:
            return member
        if descriptor.data is not None and digest not in self._carried:
            self._carried[digest] = BytesMember.of(digest.blob_path, descriptor.data)
        return self._carried.get(digest)

    def _sized(self, descriptor: Descriptor) -> Member | None:
        """A blob that is not read here: its size alone is held against the descriptor."""
        member = self._find(descriptor)
        if member is not None and descriptor.stated_size not in (None, member.size):
            self._findings.error(
                "size-mismatch",
                f"has {plural(member.size, 'byte')}, its descriptor says {descriptor.size}",
                Where(member=member.name),
            )
        return member

    def node(self, descriptor: Descriptor, depth: int = 0) -> Node:
        """The node a descriptor leads to."""
        if self._too_many(1, Where(member=descriptor.digest.blob_path)):
            return Absent(descriptor=descriptor, missing=(descriptor.digest,), unreadable=True)
        kind, _ = mediatype.document_kind(descriptor.media_type)
        member = self._find(descriptor)
        if member is None:
            return Absent(descriptor=descriptor, missing=(descriptor.digest,))
        named = kind in (Kind.MANIFEST, Kind.INDEX, Kind.SCHEMA1) or not descriptor.media_type
        if not named:
            self._sized(descriptor)
            self._warn_hidden(descriptor, member)
            return Opaque(descriptor=descriptor, member=member)
        document = self._document(descriptor, member)
        if isinstance(document, Index):
            return self._index(document, descriptor, depth)
        # What is named again is another node, and all it holds is what the first one holds.
        key = descriptor.digest, descriptor.media_type
        first = self._read.get(key)
        if first is None:
            first = self._read[key] = self._leaf(document, descriptor, member)
        elif self._too_many(_held(first), Where(member=descriptor.digest.blob_path)):
            return Absent(descriptor=descriptor, missing=(descriptor.digest,), unreadable=True)
        return (
            first if first.descriptor is descriptor else attrs.evolve(first, descriptor=descriptor)
        )

    def _leaf(
        self, document: Manifest | Schema1 | None, descriptor: Descriptor, member: Member
    ) -> Leaf:
        """The node of a manifest, read for the first time."""
        if document is None:
            raw = read_bounded(member, Findings(), self._allowance)
            return Absent(
                descriptor=descriptor,
                missing=(descriptor.digest,),
                unreadable=True,
                damaged=raw is not None
                and Digest.of(raw, descriptor.digest.algorithm) != descriptor.digest,
                configless=raw is not None and names_no_config(raw),
            )
        if isinstance(document, Schema1):
            return self._schema1(document, descriptor, member)
        blobs = document.layers if document.config is None else (document.config, *document.layers)
        if self._too_many(len(blobs), Where(member=descriptor.digest.blob_path)):
            return Absent(descriptor=descriptor, missing=(descriptor.digest,), unreadable=True)
        if document.config is not None and (
            document.is_image
            or (document.has_image_config and self._runs(document.config, len(document.layers)))
        ):
            return self._image(document, document.config, descriptor)
        return Artifact(
            manifest=document,
            descriptor=descriptor,
            blobs=tuple((blob, self._sized(blob)) for blob in blobs),
        )

    def _runs(self, stated: Descriptor, layers: int) -> bool:
        """Whether the config of a manifest with layers of no known type is that of an image.

        manifest.md goes by the config's type alone. But what BuildKit attests, cosign signs and
        wasm tools write has an image's config too: made up, of a platform ``unknown`` or none, or
        without layers.

        Args:
            stated: descriptor of the config.
            layers: how many the manifest has.
        """
        if stated.digest not in self._running:
            member = self._find(stated)
            raw = None if member is None else read_bounded(member, Findings(), self._allowance)
            config = None if raw is None else Config.from_bytes(raw, Where(), Findings())
            named = config is not None and any(
                each not in ("", "unknown")
                for each in (config.platform.os, config.platform.architecture)
            )
            self._running[stated.digest] = config.diff_ids if config is not None and named else None
        diff_ids = self._running[stated.digest]
        return diff_ids is not None and len(diff_ids) == layers

    def _warn_hidden(self, descriptor: Descriptor, member: Member) -> None:
        """Tell of a blob that is a manifest though its descriptor says another thing.

        It is left alone: layouts may hold what nobody here knows. But no engine will see an
        image in it, and that may be one wrong letter.
        """
        if descriptor.digest in self._looked:
            return
        self._looked.add(descriptor.digest)
        if self._is_document(member):
            self._findings.warning(
                "media-type-mismatch",
                f"is a manifest or index, and hidden: its descriptor says "
                f"{descriptor.media_type!r}",
                Where(member=member.name),
            )

    def _is_document(self, member: Member) -> bool:
        """Whether a blob is a manifest or index by its fields; a bounded number is looked at."""
        if member.size > limits.MANIFEST_BYTES or not member.head(64).lstrip().startswith(b"{"):
            return False
        if not self._looking.take(member):
            return False
        raw = member.read(limits.MANIFEST_BYTES)
        value = jsontext.parse(raw, Where(member=member.name), Findings())
        return isinstance(value, dict) and kind_by_fields(value) is not Kind.OTHER

    def _schema1(self, document: Schema1, descriptor: Descriptor, member: Member) -> Leaf:
        """The image that a schema 1 manifest comes to (containers/image docker_schema1.go)."""
        where = Where(member=member.name)
        report_signatures(document, where, self._findings, self._trusted)
        steps = [step for _, step in document.layers]
        image = None
        if steps:
            layers = []
            for digest, step in document.layers:
                if step.throwaway:
                    continue
                blob = self._blobs.find(digest)
                layers.append(Layer(member=blob, size=blob.size if blob else 0, digest=digest))
            image = make_image(
                steps,
                layers,
                made_from=f"the schema 1 manifest {document.digest}",
                findings=self._findings,
            )
        if image is None:
            return Absent(descriptor=descriptor, missing=(descriptor.digest,), unreadable=True)
        return attrs.evolve(image, descriptor=descriptor, schema1=document)

    def _document(
        self, descriptor: Descriptor, member: Member
    ) -> Manifest | Index | Schema1 | None:
        key = descriptor.digest, descriptor.media_type
        if key not in self._documents:
            raw = read_bounded(member, self._findings, self._allowance)
            document = None if raw is None else self._parsed(raw, descriptor, member)
            self._documents[key] = document
        return self._documents[key]

    def _parsed(
        self, raw: bytes, descriptor: Descriptor, member: Member
    ) -> Manifest | Index | Schema1 | None:
        where, told = Where(member=member.name), descriptor.media_type
        if Digest.of(raw, descriptor.digest.algorithm) != descriptor.digest:
            # The digest of a signed schema 1 manifest is that of its payload.
            signed = read_document(raw, where, Findings(), media_type=told)
            payload = signed.payload if isinstance(signed, Schema1) else b""
            sizes = (len(raw), len(payload))
            if Digest.of(payload) != descriptor.digest or descriptor.size not in sizes:
                self._check(raw, descriptor, where)
        elif descriptor.stated_size not in (None, len(raw)):
            self._check(raw, descriptor, where)
        return read_document(raw, where, self._findings, media_type=told)

    def _index(self, index: Index, descriptor: Descriptor, depth: int) -> Node:
        # A digest cannot contain itself, so a cycle shows as a digest mismatch or as depth.
        if depth >= limits.INDEX_DEPTH:
            self._findings.error(
                "index-depth",
                f"indexes are nested deeper than {limits.INDEX_DEPTH}",
                Where(member=descriptor.digest.blob_path),
            )
            return Absent(descriptor=descriptor, missing=(descriptor.digest,))
        children = []
        for child in index.manifests:
            children.append(self.node(child, depth + 1))
            if self._nodes > limits.NODES:
                break
        return ImageIndex(index=index, descriptor=descriptor, children=tuple(children))

    def _image(
        self, manifest: Manifest, stated: Descriptor, descriptor: Descriptor
    ) -> Image | Absent:
        """The image of a manifest; Absent without its config."""
        member = self._find(stated)
        if member is None:
            listed = (descriptor, *manifest.layers)
            parts = ((each, self._find(each)) for each in listed)
            there = tuple((each, blob) for each, blob in parts if blob is not None)
            return Absent(descriptor=descriptor, missing=(stated.digest,), parts=there)
        if stated.digest not in self._configs:
            raw = self.checked(stated, member)
            self._configs[stated.digest] = (
                None
                if raw is None
                else Config.from_bytes(
                    raw,
                    Where(member=member.name),
                    self._findings,
                    algorithm=stated.digest.algorithm,
                )
            )
        config = self._configs[stated.digest]
        if config is None:
            return Absent(descriptor=descriptor, missing=(stated.digest,), unreadable=True)
        diff_ids = config.diff_ids or ()
        found = [(layer, self._sized(layer)) for layer in manifest.layers]
        layers = tuple(
            Layer(
                member=blob,
                size=layer.size if layer.sized or blob is None else blob.size,
                digest=layer.digest,
                diff_id=diff_ids[number] if number < len(diff_ids) else None,
                descriptor=layer,
            )
            for number, (layer, blob) in enumerate(found)
        )
        return Image(
            config=config,
            config_member=member,
            layers=layers,
            manifest=manifest,
            descriptor=descriptor,
        )


def _held(node: Leaf) -> int:
    """How many layers or blobs a node holds."""
    if isinstance(node, Image):
        return len(node.layers)
    return len(node.blobs if isinstance(node, Artifact) else node.parts)
