"""Sources with many small things, for scripts/bench: layers of one image, images of one index."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _layer(number: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        data = f"layer {number}\n".encode()
        info = tarfile.TarInfo(f"srv/{number}")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()[:2048]


def _config(diff_ids: list[str], label: str) -> bytes:
    history = [{"created_by": f"COPY {n} /srv"} for n, _ in enumerate(diff_ids)]
    return _json(
        {
            "architecture": "amd64",
            "config": {"Labels": {"number": label}},
            "history": history,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )


class _Archive:
    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115  closed below

    def add(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data))

    def folder(self, name: str) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        self._tar.addfile(info)

    def blob(self, data: bytes) -> str:
        digest = _digest(data)
        self.add(f"blobs/sha256/{digest.partition(':')[2]}", data)
        return digest

    def close(self) -> None:
        self._tar.close()


def many_layers(path: Path, count: int) -> Path:
    """A docker save archive of one image with many layers."""
    if path.exists():
        return path
    archive = _Archive(path)
    diff_ids, names = [], []
    for number in range(count):
        data = _layer(number)
        diff_ids.append(_digest(data))
        names.append(f"{number:08x}/layer.tar")
        archive.add(names[-1], data)
    config = _config(diff_ids, "one")
    name = f"{_digest(config).partition(':')[2]}.json"
    archive.add(name, config)
    entry = {"Config": name, "RepoTags": ["example.com/many:1"], "Layers": names}
    archive.add("manifest.json", _json([entry]))
    archive.close()
    return path


def many_members(path: Path, count: int) -> Path:
    """A docker save archive as Docker 20.10 wrote them, of images with 25 layers each."""
    if path.exists():
        return path
    archive = _Archive(path)
    entries = []
    for image in range(count // 100):
        diff_ids, names = [], []
        for number in range(25):
            data = _layer(image * 25 + number)
            folder = hashlib.sha256(f"{image} {number}".encode()).hexdigest()
            diff_ids.append(_digest(data))
            names.append(f"{folder}/layer.tar")
            archive.folder(f"{folder}/")
            archive.add(f"{folder}/VERSION", b"1.0")
            archive.add(f"{folder}/json", _json({"id": folder, "os": "linux"}))
            archive.add(names[-1], data)
        config = _config(diff_ids, str(image))
        name = f"{_digest(config).partition(':')[2]}.json"
        archive.add(name, config)
        tags = [f"example.com/many/{image}:1"]
        entries.append({"Config": name, "RepoTags": tags, "Layers": names})
    archive.add("manifest.json", _json(entries))
    archive.close()
    return path


def many_images(path: Path, count: int) -> Path:
    """An OCI archive of many images of one layer each; ten of them share a layer."""
    if path.exists():
        return path
    archive = _Archive(path)
    archive.add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    entries = []
    media_type = "application/vnd.oci.image.{}.v1"
    digest = ""
    for number in range(count):
        layer = _layer(number // 10)
        if number % 10 == 0:
            digest = archive.blob(layer)
        config = _config([digest], str(number))
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": media_type.format("manifest") + "+json",
                "config": {
                    "mediaType": media_type.format("config") + "+json",
                    "digest": archive.blob(config),
                    "size": len(config),
                },
                "layers": [
                    {
                        "mediaType": media_type.format("layer") + ".tar",
                        "digest": digest,
                        "size": len(layer),
                    }
                ],
            }
        )
        entries.append(
            {
                "mediaType": media_type.format("manifest") + "+json",
                "digest": archive.blob(manifest),
                "size": len(manifest),
                "annotations": {
                    "io.containerd.image.name": f"example.com/many/{number}:1",
                    "org.opencontainers.image.ref.name": f"example.com/many/{number}:1",
                },
            }
        )
    archive.add("index.json", _json({"schemaVersion": 2, "manifests": entries}))
    archive.close()
    return path
