"""The pool: what is written never depends on it, and it stops together."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import pytest

from oci_layout import repack, verify
from oci_layout.blobs import pool as rooms
from oci_layout.blobs.pool import Cancelled, Pool
from oci_layout.blobs.task import Expected, Fact, Task
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.member import BytesMember
from oci_layout.where import Where
from tests import independent
from tests.builders import Image, Layer, layer_tar, write_docker_archive, write_oci_layout
from tests.builders.trees import image_of

MIB = 1 << 20


def task(key: str, size: int, encoding: Encoding | None = None) -> Task:
    member = attrs.evolve(BytesMember.of(key, b""), size=size)
    return Task(
        key=key,
        member=member,
        stored=Compression.NONE,
        encoding=encoding,
        opaque=False,
        learn=False,
        algorithm="sha256",
        expected=(Expected(where=Where()),),
    )


def fact(each: Task) -> Fact:
    digest = Digest.of(each.key.encode())
    return Fact(
        digest=digest, size=0, diff_id=None, stored_digest=digest, stored_size=each.member.size
    )


def wide(workers: int, sizes: Sequence[int], encoding: Encoding | None = None) -> dict[str, int]:
    """Which tasks may use pipeline, and how many."""
    found: dict[str, int] = {}
    with Pool(workers) as pool:

        def do(each: Task) -> Fact:
            pipeline = pool.pipeline(each)
            if pipeline is not None:
                found[each.key] = pipeline.count
            return fact(each)

        tasks = [task(str(number), size, encoding) for number, size in enumerate(sizes)]
        facts = pool.do_all(tasks, do)
    assert list(facts) == [each.key for each in tasks]
    return found


def test_only_a_job_beyond_its_fair_share_is_split() -> None:
    assert wide(2, [100 * MIB]) == {"0": 2}
    assert wide(2, [40 * MIB, 30 * MIB, 30 * MIB]) == {}
    assert wide(2, [20 * MIB, 70 * MIB, 10 * MIB]) == {"1": 2}
    assert wide(4, [40 * MIB, 30 * MIB, 30 * MIB]) == {"0": 1, "1": 1, "2": 1}, "shared, too"
    assert len(wide(64, [20 * MIB] * 24)) == 4, "what is on its way between stages takes memory"
    assert wide(1, [100 * MIB]) == {}, "one core has nothing to share"
    assert wide(2, [MIB]) == {}, "a small blob is done before a thread is started"


def test_memory_bounds_what_is_done_at_a_time() -> None:
    at_work, most = 0, 0
    lock, gate = threading.Lock(), threading.Semaphore(0)

    def do(each: Task) -> Fact:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        gate.acquire(timeout=0.05)
        with lock:
            at_work -= 1
        return fact(each)

    with Pool(64) as pool:
        pool.do_all([task(str(n), MIB, Encoding(Compression.ZSTD)) for n in range(64)], do)
    assert most == 4
    assert max(wide(64, [100 * MIB], Encoding(Compression.ZSTD)).values()) == 4


def test_the_largest_first() -> None:
    order: list[str] = []

    def do(each: Task) -> Fact:
        order.append(each.key)
        return fact(each)

    with Pool(1) as pool:
        facts = pool.do_all([task("a", 1), task("b", 3), task("c", 2)], do)
    assert order == ["b", "c", "a"]
    assert list(facts) == ["a", "b", "c"]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_one_failure_stops_the_rest(workers: int) -> None:
    begun: list[str] = []

    def do(each: Task) -> Fact:
        begun.append(each.key)
        if each.key == "0":
            raise DamagedError(what="broken", code="digest-mismatch")
        for _ in range(10_000):
            pool.meter.count(1)
            threading.Event().wait(0.001)
        return fact(each)

    with Pool(workers) as pool, pytest.raises(DamagedError, match="broken"):
        pool.do_all([task(str(n), 100 - n) for n in range(20)], do)
    assert len(begun) <= workers + 1
    with pytest.raises(Cancelled):
        pool.meter.count(1)
    pool.meter.resume()
    pool.meter.count(1)


def large() -> Image:
    """One layer that is much larger than the other: split into stages, blocks and pipeline."""
    chosen = random.Random(7)  # noqa: S311  a mixture, not a secret
    words = [chosen.randbytes(9) for _ in range(4000)]
    text = b" ".join(chosen.choices(words, k=1_200_000))
    big, small = layer_tar({"a": text, "b": chosen.randbytes(MIB)}), layer_tar({"c": b"small"})
    assert len(big) > 12 * MIB
    return image_of(Layer(big), Layer(small))


@pytest.fixture(scope="module")
def packed() -> Mapping[str, Image]:
    """The image by how its layers are packed."""
    image = large()
    return {
        each: image_of(*(Layer(layer.raw, each) for layer in image.layers))
        for each in ("none", "gzip", "zstd")
    }


def tree(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {
        str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()
    }


@pytest.mark.parametrize("compression", ["keep", "none", "gzip", "gzip:6", "zstd"])
@pytest.mark.parametrize("stored", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_jobs_do_not_change_what_is_written(
    packed: Mapping[str, Image], stored: str, compression: str, dest: str, tmp_path: Path
) -> None:
    source = write_oci_layout([packed[stored]], tmp_path / "in")
    results = []
    for tasks in (1, 2, 3):
        path = tmp_path / str(tasks) / dest
        path.parent.mkdir()
        repack(str(source), str(path), to="oci", compression=compression, jobs=tasks)
        results.append(tree(path))
    assert results[0] == results[1] == results[2]
    checked = independent.check(tmp_path / "1" / dest)
    assert checked.names


@pytest.mark.parametrize("stored", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("at", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("tasks", [1, 2])
def test_damage_in_a_large_layer_is_found_with_any_jobs(
    packed: Mapping[str, Image], stored: str, at: float, tasks: int, tmp_path: Path
) -> None:
    image = packed[stored]
    source = write_oci_layout([image], tmp_path / "in")
    blob = source / "blobs" / image.layers[0].digest.replace(":", "/")
    raw = bytearray(blob.read_bytes())
    raw[int(len(raw) * at)] ^= 1
    blob.write_bytes(raw)
    codes = {finding.code for finding in verify(str(source), jobs=tasks).findings}
    assert "digest-mismatch" in codes
    for compression in ("keep", "gzip", "none"):
        with pytest.raises(DamagedError):
            repack(
                str(source),
                str(tmp_path / "out"),
                to="oci",
                compression=compression,
                jobs=tasks,
            )
        assert os.listdir(tmp_path) == ["in"]


def test_threads_are_gone_afterwards(packed: Mapping[str, Image], tmp_path: Path) -> None:
    source = write_docker_archive([packed["none"]], tmp_path / "in.tar")
    repack(str(source), str(tmp_path / "out"), to="oci", compression="gzip", jobs=3)
    assert not [thread for thread in threading.enumerate() if "layout" in thread.name]


def test_costs_are_those_of_what_packs() -> None:
    assert rooms._cost(task("a", 1)) < rooms._cost(task("a", 1, Encoding(Compression.ZSTD)))
