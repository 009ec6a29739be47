"""Make container images in memory: layers, config, manifest, and their digests."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import zstandard

Family = Literal["oci", "docker"]

MANIFEST_TYPE: dict[Family, str] = {
    "oci": "application/vnd.oci.image.manifest.v1+json",
    "docker": "application/vnd.docker.distribution.manifest.v2+json",
}
INDEX_TYPE: dict[Family, str] = {
    "oci": "application/vnd.oci.image.index.v1+json",
    "docker": "application/vnd.docker.distribution.manifest.list.v2+json",
}
CONFIG_TYPE: dict[Family, str] = {
    "oci": "application/vnd.oci.image.config.v1+json",
    "docker": "application/vnd.docker.container.image.v1+json",
}
# No engine has a name for bzip2 and xz: such layers carry the label of a raw tar.
LAYER_SUFFIX: dict[Family, dict[str, str]] = {
    "oci": {"gzip": "+gzip", "zstd": "+zstd"},
    "docker": {"gzip": ".gzip", "zstd": ".zstd"},
}
LAYER_TYPE: dict[Family, str] = {
    "oci": "application/vnd.oci.image.layer.v1.tar",
    "docker": "application/vnd.docker.image.rootfs.diff.tar",
}
CREATED = "2024-05-06T07:08:09.123456789Z"


def sha256(data: bytes) -> str:
    """Give the digest of data, algorithm included."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hex_of(digest: str) -> str:
    """Give a digest without its algorithm."""
    return digest.partition(":")[2]


def go_json(value: object, *, sort: bool = False) -> bytes:
    """Serialise as Go does: no spaces, and `<`, `>`, `&` escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=sort)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()


def full_name(name: str) -> str:
    """Qualify a familiar name as Docker does: `demo:1` is `docker.io/library/demo:1`."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    if "." in first or ":" in first or first == "localhost":
        return name
    return f"docker.io/{name}"


def split_tag(name: str) -> tuple[str, str]:
    """Split a tagged name into repository and tag."""
    repository, _, tag = name.rpartition(":")
    return repository, tag


def compress(raw: bytes, compression: str) -> bytes:
    """Compress raw without time or name, so that the same input gives the same bytes."""
    match compression:
        case "none":
            return raw
        case "gzip":
            return gzip.compress(raw, mtime=0)
        case "zstd":
            return zstandard.ZstdCompressor().compress(raw)
        case "bzip2":
            return bz2.compress(raw)
        case "xz":
            return lzma.compress(raw)
    raise ValueError(f"no such compression: {compression}")


def layer_tar(files: Mapping[str, bytes]) -> bytes:
    """Make a deterministic layer: parents first, uid 0, mtime 0, programs under bin/ executable."""
    out = io.BytesIO()
    made: set[str] = set()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, data in files.items():
            parts = path.split("/")
            for depth in range(1, len(parts)):
                parent = "/".join(parts[:depth])
                if parent not in made:
                    made.add(parent)
                    folder = tarfile.TarInfo(parent)
                    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(folder)
            member = tarfile.TarInfo(path)
            member.size = len(data)
            member.mode = 0o755 if "bin" in parts[:-1] else 0o644
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


@dataclass(frozen=True)
class Layer:
    """One layer: its raw tar and how it is stored."""

    raw: bytes
    compression: str = "none"

    @cached_property
    def stored(self) -> bytes:
        """The bytes of the blob."""
        return compress(self.raw, self.compression)

    @cached_property
    def digest(self) -> str:
        """The digest of the stored bytes."""
        return sha256(self.stored)

    @cached_property
    def diff_id(self) -> str:
        """The digest of the raw tar."""
        return sha256(self.raw)

    def media_type(self, family: Family) -> str:
        """Give the honest label of the layer."""
        return LAYER_TYPE[family] + LAYER_SUFFIX[family].get(self.compression, "")

    def descriptor(self, family: Family) -> dict[str, Any]:
        """Give the entry that a manifest holds for the layer."""
        return {
            "mediaType": self.media_type(family),
            "size": len(self.stored),
            "digest": self.digest,
        }


