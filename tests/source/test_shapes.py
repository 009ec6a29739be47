"""Shapes of macOS, crane, stargz, kaniko, SOCI and others are sound, before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import DamagedError, repack, verify
from tests.builders import make_image
from tests.builders.shapes import SHAPES
from tests.independent import check
from tests.repacked import packed

IMAGE = make_image([{"a": b"1" * 3000}, {"b": b"2" * 3000}], names=("demo:1",))
DAMAGED = {"links astray": ["missing-member"] * 2}
SOUND = [name for name in SHAPES if name not in DAMAGED]
# Notes and warnings that are due; orphans aside, which macOS leaves many of.
SAID = {"macOS, layout": set[str](), "crane, nameless": set[str]()}


@pytest.mark.parametrize("name", SOUND)
def test_it_is_sound(name: str, tmp_path: Path) -> None:
    report = verify(str(SHAPES[name](IMAGE, tmp_path / "image.tar")))
    assert not report.failed, [str(each) for each in report.findings]
    assert {each.code for each in report.findings} - {"orphan"} == SAID.get(name, set())


@pytest.mark.parametrize("out", ["out", "out.tar"])
@pytest.mark.parametrize("name", SOUND)
def test_what_is_written_is_sound(name: str, out: str, tmp_path: Path) -> None:
    source = SHAPES[name](IMAGE, tmp_path / "image.tar")
    before = {each.image_id_before for each in repack(str(source), to="oci", dry_run=True).images}
    _, result = packed(source, tmp_path / out)
    assert {str(each) for each in before} <= set(result.configs)
    assert not verify(str(tmp_path / out)).failed


@pytest.mark.parametrize("name", [name for name in SOUND if name not in ("a build cache",)])
def test_docker_s_form_is_sound(name: str, tmp_path: Path) -> None:
    source = SHAPES[name](IMAGE, tmp_path / "image.tar")
    dest = tmp_path / "out.tar"
    repack(str(source), str(dest), to="docker", platforms=(_platform(name),))
    assert check(dest).docker is not None
    assert not verify(str(dest)).failed


def _platform(name: str) -> str:
    return "windows/amd64" if name == "of Windows" else "linux/amd64"


@pytest.mark.parametrize(("name", "codes"), DAMAGED.items(), ids=list(DAMAGED))
def test_it_is_damaged(name: str, codes: list[str], tmp_path: Path) -> None:
    source = SHAPES[name](IMAGE, tmp_path / "image.tar")
    errors = [each.code for each in verify(str(source)).findings if each.severity == "error"]
    assert errors == codes
    with pytest.raises(DamagedError):
        repack(str(source), str(tmp_path / "out"), to="oci")
