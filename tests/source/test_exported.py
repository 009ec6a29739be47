"""What containerd 1.7 and 2.1 exported: layers that are no tar, and names of CRI."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import repack, verify
from tests.shared import SHARED

FILES = sorted((SHARED / "cases" / "tools").glob("*/*[12][17].tar"))
EVERY = [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in FILES] or [
    pytest.param(Path(), id="absent", marks=pytest.mark.skip("the folder of samples is absent"))
]


@pytest.mark.parametrize("path", EVERY)
def test_it_is_sound_before_and_after(path: Path, tmp_path: Path) -> None:
    dest = tmp_path / "out.tar"
    repack(str(path), str(dest), to="oci")
    for each in (path, dest):
        report = verify(str(each))
        assert not report.failed, [str(finding) for finding in report.findings]