@dataclass(frozen=True)
class Image:
    """One image of one platform."""

    layers: tuple[Layer, ...]
    config: dict[str, Any]
    names: tuple[str, ...]

    @cached_property
    def config_bytes(self) -> bytes:
        """The config as a blob."""
        return go_json(self.config)

    @cached_property
    def config_digest(self) -> str:
        """The image ID."""
        return sha256(self.config_bytes)

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of the raw layers, base first."""
        return tuple(layer.diff_id for layer in self.layers)

    @property
    def platform(self) -> dict[str, str]:
        """The platform as an index entry writes it."""
        keys = ("architecture", "os", "variant")
        return {key: self.config[key] for key in keys if key in self.config}

    def manifest(self, family: Family = "oci") -> dict[str, Any]:
        """Give the manifest as a document."""
        config = {
            "mediaType": CONFIG_TYPE[family],
            "size": len(self.config_bytes),
            "digest": self.config_digest,
        }
        return {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE[family],
            "config": config,
            "layers": [layer.descriptor(family) for layer in self.layers],
        }

    def manifest_bytes(self, family: Family = "oci") -> bytes:
        """Give the manifest as a blob."""
        return go_json(self.manifest(family))

    def manifest_digest(self, family: Family = "oci") -> str:
        """Give the digest of the manifest."""
        return sha256(self.manifest_bytes(family))

    def descriptor(self, family: Family = "oci") -> dict[str, Any]:
        """Give the entry that an index holds for the image, without a platform."""
        manifest = self.manifest_bytes(family)
        return {
            "mediaType": MANIFEST_TYPE[family],
            "digest": sha256(manifest),
            "size": len(manifest),
        }

    def blobs(self, family: Family = "oci") -> dict[str, bytes]:
        """Give every blob of the image by digest: layers, config, manifest."""
        found = {layer.digest: layer.stored for layer in self.layers}
        found[self.config_digest] = self.config_bytes
        found[self.manifest_digest(family)] = self.manifest_bytes(family)
        return found


def make_image(
    files: Sequence[Mapping[str, bytes]] | None = None,
    *,
    names: Sequence[str] = ("demo:1",),
    compression: str | Sequence[str] = "none",
    os: str = "linux",
    architecture: str = "amd64",
    variant: str | None = None,
    config: Mapping[str, Any] | None = None,
    history: bool = True,
    unique: str | None = None,
) -> Image:
    """Make an image whose config shows every loss: Docker's own fields, `<&>`, non-ASCII text.

    Args:
        files: the files of each layer, base first; two small layers if left out.
        compression: of all layers, or one for each.
        config: fields laid over the config's inner `config`.
        unique: text put into each layer and a label, so that no engine knows the layers already.
    """
    if files is None:
        files = ({"etc/motd": b"hello\n"}, {"srv/p\u00e4th/data": b"\x00\x01\x02" * 5000})
    if unique is not None:
        files = [
            {**layer, f"etc/unique/{number}": unique.encode()} for number, layer in enumerate(files)
        ]
    kinds = [compression] * len(files) if isinstance(compression, str) else compression
    layers = tuple(Layer(layer_tar(layer), kind) for layer, kind in zip(files, kinds, strict=True))
    inner: dict[str, Any] = {
        "Hostname": "",
        "Env": ["PATH=/bin:/usr/bin", "B=<tag>&amp;"],
        "Cmd": ["/bin/busybox", "cat", "/etc/motd"],
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000, "Retries": 3},
        "OnBuild": ["RUN echo <hi> & true"],
        "Labels": {"maintainer": "\u00fcn\u00efcode", "title": "demo <&> app"},
        "Shell": ["/bin/sh", "-c"],
        **(config or {}),
    }
    if unique is not None:
        inner["Labels"] = {**inner["Labels"], "unique": unique}
    document: dict[str, Any] = {
        "architecture": architecture,
        **({"variant": variant} if variant else {}),
        "config": inner,
        "created": CREATED,
        "docker_version": "20.10.24",
        "history": [
            *(
                {"created": CREATED, "created_by": f"COPY layer {n} in / "}
                for n in range(len(layers))
            ),
            {"created": CREATED, "created_by": "CMD <hi> & true", "empty_layer": True},
        ],
        "os": os,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    if not history:
        del document["history"]
    return Image(layers=layers, config=document, names=tuple(names))
