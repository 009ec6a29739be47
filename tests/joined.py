"""Images of several platforms merged into one, and what the index lists."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from oci_layout import merge, verify
from oci_layout.plan.report import Report
from tests import independent
from tests.builders import (
    IMAGE_NAME,
    Image,
    full_name,
    make_image,
)
from tests.independent import Checked


def image(architecture: str, *names: str, text: str = "", **config: Any) -> Image:
    """An image of one platform; fields beside the inner config are laid over the outer one."""
    content = f"{architecture} {config} {text}".encode()
    made = make_image([{"base": b"shared"}, {"a": content}], names=names, architecture=architecture)
    return replace(made, config={**made.config, **config})


AMD, ARM = image("amd64", "app:1"), image("arm64", "app:1", variant="v8")


def joined(dest: Path, *sources: Path, **how: Any) -> tuple[Report, Checked]:
    """Merge and check the result, twice."""
    done = merge(sources, dest, multi_platform=True, **how)
    assert not verify(dest).failed
    return done, independent.check(dest)


def entries_of(result: Checked, name: str) -> list[dict[str, Any]]:
    """The entries of the index that has a name."""
    (digest,) = {
        entry["digest"]
        for entry in result.index["manifests"]
        if entry.get("annotations", {}).get(IMAGE_NAME) == full_name(name)
    }
    found: list[dict[str, Any]] = json.loads(result.files[blob(digest)])["manifests"]
    return found


def blob(digest: str) -> str:
    """The file of a blob."""
    return f"blobs/{digest.replace(':', '/')}"


def platforms(entries: list[dict[str, Any]]) -> list[Any]:
    """What the entries of an index say of platforms."""
    return [entry.get("platform") for entry in entries]
