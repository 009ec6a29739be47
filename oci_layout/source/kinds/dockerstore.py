"""Docker's classic store: configs as they are, and layers that are put together again."""

from __future__ import annotations

from oci_layout import limits
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Layer
from oci_layout.model import dockerroot
from oci_layout.model.config import Config
from oci_layout.reference import ImageName, InvalidReferenceError
from oci_layout.source.dockerroot import DockerStore
from oci_layout.source.kinds.engines import DOCKER_STORE
from oci_layout.source.kinds.kind import Contents, Reading
from oci_layout.source.reading import read_bounded
from oci_layout.source.unpackedlayers import UnpackedLayers, bad_layer
from oci_layout.source.views import DockerImage
from oci_layout.streams.member import Member
from oci_layout.where import Where


class _Layers:
    """Finds what an engine keeps of each layer, once however many images have it.

    Args:
        store: the engine's root.
        findings: told of what is not there, or does not hold.
    """

    def __init__(self, store: DockerStore, findings: Findings) -> None:
        self._store, self._findings = store, findings
        self._members: dict[Digest, Member | None] = {}
        self._unpacked = UnpackedLayers(store)
        self._pulled: dict[Digest, tuple[str, ...]] = {}

    def member(self, chain: Digest, diff_id: Digest) -> Member | None:
        """The tar of the layer of a chain ID; None without one (reported where it is damaged)."""
        name = f"{self._store.image}/{dockerroot.LAYERS}/{chain.hex}"
        if chain not in self._members:
            self._members[chain] = None
            if self._small(f"{name}/{dockerroot.DIFF}") is not None:  # else it is just missing
                try:
                    self._members[chain] = self._made(name, diff_id)
                except DamagedError as error:
                    self._findings.damage(error)
        return self._members[chain]

    def _made(self, name: str, diff_id: Digest) -> Member:
        said = self._small(f"{name}/{dockerroot.DIFF}") or b""
        if said.strip() != str(diff_id).encode():
            told = f"is of {said[:80].decode('ascii', 'replace')!r}, the config says {diff_id}"
            raise bad_layer(told, Where(member=f"{name}/{dockerroot.DIFF}"))
        folder, record = self._folder(name), f"{name}/{dockerroot.RECORD}"
        return self._unpacked.member(Where(member=name), record, folder, diff_id)

    def _folder(self, name: str) -> str:
        """The folder of the files of a layer."""
        driver = self._store.driver
        if driver not in dockerroot.DRIVERS:
            raise bad_layer(
                f"its files are kept by the driver {driver[:40]!r}; read are those of "
                f"{', '.join(dockerroot.DRIVERS)}",
                Where(member=name),
                "a running Docker gives the image: docker save",
            )
        cache_id = self._small(f"{name}/{dockerroot.CACHE_ID}") or b""
        folder = dockerroot.files_folder(driver, cache_id)
        if folder is None:
            told = f"holds {cache_id[:80].decode('ascii', 'replace')!r}, which is no ID"
            raise bad_layer(told, Where(member=f"{name}/{dockerroot.CACHE_ID}"))
        return folder

    def pulled_as(self, diff_id: Digest) -> tuple[str, ...]:
        """The blobs of registries that Docker knows a layer by."""
        if diff_id not in self._pulled:
            kept = f"{self._store.image}/{dockerroot.PULLED}/{diff_id.algorithm}/{diff_id.hex}"
            member = self._store.find(kept)
            small = member is not None and member.size <= dockerroot.PULLED_BYTES
            raw = read_bounded(member, Findings()) if member is not None and small else None
            self._pulled[diff_id] = dockerroot.read_pulled(raw) if raw else ()
        return self._pulled[diff_id]

    def _small(self, name: str) -> bytes | None:
        """The content of a file that holds a digest or an ID; None where it is not there."""
        member = self._store.find(name)
        return None if member is None else member.head(dockerroot.SMALL_BYTES)


