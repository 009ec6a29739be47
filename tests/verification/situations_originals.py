"""What is said of the manifest that an image had; test_originals.py has more of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.builders import make_image, write_docker_archive
from tests.builders.artifacts import Built, write_layout
from tests.signatures import test_originals as signed
from tests.signatures.case import written
from tests.verification import test_originals as beside
from tests.verification.situation import Make, Situation


def of(artifact: Built) -> Make:
    """A layout of an image with an original beside it."""
    return lambda folder: write_layout(folder / "layout", [beside.ENTRY], beside.NEW, artifact)


def saved(folder: Path) -> Path:
    """What ``docker save`` wrote before it wrote manifests."""
    return write_docker_archive([make_image(names=("demo:1",))], folder / "image.tar")


def changed(folder: Path) -> Path:
    """What was converted, and kept what it was."""
    return of(beside.KEPT)(folder)


def keys(folder: Path) -> list[str]:
    """The key of the signature."""
    return written(folder, "key", [signed.PEM])


def _checked(how: str, *, require: bool) -> dict[str, object]:
    listed: Callable[[Path], list[str]] = keys
    return {"keys": listed, "check": how, "require_signature": require}


UNPACKED = signed.kept(signed.NEW, signed.PART)
SITUATIONS = [
    Situation("original-kept", "note", of(beside.KEPT)),
    *(
        Situation("original-mismatch", "error", of(wrong.artifact))
        for wrong in beside.WRONG.values()
    ),
    Situation("original-unchecked", "error", UNPACKED, _checked("digests", require=True)),
    Situation("original-unchecked", "warning", UNPACKED, _checked("quick", require=False)),
    Situation("no-original", "warning", saved, repack={"to": "oci", "keep_original": True}),
    Situation("no-original", "warning", changed, repack={"to": "oci", "config": "oci"}),
]
