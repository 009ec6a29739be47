"""containers-storage: documents as they came, and layers that are put together again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import islice

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import ChangedError, DamagedError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, ImageIndex, Layer, Node
from oci_layout.mediatype import Compression
from oci_layout.model import containersroot
from oci_layout.model.containersroot import StoredImage, StoredLayer
from oci_layout.reference import ImageName, InvalidReferenceError, Reference
from oci_layout.source.containersroot import ContainersStore
from oci_layout.source.kinds.engines import CONTAINERS_STORE
from oci_layout.source.kinds.kind import Contents, Reading
from oci_layout.source.kinds.single import descriptor_of
from oci_layout.source.reading import read_bounded
from oci_layout.source.unpackedlayers import UnpackedLayers, bad_layer
from oci_layout.streams.member import Member
from oci_layout.streams.reader import changed
from oci_layout.where import Where

_TRIES = 10  # an engine replaces its lists while they are read
_PAUSE = 0.02  # seconds
_PULLED, _MANIFESTS = 100, 10  # of one image: they are told, and lead to nothing
_BY_PODMAN = "podman gives the image, where it can: podman save"


@attrs.frozen(kw_only=True)
class _Lists:
    """What the engine's lists say, all of one moment.

    Args:
        images: in order.
        layers: by ID.
    """

    images: Sequence[StoredImage]
    layers: Mapping[str, StoredLayer]


def _lists(store: ContainersStore, findings: Findings) -> _Lists:
    """Read the lists; an engine that runs replaces each of them whole.

    Raises:
        ChangedError: it never stopped doing so.
    """
    images = f"{store.images}/{containersroot.IMAGE_LIST}"
    layers = [f"{store.layers}/{name}" for name in containersroot.LAYER_LISTS]
    found = _of_one_moment(store, [images, *layers], findings)
    known: dict[str, StoredLayer] = {}
    for name in layers:
        raw = found[name]
        for layer in containersroot.read_layers(raw, Where(member=name), findings) if raw else ():
            known.setdefault(layer.identity, layer)
    raw = found[images]
    listed = containersroot.read_images(raw, Where(member=images), findings) if raw else []
    return _Lists(images=listed, layers=known)


def _of_one_moment(
    store: ContainersStore, names: Sequence[str], findings: Findings
) -> dict[str, bytes | None]:
    """The bytes of files of which none was replaced while the others were read."""
    for number in range(_TRIES):
        time.sleep(_PAUSE if number else 0)
        told = Findings()
        try:
            found = {name: _bytes(store, name, told) for name in names}
        except ChangedError:
            found = None
        moved = [name for name in names if store.moved(name)]
        if found is not None and not moved:
            for finding in told.found:
                findings.add(finding)
            return found
    raise changed(f"{store.root}/{names[0]}")


def _bytes(store: ContainersStore, name: str, findings: Findings) -> bytes | None:
    member = store.find(name)
    return None if member is None else read_bounded(member, findings)


class _Layers:
    """Puts layers together, each once however many images have it.

    Args:
        store: the engine's root.
        known: by ID.
        findings: told of what is not there, or does not hold.
    """

    def __init__(
        self, store: ContainersStore, known: Mapping[str, StoredLayer], findings: Findings
    ) -> None:
        self._store, self._known, self._findings = store, known, findings
        self._unpacked = UnpackedLayers(store)
        self._made: dict[str, Member | DamagedError] = {}
        self._any: dict[Digest, Member | None] = {}  # of layers that are damaged, or nobody's own
        self._stacks: dict[str, tuple[StoredLayer, ...]] = {}
        self._walked = 0  # layers of all images
        self._of: dict[Digest, list[StoredLayer]] = {}
        for layer in known.values():
            if layer.diff_id is not None:
                self._of.setdefault(layer.diff_id, []).append(layer)

    def stack(self, top: str) -> tuple[StoredLayer, ...]:
        """A layer with those below it, base first; what is not listed ends them."""
        if top not in self._stacks:
            self._stacks[top] = self._below(top)
        return self._stacks[top]

    def _below(self, top: str) -> tuple[StoredLayer, ...]:
        found: dict[str, StoredLayer] = {}
        layer = self._known.get(top)
        while layer is not None and self._counted(layer):
            if layer.identity in found:
                told = "is below itself: its parents lead back to it"
                self._findings.damage(bad_layer(told, self._where(layer)))
                break
            found[layer.identity] = layer
            layer = self._known.get(layer.parent)
        return tuple(reversed(found.values()))

    def _counted(self, layer: StoredLayer) -> bool:
        before, self._walked = self._walked, self._walked + 1
        if self._walked > limits.NODES >= before:
            told = f"the images have more than {limits.NODES} layers together"
            self._findings.error("index-depth", told, self._where(layer))
        return self._walked <= limits.NODES

    def lists(self, diff_id: Digest) -> bool:
        """Whether a layer is listed, however it is."""
        return diff_id in self._of

    def of(self, diff_id: Digest, first: StoredLayer | None = None) -> Member | None:
        """The tar of a layer; None where none that is listed gives it (damage is reported).

        Args:
            diff_id: of it.
            first: a layer that has it; where that is damaged, any other is as good.
        """
        own = None if first is None else self._member(first, diff_id)
        if isinstance(own, Member):
            return own
        if diff_id not in self._any:
            found = (self._member(each, diff_id) for each in self._of.get(diff_id, ()))
            self._any[diff_id] = next((each for each in found if isinstance(each, Member)), None)
            if self._any[diff_id] is None and self._of.get(diff_id):
                damage = own or self._made[self._of[diff_id][0].identity]
                if isinstance(damage, DamagedError):
                    self._findings.damage(damage)
        return self._any[diff_id]

    def _member(self, layer: StoredLayer, diff_id: Digest) -> Member | DamagedError:
        if layer.identity not in self._made:
            try:
                self._made[layer.identity] = self._together(layer, diff_id)
            except DamagedError as error:
                self._made[layer.identity] = error
        return self._made[layer.identity]

    def _together(self, layer: StoredLayer, diff_id: Digest) -> Member:
        where, driver = self._where(layer), self._store.driver
        if layer.incomplete:
            told = "is marked as incomplete: an engine was making or removing it"
            raise bad_layer(told, where)
        if driver not in containersroot.DRIVERS:
            told = f"its files are kept by the driver {driver[:40]!r}; read are those of "
            raise bad_layer(told + ", ".join(containersroot.DRIVERS), where, _BY_PODMAN)
        composed = containersroot.COMPOSEFS.format(layer.identity)
        if driver == "overlay" and self._store.find(composed) is not None:
            raise bad_layer("is kept as composefs, which is not read", where, _BY_PODMAN)
        record = f"{self._store.layers}/{layer.identity}{containersroot.RECORD}"
        if self._store.find(record) is None:
            told = "nothing is written down of its tar: there is no NAME.tar-split.gz"
            if layer.by_contents:
                told = "came in parts, by its table of contents (zstd:chunked), and " + told
            raise bad_layer(told, where, _BY_PODMAN)
        folder = containersroot.DRIVERS[driver].format(layer.identity)
        return self._unpacked.member(where, record, folder, diff_id)

    def _where(self, layer: StoredLayer) -> Where:
        return Where(member=f"{self._store.layers}/{layer.identity}")


class _Blobs:
    """Manifests and configs by their digests, and layers that are listed by that of their tar.

    Args:
        store: the engine's root.
        images: those that are listed.
        layers: puts layers together.
    """

    def __init__(
        self, store: ContainersStore, images: Sequence[StoredImage], layers: _Layers
    ) -> None:
        self._store, self._layers = store, layers
        self._paths: dict[Digest, str] = {}
        for image in images:
            for key in image.data:
                digest = containersroot.data_digest(key)
                if digest is not None:
                    self._paths.setdefault(digest, self.path(image, key))

    def path(self, image: StoredImage, key: str) -> str:
        """The file with what is kept of an image under a name."""
        return f"{self._store.images}/{image.identity}/{containersroot.data_file(key)}"

    def manifest(self, image: StoredImage, findings: Findings) -> Digest | None:
        """The digest of an image's manifest or index; None without one (reported)."""
        path = self.path(image, containersroot.MANIFEST)
        digest, member = image.manifest, self._store.find(path)
        if member is None and digest is not None and self.find(digest) is not None:
            return digest
        if member is None:
            findings.error("missing-member", "the manifest is not there", Where(member=path))
            return None
        if digest is None:
            raw = read_bounded(member, findings)
            if raw is None:
                return None
            digest = Digest.of(raw)
        self._paths[digest] = path
        return digest

    def signed(self, image: StoredImage) -> bool:
        """Whether signatures of an image are kept: in a form of their own, by its manifest."""
        keys = (key for key in image.data if key.startswith(containersroot.SIGNATURE))
        found = (self._store.find(self.path(image, key)) for key in keys)
        return any(member is not None and member.size for member in found)

    def find(self, digest: Digest) -> Member | None:
        """The bytes of a document, or a layer's tar, unchecked; None when it is not there."""
        path = self._paths.get(digest)
        return self._layers.of(digest) if path is None else self._store.find(path)


