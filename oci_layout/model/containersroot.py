"""Where containers-storage keeps what, for podman, buildah and CRI-O (its images.go, layers.go).

Images and layers are listed in two documents. What belongs to an image, its manifests and its
config among that, lies in a folder under its ID; of each layer what was written down of its tar.
The storage driver has the files of a layer under the layer's ID.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.finding import Findings
from oci_layout.model import jsontext
from oci_layout.model.fields import Fields
from oci_layout.where import Where

IMAGES, LAYERS = "-images", "-layers"  # behind the name of the driver
IMAGE_LIST = "images.json"
LAYER_LISTS = ("layers.json", "volatile-layers.json")  # of one ID in both, the first counts
RECORD = ".tar-split.gz"
MANIFEST = "manifest"
SIGNATURE = "signature-"  # before the hex digits of a manifest's digest

# Where a driver has the files of a layer (drivers/*).
DRIVERS = {
    "overlay": "overlay/{}/diff",
    "vfs": "vfs/dir/{}",
    "btrfs": "btrfs/subvolumes/{}",
    "aufs": "aufs/diff/{}",
}
COMPOSEFS = "overlay/{}/composefs-data/composefs.blob"  # with it files are under other names
_ID = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"[.0-9a-z]+")
_IMAGE = frozenset({"id", "names", "layer", "big-data-names", "big-data-digests"})
_LAYER = frozenset({"id", "parent", "diff-digest", "compressed-diff-digest", "toc-digest", "flags"})
_EXPECTED = "expected-layer-diffid"  # image/storage/storage_src.go: of a layer known by its TOC


@attrs.frozen(kw_only=True)
class StoredImage:
    """An image as ``images.json`` lists it.

    Args:
        identity: its ID.
        names: tags, and digests that it was pulled by.
        top: the ID of its topmost layer; empty without one.
        data: names of what is kept of it.
        manifest: the digest of its manifest; None where nothing states it.
    """

    identity: str
    names: tuple[str, ...]
    top: str
    data: tuple[str, ...]
    manifest: Digest | None


@attrs.frozen(kw_only=True)
class StoredLayer:
    """A layer as ``layers.json`` lists it.

    Args:
        identity: its ID.
        parent: the ID of the layer below; empty for the lowest.
        diff_id: of its tar, as known or as promised; None where nothing states it.
        blob: the digest that it came as; None where nothing states it.
        by_contents: whether it came in parts, by its table of contents (zstd:chunked).
        incomplete: whether an engine was making or removing it.
    """

    identity: str
    parent: str
    diff_id: Digest | None
    blob: Digest | None
    by_contents: bool
    incomplete: bool


def is_id(text: str) -> bool:
    """Whether a text is an ID, which becomes part of a path; nothing else will do."""
    return _ID.fullmatch(text) is not None


def data_file(key: str) -> str:
    """What the file is called that holds what is kept under a name (store.go)."""
    if _PLAIN.fullmatch(key):
        return key
    return "=" + base64.b64encode(key.encode("utf-8", "surrogatepass")).decode()


def data_digest(key: str) -> Digest | None:
    """The digest of what is kept under a name: a config, or a manifest; None for the rest."""
    try:
        return Digest.parse(key.removeprefix(f"{MANIFEST}-"))
    except InvalidDigestError:
        return None


def manifest_digest(key: str) -> Digest | None:
    """The digest of a manifest or index that is kept under a name; None for all else."""
    return data_digest(key) if key.startswith(f"{MANIFEST}-") else None


def read_images(raw: bytes, where: Where, findings: Findings) -> list[StoredImage]:
    """Read ``images.json``.

    Args:
        raw: the document.
        where: its place.
        findings: told of what does not hold.
    """
    return [image for each in _each(raw, _IMAGE, where, findings) if (image := _image(each))]


def read_layers(raw: bytes, where: Where, findings: Findings) -> list[StoredLayer]:
    """Read ``layers.json``, or what is like it.

    Args:
        raw: the document.
        where: its place.
        findings: told of what does not hold.
    """
    return [layer for each in _each(raw, _LAYER, where, findings) if (layer := _layer(each))]


def _each(raw: bytes, known: frozenset[str], where: Where, findings: Findings) -> Iterator[Fields]:
    value: Any = jsontext.parse(raw, where, findings)
    if value is not None and not isinstance(value, list):
        findings.error("wrong-type", "expected a list", where)
        return
    for number, item in enumerate(value or ()):
        place = where.at(f"[{number}]")
        if isinstance(item, dict):
            yield Fields(item, place, findings, known)
        else:
            findings.error("wrong-type", "expected an object", place)


def _image(fields: Fields) -> StoredImage | None:
    identity, top = _identity(fields, "id"), _identity(fields, "layer", empty=True)
    if identity is None or top is None:
        return None
    digests: Mapping[str, str] = fields.mapping("big-data-digests")
    return StoredImage(
        identity=identity,
        names=fields.texts("names"),
        top=top,
        data=fields.texts("big-data-names"),
        manifest=data_digest(digests.get(MANIFEST, "")),
    )


def _layer(fields: Fields) -> StoredLayer | None:
    identity, parent = _identity(fields, "id"), _identity(fields, "parent", empty=True)
    if identity is None or parent is None:
        return None
    flags = fields.raw("flags")
    flags = flags if isinstance(flags, dict) else {}
    expected = flags.get(_EXPECTED)
    promised = data_digest(expected) if isinstance(expected, str) else None
    return StoredLayer(
        identity=identity,
        parent=parent,
        diff_id=_digest(fields, "diff-digest") or promised,
        blob=_digest(fields, "compressed-diff-digest"),
        by_contents=bool(fields.text("toc-digest")),
        incomplete=flags.get("incomplete") is True,
    )


def _digest(fields: Fields, key: str) -> Digest | None:
    """A digest; None where there is none, or Go's empty text for it."""
    return fields.digest(key) if fields.raw(key) else None


def _identity(fields: Fields, key: str, *, empty: bool = False) -> str | None:
    """An ID; None for what is none (reported)."""
    text = fields.text(key, required=not empty)
    if text is None:
        return "" if empty and fields.raw(key) is None else None
    if is_id(text) or (empty and not text):
        return text
    told = f"expected 64 hex digits, found {text[:80]!r}"
    fields.findings.error("wrong-type", told, fields.path(key))
    return None
