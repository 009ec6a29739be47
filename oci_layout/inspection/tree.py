"""What a source holds, as a tree of plain values."""

from __future__ import annotations

import json
from typing import Any

from oci_layout import limits
from oci_layout.errors import SelectionError
from oci_layout.finding import Findings
from oci_layout.model.descriptor import platform_json
from oci_layout.plan.options import Options
from oci_layout.plan.select import select
from oci_layout.source.contents import Kinds
from oci_layout.source.graph import (
    Absent,
    Artifact,
    Image,
    ImageIndex,
    Layer,
    Node,
    Opaque,
    Root,
    images,
    stated_platform,
    walk,
)
from oci_layout.source.opening import Source
from oci_layout.streams.compression import SNIFF_BYTES, sniff

_RUN = ("User", "Entrypoint", "Cmd", "WorkingDir")


def chosen(source: Source, options: Options) -> tuple[Root, ...]:
    """The roots to show.

    Args:
        source: opened.
        options: ``images`` and ``platforms`` count.

    Raises:
        SelectionError: no such image or platform.
    """
    return select(source.roots, options, Findings())


def tree(source: Source, roots: tuple[Root, ...]) -> dict[str, Any]:
    """Everything about a source that can be known without reading a layer.

    Args:
        source: opened.
        roots: what to show of it.
    """
    named: dict[str, int] = {}
    uses = 0
    for root in roots:
        for image in images(root.node):
            for layer in image.layers:
                if layer.member is not None:
                    named[layer.member.name] = layer.size
                    uses += layer.size
    total = sum(named.values())
    return {
        "source": source.label,
        "kind": str(source.kind),
        "archive": source.archive,
        "compression": str(source.outer),
        "writer": writer(source),
        "images": [_root(root) for root in roots],
        "layers": len(named),
        "layer_bytes": total,
        "shared_bytes": uses - total,
        "findings": [
            {"code": each.code, "severity": str(each.severity), "message": str(each)}
            for each in source.findings.found
        ],
    }


def writer(source: Source) -> str:
    """Who probably wrote a source, and how one knows; empty when nothing tells."""
    find = source.store.find
    if source.kind is Kinds.V1:
        return "docker save before 1.10: folders with json and layer.tar, no manifest.json"
    if source.kind is Kinds.DIR:
        return "skopeo or podman: a dir: directory" if find("version") else ""
    if source.kind is Kinds.LONE:
        return ""
    member = find("manifest.json")
    saved = member.read(limits.DOCUMENT_BYTES) if member is not None else b""
    if source.kind is Kinds.HYBRID:
        if b'"LayerSources"' in saved:
            return "docker save 25 or later: manifest.json has LayerSources"
        if find("repositories") is not None:
            return "docker save 25 or later: a layout with repositories"
        return "containerd, docker save from the containerd store, or layout repack"
    if source.kind is Kinds.DOCKER:
        names = list(source.store.names())
        if any(name.endswith("/layer.tar") for name in names):
            links = any(name.endswith(".tar") and "/" not in name for name in names)
            return (
                "podman or skopeo: layers at the top, V1 folders link to them"
                if links
                else "docker save 1.10 to 24: V1 folders beside manifest.json"
            )
        return "crane, kaniko, jib or bazel: layers at the top, no V1 folders"
    return ""


def _root(root: Root) -> dict[str, Any]:
    return {"names": [str(name) for name in root.names], **_node(root.node)}


def _node(node: Node) -> dict[str, Any]:
    descriptor = node.descriptor
    value: dict[str, Any] = {"type": _TYPES[type(node)]}
    if descriptor is not None:
        value["digest"] = str(descriptor.digest)
        value["media_type"] = descriptor.media_type
        if descriptor.annotations:
            value["annotations"] = dict(descriptor.annotations)
    platform = stated_platform(node)
    if platform is not None:
        value["platform"] = str(platform)
    if isinstance(node, ImageIndex):
        value["children"] = [_node(child) for child in node.children]
    elif isinstance(node, Image):
        value.update(_image(node))
    elif isinstance(node, Artifact):
        manifest = node.manifest
        config = manifest.config.media_type if manifest.config is not None else ""
        value["artifact_type"] = manifest.artifact_type or config
        value["attestation"] = node.is_attestation
        if manifest.subject is not None:
            value["subject"] = str(manifest.subject.digest)
        value["missing"] = [str(digest) for digest in node.missing]
    elif isinstance(node, Absent):
        value["missing"] = [str(digest) for digest in node.missing]
    return value


