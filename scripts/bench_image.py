"""Images for scripts/bench: large, with the content of real ones, and the same on every run."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import platform
import random
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NAME = "example.com/bench/image:1"
REF = "1"
_CHUNK = 1 << 20
_SEED = 20240101
_FORMAT = 1  # to be raised when images come out otherwise, so that cached ones are made again
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Base system, packages, application, its data, its settings.
_SHARES = (0.18, 0.40, 0.30, 0.10, 0.02)


@dataclass(frozen=True)
class Made:
    """One image in several forms.

    Args:
        docker: archive as `docker save` wrote it until version 24, raw layers.
        raw: OCI layout with raw layers.
        gzip: OCI layout with layers as gzip -6 packs them.
    """

    docker: Path
    raw: Path
    gzip: Path


@dataclass(frozen=True)
class _Blob:
    path: Path
    digest: str
    size: int

    @property
    def hex(self) -> str:
        return self.digest.partition(":")[2]


def _files(root: str) -> Iterator[tuple[str, str]]:
    """Give the regular files below a folder in a mixed order, again and again under new names."""
    found = []
    for where, folders, files in os.walk(root):
        folders.sort()
        paths = (os.path.join(where, name) for name in sorted(files))
        found += [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]
    random.Random(_SEED).shuffle(found)  # noqa: S311  a mixture, not a secret
    for turn in itertools.count():
        for path in found:
            yield path, f"{turn}{path}" if turn else path.lstrip("/")


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.sha256, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile writes bytes
        self.sha256.update(data)
        self.size += len(data)
        return self._file.write(data)


def _layer(path: Path, size: int, files: Iterator[tuple[str, str]]) -> _Blob:
    """Write a layer of about a size."""
    with path.open("wb") as file:
        out = _Hashed(file)
        with tarfile.open(fileobj=out, mode="w|", bufsize=_CHUNK) as tar:
            while tar.offset < size:
                source, name = next(files)
                try:
                    data = Path(source).read_bytes()
                except OSError:  # a file of root's, or one that has gone
                    continue
                if not data or len(data) > max(size // 4, 1 << 16):
                    continue
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), 0o644
                tar.addfile(info, io.BytesIO(data))
    return _Blob(path, f"sha256:{out.sha256.hexdigest()}", out.size)


def _gzip(layer: _Blob, path: Path) -> _Blob:
    """Pack a layer as most tools would."""
    with path.open("wb") as file, layer.path.open("rb") as source:
        out, packer = _Hashed(file), zlib.compressobj(6, wbits=31)
        while data := source.read(_CHUNK):
            out.write(packer.compress(data))
        out.write(packer.flush())
    return _Blob(path, f"sha256:{out.sha256.hexdigest()}", out.size)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _config(layers: Sequence[_Blob]) -> bytes:
    created = "2024-01-01T00:00:00Z"
    history = [{"created": created, "created_by": f"COPY {n} /"} for n, _ in enumerate(layers)]
    return _json(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), "amd64"),
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]},
            "created": created,
            "history": history,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
    )


def _write_docker(path: Path, config: bytes, layers: Sequence[_Blob]) -> None:
    """Write an archive as `docker save` does: a folder for each layer, documents at the end."""

    def add(name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))

    with tarfile.open(path, "w") as tar:
        for layer in layers:
            folder = tarfile.TarInfo(layer.hex)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
            add(f"{layer.hex}/VERSION", b"1.0")
            add(f"{layer.hex}/json", _json({"id": layer.hex, "os": "linux"}))
            info = tarfile.TarInfo(f"{layer.hex}/layer.tar")
            info.size = layer.size
            with layer.path.open("rb") as file:
                tar.addfile(info, file)
        image = hashlib.sha256(config).hexdigest()
        add(f"{image}.json", config)
        paths = [f"{layer.hex}/layer.tar" for layer in layers]
        entry = {"Config": f"{image}.json", "RepoTags": [NAME], "Layers": paths}
        add("manifest.json", _json([entry]))
        add("repositories", _json({NAME.rpartition(":")[0]: {REF: layers[-1].hex}}))


def _write_layout(path: Path, config: bytes, layers: Sequence[_Blob], suffix: str) -> None:
    """Write an OCI layout; the layers' files are moved into it or linked."""
    blobs = path / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, kind: str) -> dict[str, object]:
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        media_type = f"application/vnd.oci.image.{kind}.v1+json"
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}

    media_type = f"application/vnd.oci.image.layer.v1.tar{suffix}"
    entries = []
    for layer in layers:
        os.link(layer.path, blobs / layer.hex)
        entries.append({"mediaType": media_type, "digest": layer.digest, "size": layer.size})
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": put(config, "config"),
        "layers": entries,
    }
    entry = put(_json(manifest), "manifest")
    entry["annotations"] = {
        "io.containerd.image.name": NAME,
        "org.opencontainers.image.ref.name": REF,
    }
    (path / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [entry]}))
    (path / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')


def image(folder: Path, megabytes: int, *, layers: int = len(_SHARES), root: str = "/usr") -> Made:
    """Make an image, or take the one a former run left in the folder.

    Args:
        folder: where it is or will be.
        megabytes: size of the raw layers together.
        layers: 1, or as many as the image commonly has.
        root: folder whose files are the content.
    """
    made = Made(folder / "docker.tar", folder / "oci", folder / "oci-gzip")
    marker = folder / "made.json"
    wanted = _json([_FORMAT, megabytes, layers, root])
    if marker.exists() and marker.read_bytes() == wanted:
        return made
    shutil.rmtree(folder, ignore_errors=True)
    parts = folder / "layers"
    parts.mkdir(parents=True)
    shares = _SHARES if layers == len(_SHARES) else (1 / layers,) * layers
    files = _files(root)
    raw = [
        _layer(parts / f"{number}.tar", int(share * megabytes * 1_000_000), files)
        for number, share in enumerate(shares)
    ]
    config = _config(raw)
    _write_docker(made.docker, config, raw)
    _write_layout(made.raw, config, raw, "")
    with ThreadPoolExecutor() as pool:  # zlib lets go of the interpreter
        packed = list(pool.map(lambda layer: _gzip(layer, layer.path.with_suffix(".gz")), raw))
    _write_layout(made.gzip, config, packed, "+gzip")
    shutil.rmtree(parts)
    marker.write_bytes(wanted)
    return made
