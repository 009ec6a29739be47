"""Bombs: bounded memory and bounded work, whatever is in the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.verification.bombs import BOMBS, many_members
from tests.verification.hostile import MEMORY, Bomb, Measured, measure


def told(figure: Figure, name: str, done: Measured) -> None:
    figure(f"{name}: {done.seconds:.1f} s, peak {done.peak / 1e6:.0f} MB, exit {done.status}")


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.name)
def test_bomb(bomb: Bomb, tmp_path: Path, figure: Figure) -> None:
    """In a process of 1 GiB, with bounds on unpacked bytes lowered and all others as they are."""
    source = bomb.build(tmp_path)
    done = measure(source, "--tmp", str(tmp_path), limits=bomb.limits)
    told(figure, bomb.name, done)
    assert "Traceback" not in done.stderr, done.stderr[-600:]
    assert done.peak < MEMORY
    if bomb.wanted == "refused":
        assert done.status == 3
        assert done.stderr.startswith("layout: ")
        assert done.stderr.count("\n") == 1
        return
    assert done.status in (0, 1), done.stderr
    if bomb.wanted:
        assert bomb.wanted in done.codes


@pytest.mark.skipif(not os.environ.get("OCI_LAYOUT_SLOW"), reason="a million members: slow")
def test_more_members_than_allowed(tmp_path: Path, figure: Figure) -> None:
    done = measure(many_members(1_000_001)(tmp_path))
    told(figure, "a million members and some", done)
    assert "Traceback" not in done.stderr
    assert done.status in (1, 3)
    assert "more than 500000 members" in done.stderr + str(done.report)


def test_members_are_counted_before_they_are_kept(tmp_path: Path) -> None:
    """Also special members and directories, which are not kept, count."""
    done = measure(many_members(2_000, b"5")(tmp_path), limits={"MEMBERS": 1_000})
    assert "Traceback" not in done.stderr
    assert "more than 1000 members" in done.stderr + str(done.report)
