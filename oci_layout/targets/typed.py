"""What engines cannot read of a config, since Go gives each field a type."""

from __future__ import annotations

import enum

from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node
from oci_layout.model.config import Config
from oci_layout.model.documenttypes import read_by
from oci_layout.model.gotypes import Misread
from oci_layout.model.manifest import Index, Manifest
from oci_layout.targets.target import Since

# Whether an escape in a time is read as what it stands for.
ESCAPED_TIMES = (
    Since(version=(1,), value=False, source="measured: Docker 20.10.24, 26.1.5"),
    Since(version=(28,), value=True, source="measured: Docker 28.5.2"),
)


class Structs(enum.Enum):
    """The structs that a config is read into."""

    SPEC = enum.auto()  # those of the image spec
    DOCKER = enum.auto()  # Docker's, or those that containers/image has after them
    BOTH = enum.auto()  # podman: with a field of Docker's misread, it lists no image any more


def unreadable(config: Config, structs: Structs, *, escaped_times: bool = False) -> list[str]:
    """Fields of a config that have another type than an engine gives them.

    Args:
        config: as read.
        structs: what it is read into.
        escaped_times: whether the engine reads a time that is spelled with escapes.
    """
    return [
        f"{each.place}: expected {each.expected}"
        for each in config.misread
        if not (each.escaped and escaped_times) and _refused(each, structs)
    ]


def mistyped(node: Node, *, docker_structs: bool = False, spec_1_1: bool = True) -> list[str]:
    """Fields of a node's own document that have another type than an engine gives them.

    Args:
        node: an image, an artifact or an index.
        docker_structs: as containers/image has them, for what is Docker's.
        spec_1_1: whether the engine's structs are those of image-spec 1.1.
    """
    document: Manifest | Index | None = node.index if isinstance(node, ImageIndex) else None
    if isinstance(node, Image | Artifact):
        document = node.manifest
    if document is None:
        return []
    found = read_by(
        (*document.misread, *document.refused),
        document.media_type,
        docker_structs=docker_structs,
        spec_1_1=spec_1_1,
    )
    return [f"{each.place}: expected {each.expected}" for each in found]


def _refused(misread: Misread, structs: Structs) -> bool:
    if structs is Structs.SPEC:
        return not misread.docker_only
    if structs is Structs.DOCKER:
        return not misread.docker_takes
    return not (misread.docker_only and misread.docker_takes)
