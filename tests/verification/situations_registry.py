"""What can be wrong with a registry's storage, each thing alone in one that is whole otherwise."""

from __future__ import annotations

from pathlib import Path

from tests.builders import make_image, write_oci_layout
from tests.builders.image import hex_of
from tests.builders.registry import repository_name, write_registry
from tests.verification.checking import tiny
from tests.verification.situation import Make, Situation

CURRENT = repository_name("demo", "_manifests", "tags", "1", "current")
REVISION = repository_name(
    "demo", "_manifests", "revisions", "sha256", hex_of(tiny().manifest_digest())
)
LAYER = repository_name("demo", "_layers", "sha256", hex_of(tiny().layers[0].digest))


def registry_with(name: str, data: bytes | None) -> Make:
    """A registry with other bytes in one file."""
    return lambda folder: write_registry([tiny()], folder / "registry", change={name: data})


def with_host(folder: Path) -> Path:
    image = make_image(names=("registry.example/team/demo:1",))
    return write_oci_layout([image], folder / "layout")


SITUATIONS = [
    Situation("bad-link", "error", registry_with(CURRENT, b"x")),
    Situation(
        "bad-link", "error", registry_with(CURRENT, tiny().manifest_digest().encode() + b"\n")
    ),
    Situation("bad-link", "error", registry_with(CURRENT, b"")),
    Situation("bad-link", "error", registry_with(CURRENT, b"x" * 100_000)),
    Situation("bad-link", "error", registry_with(CURRENT, None)),
    Situation("bad-link", "error", registry_with(LAYER, tiny().config_digest.encode())),
    Situation("bad-link", "error", registry_with(REVISION.replace("sha256", "md5"), b"md5:1")),
    Situation("unlinked", "error", registry_with(LAYER, None)),
    Situation("unlinked", "error", registry_with(REVISION, None)),
    Situation("host-dropped", "note", with_host, repack={"to": "registry", "dest": "out"}),
]