class _Images:
    """Reads the images of a store.

    Args:
        reading: the store.
        store: itself.
    """

    def __init__(self, reading: Reading, store: ContainersStore) -> None:
        self._reading, self._findings = reading, reading.findings
        lists = _lists(store, reading.findings)
        self._images = lists.images
        self._layers = _Layers(store, lists.layers, reading.findings)
        self._where = Where(member=f"{store.images}/{containersroot.IMAGE_LIST}")
        self.blobs = _Blobs(store, lists.images, self._layers)
        self.reader = reading.graph(self.blobs)
        self._tops = {image.identity: image.top for image in lists.images}
        self._signed: list[str] = []

    def read(self) -> None:
        """Take all images, those without a name too."""
        if not self._images:
            self._findings.warning("empty", "this store has no image")
        names = self._names()
        for image in self._images:
            digest = self.blobs.manifest(image, self._findings)
            if digest is None:
                continue
            node = self.reader.node(descriptor_of(self.blobs, digest))
            called = names.get(image.identity, [])
            label = str(called[0]) if called else image.identity[:12]
            node = self._filled(node, image, label)
            self._reading.reconciler.take_named(node, called)
            if self.blobs.signed(image):
                self._signed.append(label)
        if self._signed:
            several = plural(len(self._signed), "image")
            told = f"{several} signed as pulled: the store's signatures are not carried"
            self._findings.warning("store-signature", told, Where(image=self._signed[0]))

    def _names(self) -> dict[str, list[ImageName]]:
        """Names by ID; of two images the later one has one, as for the engine (images.go, load)."""
        holders: dict[ImageName, StoredImage] = {}
        for image in self._images:
            for text in image.names:
                try:
                    name = ImageName.familiar(text)
                except InvalidReferenceError as error:
                    hint = "--name gives it another"
                    self._findings.warning("bad-name", str(error), self._where, hint)
                    continue
                if name.reference is None or name.reference.digest:
                    continue  # what it was pulled by, and no tag
                if holders.get(name, image) is not image:
                    told = "stands for two images; the one that is listed later has it"
                    where = attrs.evolve(self._where, image=str(name))
                    self._findings.warning("name-conflict", told, where)
                holders[name] = image
        found: dict[str, list[ImageName]] = {}
        for name, image in holders.items():
            found.setdefault(image.identity, []).append(name)
        return found

    def _filled(self, node: Node, image: StoredImage, label: str) -> Node:
        """A node, each layer of it with its tar in the place of a blob that nobody has kept."""
        if isinstance(node, ImageIndex):
            children = tuple(self._filled(child, image, label) for child in node.children)
            return attrs.evolve(node, children=children)
        if not isinstance(node, Image):
            return node
        stack = self._layers.stack(self._tops.get(node.config.digest.hex, image.top))
        known: dict[Digest | None, StoredLayer] = {each.diff_id: each for each in stack}
        if tuple(each.diff_id for each in stack) == node.config.diff_ids == _diff_ids(node):
            own: Sequence[StoredLayer | None] = stack
        else:  # another stack with the same layers in it
            own = [known.get(layer.diff_id) for layer in node.layers]
        layers = tuple(map(self._layer, node.layers, own))
        self._tell_elsewhere(layers, label)
        return attrs.evolve(node, layers=layers, pulled_as=self._pulled_as(image))

    def _pulled_as(self, image: StoredImage) -> tuple[str, ...]:
        """Its manifests in registries: in each repository of its names, as podman has it."""
        keys = (key for key in image.data if containersroot.manifest_digest(key))
        digests = [containersroot.manifest_digest(key) for key in islice(keys, _MANIFESTS)]
        found: dict[str, None] = {}
        for text in image.names[:_PULLED]:
            try:
                name = Reference.parse(text)
            except InvalidReferenceError:
                continue
            for digest in [name.digest] if name.digest else digests:
                found.setdefault(attrs.evolve(name, tag="", digest=str(digest)).familiar)
        return tuple(found)[:_PULLED]

    def _tell_elsewhere(self, layers: Sequence[Layer], label: str) -> None:
        """Say of an image that a layer of it is neither listed here nor in what was named too."""
        for number, layer in enumerate(layers):
            diff_id = layer.diff_id
            if layer.member is not None or diff_id is None or self._layers.lists(diff_id):
                continue
            if any(base.layer(diff_id) is not None for base in self._reading.bases):
                continue
            self._findings.warning(
                "other-store",
                f"{diff_id} is not in this store; an additional image store (storage.conf) may "
                "have it",
                Where(image=label, layer=number),
                "--base ROOT names the root of that store",
            )
            return

    def _layer(self, layer: Layer, own: StoredLayer | None) -> Layer:
        diff_id, stated, kind = layer.diff_id, layer.descriptor, layer.type
        if diff_id is None or stated is None or layer.foreign or kind is None or layer.opaque:
            return layer
        if layer.member is not None and layer.digest != diff_id:
            return layer  # another source has the very blob
        member = self._layers.of(diff_id, own)
        if member is None:
            return layer
        raw = attrs.evolve(kind, compression=Compression.NONE).render() or stated.media_type
        tar = attrs.evolve(
            stated, media_type=raw, digest=diff_id, size=member.size, sized=True, data=None
        )
        return Layer(
            member=member,
            size=member.size,
            digest=diff_id if stated.digest == diff_id else None,
            diff_id=diff_id,
            descriptor=tar,
            stated=stated,
        )


def _diff_ids(image: Image) -> tuple[Digest | None, ...]:
    return tuple(layer.diff_id for layer in image.layers)


def read(reading: Reading) -> Contents:
    """The images of such a store."""
    if not isinstance(reading.store, ContainersStore):
        raise AssertionError("another store is told to be one of containers-storage")
    images = _Images(reading, reading.store)
    images.read()
    roots = reading.reconciler.roots()
    return Contents(kind=CONTAINERS_STORE, blobs=images.blobs, roots=roots, reader=images.reader)
