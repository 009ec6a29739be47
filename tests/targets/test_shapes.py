"""What engines make of shapes out of public reports.

Seen with Docker 20.10.24, containerd 1.6.20, podman 4.3.1, skopeo 1.9.3.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.shapes import SHAPES
from tests.targets.answers import answer
from tests.targets.makes import Maker

TARGETS = ("docker@20.10", "containerd@1.6", "podman@4.3", "skopeo@1.9")
# Each shape: whether each of the targets loads it.
LOADS = {
    "macOS, layout": (False, True, True, True),
    "macOS, docker save": (True, True, True, True),
    "crane, by tag": (True, True, True, True),
    "crane, by digest": (True, True, True, True),
    "crane, name@digest": (False, True, False, False),
    "crane, nameless": (True, False, True, True),
    "links astray": (False, False, False, False),
    "links astray beside": (True, False, True, True),
    "zstd:chunked": (False, True, True, True),
    "eStargz": (False, True, True, True),
    "one diff_id in two blobs": (False, True, True, True),
    "empty layers": (False, True, True, True),
    "a nameless index": (False, False, True, True),
    "an index of its subject": (False, True, True, True),
    "SOCI, listed": (False, True, False, False),
    "SOCI, unlisted": (False, True, True, True),
    "a build cache": (False, False, False, True),
    "of Windows": (False, False, True, True),
}
CELLS = [
    (name, target, loads)
    for name, row in LOADS.items()
    for target, loads in zip(TARGETS, row, strict=True)
]


def test_no_shape_is_left_out() -> None:
    assert LOADS.keys() == SHAPES.keys()


@pytest.mark.parametrize(("name", "target", "loads"), CELLS)
def test_it_loads_or_not(name: str, target: str, loads: bool, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    found = answer(SHAPES[name](maker.image("demo:1"), maker.path()), target, full=True)
    assert found.loads is loads, [each.message for each in found.reasons]
