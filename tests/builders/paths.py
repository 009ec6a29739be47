"""Archives of docker save whose `manifest.json` writes paths in odd ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.builders.files import write_members
from tests.builders.image import Image, go_json, hex_of

Spell = Callable[[str], str]


def plain(name: str) -> str:
    """The name itself."""
    return name


def rooted(name: str) -> str:
    """With a leading slash."""
    return f"/{name}"


def dotted(name: str) -> str:
    """With `.` and `..` that lead nowhere."""
    return f"./a/../{name}"


def climbing(name: str) -> str:
    """Out of the archive."""
    return f"../{name}"


def backslashed(name: str) -> str:
    """As docker save on Windows wrote it before 18.05."""
    return name.replace("/", "\\")


@dataclass(frozen=True)
class Paths:
    """How an archive calls its files.

    Args:
        config: how `Config` is written.
        layers: how `Layers` is written.
        members: how the members of the layers are called.
        others: how all other members are called.
    """

    config: Spell = plain
    layers: Spell = plain
    members: Spell = plain
    others: Spell = plain

    def write(self, image: Image, dest: Path) -> Path:
        """Write one image."""
        config = f"{hex_of(image.config_digest)}.json"
        layers = {f"{hex_of(layer.digest)}/layer.tar": layer.stored for layer in image.layers}
        entry = {
            "Config": self.config(config),
            "RepoTags": list(image.names),
            "Layers": [self.layers(name) for name in layers],
        }
        members = {self.others(config): image.config_bytes}
        members |= {self.members(name): data for name, data in layers.items()}
        members[self.others("manifest.json")] = go_json([entry])
        return write_members(members, dest)


PATHS = {
    "layers and their members begin with /": Paths(layers=rooted, members=rooted),
    "all of manifest.json begins with /": Paths(config=rooted, layers=rooted),
    "layers in manifest.json begin with /": Paths(layers=rooted),
    "members begin with /": Paths(members=rooted, others=rooted),
    "everything begins with /": Paths(rooted, rooted, rooted, rooted),
    "./ and .. in manifest.json": Paths(config=dotted, layers=dotted),
    "backslashes": Paths(layers=backslashed),
    "out of the archive": Paths(layers=climbing),
}
