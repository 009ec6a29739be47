"""zstd windows are bounded by memory, in layers and around archives; RFC 8878's 8 MiB is a note."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import DamagedError, repack, verify
from tests.builders import make_image
from tests.builders.windows import packed, with_window
from tests.command import layout
from tests.independent import check

IMAGE = make_image([{"a": b"1" * 9000}, {"b": b"2" * 9000}], names=("demo:1",))
LOGS = {"8 MiB": (23, []), "16 MiB": (24, ["zstd-window"]), "128 MiB": (27, ["zstd-window"])}
EACH = pytest.mark.parametrize(("log", "codes"), LOGS.values(), ids=list(LOGS))
BEYOND = 28


def inside(folder: Path, log: int) -> Path:
    return with_window(IMAGE, folder / "image.tar", log)


def around(folder: Path, log: int) -> Path:
    path = folder / "image.tar.zst"
    path.write_bytes(packed(with_window(IMAGE, folder / "whole.tar", 20).read_bytes(), log))
    return path


PLACES = pytest.mark.parametrize("place", [inside, around])


@EACH
@PLACES
def test_it_is_read_and_sound(place: object, log: int, codes: list[str], tmp_path: Path) -> None:
    assert callable(place)
    path = place(tmp_path, log)
    report = verify(str(path))
    assert not report.failed
    assert [each.code for each in report.findings] == codes
    repack(str(path), str(tmp_path / "out"), to="oci", compression="gzip")
    assert check(tmp_path / "out").configs.keys() == {IMAGE.config_digest}


@PLACES
def test_more_is_given_to_who_asks(place: object, tmp_path: Path) -> None:
    assert callable(place)
    path = place(tmp_path, BEYOND)
    with pytest.raises(DamagedError, match="window") as caught:
        repack(str(path), str(tmp_path / "out"), to="oci", compression="gzip")
    assert "--limit-memory" in caught.value.hint
    repack(str(path), str(tmp_path / "out"), to="oci", compression="gzip", limit_memory="256M")
    assert not verify(str(tmp_path / "out")).failed
    assert layout("verify", path).returncode != 0
    assert layout("verify", path, "--limit-memory", "256M").returncode == 0


def test_less_may_be_given(tmp_path: Path) -> None:
    path = inside(tmp_path, 24)
    assert layout("verify", path, "--limit-memory", "8M").returncode == 1
