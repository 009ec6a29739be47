"""Write OCI layouts: folders, archives, and the hybrids of newer Docker versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.builders.docker import repositories
from tests.builders.files import Order, write_files, write_members
from tests.builders.image import (
    CONFIG_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Family,
    Image,
    full_name,
    go_json,
    hex_of,
    sha256,
    split_tag,
)

LAYOUT_MARKER = b'{"imageLayoutVersion":"1.0.0"}'
REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"


def name_annotations(name: str) -> dict[str, str]:
    """Give the two annotations by which engines name an entry of `index.json`."""
    return {IMAGE_NAME: full_name(name), REF_NAME: split_tag(name)[1]}


def _index(entries: Iterable[Mapping[str, Any]], family: Family = "oci") -> dict[str, Any]:
    """Make an index document."""
    return {"schemaVersion": 2, "mediaType": INDEX_TYPE[family], "manifests": list(entries)}


def _layout_files(images: Sequence[Image], family: Family, untagged: bool) -> dict[str, bytes]:
    """Make the files of a layout, blobs first as real software has them."""
    blobs: dict[str, bytes] = {}
    entries: list[dict[str, Any]] = []
    for image in images:
        blobs |= image.blobs(family)
        entry = image.descriptor(family)
        entries += [{**entry, "annotations": name_annotations(name)} for name in image.names]
        if untagged and not image.names:
            entries.append(entry)
    files = {f"blobs/sha256/{hex_of(digest)}": data for digest, data in blobs.items()}
    return {**files, "index.json": go_json(_index(entries)), "oci-layout": LAYOUT_MARKER}


def write_oci_layout(images: Sequence[Image], dest_dir: Path, *, family: Family = "oci") -> Path:
    """Write a layout folder; manifests of `family`, `index.json` always OCI."""
    return write_files(_layout_files(images, family, untagged=True), dest_dir)


def write_oci_archive(
    images: Sequence[Image],
    dest: Path,
    *,
    family: Family = "oci",
    prefix: str = "",
    order: Order | None = None,
) -> Path:
    """Write a layout as an archive."""
    files = _layout_files(images, family, untagged=True)
    return write_members(files, dest, prefix=prefix, order=order)


def write_hybrid_archive(
    images: Sequence[Image],
    dest: Path,
    *,
    family: Family = "oci",
    prefix: str = "",
    order: Order | None = None,
    untagged: bool = False,
) -> Path:
    """Write what `docker save` of 25 and later does: a layout that also has `manifest.json`.

    Args:
        untagged: list images without a name in `index.json` too, which Docker 28 does not.
    """
    files = _layout_files(images, family, untagged)
    entries = []
    for image in images:
        layers = [f"blobs/sha256/{hex_of(layer.digest)}" for layer in image.layers]
        entries.append(
            {
                "Config": f"blobs/sha256/{hex_of(image.config_digest)}",
                "RepoTags": list(image.names) or None,
                "Layers": layers,
                "LayerSources": {layer.diff_id: layer.descriptor(family) for layer in image.layers},
            }
        )
    files["manifest.json"] = go_json(entries)
    # These versions name the top layer here, not a V1 id.
    tops = [hex_of(image.layers[-1].digest) if image.layers else "" for image in images]
    files["repositories"] = go_json(repositories(images, tops), sort=True)
    return write_members(files, dest, prefix=prefix, order=order)


def make_attestation(
    image: Image, family: Family = "oci"
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Make BuildKit's provenance of an image: its index entry and its blobs."""
    subject = {
        "name": "demo",
        "digest": {"sha256": hex_of(image.manifest_digest(family))},
    }
    statement = go_json(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [subject],
            "predicate": {"buildType": "https://mobyproject.org/buildkit@v1"},
        }
    )
    config = go_json(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(statement)]},
        }
    )
    layer = {
        "mediaType": "application/vnd.in-toto+json",
        "digest": sha256(statement),
        "size": len(statement),
        "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
    }
    manifest = go_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE["oci"],
            "config": {
                "mediaType": CONFIG_TYPE["oci"],
                "digest": sha256(config),
                "size": len(config),
            },
            "layers": [layer],
        }
    )
    entry = {
        "mediaType": MANIFEST_TYPE["oci"],
        "digest": sha256(manifest),
        "size": len(manifest),
        "annotations": {
            "vnd.docker.reference.digest": image.manifest_digest(family),
            "vnd.docker.reference.type": "attestation-manifest",
        },
        "platform": {"architecture": "unknown", "os": "unknown"},
    }
    return entry, {sha256(data): data for data in (statement, config, manifest)}


def write_index_layout(
    dest_dir: Path,
    platforms: Sequence[Image],
    name: str | None = "demo:1",
    attestations: bool = False,
    family: Family = "oci",
    drop: Collection[str] = (),
) -> Path:
    """Write a layout whose one entry is an index of several platforms.

    Args:
        name: of the nested index; None leaves it without annotations.
        attestations: add a BuildKit-style attestation for each platform.
        drop: digests of blobs to leave out, which makes a sparse layout.
    """
    blobs: dict[str, bytes] = {}
    entries: list[dict[str, Any]] = []
    extra: list[dict[str, Any]] = []
    for image in platforms:
        blobs |= image.blobs(family)
        entries.append({**image.descriptor(family), "platform": image.platform})
        if attestations:
            entry, more = make_attestation(image, family)
            extra.append(entry)
            blobs |= more
    nested = go_json(_index(entries + extra, family))
    blobs[sha256(nested)] = nested
    top: dict[str, Any] = {
        "mediaType": INDEX_TYPE[family],
        "digest": sha256(nested),
        "size": len(nested),
    }
    if name is not None:
        top["annotations"] = name_annotations(name)
    kept = {digest: data for digest, data in blobs.items() if digest not in drop}
    files = {f"blobs/sha256/{hex_of(digest)}": data for digest, data in kept.items()}
    files |= {"index.json": go_json(_index([top])), "oci-layout": LAYOUT_MARKER}
    return write_files(files, dest_dir)
