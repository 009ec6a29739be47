"""Write `docker save` archives in the styles of the software that writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tests.builders.files import Link, Members, Order, write_files, write_members
from tests.builders.image import Family, Image, Layer, go_json, hex_of, sha256, split_tag

Style = Literal["v1dirs", "flat", "lowercase", "podman"]


def _layer_file(layer: Layer, style: Style) -> str:
    """Give the name of a layer in a flat archive."""
    if style == "podman":
        return f"{hex_of(layer.diff_id)}.tar"
    suffix = {"gzip": ".tar.gz", "zstd": ".tar.zst"}.get(layer.compression, ".tar")
    return hex_of(layer.digest) + suffix


def _v1_ids(image: Image) -> list[str]:
    """Make a V1 id for each layer; engines derive theirs in their own ways."""
    chain = image.config_digest
    ids = []
    for layer in image.layers:
        chain = sha256(f"{chain} {layer.diff_id}".encode())
        ids.append(hex_of(chain))
    return ids


def _v1_json(image: Image, ids: Sequence[str], number: int) -> bytes:
    """Make the `json` of one V1 folder; the top one holds the runtime config."""
    document: dict[str, Any] = {"id": ids[number], "created": image.config["created"]}
    if number:
        document["parent"] = ids[number - 1]
    if number == len(ids) - 1:
        document |= {key: image.config[key] for key in ("architecture", "config", "os")}
    document.setdefault("os", image.config["os"])
    return go_json(document)


def repositories(images: Sequence[Image], tops: Sequence[str]) -> dict[str, dict[str, str]]:
    """Make the document `repositories`: repository, tag, top layer."""
    found: dict[str, dict[str, str]] = {}
    for image, top in zip(images, tops, strict=True):
        for name in image.names:
            repository, tag = split_tag(name)
            found.setdefault(repository, {})[tag] = top
    return found


def write_docker_archive(
    images: Sequence[Image],
    dest: Path,
    *,
    style: Style = "v1dirs",
    prefix: str = "",
    order: Order | None = None,
) -> Path:
    """Write a `docker save` archive without an OCI layout.

    Args:
        style: `v1dirs` (Docker to 24), `flat` (kaniko, crane), `lowercase` (jib) or `podman`,
            whose V1 folders link to layers at the root.
        prefix: put before each member, `./` or nothing.
        order: see `write_members`.
    """
    members: Members = {}
    entries: list[dict[str, Any]] = []
    tops: list[str] = []
    for image in images:
        ids = _v1_ids(image)
        paths: list[str] = []
        first_of: dict[str, str] = {}
        for number, (layer, v1_id) in enumerate(zip(image.layers, ids, strict=True)):
            path = f"{v1_id}/layer.tar" if style == "v1dirs" else _layer_file(layer, style)
            if style in ("v1dirs", "podman"):
                members[f"{v1_id}/VERSION"] = b"1.0"
                members[f"{v1_id}/json"] = _v1_json(image, ids, number)
            if style == "podman":
                members[f"{v1_id}/layer.tar"] = Link(f"../{path}")
            if style == "v1dirs" and layer.diff_id in first_of:
                members[path] = Link(f"../{first_of[layer.diff_id]}/layer.tar")
            else:
                members[path] = layer.stored
            first_of.setdefault(layer.diff_id, v1_id)
            paths.append(path)
        config = {"flat": image.config_digest, "lowercase": "config.json"}.get(
            style, f"{hex_of(image.config_digest)}.json"
        )
        if style == "lowercase" and len(images) > 1:
            config = f"{len(entries)}-{config}"
        members[config] = image.config_bytes
        entries.append({"Config": config, "RepoTags": list(image.names) or None, "Layers": paths})
        tops.append(ids[-1] if ids else "")
    if style == "lowercase":
        entries = [{key[0].lower() + key[1:]: entry[key] for key in entry} for entry in entries]
    members["manifest.json"] = go_json(entries)
    if style in ("v1dirs", "podman") and any(image.names for image in images):
        members["repositories"] = go_json(repositories(images, tops), sort=True)
    return write_members(members, dest, prefix=prefix, order=order)


def write_dir(image: Image, dest_dir: Path, family: Family = "docker") -> Path:
    """Write skopeo's `dir:`: the manifest itself, blobs by bare hex, and `version`."""
    files = {hex_of(layer.digest): layer.stored for layer in image.layers}
    files[hex_of(image.config_digest)] = image.config_bytes
    files["manifest.json"] = image.manifest_bytes(family)
    files["version"] = b"Directory Transport Version: 1.1\n"
    return write_files(files, dest_dir)
