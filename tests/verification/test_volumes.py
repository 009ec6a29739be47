"""Verification of a list of volumes: which one is damaged, and whether each can be loaded."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import DamagedError, LayoutError, UsageError, inspect, limits, repack, verify
from oci_layout.source import volumeset
from oci_layout.verification import volumes
from tests.builders import make_image, write_hybrid_archive
from tests.command import layout


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    layers = [{f"f{n}": os.urandom(30_000)} for n in range(5)]
    write_hybrid_archive([make_image(layers, names=("app:1",))], tmp_path / "in.tar")
    repack(str(tmp_path / "in.tar"), str(tmp_path / "x.tar"), to="oci", volume_size=100_000)
    return tmp_path / "x.volumes.json"


def found(listed: Path, **how: Any) -> list[tuple[str, str]]:
    """Codes of the errors, with the names of their files."""
    return [
        (each.code, Path(each.where.file).name)
        for each in verify(str(listed), **how).findings
        if each.severity == "error"
    ]


def test_a_sound_set(listed: Path) -> None:
    for check in ("full", "digests", "quick"):
        assert found(listed, check=check) == []
    done = layout("verify", listed)
    assert done.returncode == 0
    assert b"(3 volumes)" in done.stdout


@pytest.mark.parametrize("at", [200, 50_000, -2_000])
def test_a_changed_byte_names_its_volume(listed: Path, at: int) -> None:
    volume = listed.parent / "x.vol2.tar"
    data = bytearray(volume.read_bytes())
    data[at] ^= 1
    volume.write_bytes(data)
    assert ("volume-changed", "x.vol2.tar") in found(listed)
    assert not [file for code, file in found(listed) if code == "volume-changed"][1:]
    assert layout("verify", listed).returncode == 1


def test_a_volume_that_is_missing_or_short(listed: Path) -> None:
    (listed.parent / "x.vol3.tar").unlink()
    volume = listed.parent / "x.vol1.tar"
    volume.write_bytes(volume.read_bytes()[:-512])
    for check in ("full", "quick"):
        assert found(listed, check=check) == [
            ("volume-changed", "x.vol1.tar"),
            ("volume-missing", "x.vol3.tar"),
        ]
    done = layout("verify", listed)
    assert done.returncode == 1
    assert b"x.vol3.tar" in done.stdout
    with pytest.raises(LayoutError, match=r"x\.vol1\.tar"):
        repack(str(listed), str(listed.parent / "out.tar"), to="oci")


def edit(listed: Path, change: Callable[[Any], object]) -> None:
    value = json.loads(listed.read_text())
    change(value)
    listed.write_text(json.dumps(value))


def test_volumes_in_another_order_cannot_be_loaded_so(listed: Path) -> None:
    edit(listed, lambda value: value["volumes"].reverse())
    assert ("thin", "x.vol3.tar") in found(listed)


def test_a_volume_of_another_set(listed: Path, tmp_path: Path) -> None:
    """Its sum tells; and where the list was made to fit, the layers that are not there."""
    other = tmp_path / "other"
    other.mkdir()
    layers = [{f"f{n}": os.urandom(30_000)} for n in range(5)]
    write_hybrid_archive([make_image(layers, names=("app:1",))], other / "in.tar")
    repack(str(other / "in.tar"), str(other / "x.tar"), to="oci", volume_size=100_000)
    data = (other / "x.vol2.tar").read_bytes()
    (listed.parent / "x.vol2.tar").write_bytes(data)
    assert ("volume-changed", "x.vol2.tar") in found(listed)
    edit(
        listed,
        lambda value: value["volumes"][1].update(
            sha256=hashlib.sha256(data).hexdigest(), size=len(data)
        ),
    )
    assert {code for code, _ in found(listed)} & {"missing-blob", "thin"}


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(version=2),
        lambda value: value.update(volumes=[]),
        lambda value: value.update(volumes="x"),
        lambda value: value["volumes"][0].update(file="../x.vol1.tar"),
        lambda value: value["volumes"][0].update(file="/etc/passwd"),
        lambda value: value["volumes"][0].update(file=".."),
        lambda value: value["volumes"][0].update(sha256="0"),
        lambda value: value["volumes"][0].pop("size"),
        lambda value: value["volumes"][0].update(size=-1),
        lambda value: value["volumes"][0].update(entries=[True]),
        lambda value: value["volumes"][0].update(entries=[-1]),
        lambda value: value["volumes"][0].update(entries="0"),
        lambda value: value["volumes"][0].update(entries=[]),
        lambda value: value["volumes"].append(value["volumes"][0]),
        lambda value: value.update(
            volumes=[{**value["volumes"][0], "file": f"{n}.tar"} for n in range(251)]
        ),
    ],
)
def test_a_list_that_does_not_hold(listed: Path, change: Callable[[Any], object]) -> None:
    edit(listed, change)
    with pytest.raises(DamagedError):
        inspect(str(listed))
    done = layout("verify", listed)
    assert done.returncode in (1, 3), done.stderr
    assert b"Traceback" not in done.stderr
    done = layout("repack", listed, "--to", "oci", "-o", listed.parent / "out.tar")
    assert done.returncode == 3, done.stderr
    assert not (listed.parent / "out.tar").exists()


def test_no_list_is_read_where_none_is_meant(tmp_path: Path) -> None:
    (tmp_path / "x.volumes.json").write_text('{"kind": "another"}')
    with pytest.raises(LayoutError, match="JSON document"):
        repack(str(tmp_path / "x.volumes.json"), str(tmp_path / "out.tar"), to="oci")


def test_sums_are_of_one_archive(listed: Path) -> None:
    with pytest.raises(UsageError, match="one archive"):
        verify(str(listed), sums=str(listed.parent / "sums"))
    assert not (listed.parent / "sums").exists()


def test_what_reads_a_list_closes_its_volumes(listed: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        verify(str(listed))
        inspect(str(listed))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("bound", "value", "code"),
    [
        ("MEMBERS", 15, "too-many-members"),
        ("DOCUMENTS_BYTES", 3_000, "document-too-large"),  # indexes and partial images
        ("DOCUMENTS_BYTES", 4_300, "document-too-large"),  # each volume for itself
    ],
)
def test_volumes_are_bounded_together(
    bound: str, value: int, code: str, listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each alone is within the bound."""
    monkeypatch.setattr(limits, bound, value)
    for module in (volumeset, volumes):
        if hasattr(module, bound):
            monkeypatch.setattr(module, bound, value)
    for volume in sorted(listed.parent.glob("x.vol*.tar")):
        assert code not in {each.code for each in verify(str(volume)).findings}
    assert code in {finding for finding, _ in found(listed)}
