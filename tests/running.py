"""Running the command, and repacking, in tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from oci_layout import repack
from oci_layout.plan.report import Report
from tests import independent
from tests.independent import Checked


def layout(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "oci_layout", *map(str, arguments)],
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, "COLUMNS": "100"},
    )


def printed(*arguments: object) -> dict[str, Any]:
    """The one JSON document that the command prints with --json."""
    done = layout(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


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
