"""Damage that shows while blobs pass: both values are named, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout import repack
from oci_layout.errors import DamagedError
from tests import corrupt
from tests.builders import (
    Link,
    compress,
    go_json,
    make_image,
    sha256,
    write_docker_archive,
    write_members,
    write_oci_layout,
)
from tests.command import layout
from tests.corrupt import Files
from tests.independent import read_files

IMAGE = make_image([{"a": b"1" * 9000}, {"b": b"2" * 9000}], compression="gzip")
FIRST = IMAGE.layers[0]


def replace_layer(files: Files, data: bytes) -> None:
    """Put other bytes in a layer's place, with every digest but the diff_id put right."""
    del files[corrupt.blob(FIRST.digest)]
    files[corrupt.blob(sha256(data))] = data

    def point(manifest: dict[str, list[dict[str, object]]]) -> None:
        manifest["layers"][0] |= {"digest": sha256(data), "size": len(data)}

    corrupt.edit_document(files, IMAGE.manifest_digest(), point)


OTHER = compress(b"\0" * 10240, "gzip")
DAMAGE: dict[str, tuple[Callable[[Files], object], str, tuple[str, ...]]] = {
    "flipped": (
        lambda files: corrupt.flip_blob(files, FIRST.digest, 40),
        "",
        (FIRST.digest[7:],),
    ),
    "other tar": (
        lambda files: replace_layer(files, OTHER),
        "diffid-mismatch",
        (FIRST.diff_id, sha256(b"\0" * 10240), sha256(OTHER)[7:], "layer 0"),
    ),
    "garbage behind": (
        lambda files: replace_layer(files, FIRST.stored + b"garbage"),
        "trailing-garbage",
        ("layer 0",),
    ),
    "cut": (lambda files: replace_layer(files, FIRST.stored[:-9]), "", ("layer 0",)),
    "wrong crc": (
        lambda files: replace_layer(files, corrupt.flip_byte(FIRST.stored, -6)),
        "corrupt-stream",
        ("layer 0",),
    ),
}


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("compression", ["auto", "zstd"])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
@pytest.mark.parametrize(("damage", "code", "words"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_layers(
    damage: Callable[[Files], object],
    code: str,
    words: tuple[str, ...],
    dest: str,
    compression: str,
    jobs: int,
    tmp_path: Path,
) -> None:
    layout = write_oci_layout([IMAGE], tmp_path / "whole")
    source = corrupt.damaged(layout, tmp_path / "in", damage)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(DamagedError) as caught:
        repack(str(source), str(work / dest), to="oci", compression=compression, jobs=jobs)
    assert caught.value.exit_status == 3
    assert caught.value.code == (code or caught.value.code)
    for word in words:
        assert word in str(caught.value)
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_what_was_there_stays_when_the_new_fails(dest: str, tmp_path: Path) -> None:
    layout = write_oci_layout([IMAGE], tmp_path / "whole")
    repack(str(layout), str(tmp_path / dest), to="oci")
    before = read_files(tmp_path / dest)
    source = corrupt.damaged(
        layout, tmp_path / "in", lambda files: corrupt.flip_blob(files, FIRST.digest)
    )
    with pytest.raises(DamagedError):
        repack(str(source), str(tmp_path / dest), to="oci", force=True)
    assert read_files(tmp_path / dest) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["whole", "in", dest])


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_changed_layer_of_a_docker_archive(compression: str, tmp_path: Path) -> None:
    image = make_image(compression=compression)
    other = compress(b"\0" * 10240, compression)
    files: dict[str, bytes | Link] = {}
    plain = write_docker_archive([image], tmp_path / "plain.tar", style="flat")
    for name, data in read_files(plain).items():
        files[name] = other if data == image.layers[1].stored else data
    source = write_members(files, tmp_path / "in.tar")
    with pytest.raises(DamagedError) as caught:
        repack(str(source), str(tmp_path / "out.tar"), to="oci")
    assert caught.value.code == "diffid-mismatch"
    assert image.layers[1].diff_id in str(caught.value)
    assert sha256(b"\0" * 10240) in str(caught.value)
    assert image.layers[1].digest[7:] in str(caught.value)
    assert not (tmp_path / "out.tar").exists()


def test_a_blob_trusted_by_two_descriptors_must_suit_both(tmp_path: Path) -> None:
    """One image says the right diff_id of a layer, the other a wrong one."""
    good = make_image([{"a": b"1"}], names=("good:1",))
    config = {**good.config, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}
    liar = type(good)(good.layers, config, ("liar:1",))
    source = write_docker_archive([good, liar], tmp_path / "in.tar", style="flat")
    with pytest.raises(DamagedError, match="0" * 64):
        repack(str(source), str(tmp_path / "out"), to="oci")


def test_leftovers_of_a_killed_run_are_removed_by_the_next(tmp_path: Path) -> None:
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    (tmp_path / ".out.tar.layout-00000000.tmp").write_bytes(b"x")
    (tmp_path / ".out.layout-00000000.tmp").mkdir()
    (tmp_path / ".out.layout-00000000.tmp/.7.tmp").write_bytes(b"x")
    (tmp_path / ".out.layout-00000000.tmp/blobs/sha256").mkdir(parents=True)
    (tmp_path / ".out.layout-00000000.tmp/blobs/sha256" / ("0" * 64)).write_bytes(b"x")
    repack(str(source), str(tmp_path / "out.tar"), to="oci")
    repack(str(source), str(tmp_path / "out"), to="oci")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.tar", "out", "out.tar"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_interrupted(number: signal.Signals, dest: str, tmp_path: Path) -> None:
    """Stopped while it packs: nothing is there, and the status tells the signal."""
    noise = os.urandom(24 << 20)
    source = write_docker_archive([make_image([{"noise": noise}])], tmp_path / "in.tar")
    work = tmp_path / "work"
    work.mkdir()
    command = [sys.executable, "-m", "oci_layout", "repack", str(source), "--to", "oci"]
    command += ["--compression", "zstd:19", "-o", str(work / dest)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for _ in range(2000):
            if list(work.iterdir()) or process.poll() is not None:
                break
            time.sleep(0.01)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number, error
    assert b"Traceback" not in error
    assert list(work.iterdir()) == []


def test_an_index_of_a_document_that_is_null_is_no_success(tmp_path: Path) -> None:
    layout = write_oci_layout([IMAGE], tmp_path / "in")
    (layout / "index.json").write_bytes(go_json(None))
    with pytest.raises(DamagedError):
        repack(str(layout), str(tmp_path / "out"), to="oci")
    assert not (tmp_path / "out").exists()


REFUSED = ["/proc/out", "/proc/out.tar", "nowhere/out.tar", "in.tar/out", "n" * 300 + ".tar"]


@pytest.mark.parametrize("dest", REFUSED)
@pytest.mark.parametrize("option", ["--output", "--report", "--sums"])
def test_where_no_file_can_be_made(
    option: str, dest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, by the name that the user gave: no folder, and no name of ours."""
    monkeypatch.chdir(tmp_path)
    write_docker_archive([make_image()], tmp_path / "in.tar")
    if option == "--sums":
        done = layout("verify", "in.tar", option, dest)
    else:
        done = layout("repack", "in.tar", "--to", "oci", "-o", "out", option, dest)
    assert done.returncode == 5
    name = dest if option == "--output" else f"{option} {dest}"
    assert done.stderr.startswith(f"layout: {name}: ".encode())
    assert done.stderr.count(b"\n") == 1
    assert b".tmp" not in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["in.tar"]
