"""A line is offered for the image that matters, whatever the others suffer from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import layout
from tests.source.test_scope import CASES, damaged
from tests.targets.answers import answer, names

ARCHIVES = [case for case in CASES if case[0] != "layout"]
TARGETS = ("docker@20.10", "containerd@1.7")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("form", "damage"), ARCHIVES)
def test_the_line_of_a_sound_image_is_right(
    form: str, damage: str, target: str, tmp_path: Path
) -> None:
    source = damaged(form, damage, tmp_path)
    found = answer(source, target, image="whole:1", full=True)
    if found.loads:
        return
    assert "--image" in found.repair
    dest = tmp_path / "repaired.tar"
    assert layout(*found.repair[1:-1], dest).returncode == 0
    after = answer(dest, target, full=True)
    assert after.loads
    assert any(name.endswith("whole:1") for name in names(after))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("form", "damage"), ARCHIVES)
def test_no_line_is_offered_for_a_damaged_one(
    form: str, damage: str, target: str, tmp_path: Path
) -> None:
    source = damaged(form, damage, tmp_path)
    found = answer(source, target, image="other:1", full=True) if _there(form, damage) else None
    if found is not None:
        assert not found.loads or not found.repair
        assert "--repair" not in found.repair


def _there(form: str, damage: str) -> bool:
    """Whether an image of that name is left to be asked about."""
    gone = ("no config", "config no JSON")
    return not (damage in gone or (form == "hybrid" and damage == "config changed"))
