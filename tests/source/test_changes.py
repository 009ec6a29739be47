"""A source that somebody changes while it is read: an error, whatever the change is."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from oci_layout import repack, verify
from oci_layout.api.words import Progress
from oci_layout.errors import LayoutError
from oci_layout.source import spool
from oci_layout.streams.reader import Reader
from tests import independent
from tests.builders import make_image, write_docker_archive, write_files, write_oci_layout

IMAGE = make_image([{"a": b"1" * 5000}, {"b": b"2" * 900}], names=("demo:1",), compression="gzip")


def touched(path: Path) -> None:
    """Another time of change, as a write gives it."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(512))


def shorter(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 40)


def another(path: Path) -> None:
    """Another file of that name, with the same bytes and times."""
    status = path.stat()
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.rename(path)


def when_it_starts(change: Callable[[Path], object], path: Path) -> Progress:
    """The change comes when all documents have been read and judged, and no layer has."""

    def start(_: int) -> None:
        change(path)

    return Progress(start=start, advance=lambda _: None)


def refused(call: Callable[[], object]) -> LayoutError:
    with pytest.raises(LayoutError, match="changed while it was read") as caught:
        call()
    assert caught.value.exit_status == 3
    return caught.value


def a_blob(layout: Path) -> Path:
    return layout / "blobs" / IMAGE.layers[0].digest.replace(":", "/")


@pytest.mark.parametrize("change", [touched, longer, shorter])
def test_an_archive(change: Callable[[Path], object], tmp_path: Path) -> None:
    """Its members lie where its headers said; those may be others now."""
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    progress = when_it_starts(change, source)
    out = str(tmp_path / "out")
    for how in ("full", "digests"):
        refused(partial(repack, str(source), out, to="oci", check=how, progress=progress))
    assert os.listdir(tmp_path) == ["in.tar"]
    refused(lambda: verify(str(source), progress=progress))


@pytest.mark.parametrize("change", [touched, longer, shorter, another])
@pytest.mark.parametrize("link", [False, True])
def test_a_blob_of_a_layout(link: bool, change: Callable[[Path], object], tmp_path: Path) -> None:
    """Of what is linked only the size is looked at: it is the file that was seen."""
    source = write_oci_layout([IMAGE], tmp_path / "in")
    progress = when_it_starts(change, a_blob(source))
    dest = tmp_path / "out"
    refused(lambda: repack(str(source), str(dest), to="oci", link=link, progress=progress))
    assert os.listdir(tmp_path) == ["in"]


def test_a_blob_that_is_verified(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    refused(lambda: verify(str(source), progress=when_it_starts(another, a_blob(source))))


def test_a_layer_of_an_unpacked_docker_save(tmp_path: Path) -> None:
    """Nothing states its digest, so nothing else would tell."""
    archive = write_docker_archive([IMAGE], tmp_path / "in.tar", style="flat")
    source = write_files(independent.read_files(archive), tmp_path / "in")
    layer = next(source.glob("*.tar*"))
    progress = when_it_starts(touched, layer)
    dest = str(tmp_path / "out")
    refused(lambda: repack(str(source), dest, to="oci", check="digests", progress=progress))


def while_spooled(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    whole = spool._spool

    def spooled(reader: Reader, label: str, tmp: str | None) -> object:
        held = whole(reader, label, tmp)
        change()
        return held

    monkeypatch.setattr(spool, "_spool", spooled)


def test_a_compressed_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in.tar.gz"
    source.write_bytes(gzip.compress(write_docker_archive([IMAGE], tmp_path / "x").read_bytes()))
    while_spooled(monkeypatch, lambda: touched(source))
    refused(lambda: repack(str(source), str(tmp_path / "out"), to="oci"))


def test_a_file_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    kept = os.dup(0)
    try:
        with source.open("rb") as file:
            os.dup2(file.fileno(), 0)
        while_spooled(monkeypatch, lambda: longer(source))
        refused(lambda: repack("-", str(tmp_path / "out"), to="oci"))
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_who_only_reads_or_links_changes_nothing(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")

    def linked(path: Path) -> None:
        os.link(path, tmp_path / "second")
        path.read_bytes()
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))

    progress = when_it_starts(linked, a_blob(source))
    repack(str(source), str(tmp_path / "out"), to="oci", progress=progress)
    assert not verify(str(tmp_path / "out")).failed
