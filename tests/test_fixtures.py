"""Real archives and layouts of other software: what is valid converts, what is broken stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oci_layout import LayoutError, repack
from oci_layout.errors import SelectionError, TargetError
from tests import independent
from tests.shared import needs_shared, rows, sample_path

DOCKER_TYPES = ("application/vnd.docker.",)

PLATFORM = "linux/amd64"


def _to_docker(source: str, dest: Path) -> None:
    """Repack to Docker; where several platforms make that ambiguous (exit 4), one of them."""
    ambiguous: SelectionError | None = None
    try:
        repack(source, str(dest), to="docker")
    except SelectionError as error:
        ambiguous = error
    if ambiguous is not None:
        assert ambiguous.exit_status == 4
        assert "--platform" in str(ambiguous)
        assert not dest.exists()
        repack(source, str(dest), to="docker", platforms=(PLATFORM,))


def _to(target: str, source: str, dest: Path) -> None:
    if target == "docker":
        _to_docker(source, dest)
    else:
        repack(source, str(dest), to=target)


def _source(row: dict[str, Any], tmp_path: Path) -> str:
    return str(sample_path(row, tmp_path))


@needs_shared
@pytest.mark.parametrize("row", rows("VALID"))
@pytest.mark.parametrize("dest", ["out.tar", "out"])
def test_valid_to_oci(row: dict[str, Any], dest: str, tmp_path: Path) -> None:
    repack(_source(row, tmp_path), str(tmp_path / dest), to="oci")
    result = independent.check(tmp_path / dest)
    assert not [kind for kind in result.media_types if kind.startswith(DOCKER_TYPES)]
    if dest == "out":
        assert result.docker is None


@needs_shared
@pytest.mark.parametrize("row", rows("VALID"))
def test_valid_to_docker(row: dict[str, Any], tmp_path: Path) -> None:
    source, dest = _source(row, tmp_path), tmp_path / "out.tar"
    repack(source, str(tmp_path / "oci"), to="oci")
    holds_image = bool(independent.check(tmp_path / "oci").configs)
    if not holds_image:
        with pytest.raises(TargetError) as caught:
            repack(source, str(dest), to="docker")
        assert caught.value.exit_status == 6
        assert not dest.exists()
        return
    _to_docker(source, dest)
    result = independent.check(dest)
    assert result.docker
    assert not [kind for kind in result.media_types if kind.startswith("application/vnd.oci.")]


# What the message must name, by the sample's first problem.
NAMED = {
    "oci-layout missing": ("oci-layout",),
    "index.json bad JSON": ("index.json",),
    "index.json no manifests list": ("manifests",),
    "index.json missing": ("no index.json", "neither index.json"),
    "index.json is a directory": ("index.json",),
    "manifest.json is the JSON value null": ("manifest.json",),
    "manifest.json not a list": ("manifest.json", "imageLayoutVersion"),
    "diff_id mismatch": ("diff_id", "descriptor says", "is not there"),
    "digest mismatch": ("descriptor says", "sha256:"),
    "size mismatch": ("descriptor says",),
    "config digest mismatch": ("its name says",),
    # A config that spells "rootfS" counts as one without diff_ids there; Go, and so this package,
    # matches keys without case and finds that the layer is not the one of the diff_id.
    "layers": ("layers", "is not there", "diff_id"),
    "layer blob digest mismatch": ("descriptor says", "layers"),
    "missing blob": ("is not in the source", "missing:", "not there"),
}


@needs_shared
@pytest.mark.parametrize("row", rows("BROKEN"))
@pytest.mark.parametrize("target", ["oci", "docker"])
def test_broken_stops(row: dict[str, Any], target: str, tmp_path: Path) -> None:
    dest = tmp_path / "out.tar"
    source = _source(row, tmp_path)
    with pytest.raises(LayoutError) as caught:
        _to(target, source, dest)
    assert caught.value.exit_status == 3
    assert not dest.exists()
    assert list(tmp_path.iterdir()) == []
    wanted = [
        words for problem in row["prob"] for key, words in NAMED.items() if problem.startswith(key)
    ]
    message = str(caught.value)
    assert any(word in message for words in wanted for word in words), (row["prob"], message)


@needs_shared
@pytest.mark.parametrize("row", rows("LAX"))
def test_missing_marker_stops(row: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="oci-layout") as caught:
        repack(_source(row, tmp_path), str(tmp_path / "out.tar"), to="oci")
    assert caught.value.exit_status == 3
