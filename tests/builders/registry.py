"""A registry's storage as distribution 2.x and 3.x write it, written here by its rules alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.builders.artifacts import Built, of_image
from tests.builders.files import write_files, write_members
from tests.builders.image import Family, Image, full_name, hex_of

ROOT = "docker/registry/v2"


def data_name(digest: str) -> str:
    """Where a blob lies below the root."""
    return f"{ROOT}/blobs/sha256/{hex_of(digest)[:2]}/{hex_of(digest)}/data"


def repository_name(repository: str, *parts: str) -> str:
    """The name of a link of a repository."""
    return "/".join((f"{ROOT}/repositories/{repository}", *parts, "link"))


def registry_files(held: Sequence[tuple[str, Built]]) -> dict[str, bytes]:
    """The files of a registry.

    Args:
        held: what stands where: ``app:1`` for a tag, ``app`` for what has none.
    """
    files: dict[str, bytes] = {}
    for name, built in held:
        repository, _, tag = name.partition(":")
        for digest, data in built.blobs.items():
            files[data_name(digest)] = data
            parts = ("sha256", hex_of(digest))
            kind = ("_manifests", "revisions") if _is_manifest(data) else ("_layers",)
            files[repository_name(repository, *kind, *parts)] = digest.encode()
        if tag:
            tags = ("_manifests", "tags", tag)
            top = ("sha256", hex_of(built.digest))
            files[repository_name(repository, *tags, "index", *top)] = built.digest.encode()
            files[repository_name(repository, *tags, "current")] = built.digest.encode()
    return files


def _is_manifest(data: bytes) -> bool:
    if not data.startswith(b"{"):
        return False
    value = json.loads(data)
    return isinstance(value, dict) and not value.keys().isdisjoint({"layers", "manifests", "blobs"})


def of_images(images: Sequence[Image], family: Family = "oci") -> list[tuple[str, Built]]:
    """Images under their names, without a host."""
    return [
        (full_name(name).partition("/")[2].removeprefix("library/"), of_image(image, family))
        for image in images
        for name in image.names
    ]


def write_registry(
    images: Sequence[Image],
    dest: Path,
    *more: tuple[str, Built],
    family: Family = "oci",
    change: Mapping[str, bytes | None] | None = None,
) -> Path:
    """Write a registry's root folder.

    Args:
        images: by their names.
        dest: the folder.
        more: whatever else stands in it.
        family: of the manifests.
        change: other bytes for some names below the root; None for a file that is not there.
    """
    files = registry_files([*of_images(images, family), *more])
    for name, data in (change or {}).items():
        if data is None:
            del files[name]
        else:
            files[name] = data
    return write_files(files, dest)


def write_registry_tar(images: Sequence[Image], dest: Path, prefix: str = "") -> Path:
    """Write a tar of a registry's root folder, as oc-mirror does, beside other files."""
    files = registry_files(of_images(images))
    others = {
        "isc_x.yaml": b"kind: ImageSetConfiguration\n",
        "working-dir/catalogs/a/index.json": b'{"schemaVersion":2,"manifests":[]}',
        "working-dir/catalogs/a/oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }
    return write_members({**files, **others}, dest, prefix=prefix)