class _Images:
    """Reads the images of a store.

    Args:
        reading: the store.
        store: itself.
    """

    def __init__(self, reading: Reading, store: DockerStore) -> None:
        self._reading, self._store, self._findings = reading, store, reading.findings
        self._layers = _Layers(store, reading.findings)
        self._listed = 0  # layers of all images
        self._pulled: dict[Digest, list[str]] = {}

    def read(self) -> list[DockerImage]:
        """The images, those without a name too."""
        names = self._names()  # first: of what a running engine removes meanwhile nothing is named
        found: list[DockerImage] = []
        for path in self._store.names(f"{self._store.image}/{dockerroot.CONFIGS}"):
            identity = dockerroot.config_id(path)
            image = None if identity is None else self._image(path, identity)
            if identity is None or image is None:
                continue
            called = tuple(dict.fromkeys(names.pop(identity, ())))
            found.append(DockerImage(image=image, names=called, number=len(found)))
        for identity, lost in names.items():
            for name in lost:
                where = Where(image=str(name), member=self._repositories)
                self._findings.error("missing-member", f"the image {identity} is not there", where)
        return found

    @property
    def _repositories(self) -> str:
        return f"{self._store.image}/{dockerroot.REPOSITORIES}"

    def _names(self) -> dict[Digest, list[ImageName]]:
        """Names by image ID. One with a digest is what the image was pulled by, and no tag."""
        member = self._store.find(self._repositories)
        raw = None if member is None else read_bounded(member, self._findings)
        where = Where(member=self._repositories)
        found: dict[Digest, list[ImageName]] = {}
        for text, stated in dockerroot.read_names(raw, where, self._findings) if raw else ():
            try:
                identity = Digest.parse(stated)
                name = ImageName.familiar(text)
            except (InvalidDigestError, InvalidReferenceError) as error:
                self._findings.warning("bad-name", str(error), where, "--name gives it another")
                continue
            if name.reference is None:
                continue
            if name.reference.digest:
                self._pulled.setdefault(identity, []).append(str(name))
            else:
                found.setdefault(identity, []).append(name)
        return found

    def _image(self, path: str, identity: Digest) -> Image | None:
        member = self._store.find(path)
        raw = (
            None
            if member is None
            else read_bounded(member, self._findings, self._reading.allowance)
        )
        if member is None or raw is None:
            return None
        config = Config.from_bytes(raw, Where(member=path), self._findings)
        if config is None:
            return None
        if config.digest != identity:
            told = f"the config is {config.digest}, its name says {identity.hex}"
            self._findings.error("digest-mismatch", told, Where(member=path))
        diff_ids = config.diff_ids or ()
        if not self._counted(len(diff_ids), path):
            return None
        layers = tuple(map(self._layer, dockerroot.chain_ids(diff_ids), diff_ids))
        pulled = tuple(self._pulled.get(identity, ()))
        return Image(config=config, config_member=member, layers=layers, pulled_as=pulled)

    def _counted(self, number: int, path: str) -> bool:
        before, self._listed = self._listed, self._listed + number
        if self._listed > limits.NODES >= before:
            told = f"the images have more than {limits.NODES} layers together"
            self._findings.error("index-depth", told, Where(member=path))
        return self._listed <= limits.NODES

    def _layer(self, chain: Digest, diff_id: Digest) -> Layer:
        member = self._layers.member(chain, diff_id)
        return Layer(
            member=member,
            size=0 if member is None else member.size,
            diff_id=diff_id,
            pulled_as=self._layers.pulled_as(diff_id),
        )


def read(reading: Reading) -> Contents:
    """The images of such a store."""
    if not isinstance(reading.store, DockerStore):
        raise AssertionError("another store is told to be no store of Docker")
    docker = _Images(reading, reading.store).read()
    if not docker:
        told, hint = "this store of Docker has no image", dockerroot.ELSEWHERE
        reading.findings.warning("empty", told, hint=hint)
    reading.reconciler.take_docker(docker)
    roots = reading.reconciler.roots()
    return Contents(kind=DOCKER_STORE, blobs=None, roots=roots, docker=tuple(docker))
