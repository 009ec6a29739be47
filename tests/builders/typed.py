"""Layouts whose manifests call their configs and layers by other media types than the usual."""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zstandard

from tests.builders.files import Members, write_files, write_members
from tests.builders.image import Image, go_json, sha256
from tests.builders.layout import LAYOUT_MARKER, name_annotations

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
DOCKER_TAR = "application/vnd.docker.image.rootfs.diff.tar"

SQUASHFS = "application/vnd.stacker.image.layer.squashfs+zstd+verity"
NYDUS = "application/vnd.oci.image.layer.nydus.blob.v1"
ENCRYPTED = f"{TAR}+gzip+encrypted"


def scrambled(data: bytes) -> bytes:
    """Bytes that are no tar, packed or not."""
    return b"hsqs" + bytes(each ^ 0x5A for each in data[:600])


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def _json(data: bytes) -> bytes:
    return go_json({"of": sha256(data)})


def _raw(data: bytes) -> bytes:
    return data


@dataclass(frozen=True)
class Typed:
    """A manifest in other words.

    Args:
        layers: media types of the layers, base first; the last one stands for all that follow.
        top: makes the stored bytes of the top layer out of its tar.
        below: makes those of the others.
        manifest: its own media type.
        config: media type of its config.
        config_bytes: another config than the image's.
        platform: os and architecture that the config states.
    """

    layers: Sequence[str] = (TAR,)
    top: Callable[[bytes], bytes] = _raw
    below: Callable[[bytes], bytes] = _raw
    manifest: str = OCI_MANIFEST
    config: str = OCI_CONFIG
    config_bytes: bytes | None = None
    platform: tuple[str, str] | None = None

    def files(self, image: Image, *, hybrid: bool = False) -> dict[str, bytes]:
        """The files of a layout that holds it under the image's names.

        Args:
            image: what it is made of.
            hybrid: with a `manifest.json`.
        """
        if self.platform is not None:
            os, architecture = self.platform
            config = {**image.config, "os": os, "architecture": architecture}
            image = replace(image, config=config)
        config_bytes = image.config_bytes if self.config_bytes is None else self.config_bytes
        *others, last = image.layers
        stored = [self.below(layer.raw) for layer in others] + [self.top(last.raw)]
        types = [*self.layers, *[self.layers[-1]] * len(stored)][: len(stored)]
        manifest = go_json(
            {
                "schemaVersion": 2,
                "mediaType": self.manifest,
                "config": _descriptor(self.config, config_bytes),
                "layers": [_descriptor(*each) for each in zip(types, stored, strict=True)],
            }
        )
        entries = [
            {**_descriptor(self.manifest, manifest), "annotations": name_annotations(name)}
            for name in image.names
        ]
        files = {"oci-layout": LAYOUT_MARKER, "index.json": _index(entries)}
        for blob in (manifest, config_bytes, *stored):
            files[_path(blob)] = blob
        if hybrid:
            entry = {
                "Config": _path(config_bytes),
                "RepoTags": list(image.names),
                "Layers": [_path(data) for data in stored],
            }
            files["manifest.json"] = go_json([entry])
        return files

    def write(self, image: Image, dest: Path, *, hybrid: bool = False) -> Path:
        """Write it, as a folder or as an archive by the suffix of its name."""
        files = self.files(image, hybrid=hybrid)
        if not dest.suffix:
            return write_files(files, dest)
        members: Members = dict(files)
        return write_members(members, dest)


def _path(data: bytes) -> str:
    return "blobs/" + sha256(data).replace(":", "/")


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data)}


def _index(entries: list[dict[str, Any]]) -> bytes:
    media_type = "application/vnd.oci.image.index.v1+json"
    return go_json({"schemaVersion": 2, "mediaType": media_type, "manifests": entries})


# Layers that are no tar: what is done with them goes by their media types alone.
OPAQUE = {
    "encrypted": Typed((TAR, ENCRYPTED), scrambled),
    "nydus": Typed((TAR, NYDUS), scrambled),
    "squashfs": Typed((TAR, SQUASHFS), scrambled),
    "squashfs alone": Typed((SQUASHFS,), scrambled),
    "nobody's": Typed((TAR, "application/x-of-tomorrow"), scrambled),
}
# Layers that are tars, under types that not every engine knows.
SPELLED = {
    "bzip2": Typed((TAR, f"{TAR}+bzip2"), bz2.compress),
    "xz": Typed((TAR, f"{TAR}+xz"), lzma.compress),
    "zstd:chunked": Typed((TAR, f"{TAR}+zstd:chunked"), _zstd),
    "octet-stream": Typed((TAR, "application/octet-stream")),
    "capitals": Typed((TAR, TAR.upper())),
    "a parameter": Typed((TAR, f"{TAR}; charset=binary")),
    "before the spec": Typed((TAR, "application/vnd.oci.image.layer.tar")),
    "before the spec, serialized": Typed(
        (TAR, "application/vnd.oci.image.serialization.rootfs.tar")
    ),
}
# Vocabularies mixed: the manifest's, its config's, its layers'.
MIXED = {
    "Docker manifest, OCI layers": Typed(manifest=DOCKER_MANIFEST, config=DOCKER_CONFIG),
    "Docker manifest, OCI config and layers": Typed(manifest=DOCKER_MANIFEST),
    "Docker manifest, OCI config": Typed((DOCKER_TAR,), manifest=DOCKER_MANIFEST),
    "OCI manifest, Docker layers": Typed((DOCKER_TAR,)),
    "OCI manifest, Docker config": Typed(config=DOCKER_CONFIG),
    "OCI manifest, Docker config and layers": Typed((DOCKER_TAR,), config=DOCKER_CONFIG),
}
# What is no image, whatever an engine makes of it.
NO_IMAGE = {
    "empty config, layers of an image": Typed(config=EMPTY, config_bytes=b"{}"),
    "empty config, text": Typed(("text/plain",), config=EMPTY, config_bytes=b"{}"),
    "config of no bytes": Typed(config="application/vnd.devcontainers", config_bytes=b""),
    "a model": Typed(
        ("application/vnd.docker.ai.gguf.v3",),
        scrambled,
        config="application/vnd.docker.ai.model.config.v0.1+json",
        config_bytes=b'{"rootfs":{"type":"rootfs","diff_ids":["a","b"]}}',
    ),
    "an attestation": Typed(
        ("application/vnd.in-toto+json",), _json, _json, platform=("unknown", "unknown")
    ),
    "a signature": Typed(
        ("application/vnd.dev.cosign.simplesigning.v1+json",), _json, _json, platform=("", "")
    ),
}
