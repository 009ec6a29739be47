"""Configs and manifests of the samples beside the project, by the software that wrote them."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.builders import sha256
from tests.independent import unpack
from tests.shared import CORPUS, FIXTURES, samples

_LARGEST = 4 << 20
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True)
class Document:
    """One config, manifest or index as somebody wrote it."""

    kind: str
    name: str
    raw: bytes

    @property
    def digest(self) -> str:
        return sha256(self.raw)

    @property
    def without_space(self) -> bytes:
        """The same tokens without white space between them."""
        parts, at = [], 0
        for match in _STRING.finditer(self.raw):
            parts += [b"".join(self.raw[at : match.start()].split()), match[0]]
            at = match.end()
        return b"".join([*parts, *self.raw[at:].split()])

    @property
    def compact(self) -> bool:
        """Whether it is written as `json.Marshal` of Go writes: nothing between the tokens."""
        return self.without_space == self.raw


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield str(file.relative_to(path)), file.read_bytes()
        return
    try:
        _, raw = unpack(path.read_bytes())
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            for member in archive:
                data = archive.extractfile(member) if member.isreg() else None
                if data is not None:
                    yield member.name, data.read()
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return  # broken on purpose; the documents before the damage count


def _kind(raw: bytes) -> str | None:
    if len(raw) > _LARGEST or not raw.lstrip().startswith(b"{"):
        return None
    try:
        value: Any = json.loads(raw.decode())
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    if "schemaVersion" in value and value.keys() & {"config", "manifests", "layers"}:
        return "manifest"
    return "config" if "rootfs" in {key.lower() for key in value} else None


def _places() -> list[tuple[str, Path]]:
    places = [(str(row["tool"]), FIXTURES / row["rel"]) for row in samples()]
    for folder in ("tiny", "multi"):
        if (CORPUS / folder).is_dir():
            places += [(f"corpus: {path.name}", path) for path in (CORPUS / folder).iterdir()]
    return sorted(places)


# These hold V1 images or schema 1, or no image at all: no document that is looked for here.
_EMPTY = {
    "corpus: skopeo-dir-v2s1-gz",
    "docker save 1.1-1.6, trimmed",
    "docker save of one 3-layer image (docker_version up to 1.4.1), shrunk by hand",
    "hand-made attack file",
    "imgpkg tar",
}


def producers() -> list[str]:
    """Who made the samples."""
    return sorted({tool for tool, _ in _places()} - _EMPTY)


@cache
def documents() -> dict[str, tuple[Document, ...]]:
    """Documents by producer, each once."""
    found: dict[str, dict[bytes, Document]] = {}
    for tool, path in _places():
        for name, raw in _files(path):
            kind = _kind(raw)
            if kind is not None:
                document = Document(kind, f"{path.name}/{name}", raw)
                found.setdefault(tool, {}).setdefault(raw, document)
    return {tool: tuple(each.values()) for tool, each in found.items()}
