"""containerd's root: images by its database, and the blobs of a namespace as they came."""

from __future__ import annotations

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import DamagedError
from oci_layout.graph.nodes import Image, ImageIndex, Node
from oci_layout.model import containerdroot
from oci_layout.model.containerdroot import Namespace, Record
from oci_layout.model.descriptor import Descriptor
from oci_layout.source.blobs import ContainerdBlobs, GraphReader
from oci_layout.source.containerdroot import ContainerdStore
from oci_layout.source.kinds.engines import CONTAINERD
from oci_layout.source.kinds.kind import Contents, Reading
from oci_layout.source.kinds.registries import take_rest
from oci_layout.source.unlisted import manifests_among, unlisted_referrers
from oci_layout.where import Where


class _Images:
    """Reads the images of a root.

    Args:
        reading: the root.
        store: itself.
    """

    def __init__(self, reading: Reading, store: ContainerdStore) -> None:
        self._reading, self._store, self._findings = reading, store, reading.findings
        self.blobs = ContainerdBlobs(store)
        self._reader = reading.graph(self.blobs)

    def read(self) -> GraphReader:
        """Take the images, and give who has read them."""
        try:
            namespace = self._store.choose(self._reading.namespace)
        except DamagedError as error:
            self._without_names(error)
            return self._reader
        if namespace is not None:
            self._listed(namespace)
        if namespace is None or not namespace.records:
            which = f"the namespace {namespace.name[:80]!r}" if namespace else "this containerd"
            self._findings.warning("empty", f"{which} has no image")
        return self._reader

    def _listed(self, namespace: Namespace) -> None:
        images: dict[object, tuple[Descriptor, list[Record]]] = {}
        for record in namespace.records:
            descriptor = self._descriptor(record)
            if descriptor is not None:
                key = descriptor.digest, descriptor.media_type, descriptor.stated_size
                images.setdefault(key, (descriptor, []))[1].append(record)
        left_out: list[str] = []
        for descriptor, records in images.values():
            node = _without_layers(self._reader.node(descriptor), namespace)
            entry = attrs.evolve(descriptor, annotations=records[0].annotations)
            names, others = containerdroot.names_of(records)
            left_out += others
            self._reading.reconciler.take_named(node, names, entry, "--name gives it another")
        self._tell_of(left_out)
        listed = self._reading.reconciler.roots()
        names_ = self._store.names()
        digest_of = containerdroot.data_digest
        for node in unlisted_referrers(self._store, self._reader, listed, names_, digest_of):
            self._reading.reconciler.take_unlisted(node)

    def _tell_of(self, left_out: list[str]) -> None:
        if not left_out:
            return
        are = "is" if len(left_out) == 1 else "are"
        told = f"{plural(len(left_out), 'name')} made of a digest {are} left out"
        where = Where(member=containerdroot.DATABASE)
        self._findings.note("digest-name", f"{told}, as {left_out[0][:100]!r}", where)

    def _descriptor(self, record: Record) -> Descriptor | None:
        """What leads to an image; None where the record does not say (reported)."""
        where = Where(image=record.name, member=containerdroot.DATABASE)
        if not record.name:
            told = "the name of an image is no UTF-8, or longer than any name"
            self._findings.warning("bad-name", told, where, "--name gives it another")
        try:
            digest = Digest.parse(record.digest)
        except InvalidDigestError as error:
            self._findings.error("bad-digest", str(error), where)
            return None
        size, sized = record.size or 0, record.size is not None
        return Descriptor(media_type=record.media_type, digest=digest, size=size, sized=sized)

    def _without_names(self, error: DamagedError) -> None:
        """Take every manifest among the blobs, where nothing tells which of them are images."""
        self._findings.warning(
            error.code,
            f"{error.what}: images stand without their names",
            Where(member=error.where.member),
            "--name gives them others",
        )
        found = manifests_among(self._store, self._store.names(), containerdroot.data_digest)
        nodes = {each.digest: self._reader.node(each) for each in found}
        take_rest(self._reading, nodes, set())


def _without_layers(node: Node, namespace: Namespace) -> Node:
    """A node, with layers told apart that containerd has let go of by a setting."""
    if isinstance(node, ImageIndex):
        children = tuple(_without_layers(each, namespace) for each in node.children)
        return attrs.evolve(node, children=children)
    if not isinstance(node, Image) or node.descriptor is None:
        return node
    if not namespace.blobs.get(str(node.descriptor.digest)):
        return node
    layers = (attrs.evolve(each, discarded=each.member is None) for each in node.layers)
    return attrs.evolve(node, layers=tuple(layers))


def read(reading: Reading) -> Contents:
    """The images of such a store."""
    if not isinstance(reading.store, ContainerdStore):
        raise AssertionError("another store is told to be no store of containerd")
    images = _Images(reading, reading.store)
    reader = images.read()
    roots = reading.reconciler.roots()
    return Contents(kind=CONTAINERD, blobs=images.blobs, roots=roots, reader=reader)
