"""What the engines are given to load: what other software saved of one image."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders import sha256
from tests.command import REPOSITORY

SHARED = Path(os.environ.get("OCI_LAYOUT_SHARED", REPOSITORY.parent / "shared"))


@dataclass(frozen=True)
class Wanted:
    """What must come out under one name."""

    config: bytes
    file: str
    content: bytes


@dataclass(frozen=True)
class Source:
    """One input and what must come out of it, learnt without the package under test."""

    path: Path
    images: Mapping[str, Wanted]  # by fully qualified name
    flags: tuple[str, ...] = ()
    platforms: bool = False  # several under one name, of which Docker takes one
    zstd: bool = False
    docker_loads: bool = False  # every docker load takes it as it is


# The image that Docker 20.10 built, and the form of it that lost Docker's own fields.
_WHOLE = "sha256:6c9cbf8eafe5babcf910b9eb636a341e8ccdb651d762a84bcaa54c72f3108e33"
_STRIPPED = "sha256:a6036bcfbf12de744f07dffe0e45af672236e050856dd8588ec9e26ee576b147"
_TWO = ("docker.io/library/tiny:1", "registry.example.com:5000/team/tiny:v1.0")

# Image ID and names; the last two have no name that an engine could use, so they are given one.
TINY: dict[str, tuple[str, tuple[str, ...]]] = {
    "docker20.tar": (_WHOLE, _TWO),
    "docker26.tar": (_WHOLE, _TWO),
    "docker28.tar": (_WHOLE, _TWO),
    "docker28-c8d.tar": (_WHOLE, _TWO),
    "ctr-host.tar": (_WHOLE, _TWO[:1]),
    "podman-docker-archive.tar": (_WHOLE, ("localhost/tiny:1",)),
    "podman-oci-archive.tar": (_STRIPPED, ("localhost/tiny:1",)),
    "podman-docker-dir": (_WHOLE, ("example.com/tiny:dir",)),
    "skopeo-oci-zstd": (_STRIPPED, ("example.com/tiny:zstd",)),
}


def find_blob(source: Path, digest: str) -> bytes:
    """Find a blob by hashing every file, whatever its name."""
    if source.is_dir():
        for path in source.rglob("*"):
            if path.is_file() and sha256(data := path.read_bytes()) == digest:
                return data
    else:
        with tarfile.open(source) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                if file is not None and sha256(data := file.read()) == digest:
                    return data
    raise FileNotFoundError(f"{source} holds no {digest}")


def tiny(name: str) -> Source:
    """Give one file of the corpus of saved images."""
    folder = SHARED / "corpus" / "tiny"
    if not folder.is_dir():
        pytest.skip(f"no corpus of saved images at {folder} (OCI_LAYOUT_SHARED names another)")
    image_id, names = TINY[name]
    wanted = Wanted(find_blob(folder / name, image_id), "/srv/a.txt", b"hello\n")
    return Source(
        path=folder / name,
        images=dict.fromkeys(names, wanted),
        flags=() if name.endswith(".tar") else ("--name", names[0]),
        zstd=name == "skopeo-oci-zstd",
        docker_loads=name.endswith(".tar") and name != "podman-oci-archive.tar",
    )
