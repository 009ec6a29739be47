"""Signed samples of other software keep every digest through an archive and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack, verify
from tests import independent
from tests.builders.image import hex_of
from tests.shared import needs_shared, sample_path, samples

# Signatures of notation, and referrers of regclient, oras and others.
SIGNED = [
    pytest.param(row, id=row["rel"])
    for row in samples()
    if row["verdict"] == "VALID"
    and row["gen"] == "G6"
    and any(
        part in row["rel"]
        for part in ("oci_layout/e2e-", "regclient/testdata", "zot/command/artifacts")
    )
] or [pytest.param({}, id="absent", marks=needs_shared)]


def edges(files: dict[str, bytes]) -> dict[str, str]:
    """The subject of each manifest that has one, by digest: who is attached to whom."""
    found = {}
    for name, data in files.items():
        if name.startswith("blobs/") and data.startswith(b"{") and b'"subject"' in data:
            value = json.loads(data)
            if isinstance(value.get("subject"), dict):
                found[name] = value["subject"]["digest"]
    return found


@needs_shared
@pytest.mark.parametrize("row", SIGNED)
def test_signed_samples(row: dict[str, Any], tmp_path: Path) -> None:
    source = sample_path(row, tmp_path / "sample")
    archive, back = tmp_path / "signed.tar", tmp_path / "back"
    repack(str(source), str(archive), to="oci", preserve_digests=True, config="keep")
    repack(str(archive), str(back), to="oci", preserve_digests=True, config="keep")
    before, after = independent.read_files(source), independent.read_files(back)
    wanted = edges(before)
    assert wanted
    assert edges(after) == wanted
    # Signature, subject, and every blob of either: the same bytes under the same digest.
    blobs = {name: data for name, data in after.items() if name.startswith("blobs/")}
    assert all(before[name] == data for name, data in blobs.items())
    for subject in wanted.values():
        name = f"blobs/sha256/{hex_of(subject)}"
        assert (name in before) == (name in after)
    # Entries of one image stand together in the result.
    assert sorted(entry["digest"] for entry in entries(after)) == distinct(entries(before))
    assert not verify(str(archive)).failed


def entries(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """The entries of index.json."""
    listed: list[dict[str, Any]] = json.loads(files["index.json"])["manifests"]
    return listed


def distinct(listed: list[dict[str, Any]]) -> list[str]:
    """Digests of entries, each entry once."""
    return sorted(json.loads(text)["digest"] for text in {json.dumps(each) for each in listed})
