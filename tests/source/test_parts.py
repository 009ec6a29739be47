"""Parts of a split file are one source, whichever way they are named; a gap is one clear error."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from oci_layout import (
    DamagedError,
    NotAnImageError,
    UsageError,
    check,
    merge,
    repack,
    verify,
)
from oci_layout.source.parts import parts_of, without_parts
from oci_layout.streams.joined import JoinedFile
from tests.builders import make_image, write_hybrid_archive
from tests.command import layout


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    images = [make_image([{f"f{n}": bytes([n]) * 7_000}], names=(f"a{n}:1",)) for n in range(3)]
    write_hybrid_archive(images, tmp_path / "x.tar")
    return tmp_path / "x.tar"


def split(archive: Path, *flags: str, stem: str = "x.tar.part") -> list[Path]:
    subprocess.run(
        ["split", *flags, archive.name, stem], cwd=archive.parent, check=True, timeout=60
    )
    return sorted(path for path in archive.parent.iterdir() if path != archive)


@pytest.mark.parametrize("flags", ["-b10000", "-b 10000 -d", "-n3", "-b1000 -a3 -d", "-b 512"])
@pytest.mark.parametrize("stem", ["x.tar.part", "x.tar.", "x.tar-part-"])
def test_parts_of_split_are_one_source(archive: Path, flags: str, stem: str) -> None:
    parts = split(archive, *flags.split(), stem=stem)
    assert len(parts) > 2
    begin = str(archive.parent / stem)
    for named in (str(parts[0]), begin, f"{begin}*"):
        assert not verify(named).failed_strictly, named
        dest = archive.parent / "out.tar"
        repack(named, str(dest), to="oci")
        repack(str(archive), str(archive.parent / "full.tar"), to="oci", force=True)
        assert dest.read_bytes() == (archive.parent / "full.tar").read_bytes()
        dest.unlink()


def test_engines_load_no_parts(archive: Path) -> None:
    parts = split(archive, "-b10000")
    with pytest.raises(UsageError, match="no parts"):
        check(str(parts[0]))
    assert f"in {len(parts)} parts" in verify(str(parts[0])).source_kind


def test_a_compressed_archive_may_be_split(archive: Path) -> None:
    repack(str(archive), str(archive.parent / "x.tar.gz"), to="oci")
    packed = archive.parent / "x.tar.gz"
    archive.unlink()
    split(packed, "-b1000", stem="x.tar.gz.")
    assert not verify(str(archive.parent / "x.tar.gz.aa")).failed


def test_numbers_from_one(archive: Path) -> None:
    data = archive.read_bytes()
    for number in range(3):
        piece = data[number * 20_000 :][: 20_000 if number < 2 else None]
        (archive.parent / f"y.tar.00{number + 1}").write_bytes(piece)
    assert len(verify(str(archive.parent / "y.tar.001")).images) == 3
    assert len(verify(str(archive.parent / "y.tar.")).images) == 3


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_part_that_is_missing_is_named(archive: Path, lost: int) -> None:
    parts = split(archive, "-b10000")
    parts[lost].unlink()
    named = str(archive.parent / "x.tar.part*")
    with pytest.raises(NotAnImageError, match=f"part {parts[lost].name} is not there"):
        verify(named)


def test_the_last_part_missing_is_an_archive_cut_short(archive: Path) -> None:
    parts = split(archive, "-b10000")
    for part in parts[-2:]:  # the last one has zeros alone
        part.unlink()
    with pytest.raises(DamagedError, match=r"cut short|too early|truncated|ends at") as raised:
        repack(str(parts[0]), str(archive.parent / "out.tar"), to="oci")
    assert "x.tar.part*" in str(raised.value)
    assert not (archive.parent / "out.tar").exists()


def test_split_goes_on_with_longer_names(tmp_path: Path) -> None:
    """After yz comes zaaa, and after 89 comes 9000 (coreutils)."""
    for flags, first in (("-a2", "aa"), ("-d", "00")):
        (tmp_path / "many").write_bytes(bytes(120 if first == "00" else 240))
        subprocess.run(
            ["split", "-b1", flags, "many", f"{first}.tar."], cwd=tmp_path, check=True, timeout=60
        )
        found = parts_of(str(tmp_path / f"{first}.tar."))
        assert found is not None
        assert len(found[1]) == (120 if first == "00" else 240)


def test_other_files_that_end_in_numbers_are_files_of_their_own(archive: Path) -> None:
    for name in ("v1.00", "v1.01", "librarya.aa", "librarya.ab"):
        (archive.parent / name).write_bytes(archive.read_bytes())
        assert parts_of(str(archive.parent / name)) is None
        assert not verify(str(archive.parent / name)).failed


def test_one_part_alone_is_a_file(archive: Path) -> None:
    alone = archive.parent / "x.tar.00"
    alone.write_bytes(archive.read_bytes())
    assert parts_of(str(alone)) is None
    assert not verify(str(alone)).failed


def test_what_a_shell_makes_of_a_star(archive: Path) -> None:
    parts = split(archive, "-b10000")
    every = [str(path) for path in parts]
    assert without_parts([*every, str(archive)]) == [every[0], str(archive)]
    done = layout("verify", *every)
    assert done.returncode == 0, done.stderr
    assert b"sources" not in done.stdout
    merge(every, str(archive.parent / "out.tar"))
    assert len(verify(str(archive.parent / "out.tar")).images) == 3


def test_more_parts_than_are_held_open(tmp_path: Path) -> None:
    for number in range(260):
        (tmp_path / f"x.tar.{number:03}").write_bytes(b"x")
    with pytest.raises(NotAnImageError, match="more than 250"):
        verify(str(tmp_path / "x.tar.000"))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (0, 5, 0, 3, 0), (7,), (4, 9, 2)])
def test_any_stretch_of_joined_files(sizes: tuple[int, ...], tmp_path: Path) -> None:
    paths, data = [], b""
    for number, size in enumerate(sizes):
        piece = bytes(range(len(data), len(data) + size))
        paths.append(str(tmp_path / str(number)))
        Path(paths[-1]).write_bytes(piece)
        data += piece
    with JoinedFile(paths, "all") as file:
        assert file.size == len(data)
        for start in range(len(data) + 2):
            for size in range(len(data) + 2):
                assert file.pread(size, start) == data[start : start + size]
