"""Repack, and what the result says of its images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oci_layout import repack
from oci_layout.plan.report import Report
from tests import independent
from tests.independent import Checked


def packed(source: Path, dest: Path, target: str = "oci", **how: Any) -> tuple[Report, Checked]:
    """Repack and check the result independently."""
    report = repack(str(source), str(dest), to=target, **how)
    return report, independent.check(dest)


def image_docs(checked: Checked) -> list[tuple[dict[str, Any], bytes]]:
    """(manifest, config bytes) of each image of a result."""
    return [
        (manifest, checked.configs[manifest["config"]["digest"]])
        for manifest in checked.manifests.values()
        if manifest.get("config", {}).get("digest") in checked.configs
    ]


def repo_tags(checked: Checked) -> list[str]:
    """All RepoTags of a result, in order."""
    return [tag for entry in checked.docker or [] for tag in entry["RepoTags"] or []]


def entry_notes(checked: Checked) -> list[dict[str, str]]:
    """The annotations of the entries of index.json."""
    return [entry.get("annotations", {}) for entry in checked.index["manifests"]]
