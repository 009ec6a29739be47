"""The list of the volumes that one result was cut into (docs/volumes.md): ``x.volumes.json``."""

from __future__ import annotations

import re
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import FailFast
from oci_layout.limits import VOLUMES
from oci_layout.model import gojson, jsontext
from oci_layout.model.fields import Fields
from oci_layout.where import Where

KIND = "oci-layout-volumes"
VERSION = 1
SUFFIX = ".volumes.json"
BYTES = 4 << 20  # that a list may have
_FIELDS = frozenset({"kind", "version", "volumes"})
_VOLUME_FIELDS = frozenset({"file", "size", "sha256", "images", "partial", "needs", "entries"})
_PARTIAL_FIELDS = frozenset({"name", "of", "imageIDs"})
_HEX = re.compile(r"[0-9a-f]{64}")


@attrs.frozen(kw_only=True)
class PartialName:
    """A partial image of a volume.

    Args:
        name: that it has in engines.
        of: the image that it is part of.
        image_ids: of its images.
    """

    name: str
    of: str
    image_ids: tuple[Digest, ...] = ()


@attrs.frozen(kw_only=True)
class ListedVolume:
    """One volume.

    Args:
        file: its name, in the folder of the list.
        size: bytes.
        sha256: of the file, hex.
        images: what it completes, by name or digest.
        partial: the partial image in it; None without one.
        needs: files of the earlier volumes that hold layers which it lacks.
        entries: the place of each entry of its ``index.json`` in that of the whole; None for the
            partial image.
    """

    file: str
    size: int
    sha256: str
    images: tuple[str, ...]
    partial: PartialName | None
    needs: tuple[str, ...]
    entries: tuple[int | None, ...]


@attrs.frozen(kw_only=True)
class VolumeList:
    """All volumes, in the order in which they are loaded."""

    volumes: tuple[ListedVolume, ...]

    def to_bytes(self) -> bytes:
        """The document, for people too: indented, its keys in one order."""
        value = {
            "kind": KIND,
            "version": VERSION,
            "volumes": [_volume_json(each) for each in self.volumes],
        }
        return f"{gojson.show(value)}\n".encode()

    @classmethod
    def parse(cls, raw: bytes, label: str) -> VolumeList | None:
        """Read one; None for a document that is none.

        Args:
            raw: the document.
            label: what to call it in messages.

        Raises:
            DamagedError: it is one, and does not hold.
        """
        if KIND.encode() not in raw:
            return None
        findings = FailFast()
        where = Where(file=label)
        value = jsontext.parse(raw, where, findings)
        if not isinstance(value, dict) or value.get("kind") != KIND:
            return None
        fields = Fields(value, where, findings, _FIELDS)
        if fields.integer("version", required=True) != VERSION:
            raise _bad("is of another version than 1", where)
        objects = fields.objects("volumes", _VOLUME_FIELDS, required=True)
        volumes = tuple(_volume(each) for _, each in objects)
        files = [each.file for each in volumes]
        if not volumes or len(volumes) > VOLUMES or len(set(files)) != len(files):
            raise _bad(f"lists no volume, one twice, or more than {VOLUMES}", where)
        return cls(volumes=volumes)


def _volume_json(volume: ListedVolume) -> dict[str, Any]:
    partial = volume.partial
    return {
        "file": volume.file,
        "size": volume.size,
        "sha256": volume.sha256,
        "images": list(volume.images),
        "partial": None
        if partial is None
        else {
            "name": partial.name,
            "of": partial.of,
            "imageIDs": [str(each) for each in partial.image_ids],
        },
        "needs": list(volume.needs),
        "entries": list(volume.entries),
    }


def _bad(what: str, where: Where) -> DamagedError:
    return DamagedError(code="bad-volume-list", what=what, where=where)


def _volume(fields: Fields) -> ListedVolume:
    file, sha256 = fields.text("file", required=True), fields.text("sha256", required=True)
    size = fields.integer("size", required=True)
    entries = fields.raw("entries")
    if not file or "/" in file or "\0" in file or file in (".", ".."):
        raise _bad("names a volume that is no file beside it", fields.path("file"))
    if sha256 is None or size is None or not _HEX.fullmatch(sha256):
        raise _bad("has no sum of 64 hex digits, or no size", fields.path("sha256"))
    if not isinstance(entries, list) or not all(
        each is None or (isinstance(each, int) and not isinstance(each, bool) and each >= 0)
        for each in entries
    ):
        raise _bad("has no places of entries", fields.path("entries"))
    inner = fields.object("partial", _PARTIAL_FIELDS) if fields.raw("partial") else None
    return ListedVolume(
        file=file,
        size=size,
        sha256=sha256,
        images=fields.texts("images"),
        partial=None
        if inner is None
        else PartialName(name=inner.text("name") or "", of=inner.text("of") or ""),
        needs=fields.texts("needs"),
        entries=tuple(entries),
    )
