"""What `diff` says of two archives, and what engines make of them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from oci_layout import diff, repack
from oci_layout.comparison.report import ImagePair
from tests.interop.engines import Engines
from tests.shared import ROOT

TESTDATA = ROOT / "testdata"
DOCKER = [
    "docker20.tar",
    "docker26.tar",
    "docker28-c8d.tar",
    "ctr.tar",
    "podman-docker-archive.tar",
]
LAYOUTS = ["docker26.tar", "docker28.tar", "docker28-c8d.tar", "ctr.tar", "podman-oci-archive.tar"]


def pair(a: Path, b: Path) -> ImagePair:
    (found,) = diff(str(a), str(b)).pairs
    return found


def docker_ids(engines: Engines, path: Path) -> list[str]:
    """The image IDs that Docker's classic store shows of an archive."""
    engines.docker.clear()
    engines.docker.load(path)
    return engines.docker.ids()


def test_docker_shows_the_image_ids_that_diff_shows(engines: Engines) -> None:
    """One ID for all of them, that of the config."""
    loaded = {name: docker_ids(engines, TESTDATA / name) for name in DOCKER}
    for a, b in combinations(DOCKER, 2):
        found = pair(TESTDATA / a, TESTDATA / b)
        assert found.consequences.docker is (loaded[a] == loaded[b])
        assert loaded[a] == [str(found.a.config_digest)]
        assert loaded[b] == [str(found.b.config_digest)]


def test_docker_lacks_the_fields_that_diff_calls_missing(engines: Engines, tmp_path: Path) -> None:
    lossy = engines.host.new_dir("diff") / "lossy.tar"
    repack(str(TESTDATA / "skopeo-oci-gzip"), str(lossy), to="docker")
    found = pair(TESTDATA / "docker20.tar", lossy)
    assert not found.verdict.same
    ids = {path: docker_ids(engines, path) for path in (TESTDATA / "docker20.tar", lossy)}
    assert list(ids.values()) == [[str(found.a.config_digest)], [str(found.b.config_digest)]]
    (shown,) = engines.docker.inspect(*ids[lossy])
    missing = {field.path[1] for field in found.config if field.path[0] == "config"}
    assert {"Healthcheck", "OnBuild", "Shell"} <= missing
    assert not any(shown["Config"].get(str(name)) for name in missing)


@pytest.mark.parametrize(("a", "b"), list(combinations(LAYOUTS, 2)))
def test_containerd_shows_the_digests_that_diff_shows(a: str, b: str, engines: Engines) -> None:
    found = pair(TESTDATA / a, TESTDATA / b)
    shown = []
    for name in (a, b):
        engines.containerd.clear()
        shown.append(set(engines.containerd.import_(TESTDATA / name).values()))
    assert shown == [{str(found.a.top)}, {str(found.b.top)}]
    assert found.consequences.containerd is (shown[0] == shown[1])
