"""No engine looks into a folder of an archive; a line is offered that does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.folders import FORMS, in_folder
from tests.command import layout
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

TARGETS = ("docker@20.10", "docker@28+containerd", "containerd@1.7", "podman@4.3", "skopeo@1.9")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("form", FORMS)
def test_a_single_folder(form: str, target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    path = in_folder("saved", maker.path(), [maker.image()], form)
    found = answer(path, target)
    assert codes(found)["reasons"] == {"in-folder"}
    dest = tmp_path / "repaired.tar"
    assert layout(*found.repair[1:-1], dest).returncode == 0
    assert answer(dest, target).loads
