"""What a registry's folder must be at any time, looked at without the package under test."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.builders.image import hex_of
from tests.builders.registry import ROOT, data_name, repository_name


def tags_of(root: Path) -> dict[str, str]:
    """Every tag that resolves, with its digest; each link is a digest and nothing else."""
    found = {}
    top = root / ROOT / "repositories"
    for link in sorted(top.rglob("current/link")):
        text = link.read_text()
        assert len(text) == 71, (link, text)
        repository, _, rest = str(link.relative_to(top)).partition("/_manifests/tags/")
        found[f"{repository}:{rest.split('/')[0]}"] = text
    return found


def require_whole(root: Path) -> dict[str, str]:
    """Assert that every tag leads to what is whole and served; give the tags."""
    tags = tags_of(root)
    for name, digest in tags.items():
        repository, _, tag = name.rpartition(":")
        _revision(root, repository, digest)
        past = ("_manifests", "tags", tag, "index", "sha256", hex_of(digest))
        assert _link(root, repository, *past) == digest
    return tags


def _link(root: Path, repository: str, *parts: str) -> str:
    return (root / repository_name(repository, *parts)).read_text()


def _blob(root: Path, digest: str) -> bytes:
    data = (root / data_name(digest)).read_bytes()
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == digest
    return data


def _revision(root: Path, repository: str, digest: str) -> None:
    assert _link(root, repository, "_manifests", "revisions", "sha256", hex_of(digest)) == digest
    document: dict[str, Any] = json.loads(_blob(root, digest))
    for child in document.get("manifests", []):
        _revision(root, repository, child["digest"])
    for blob in [*document.get("layers", []), *filter(None, [document.get("config")])]:
        assert (
            _link(root, repository, "_layers", "sha256", hex_of(blob["digest"])) == blob["digest"]
        )
        _blob(root, blob["digest"])
