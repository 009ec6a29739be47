"""Archives cut at every block, and outer compression cut anywhere: never taken for whole."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from oci_layout.errors import LayoutError
from oci_layout.finding import Severity
from tests.verification.checking import of_code, report_of, serious
from tests.verification.flipping import BLOCK, build, end_of

ARCHIVES = ("docker-archive", "hybrid", "oci-archive")
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "gzip-members": lambda data: gzip.compress(data[:4000]) + gzip.compress(data[4000:]),
    "zstd": zstandard.ZstdCompressor().compress,
    "zstd-checksum": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def cut(path: Path, whole: bytes, size: int) -> Path:
    path.write_bytes(whole[:size])
    return path


def between(family: str, path: Path) -> list[range]:
    """Cuts after which no byte of a member is missing, and no member that the image needs.

    In the padding of the last member, and before documents that stand last and that nothing needs:
    such an archive is whole except for its end.
    """
    needless = {"hybrid": ("repositories", "manifest.json"), "docker-archive": ("repositories",)}
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    ends = [range(members[-1].offset_data + members[-1].size, end_of(path) + 1)]
    for before, last in zip(members[-2::-1], members[:0:-1], strict=True):
        if last.name not in needless.get(family, ()):
            break
        ends.append(range(before.offset_data + before.size, last.offset + 1))
    return ends


@pytest.mark.parametrize("family", ARCHIVES)
def test_cut_at_every_block(family: str, tmp_path: Path) -> None:
    source = build(family, tmp_path)
    whole, end, harmless = source.read_bytes(), end_of(source), between(family, source)
    for size in range(0, end, BLOCK):
        found = serious(cut(source, whole, size))
        if any(size in each for each in harmless):
            assert found == {("warning", "no-end-marker")}, size
        else:
            assert "error" in {severity for severity, _ in found}, size
    assert serious(cut(source, whole, end)) == {("warning", "no-end-marker")}
    assert serious(cut(source, whole, end + BLOCK)) == {("warning", "no-end-marker")}
    for size in range(end + 2 * BLOCK, len(whole) + 1, BLOCK):
        assert serious(cut(source, whole, size)) == set()


@pytest.mark.parametrize("family", ARCHIVES)
def test_cut_inside_blocks(family: str, tmp_path: Path) -> None:
    """Not where tar likes it: one byte short, one byte over, in the middle of a header."""
    source = build(family, tmp_path)
    whole, end, harmless = source.read_bytes(), end_of(source), between(family, source)
    for size in (at + extra for at in range(BLOCK, end + 1, BLOCK) for extra in (-1, 1, 257)):
        found = serious(cut(source, whole, size))
        if size < end and any(size in each for each in harmless) and -size % BLOCK < BLOCK - 1:
            assert found == {("warning", "no-end-marker")}, size
        elif size > end:  # Go reads whole blocks, so engines stop at half of one
            assert found == {("error", "truncated")}, size
        else:
            assert "error" in {severity for severity, _ in found}, size


@pytest.mark.parametrize("family", ["hybrid", "oci-archive"])
def test_the_offset_is_told(family: str, tmp_path: Path) -> None:
    """Cut inside the last member: the finding says where the bytes end."""
    source = build(family, tmp_path)
    with tarfile.open(source) as tar:
        last = tar.getmembers()[-1]
    size = last.offset_data + last.size - 1
    cut(source, source.read_bytes(), size)
    (finding,) = of_code(report_of(source), "truncated")
    assert finding.severity is Severity.ERROR
    assert (finding.where.member, finding.where.offset) == (last.name, last.offset_data)
    assert f"byte {size}" in finding.message
    assert f"1 of {last.size} bytes" in finding.message


@pytest.mark.parametrize("packing", PACKERS)
def test_outer_compression_cut(packing: str, tmp_path: Path) -> None:
    whole = PACKERS[packing](build("oci-archive", tmp_path).read_bytes())
    source = tmp_path / "image.tar.packed"
    source.write_bytes(whole)
    assert serious(source) == set()
    for size in (*range(1, len(whole) - 1, max(1, len(whole) // 200)), len(whole) - 1):
        with pytest.raises(LayoutError) as caught:
            report_of(cut(source, whole, size))
        assert caught.value.exit_status == 3
        assert str(source) in str(caught.value)


@pytest.mark.parametrize("packing", PACKERS)
def test_outer_compression_with_garbage(packing: str, tmp_path: Path) -> None:
    whole = PACKERS[packing](build("oci-archive", tmp_path).read_bytes())
    source = tmp_path / "image.tar.packed"
    source.write_bytes(whole + b"garbage")
    # Of gzip many readers never see what follows the end of the tar.
    said = ("warning", "trailing-data"), ("error", "trailing-garbage")
    assert serious(source) == {said[0] if packing.startswith("gzip") else said[1]}
