"""The folders of engines as kinds: what reads one is imported when one is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from oci_layout.model import containerdroot
from oci_layout.source.kinds.kind import Contents, Reading, SourceKind
from oci_layout.source.rootedstore import Engine, RootedStore
from oci_layout.source.store import Store


def _of(engine: Engine) -> Callable[[Reading], bool]:
    def told(reading: Reading) -> bool:
        return isinstance(reading.store, RootedStore) and reading.store.engine is engine

    return told


def _docker(reading: Reading) -> Contents:
    from oci_layout.source.kinds import dockerstore  # noqa: PLC0415  a fast start

    return dockerstore.read(reading)


def _containerd(reading: Reading) -> Contents:
    from oci_layout.source.kinds import containerds  # noqa: PLC0415  likewise

    return containerds.read(reading)


def _containers(reading: Reading) -> Contents:
    from oci_layout.source.kinds import containersstore  # noqa: PLC0415  likewise

    return containersstore.read(reading)


def _blobs_of_containerd(store: Store, archive: bool) -> Iterable[str]:
    del archive
    return (name for name in store.names() if containerdroot.data_digest(name))


DOCKER_STORE: SourceKind = SourceKind(
    name="Docker's classic store",
    json="docker-store",
    told=_of(Engine.DOCKER),
    read=_docker,
)
CONTAINERD: SourceKind = SourceKind(
    name="containerd's store",
    json="containerd-store",
    told=_of(Engine.CONTAINERD),
    read=_containerd,
    may_be_blobs=_blobs_of_containerd,
)
CONTAINERS_STORE: SourceKind = SourceKind(
    name="containers-storage",
    json="containers-storage",
    told=_of(Engine.CONTAINERS),
    read=_containers,
)
