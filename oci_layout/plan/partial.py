"""Partial images: the first layers of an image that no volume holds as a whole.

An engine keeps what an image that it has refers to. Docker's classic store finds a layer by its
chain ID (moby image/tarexport/load.go), containerd a blob that the manifest of an image leads to
(core/images/archive/importer.go, labels for the collector). So a volume that brings some layers of
an image brings an image of those: a config with their diff_ids, under a name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.mediatype import Kind, document_type
from oci_layout.model import gojson
from oci_layout.model.config import config_object
from oci_layout.model.layout import CONTAINERD_NAME, PARTIAL, REF_NAME
from oci_layout.plan.pieces import Piece, Stack
from oci_layout.reference import InvalidReferenceError, Reference

_PLATFORM = ("architecture", "os", "variant", "os.version", "os.features")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Partial:
    """An image, or several of an index, with the first layers of another.

    Args:
        name: that it has in engines.
        of: what to call the image that it is part of.
        documents: its own, by digest.
        entry: of ``index.json``.
        saved: entries of ``manifest.json``.
        image_ids: of its images.
    """

    name: Reference
    of: str
    documents: Mapping[Digest, bytes]
    entry: Mapping[str, Any]
    saved: tuple[Mapping[str, Any], ...]
    image_ids: tuple[Digest, ...]


def name_for(piece: Piece, number: int, taken: frozenset[str]) -> Reference:
    """The name of a partial image: that of the image, with the volume's number.

    Args:
        piece: the image.
        number: of the volume.
        taken: names that are somebody else's.
    """
    own = piece.reference
    tail = f"-vol{number}"
    while True:
        found = Reference("localhost", f"{piece.stacks[0].config.short}{tail}", "latest")
        if own is not None:
            named = Reference(own.domain, own.path + tail, own.tag or "latest")
            if _valid(named):
                found = named
        if str(found) not in taken:
            return found
        tail += "-part"


def _valid(reference: Reference) -> bool:
    try:
        return Reference.parse(str(reference)) == reference
    except InvalidReferenceError:  # too long
        return False


def make_partial(
    piece: Piece, done: int, name: Reference, configs: Mapping[Digest, bytes]
) -> Partial:
    """The partial image that holds the first layers of a piece.

    Args:
        piece: the image, or the index of several.
        done: how many of its layers are there, in the order of ``Piece.units``.
        name: that it is to have.
        configs: those of the whole images, by digest.
    """
    documents: dict[Digest, bytes] = {}
    saved: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    ids: list[Digest] = []
    for stack in piece.stacks:
        count = min(done, len(stack.layers))
        done -= count
        config, platform = _config(stack, count, configs[stack.config], piece.label)
        config_digest = Digest.of(config)
        manifest = _manifest(stack, count, config_digest, len(config))
        digest = Digest.of(manifest)
        documents |= {digest: manifest, config_digest: config}
        ids.append(config_digest)
        entry = _descriptor(stack.manifest.media_type, digest, len(manifest))
        entries.append({**entry, "platform": platform})
        if stack.config in piece.listed and count:
            tags = None if saved else [name.familiar]
            paths = [each.blob_path for each in stack.layers[:count]]
            saved.append({"Config": config_digest.blob_path, "RepoTags": tags, "Layers": paths})
    if len(entries) == 1:
        top = {key: value for key, value in entries[0].items() if key != "platform"}
    else:
        top = _index(piece.stacks, entries, documents)
    notes = {CONTAINERD_NAME: str(name), REF_NAME: str(name), PARTIAL: piece.label}
    return Partial(
        name=name,
        of=piece.label,
        documents=documents,
        entry={**top, "annotations": notes},
        saved=tuple(saved),
        image_ids=tuple(ids),
    )


def _config(stack: Stack, count: int, raw: bytes, label: str) -> tuple[bytes, dict[str, Any]]:
    """The config of the first layers, and the platform that it states."""
    whole = config_object(raw)
    platform = {key: whole[key] for key in _PLATFORM if whole.get(key)}
    diff_ids = [str(each) for each in stack.diff_ids[:count]]
    value = {
        **platform,
        "config": {"Labels": {PARTIAL: label}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    return gojson.encode_bytes(value), platform


def _descriptor(media_type: str, digest: Digest, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest), "size": size}


def _manifest(stack: Stack, count: int, config: Digest, size: int) -> bytes:
    whole = stack.manifest
    if whole.config is None:
        raise AssertionError("an image has a config")
    layers = []
    for each in whole.layers[:count]:
        layer = _descriptor(each.media_type, each.digest, each.size)
        layers.append({**layer, "urls": list(each.urls)} if each.urls else layer)
    value = {
        "schemaVersion": 2,
        "mediaType": whole.media_type,
        "config": _descriptor(whole.config.media_type, config, size),
        "layers": layers,
    }
    return gojson.encode_bytes(value)


def _index(
    stacks: Sequence[Stack], entries: list[dict[str, Any]], documents: dict[Digest, bytes]
) -> dict[str, Any]:
    """An index of several platforms; what of it the entry says that leads there."""
    media_type = document_type(Kind.INDEX, stacks[0].manifest.family)
    value = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    raw = gojson.encode_bytes(value)
    digest = Digest.of(raw)
    documents[digest] = raw
    return _descriptor(media_type, digest, len(raw))
