"""Every bit of a small source of each family is flipped: what goes unseen is what must."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.independent import read_files
from tests.verification.checking import serious
from tests.verification.flipping import FAMILIES, Flip, build, flips
from tests.verification.meaning import unseen

# All bits take a quarter of an hour; a step that is no multiple of 8 meets every bit of a byte.
STEP = 1 if os.environ.get("OCI_LAYOUT_SLOW") else 41


def flip(each: Flip) -> None:
    with each.path.open("r+b") as file:
        file.seek(each.offset)
        (byte,) = file.read(1)
        file.seek(each.offset)
        file.write(bytes([byte ^ 1 << each.bit]))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_goes_unseen_is_what_must(family: str, tmp_path: Path, figure: Figure) -> None:
    source = build(family, tmp_path)
    assert serious(source) == set()
    assert unseen(family, read_files(source))
    detected = undetected = 0
    missed: list[Flip] = []
    too_much: list[Flip] = []
    for each in flips(family, source, STEP):
        flip(each)
        found = serious(source)
        flip(each)
        if found:
            detected += 1
            too_much += [each] if each.unseen else []
        else:
            undetected += 1
            missed += [] if each.unseen else [each]
    figure(
        f"{family}: {detected + undetected} bits flipped, {detected} detected, {undetected} not; "
        f"{len(missed)} missed, {len(too_much)} found that nothing contradicts"
    )
    assert serious(source) == set()
    assert not missed, places(missed)
    assert not too_much, places(too_much)


def places(some: list[Flip]) -> list[str]:
    """The text around each flip, with the flipped byte in brackets."""
    shown = []
    for each in some[:40]:
        data = each.path.read_bytes()
        at = each.offset
        new = bytes([data[at] ^ 1 << each.bit])
        text = data[max(0, at - 24) : at] + b"[" + new + b"]" + data[at + 1 : at + 16]
        shown.append(f"{each.path.name}:{at}.{each.bit} {text!r}")
    return shown
