"""All volumes appear, or none: whatever is there before, and whatever goes wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from oci_layout import DamagedError, DestinationError, repack, verify
from oci_layout.disk.draft import Draft
from tests.builders import make_image, write_hybrid_archive, write_members
from tests.command import layout
from tests.independent import read_files


@pytest.fixture
def source(tmp_path: Path) -> str:
    layers = [{f"f{n}": os.urandom(30_000)} for n in range(5)]
    (tmp_path / "in").mkdir()
    write_hybrid_archive([make_image(layers, names=("app:1",))], tmp_path / "in" / "in.tar")
    (tmp_path / "out").mkdir()
    return str(tmp_path / "in" / "in.tar")


def cut(source: str, tmp_path: Path, size: int = 100_000, **how: Any) -> list[str]:
    report = repack(source, str(tmp_path / "out" / "x.tar"), to="oci", volume_size=size, **how)
    return [each.file for each in report.volumes]


def there(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("name", ["x.vol1.tar", "x.vol2.tar", "x.volumes.json"])
def test_what_is_there_is_not_replaced_unasked(name: str, source: str, tmp_path: Path) -> None:
    (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(DestinationError, match="exists already") as raised:
        cut(source, tmp_path)
    assert name in str(raised.value)
    assert there(tmp_path) == {name: b"mine"}
    cut(source, tmp_path, force=True)
    assert not verify(str(tmp_path / "out" / "x.volumes.json")).failed


def test_volumes_of_another_set_are_told_of_and_stay(source: str, tmp_path: Path) -> None:
    old = cut(source, tmp_path, 61_440)
    before = there(tmp_path)
    report = repack(
        source, str(tmp_path / "out" / "x.tar"), to="oci", volume_size=150_000, force=True
    )
    new = [each.file for each in report.volumes]
    left = sorted(set(old) - set(new))
    assert left
    after = there(tmp_path)
    assert {name: after[name] for name in left} == {name: before[name] for name in left}
    (warning,) = [each for each in report.warnings if each.code == "other-volumes"]
    assert left[0] in warning.message
    assert not verify(str(tmp_path / "out" / "x.volumes.json")).failed


def test_a_source_that_does_not_hold_leaves_nothing(source: str, tmp_path: Path) -> None:
    files = read_files(Path(source))
    name = sorted(name for name, data in files.items() if len(data) > 20_000)[-1]
    files[name] = files[name][:-1] + b"X"
    bad = write_members(files, tmp_path / "in" / "bad.tar")
    with pytest.raises(DamagedError):
        cut(str(bad), tmp_path)
    assert there(tmp_path) == {}


@pytest.mark.parametrize("last", [0, 1, 2, 3])
def test_volumes_that_have_appeared_vanish_when_one_cannot(
    last: int, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appear, count = Draft.appear, [0]

    def fails(draft: Draft) -> None:
        if count[0] == last:
            raise OSError(28, "No space left on device")
        count[0] += 1
        appear(draft)

    monkeypatch.setattr(Draft, "appear", fails)
    with pytest.raises(DestinationError, match="No space left"):
        cut(source, tmp_path)
    assert there(tmp_path) == {}


def test_one_that_appears_meanwhile_is_somebody_elses(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appear = Draft.appear

    def meanwhile(draft: Draft) -> None:
        if draft.place.name == "x.vol1.tar":
            (tmp_path / "out" / "x.vol2.tar").write_text("mine")
        appear(draft)

    monkeypatch.setattr(Draft, "appear", meanwhile)
    with pytest.raises(DestinationError, match="appeared meanwhile"):
        cut(source, tmp_path)
    assert there(tmp_path) == {"x.vol2.tar": b"mine"}


@pytest.mark.parametrize("read", ["x.volumes.json", "x.vol1.tar"])
def test_a_set_that_is_read_is_not_replaced(read: str, source: str, tmp_path: Path) -> None:
    cut(source, tmp_path)
    before = there(tmp_path)
    bases = str(tmp_path / "out" / "x.volumes.json") if read == "x.vol1.tar" else None
    with pytest.raises(DestinationError, match="is the source itself"):
        repack(
            str(tmp_path / "out" / read),
            str(tmp_path / "out" / "x.tar"),
            to="oci",
            volume_size=100_000,
            force=True,
            bases=bases,
        )
    assert there(tmp_path) == before


def test_the_screen_ends_with_what_to_load_and_sums(source: str, tmp_path: Path) -> None:
    out = str(tmp_path / "out" / "x.tar")
    done = layout("repack", source, "--to", "oci", "-o", out, "--volume-size", "100K")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    listed = json.loads((tmp_path / "out" / "x.volumes.json").read_text())["volumes"]
    sums = [f"{each['sha256']}  {each['file']}" for each in listed]
    assert text.splitlines()[-len(sums) :] == sums
    assert "load in this order:" in text
    assert "then these can be removed: app-vol1:1, app-vol2:1" in text
