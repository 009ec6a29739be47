"""The structs that engines read manifests and indexes into, each field with its type.

image-spec specs-go/v1/descriptor.go, manifest.go, index.go; containers/image
manifest/docker_schema2.go and docker_schema2_list.go have fewer fields, of the same types.
"""

from __future__ import annotations

from collections.abc import Iterable

from oci_layout.mediatype import DOCKER_LIST, DOCKER_MANIFEST
from oci_layout.model.gojson import fold
from oci_layout.model.gotypes import (
    NUMBER,
    TEXT,
    TEXT_MAP,
    TEXTS,
    GoType,
    ListOf,
    MapOf,
    Misread,
    Struct,
)

PLATFORM = Struct(
    {
        "architecture": TEXT,
        "os": TEXT,
        "os.version": TEXT,
        "os.features": TEXTS,
        "variant": TEXT,
    },
    {"features": TEXTS},
)
DESCRIPTOR = Struct(
    {
        "mediaType": TEXT,
        "digest": TEXT,
        "size": NUMBER,
        "urls": TEXTS,
        "annotations": TEXT_MAP,
        "data": TEXT,
        "platform": PLATFORM,
        "artifactType": TEXT,
    }
)
_DESCRIPTORS = ListOf(DESCRIPTOR, "objects")
_SHARED: dict[str, GoType] = {
    "mediaType": TEXT,
    "artifactType": TEXT,
    "subject": DESCRIPTOR,
    "annotations": TEXT_MAP,
}
MANIFEST = Struct(
    {**_SHARED, "schemaVersion": NUMBER, "config": DESCRIPTOR, "layers": _DESCRIPTORS}
)
ARTIFACT = Struct({**_SHARED, "blobs": _DESCRIPTORS})
INDEX = Struct({**_SHARED, "schemaVersion": NUMBER, "manifests": _DESCRIPTORS})

# Without these a document says what it always said of its blobs: they can be repaired, or left out.
_BESIDE = frozenset(map(fold, ("urls", "annotations", "data", "platform", "artifactType")))
# What image-spec 1.1 has brought; readers of before pass over it.
_NEWER = frozenset(map(fold, ("artifactType", "data", "subject")))
# What containers/image does not read of Docker's documents.
_NOT_DOCKERS = _NEWER | {fold("annotations")}

# An entry of manifest.json: moby image/tarexport/tarexport.go, containers/image
# docker/internal/tarfile/types.go; containerd has the first three fields.
SAVED = ListOf(
    Struct(
        {"Config": TEXT, "RepoTags": TEXTS, "Layers": TEXTS},
        {"Parent": TEXT, "LayerSources": MapOf(DESCRIPTOR, "objects", "")},
    ),
    "objects",
)


def repairable(misread: Misread) -> bool:
    """Whether a value of a wrong type is of a field beside what leads to blobs."""
    return any(isinstance(step, str) and fold(step) in _BESIDE for step in misread.path)


def read_by(
    misread: Iterable[Misread], media_type: str, *, docker_structs: bool, spec_1_1: bool
) -> list[Misread]:
    """The values that stop an engine.

    Args:
        misread: of a document.
        media_type: of the document.
        docker_structs: whether the engine has structs of their own for Docker's documents.
        spec_1_1: whether it has those of image-spec 1.1.
    """
    own = docker_structs and media_type in (DOCKER_MANIFEST, DOCKER_LIST)
    return [
        each
        for each in misread
        if (own or not each.docker_only)
        and (not own or not any(fold(str(step)) in _NOT_DOCKERS for step in each.path))
        and (spec_1_1 or not any(fold(str(step)) in _NEWER for step in each.path))
    ]
