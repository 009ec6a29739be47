"""Whether a tar that streams by is whole."""

from __future__ import annotations

import io
import random
import tarfile

import pytest

from oci_layout.errors import DamagedError
from oci_layout.streams.layerfiles import read_layer
from oci_layout.streams.tarwalk import TarWalker
from oci_layout.where import Where
from tests.streams.tars import BLOCK, END, member, pax


def walked(archive: bytes, step: int, *, strict: bool = True) -> TarWalker:
    walker = TarWalker(strict=strict)
    for at in range(0, len(archive), step):
        walker.feed(archive[at : at + step])
    return walker


@pytest.mark.parametrize("step", [1, 100, BLOCK, 1 << 20])
def test_whole_and_cut(step: int) -> None:
    archive = (
        pax(("size", "600")) + member("a", b"x" * 600, size=0) + member("b", kind=b"6", size=9)
    )
    assert walked(archive + END, step).whole
    assert not walked(archive, step).whole
    assert not walked(archive[:-BLOCK] + END, step).broken


@pytest.mark.parametrize("size", ["-1536", "-1", str(1 << 63), "9" * 5000, "x"])
def test_a_size_that_is_none_breaks_it(size: str) -> None:
    walker = walked(pax(("size", size)) + member("f") + END, 1 << 20)
    assert walker.broken
    assert not walker.whole


NAMES = ("a", "b/c", "n" * 99, f"{'d' * 60}/{'n' * 99}", "long/" * 30 + "x", "x" * 300)


@pytest.mark.parametrize("seed", range(100))
def test_what_passes_over_usual_members_says_the_same(seed: int) -> None:
    """Of whole archives and cut ones, with long names and odd types, in pieces of any size."""
    chance = random.Random(seed)  # noqa: S311  archives, not secrets
    out = io.BytesIO()
    form = chance.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for _ in range(chance.randint(0, 8)):
            info = tarfile.TarInfo(chance.choice(NAMES))
            info.type = chance.choice([b"0", b"0", b"0", b"1", b"2", b"5", b"6", b"7", b"V"])
            data = chance.randbytes(chance.choice([0, 1, 511, 512, 513, 3000]))
            info.size = len(data) if info.type in (b"0", b"7", b"V") else 0
            tar.addfile(info, io.BytesIO(data))
    archive = out.getvalue()[: chance.choice([None, chance.randrange(len(out.getvalue()))])]
    strict = walked(archive, 1 << 20)
    for step in (1, 100, BLOCK, 700, 4096):
        quick = walked(archive, step, strict=False)
        assert (quick.refused, quick.ended, quick.broken, quick.torn) == (
            strict.refused,
            strict.ended,
            strict.broken,
            strict.torn,
        )


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_torn_is_what_cannot_be_read_as_go_reads_it(form: int) -> None:
    """Cut after any byte: padding and the marker may be missing, and nothing else."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for number, size in enumerate((0, 1, 511, 512, 513)):
            info = tarfile.TarInfo("n" * (99 + number))
            info.size = size
            tar.addfile(info, io.BytesIO(b"x" * size))
    archive = out.getvalue()
    marker = -(-len(archive.rstrip(b"\0")) // BLOCK) * BLOCK  # of two blocks; one is enough here
    for end in range(marker + BLOCK + 1):
        try:
            for _ in read_layer(io.BytesIO(archive[:end]), Where()):
                pass
            read = True
        except DamagedError:
            read = False
        for strict in (True, False):
            assert bool(walked(archive[:end], 4096, strict=strict).torn) is not read, end


@pytest.mark.parametrize("length", [255, 256])
def test_names_that_no_file_system_takes(length: int) -> None:
    """In a PAX header and as a long name of GNU's; the folder before it may be long."""
    name = f"{'d' * 200}/{'n' * length}"
    long = member("././@LongLink", name.encode() + b"\0", kind=b"L")
    for before in (pax(("path", name)), long):
        walker = walked(before + member("short") + member("next") + END, 1 << 20)
        assert walker.whole
        assert bool(walker.refused) is (length > 255)


def test_what_says_the_size() -> None:
    inner = member("x" * 99, b"y" * 512)  # stands where a reader with another size looks
    for before in (
        pax(("size", "1024")) + pax(("mtime", "1")),
        pax(("size", "1024")) + pax(("a", "b"), kind=b"g"),
        pax(("size", "1024"), ("size", "")),
    ):
        assert walked(before + member("f", size=0) + inner + END, 1 << 20).whole
