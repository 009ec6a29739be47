"""The form that Docker 1.0 to 1.9 reads: ``<id>/{VERSION,json,layer.tar}`` and ``repositories``.

``manifest.json`` names the same files, so that every later engine loads it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import TargetError
from oci_layout.mediatype import Compression
from oci_layout.model import dockersave, gojson
from oci_layout.model.config import config_object, filled_lines
from oci_layout.plan.packed import Packed
from oci_layout.reference import ImageName, Reference
from oci_layout.where import Where

_VERSION = b"1.0"
_NO_TIME = "0001-01-01T00:00:00Z"


@attrs.frozen(kw_only=True)
class Legacy:
    """The files of a legacy archive.

    Args:
        files: documents by name, in order.
        links: further places of a layer that stands in the archive already.
        layers: the one place of each layer's bytes.
    """

    files: Mapping[str, bytes]
    links: Mapping[str, str]
    layers: Mapping[Digest, str]


class LegacyView:
    """Collects images and gives them V1 ids."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._layers: dict[Digest, str] = {}
        self._saved: dict[str, dict[str, Any]] = {}
        self._repositories: dict[str, dict[str, str]] = {}

    def add(
        self,
        names: Sequence[ImageName | None],
        config: Digest,
        raw: bytes,
        layers: Sequence[Packed],
    ) -> None:
        """Take an image under some of its names.

        Args:
            names: the names; None for none.
            config: digest of its config.
            raw: the config.
            layers: as they go out: uncompressed.

        Raises:
            TargetError: it has no layer, one is not there, or one cannot be raw.
        """
        label = next((str(name) for name in names if name is not None), "")
        if not layers:
            raise TargetError(
                what="an image without layers has no V1 form", where=Where(image=label)
            )
        for packed in layers:
            if packed.layer.there is None or packed.compression is not Compression.NONE:
                raise TargetError(
                    what=f"the layer {packed.digest} has no V1 form", where=Where(image=label)
                )
        value = config_object(raw)
        lines = _lines(value, len(layers))
        ids = self._ids(layers, lines, config)
        paths = []
        for number, (identity, packed) in enumerate(zip(ids, layers, strict=True)):
            parent = ids[number - 1] if number else ""
            last = number == len(ids) - 1
            step = _step(identity, parent, lines[number], value if last else None)
            self._files[f"{identity}/VERSION"] = _VERSION
            self._files[f"{identity}/json"] = gojson.encode_bytes(step)
            path = f"{identity}/layer.tar"
            real = self._layers.setdefault(packed.digest, path)
            if real != path:
                self._links[path] = f"../{real}"
            paths.append(real)
        self._files[f"{config.hex}.json"] = raw
        fresh = {"Config": f"{config.hex}.json", "RepoTags": None, "Layers": paths}
        entry = self._saved.setdefault(config.hex, fresh)
        tags = dict.fromkeys(entry["RepoTags"] or ())
        for name in names:
            if name is not None and name.reference is not None and name.reference.tag:
                tags[name.reference.familiar] = None
                self._name(name.reference, ids[-1])
        entry["RepoTags"] = list(tags) or None

    def _name(self, reference: Reference, top: str) -> None:
        repository = self._repositories.setdefault(reference.familiar_repository, {})
        repository[reference.tag] = top

    @staticmethod
    def _ids(
        layers: Sequence[Packed], lines: Sequence[Mapping[str, Any]], config: Digest
    ) -> list[str]:
        """An id for each layer: of its chain and its line; of the config too for the top one."""
        ids: list[str] = []
        for number, packed in enumerate(layers):
            parts = [ids[-1] if ids else "", str(packed.diff_id or packed.digest)]
            parts.append(gojson.encode(lines[number]))
            if number == len(layers) - 1:
                parts.append(str(config))
            ids.append(Digest.of(" ".join(parts).encode()).hex)
        return ids

    def finish(self) -> Legacy:
        """The files."""
        saved = dockersave.saved_bytes(list(self._saved.values()))
        repositories = gojson.encode_bytes(self._repositories) + b"\n"
        first = {dockersave.MANIFEST: saved, dockersave.REPOSITORIES: repositories}
        return Legacy(files={**first, **self._files}, links=self._links, layers=self._layers)


def _lines(value: Mapping[str, Any], count: int) -> list[Mapping[str, Any]]:
    """The history line of each layer; empty ones where the history does not tell."""
    lines = filled_lines(value)
    return lines if len(lines) == count else [{}] * count


def _step(
    identity: str, parent: str, line: Mapping[str, Any], top: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The ``json`` of one step; the top one carries the whole config."""
    step: dict[str, Any] = {"id": identity}
    if parent:
        step["parent"] = parent
    if top is not None:
        kept = {key: item for key, item in top.items() if key not in ("rootfs", "history")}
        kept.setdefault("created", _NO_TIME)
        # The line of this step, not of the last step of all, which may be an empty one.
        if "created_by" in line:
            stated = kept.get("container_config")
            container = stated if isinstance(stated, dict) else {}  # Docker refuses any other
            kept["container_config"] = {**container, "Cmd": [line["created_by"]]}
        return {**step, **kept}
    step["created"] = line.get("created") or _NO_TIME
    for key in ("author", "comment"):
        if line.get(key):
            step[key] = line[key]
    if "created_by" in line:
        step["container_config"] = {"Cmd": [line["created_by"]]}
    return step