_TYPES: dict[type[Node], str] = {
    ImageIndex: "index",
    Image: "image",
    Artifact: "artifact",
    Opaque: "blob",
    Absent: "absent",
}


def _image(image: Image) -> dict[str, Any]:
    config = json.loads(image.config_member.read(limits.DOCUMENT_BYTES))
    lower = {key.lower(): item for key, item in config.items()}
    run = lower.get("config") or {}
    history = [line for line in lower.get("history") or [] if isinstance(line, dict)]
    filled = [line for line in history if line.get("empty_layer") is not True]
    fits = len(filled) == len(image.layers)
    value: dict[str, Any] = {
        "image_id": None if image.made_from else str(image.config.digest),
        "family": str(image.manifest.family) if image.manifest is not None else None,
        "created": lower.get("created"),
        "config": {key: run[key] for key in _RUN if run.get(key)},
        "env": len(run.get("Env") or []),
        "labels": run.get("Labels") or {},
        "healthcheck": bool(run.get("Healthcheck")),
        "platform_json": platform_json(image.platform),
        "layers": [
            _layer(layer, filled[number] if fits else {})
            for number, layer in enumerate(image.layers)
        ],
        "history": history,
        "missing": [str(digest) for digest in image.missing],
    }
    if image.made_from:
        value["made_from"] = image.made_from
    if image.schema1 is not None:
        value["schema1"] = {
            "name": image.schema1.name,
            "tag": image.schema1.tag,
            "signatures": len(image.schema1.signatures),
        }
    return value


def _layer(layer: Layer, line: dict[str, Any]) -> dict[str, Any]:
    kind = layer.type
    opaque = layer.member is None or (kind is not None and kind.encrypted)
    actual = None if layer.member is None or opaque else sniff(layer.member.head(SNIFF_BYTES))
    return {
        "digest": str(layer.digest) if layer.digest is not None else None,
        "diff_id": str(layer.diff_id) if layer.diff_id is not None else None,
        "size": layer.size,
        "media_type": layer.descriptor.media_type if layer.descriptor is not None else None,
        "labelled": str(kind.compression) if kind is not None else None,
        "compression": str(actual) if actual is not None else None,
        "present": layer.member is not None,
        "created_by": line.get("created_by") or line.get("comment") or "",
    }


def raw(source: Source, roots: tuple[Root, ...], what: str) -> bytes:
    """The exact bytes of one document.

    Args:
        source: opened.
        roots: what was chosen of it.
        what: ``index``, ``manifest`` or ``config``.

    Raises:
        SelectionError: there is none, or more than one.
    """
    found: dict[str, bytes] = {}
    if what == "index":
        for root in roots:
            for node in walk(root.node):
                if isinstance(node, ImageIndex):
                    found[str(node.descriptor.digest)] = node.index.raw
        if not found and source.contents.index is not None:
            found["index.json"] = source.contents.index.raw
    for root in roots:
        for node in walk(root.node) if root.listed else ():
            if what == "manifest" and isinstance(node, Image | Artifact):
                document = node.schema1 if isinstance(node, Image) and node.schema1 else None
                manifest = document or node.manifest
                if manifest is not None and node.descriptor is not None:
                    found[str(node.descriptor.digest)] = manifest.raw
            elif what == "config" and isinstance(node, Image) and not node.made_from:
                data = node.config_member.read(limits.DOCUMENT_BYTES)
                found[str(node.config.digest)] = data
    if len(found) != 1:
        hint = f"choose with --image or --platform: {', '.join(list(found)[:8])}" if found else ""
        raise SelectionError(
            what=f"there is no {what} here" if not found else f"there are {len(found)} of them",
            hint=hint,
        )
    return next(iter(found.values()))
