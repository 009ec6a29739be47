"""Layers that are unpacked into an archive: their size is foreseen, and believed only then."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from oci_layout import repack
from oci_layout.blobs.pool import Pool
from oci_layout.blobs.task import Task
from oci_layout.sink.staging import Staging
from tests import independent
from tests.builders import Layer, layer_tar, write_oci_layout
from tests.builders.trees import image_of

TEXT = b"".join(b"line %d\n" % number for number in range(200_000))
RAW = layer_tar({"text": TEXT})


def members(cut: int) -> Layer:
    """The layer as two gzip members, the first of so many unpacked bytes."""
    layer = Layer(RAW, "gzip")
    parts = RAW[:cut], RAW[cut:]
    # What is cached is what counts.
    layer.__dict__["stored"] = b"".join(gzip.compress(part, mtime=0) for part in parts)
    return layer


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of blobs that were staged."""
    names: list[str] = []
    work = Staging.work

    def watched(self: Staging, task: Task, pool: Pool) -> object:
        names.append(task.member.name)
        return work(self, task, pool)

    monkeypatch.setattr(Staging, "work", watched)
    return names


def unpacked(layer: Layer, tmp_path: Path, jobs: int) -> None:
    """Repack to raw layers and hold the archive against one made of raw layers."""
    small = Layer(layer_tar({"small": b"x"}), "gzip")
    source = write_oci_layout([image_of(small, layer)], tmp_path / "in")
    report = repack(
        str(source), str(tmp_path / "out.tar"), to="docker", compression="none", jobs=jobs
    )
    plain = write_oci_layout([image_of(Layer(small.raw), Layer(RAW))], tmp_path / "plain")
    repack(str(plain), str(tmp_path / "plain.tar"), to="docker")
    assert (tmp_path / "out.tar").read_bytes() == (tmp_path / "plain.tar").read_bytes()
    assert [each.size_after for each in report.images[0].layers] == [len(small.raw), len(RAW)]
    independent.check(tmp_path / "out.tar")
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "in",
        "out.tar",
        "plain",
        "plain.tar",
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_single_member_tells_its_size(jobs: int, staged: list[str], tmp_path: Path) -> None:
    unpacked(Layer(RAW, "gzip"), tmp_path, jobs)
    assert staged == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_last_member_that_is_small_is_not_believed(
    jobs: int, staged: list[str], tmp_path: Path
) -> None:
    unpacked(members(len(RAW) - 1000), tmp_path, jobs)
    assert len(staged) == 1


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("cut", [1000, len(RAW) // 2])
def test_a_last_member_that_misleads_is_found_out(
    cut: int, jobs: int, staged: list[str], tmp_path: Path
) -> None:
    """The layer is larger than foreseen: its bytes must not run into the next blob's."""
    unpacked(members(cut), tmp_path, jobs)
    assert len(staged) == 1, "begun anew, with that one staged"


def test_a_size_that_is_too_large_is_damage(tmp_path: Path) -> None:
    """The size at the end of a gzip member is checked by whoever unpacks it."""
    layer = Layer(RAW, "gzip")
    stored = layer.stored[:-4] + (len(RAW) + 512).to_bytes(4, "little")
    layer.__dict__["stored"] = stored
    source = write_oci_layout([image_of(layer)], tmp_path / "in")
    with pytest.raises(Exception, match="does not decompress"):
        repack(str(source), str(tmp_path / "out.tar"), to="docker", compression="none")
    assert not (tmp_path / "out.tar").exists()


def test_a_pipe_cannot_begin_anew_and_stages(staged: list[str], tmp_path: Path) -> None:
    """What is compressed as a whole is written from its first byte to its last."""
    noise = random.Random(1).randbytes(100_000)  # noqa: S311  a mixture, not a secret
    image = image_of(Layer(layer_tar({"noise": noise}), "gzip"))
    source = write_oci_layout([image], tmp_path / "in")
    repack(str(source), str(tmp_path / "out.tar.gz"), to="docker", compression="none")
    assert len(staged) == 1
