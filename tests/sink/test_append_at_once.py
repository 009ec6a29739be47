"""Sixteen processes that add to one layout at the same time lose nothing."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest

from oci_layout import verify
from tests import independent
from tests.builders import IMAGE_NAME, Image, full_name, make_image, write_docker_archive
from tests.builders.artifacts import make_artifact, of_image, write_layout
from tests.builders.layout import name_annotations
from tests.command import argv_of, environment, names_in
from tests.forking import Forked

WRITERS = 16


def image(text: str, *names: str) -> Image:
    """An image of its own content, with a layer that all of them share."""
    return make_image([{"base": b"shared"}, {"text": text.encode()}], names=names)


def at_once(dest: Path, sources: list[Path], *words: str) -> None:
    """Append every source by a process of its own, all started before any is waited for."""
    running = [
        Forked("repack", source, "--to", "oci", "--append", "-q", *words, "-o", dest)
        for source in sources
    ]
    said = [process.communicate(timeout=300)[1].splitlines()[-1:] for process in running]
    failed = {each.returncode: text for each, text in zip(running, said, strict=True)}
    failed.pop(0, None)
    assert failed == {}


@pytest.mark.parametrize("there", [True, False], ids=["to a layout", "to nothing"])
def test_sixteen_writers(there: bool, tmp_path: Path) -> None:
    """Each adds its own name; where there is no layout yet, one of them makes it."""
    dest = tmp_path / "dest"
    old = [write_docker_archive([image("old", "old:1")], tmp_path / "old.tar")] if there else []
    for source in old:
        at_once(dest, [source])
    numbers = range(WRITERS)
    sources = [
        write_docker_archive([image(str(n), f"new:{n}", f"alias{n}:1")], tmp_path / f"in{n}.tar")
        for n in numbers
    ]
    at_once(dest, sources)
    names = {full_name(name) for n in numbers for name in (f"new:{n}", f"alias{n}:1")}
    names |= {full_name("old:1")} if there else set()
    found = independent.check(dest)
    assert found.names == names
    assert len(found.configs) == WRITERS + there
    assert verify(str(dest)).findings == ()
    kept = ["dest", *(f"in{n}.tar" for n in numbers), *(["old.tar"] if there else [])]
    assert names_in(tmp_path) == sorted(kept)


def test_who_reads_meanwhile_sees_one_state_of_it(tmp_path: Path) -> None:
    """Sound at any moment, and never fewer names than before."""
    dest = tmp_path / "dest"
    sources = [
        write_docker_archive([image(str(n), f"new:{n}")], tmp_path / f"in{n}.tar")
        for n in range(WRITERS)
    ]
    at_once(dest, sources[:1])
    running = [
        Forked("repack", source, "--to", "oci", "--append", "-q", "-o", dest)
        for source in sources[1:]
    ]
    seen = 1
    while seen < WRITERS:
        report = verify(str(dest))
        assert {each.code for each in report.findings} <= {"orphan"}  # blobs come before the index
        names = {name for each in report.images for name in each.names}
        assert len(names) >= seen
        seen = len(names)
    assert [each.wait() for each in running] == [0] * len(running)


def test_sixteen_writers_of_one_image(tmp_path: Path) -> None:
    """The same blobs, a signature that no index lists, and a name each."""
    part = of_image(image("one"))
    signature = make_artifact(b"signature", subject=part.entry())
    sources = [
        write_layout(
            tmp_path / f"in{n}",
            [part.entry(annotations=name_annotations(f"demo:{n}"))],
            *(part, signature),
        )
        for n in range(WRITERS)
    ]
    at_once(tmp_path / "dest", sources)
    found = independent.check(tmp_path / "dest")
    assert found.names == {full_name(f"demo:{n}") for n in range(WRITERS)}
    assert set(found.manifests) == {part.digest, signature.digest}


def test_sixteen_writers_of_one_name(tmp_path: Path) -> None:
    """The last one has it, whoever that is; its image is whole."""
    images = [image(str(n), "demo:1") for n in range(WRITERS)]
    sources = [
        write_docker_archive([each], tmp_path / f"in{n}.tar") for n, each in enumerate(images)
    ]
    dest = tmp_path / "dest"
    at_once(dest, sources, "--on-conflict", "last")
    (entry,) = json.loads((dest / "index.json").read_bytes())["manifests"]
    assert entry["annotations"][IMAGE_NAME] == full_name("demo:1")
    # A docker save has no manifest: it is the one that any conversion makes.
    assert not verify(str(dest)).failed


def test_who_waits_says_so(tmp_path: Path) -> None:
    """On one line as every other, while somebody else holds the layout."""
    dest = tmp_path / "dest"
    at_once(dest, [write_docker_archive([image("old", "old:1")], tmp_path / "old.tar")])
    source = write_docker_archive([image("new", "new:1")], tmp_path / "new.tar")
    fd = os.open(dest, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with subprocess.Popen(
            argv_of("repack", source, "--to", "oci", "--append", "-q", "-o", dest),
            stderr=subprocess.PIPE,
            env=environment(),
        ) as process:
            assert process.stderr is not None
            told = process.stderr.readline().decode()
            fcntl.flock(fd, fcntl.LOCK_UN)
            assert process.wait(timeout=300) == 0
    finally:
        os.close(fd)
    assert told == f"layout: waiting for another process that holds {dest}\n"
    assert {name for image in verify(str(dest)).images for name in image.names} == {
        "old:1",
        "new:1",
    }
