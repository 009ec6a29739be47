"""Have-lists out of what engines print themselves, so that the other side needs no tool.

Forms were taken from the engines' own output: ``docker image inspect`` and ``podman image
inspect``, ``skopeo inspect``, ``crictl inspecti -o json``, ``ctr content ls``, ``ctr images ls``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from oci_layout import limits
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import DamagedError, NotAnImageError
from oci_layout.havelist.values import HaveList, HeldImage, HeldLayer, chains_of
from oci_layout.where import Where

_DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")
_CONTENT = re.compile(rf"({_DIGEST.pattern})(?:\s+(\S+)\s.*)?")
_REFERENCE = re.compile(rf"(\S+)\s+(application/\S+)\s+({_DIGEST.pattern})\s.*")


def parse(text: str, label: str) -> HaveList:
    """Read what an engine printed, told by its form.

    Args:
        text: what it printed.
        label: name of the file, for messages.

    Raises:
        DamagedError: JSON that is none, or cut short.
        NotAnImageError: nothing that an engine prints.
    """
    if text.lstrip()[:1] in ("{", "["):
        if len(text) > limits.DOCUMENT_BYTES:
            raise DamagedError(
                what=f"JSON of more than {limits.DOCUMENT_BYTES} characters",
                where=Where(file=label),
                hint="save what the engine prints of fewer images to each of several files",
                code="document-too-large",
            )
        images = [_image(value, label) for value in _values(text, label)]
        return HaveList(images=tuple(images))
    return _listed(text.splitlines(), label)


def _values(text: str, label: str) -> Iterator[dict[str, Any]]:
    """The objects in a text: one after the other, and in lists."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    at, seen = 0, 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise DamagedError(
                what=f"is not whole JSON, at character {getattr(error, 'pos', at)}",
                where=Where(file=label),
                hint="save what the engine prints to a file again",
                code="bad-have",
            ) from error
        for each in value if isinstance(value, list) else [value]:
            seen += 1
            if not isinstance(each, dict) or seen > limits.NODES:
                raise _unknown(label)
            yield each
        while at < len(text) and text[at].isspace():
            at += 1


def _unknown(label: str) -> NotAnImageError:
    return NotAnImageError(
        what="is neither an image nor a have-list, nor what an engine prints of its images",
        where=Where(file=label),
        hint="layout have SOURCE -o FILE makes a have-list",
    )


def _image(value: dict[str, Any], label: str) -> HeldImage:
    """One image; the engine is told by what its output alone has."""
    status, info = value.get("status"), value.get("info")
    if isinstance(status, dict) and isinstance(info, dict):
        return _cri(status, info)
    if isinstance(value.get("RootFS"), dict):
        return _inspected(value)
    if isinstance(value.get("Layers"), list) and "Digest" in value:
        return _remote(value)
    raise _unknown(label)


def _inspected(value: dict[str, Any]) -> HeldImage:
    """``docker image inspect``, and podman's. An ID that a descriptor has is no config's."""
    manifest = _digest(_object(value, "Descriptor").get("digest")) or _digest(value.get("Digest"))
    text = str(value.get("Id", ""))
    image_id = _digest(text if ":" in text else f"sha256:{text}")
    return HeldImage(
        names=tuple(_texts(value.get("RepoTags"))),
        platform=_platform(value.get("Os"), value.get("Architecture"), value.get("Variant")),
        manifest=manifest,
        config=image_id if image_id != manifest else None,
        layers=_layers([_digest(each) for each in _texts(_object(value, "RootFS").get("Layers"))]),
    )


def _cri(status: dict[str, Any], info: dict[str, Any]) -> HeldImage:
    spec = _object(info, "imageSpec")
    rootfs = _object(spec, "rootfs")
    digests = [each.rpartition("@")[2] for each in _texts(status.get("repoDigests"))]
    return HeldImage(
        names=tuple(_texts(status.get("repoTags"))),
        platform=_platform(spec.get("os"), spec.get("architecture"), spec.get("variant")),
        manifest=_digest(digests[0]) if len(digests) == 1 else None,
        config=_digest(status.get("id")),
        layers=_layers([_digest(each) for each in _texts(rootfs.get("diff_ids"))]),
    )


def _remote(value: dict[str, Any]) -> HeldImage:
    """``skopeo inspect``: blobs, and no diff_ids."""
    data = value.get("LayersData")
    described = [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
    if len(described) != len(value["Layers"]):
        described = [{"Digest": each} for each in value["Layers"]]
    name = value.get("Name")
    return HeldImage(
        names=(name,) if isinstance(name, str) and name else (),
        platform=_platform(value.get("Os"), value.get("Architecture"), None),
        manifest=_digest(value.get("Digest")),
        layers=tuple(
            HeldLayer(
                digest=_digest(each.get("Digest")),
                media_type=str(each.get("MIMEType") or ""),
                size=_size(each.get("Size")),
            )
            for each in described
        ),
    )


def _layers(diff_ids: list[Digest | None]) -> tuple[HeldLayer, ...]:
    return tuple(
        HeldLayer(diff_id=diff_id, chain=chain)
        for diff_id, chain in zip(diff_ids, chains_of(diff_ids), strict=True)
    )


def _listed(lines: list[str], label: str) -> HaveList:
    """``ctr content ls`` and ``ctr images ls``, with their headings or without."""
    blobs: dict[Digest, int | None] = {}
    images: list[HeldImage] = []
    for number, line in enumerate(lines):
        content = _CONTENT.fullmatch(line.strip())
        reference = _REFERENCE.fullmatch(f"{line.strip()} ")
        if content is not None:
            blobs[Digest.parse(content[1])] = None
        elif reference is not None:
            digest = Digest.parse(reference[3])
            images.append(HeldImage(names=(reference[1],), manifest=digest))
            blobs[digest] = None
        elif line.strip() and number:
            raise _unknown(label)
    if not blobs:
        raise _unknown(label)
    return HaveList(images=tuple(images), blobs=blobs)


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _digest(value: Any) -> Digest | None:
    try:
        return Digest.parse(value) if isinstance(value, str) else None
    except InvalidDigestError:
        return None


def _size(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value) else None


def _platform(os: Any, architecture: Any, variant: Any) -> str:
    return "/".join(each for each in (os, architecture, variant) if isinstance(each, str) and each)
