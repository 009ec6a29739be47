"""Every kind of source, one value each, in the order in which they are told apart."""

from __future__ import annotations

from oci_layout.source.kinds.engines import CONTAINERD, CONTAINERS_STORE, DOCKER_STORE
from oci_layout.source.kinds.kind import Contents, Reading, SourceKind
from oci_layout.source.kinds.layouts import HYBRID, LAYOUT
from oci_layout.source.kinds.layoutset import LAYOUTS
from oci_layout.source.kinds.registries import REGISTRY
from oci_layout.source.kinds.saved import DOCKER, V1
from oci_layout.source.kinds.single import DIR, LONE

KINDS: tuple[SourceKind, ...] = (
    DOCKER_STORE,
    CONTAINERD,
    CONTAINERS_STORE,
    LONE,
    LAYOUTS,
    DIR,
    HYBRID,
    LAYOUT,
    DOCKER,
    REGISTRY,
    V1,
)

__all__ = [
    "CONTAINERD",
    "CONTAINERS_STORE",
    "DIR",
    "DOCKER",
    "DOCKER_STORE",
    "HYBRID",
    "KINDS",
    "LAYOUT",
    "LAYOUTS",
    "LONE",
    "REGISTRY",
    "V1",
    "Contents",
    "Reading",
    "SourceKind",
]
