"""The reader of bbolt databases beside the real library: made at random, and while it writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oci_layout.errors import ReadError
from oci_layout.streams.bbolt import Bucket, snapshot
from oci_layout.where import Where
from tests.interop.conftest import ASKED

LIBRARIES = Path("/usr/share/gocode")
DATABASES = int(os.environ.get("OCI_LAYOUT_DATABASES", "200"))
BATCH = 50
SEED = 20_260


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program around the library, built."""
    if ASKED == "off":
        pytest.skip("nothing is built without scripts/test --with-engines")
    if not (shutil.which("go") and (LIBRARIES / "src/go.etcd.io/bbolt").is_dir()):
        pytest.skip("needs Debian's golang-go and golang-github-coreos-bbolt-dev")
    program = tmp_path_factory.mktemp("go") / "bbolt"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(LIBRARIES), "GOFLAGS": ""}
    environment["GOCACHE"] = str(program.parent / "cache")
    folder = Path(__file__).parent / "bbolt"
    subprocess.run(["go", "build", "-o", program, "."], cwd=folder, env=environment, check=True)
    return program


def read_at(path: Path) -> Bucket:
    """The outermost bucket of a file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return snapshot(lambda size, offset: os.pread(fd, size, offset), Where(member=path.name))
    finally:
        os.close(fd)


def everything(bucket: Bucket) -> dict[str, Any]:
    """All that is in a bucket, as the library's program says it."""
    return {
        key.hex(): everything(value) if isinstance(value, Bucket) else value.hex()
        for key, value in bucket.items()
    }


def _count(value: dict[str, Any]) -> int:
    return sum(1 + (_count(each) if isinstance(each, dict) else 0) for each in value.values())


def test_random_databases(
    library: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """All keys and values of all buckets, of every page size."""
    same = keys = 0
    for seed in range(0, DATABASES, BATCH):
        folder = tmp_path / str(seed)
        folder.mkdir()
        subprocess.run(
            [library, "make", folder, str(SEED + seed), str(min(BATCH, DATABASES - seed))],
            check=True,
        )
        for path in folder.glob("*.db"):
            wanted = json.loads(path.with_suffix(".json").read_bytes())
            assert everything(read_at(path)) == wanted, (seed, path.name)
            same, keys = same + 1, keys + _count(wanted)
        shutil.rmtree(folder)
    record_property("reads of bbolt", f"{same} of {DATABASES} the same, {keys} keys")
    assert same == DATABASES


def _numbers(bucket: Bucket) -> Iterator[int]:
    for _, inner in bucket.buckets():
        yield from (int(value.rstrip(b"\0")) for value in inner.values().values())


def test_while_it_writes(
    library: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each read is one transaction, whole, or one clear error; never an older one than before."""
    path = tmp_path / "written.db"
    with subprocess.Popen([library, "write", path, "6000"]) as writer:
        last = reads = late = 0
        seen = set()
        while writer.poll() is None:
            if not path.exists() or path.stat().st_size < 1 << 16:
                continue
            try:
                numbers = list(_numbers(read_at(path)))
            except ReadError:  # of whoever writes faster than anybody reads
                late += 1
                continue
            reads += 1
            assert len(set(numbers)) <= 1
            assert len(numbers) in (0, 500)
            if numbers:
                assert numbers[0] >= last
                last = numbers[0]
                seen.add(last)
        assert writer.returncode == 0
    record_property(
        "reads of a bbolt that writes", f"{reads} whole, of {len(seen)} transactions; {late} late"
    )
    assert reads
    assert list(_numbers(read_at(path))) == [5999] * 500
