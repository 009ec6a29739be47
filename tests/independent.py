"""An independent opinion: checks a layout or archive with tarfile, json and hashlib alone.

It shares no line with the package, and is deliberately plain: every blob is read, every digest,
size and diff_id recomputed, and both views of a hybrid archive are compared.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

NAME = "io.containerd.image.name"
REF = "org.opencontainers.image.ref.name"
_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
_MANIFESTS = {
    _ARTIFACT,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}
_CONFIGS = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}


_LAYERS = ("rootfs.diff.tar", "rootfs.foreign.diff.tar", "image.layer")


@dataclass
class Checked:
    """What was found in a result."""

    files: dict[str, bytes]
    marker: dict[str, Any]
    index: dict[str, Any]
    docker: list[dict[str, Any]] | None
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, bytes] = field(default_factory=dict)
    diff_ids: dict[str, list[str]] = field(default_factory=dict)
    media_types: set[str] = field(default_factory=set)
    referenced: set[str] = field(default_factory=set)

    @property
    def names(self) -> set[str]:
        """Full names in index.json."""
        entries = self.index["manifests"]
        return {e["annotations"][NAME] for e in entries if NAME in e.get("annotations", {})}


def read_files(path: Path) -> dict[str, bytes]:
    """All regular files of a directory or tar; an archive must hold nothing else."""
    if path.is_dir():
        return {
            str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()
        }
    files: dict[str, bytes] = {}
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            assert member.isreg(), f"{member.name} is not a regular file"
            assert not member.name.startswith(("./", "/")), member.name
            assert member.name not in files, f"{member.name} stands twice"
            data = archive.extractfile(member)
            assert data is not None
            files[member.name] = data.read()
    return files


def unpack(data: bytes) -> tuple[str, bytes]:
    """How data is packed, and what is inside."""
    if data[:2] == b"\x1f\x8b":
        return "gzip", gzip.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        with zstandard.ZstdDecompressor().stream_reader(
            io.BytesIO(data), read_across_frames=True
        ) as reader:
            return "zstd", reader.read()
    if data[:3] == b"BZh":
        return "bzip2", bz2.decompress(data)
    if data[:6] == b"\xfd7zXZ\x00":
        return "xz", lzma.decompress(data)
    return "none", data


def check(path: Path) -> Checked:
    """Check a result of repack; raises AssertionError where something does not hold."""
    files = read_files(path)
    result = Checked(
        files=files,
        marker=json.loads(files["oci-layout"]),
        index=json.loads(files["index.json"]),
        docker=json.loads(files["manifest.json"]) if "manifest.json" in files else None,
    )
    assert result.marker == {"imageLayoutVersion": "1.0.0"}
    assert result.index["schemaVersion"] == 2
    if not path.is_dir():
        order = list(files)
        assert order[:2] == ["oci-layout", "index.json"]
        if result.docker is not None:
            assert order[2] == "manifest.json"
    for name, data in files.items():
        if name.startswith("blobs/"):
            _, algorithm, digest = name.split("/")
            assert hashlib.new(algorithm, data).hexdigest() == digest, name
    for entry in result.index["manifests"]:
        _walk(result, entry, set())
    _unlisted(result)
    blobs = {name for name in files if name.startswith("blobs/")}
    assert blobs == result.referenced, f"orphans: {blobs - result.referenced}"
    if result.docker is not None:
        assert result.docker
        _docker(result)
    return result


def _unlisted(result: Checked) -> None:
    """Manifests that refer to another and that nothing lists, as cosign 3 saves signatures."""
    known = -1
    while known != len(result.referenced):
        known = len(result.referenced)
        for name in sorted(set(result.files) - result.referenced):
            data = result.files[name]
            if not name.startswith("blobs/") or not data.startswith(b"{"):
                continue
            value = json.loads(data)
            subject = (value.get("subject") or {}).get("digest", "")
            if "blobs/" + subject.replace(":", "/") in result.referenced:
                digest = name.removeprefix("blobs/").replace("/", ":")
                entry = {"mediaType": value["mediaType"], "digest": digest, "size": len(data)}
                _walk(result, entry, set())


def _blob(result: Checked, descriptor: dict[str, Any]) -> bytes:
    algorithm, digest = descriptor["digest"].split(":")
    name = f"blobs/{algorithm}/{digest}"
    data = result.files[name]
    assert len(data) == descriptor["size"], name
    result.referenced.add(name)
    result.media_types.add(descriptor["mediaType"])
    return data


def _walk(result: Checked, descriptor: dict[str, Any], seen: set[str]) -> None:
    assert descriptor["digest"] not in seen
    seen = seen | {descriptor["digest"]}
    data = _blob(result, descriptor)
    if descriptor["mediaType"] in _INDEXES:
        index = json.loads(data)
        assert index["schemaVersion"] == 2
        assert index.get("mediaType", descriptor["mediaType"]) == descriptor["mediaType"]
        for child in index["manifests"]:
            _walk(result, child, seen)
    elif descriptor["mediaType"] in _MANIFESTS:
        manifest = json.loads(data)
        # null is nothing to Go
        assert (manifest.get("mediaType") or descriptor["mediaType"]) == descriptor["mediaType"]
        result.manifests[descriptor["digest"]] = manifest
        _manifest(result, manifest)


def _manifest(result: Checked, manifest: dict[str, Any]) -> None:
    if "config" not in manifest:
        for layer in manifest.get("layers") or manifest.get("blobs") or []:
            _blob(result, layer)
        return
    config_raw = _blob(result, manifest["config"])
    layers = manifest["layers"] or []
    is_image = manifest["config"]["mediaType"] in _CONFIGS and all(
        any(part in layer["mediaType"] for part in _LAYERS) for layer in layers
    )
    found = []
    for layer in layers:
        if layer.get("urls") and layer["digest"].replace(":", "/") not in "".join(result.files):
            continue
        data = _blob(result, layer)
        if is_image and not layer["mediaType"].endswith("+encrypted"):
            compression, raw = unpack(data)
            suffix = layer["mediaType"].rpartition("tar")[2].strip("+.") or "none"
            assert suffix == compression, f"{layer} is {compression}"
            found.append("sha256:" + hashlib.sha256(raw).hexdigest())
    if is_image:
        config = json.loads(config_raw)
        # A config that lacks them loads everywhere; its digest is not changed for them.
        assert isinstance(config.get("architecture", ""), str)
        assert isinstance(config.get("os", ""), str)
        digest = manifest["config"]["digest"]
        result.configs[digest] = config_raw
        result.diff_ids[digest] = found
        if len(found) == len(layers):
            assert (config["rootfs"]["diff_ids"] or []) == found


def _docker(result: Checked) -> None:
    assert result.docker is not None
    tags: list[str] = []
    for entry in result.docker:
        digest = entry["Config"].removeprefix("blobs/").replace("/", ":")
        assert digest in result.configs, "manifest.json names an image that index.json does not"
        diff_ids = [
            "sha256:" + hashlib.sha256(unpack(result.files[name])[1]).hexdigest()
            for name in entry["Layers"] or []
        ]
        assert diff_ids == result.diff_ids[digest]
        tags += entry["RepoTags"] or []
    assert len(tags) == len(set(tags)), "a RepoTag stands twice"
