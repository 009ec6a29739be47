"""What every engine can be asked, and what it answers."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.interop.host import Host

# The architecture of this machine in the words of images.
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Shown:
    """What an engine shows of one image."""

    config: bytes
    diff_ids: tuple[str, ...]

    @property
    def image_id(self) -> str:
        """The digest of the config."""
        return "sha256:" + hashlib.sha256(self.config).hexdigest()


class Engine(Protocol):
    """What the tests ask of every engine."""

    name: str
    host: Host

    def version(self) -> str:
        """Give the version, and nothing else."""

    def load(self, path: Path) -> None:
        """Take in an archive, or a layout folder where the engine can."""

    def images(self) -> dict[str, Shown]:
        """Give all named images by the name the engine shows."""

    def cat(self, name: str, path: str) -> bytes:
        """Read a file out of an image."""

    def clear(self) -> None:
        """Forget every image, so that nothing is taken from an earlier load."""


def diff_ids_of(config: bytes) -> tuple[str, ...]:
    return tuple(json.loads(config)["rootfs"]["diff_ids"])
