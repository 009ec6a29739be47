"""Which platforms engines take on their hosts; interop holds the shapes against the engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout.platform import Platform
from oci_layout.targets.hosts import only, spelled, strict
from tests.builders.platforms import PLATFORMS
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

CTR_1 = ("containerd@1.6", "containerd@1.7")
EVERY = (*CTR_1, "containerd@2.1", "podman@4.3", "podman@5.8", "skopeo@1.9", "skopeo@1.22")
# By shape: who does not load it, and by which rule.
REFUSED = {
    "the 32-bit side absent": (CTR_1, "sparse-index"),
    "the 32-bit side there": ((), ""),
    "the 32-bit side alone": (
        ("podman@4.3", "podman@5.8", "skopeo@1.9", "skopeo@1.22"),
        "no-platform",
    ),
    "spelled as the kernel does": (
        ("podman@4.3", "podman@5.8", "skopeo@1.9", "skopeo@1.22"),
        "no-platform",
    ),
    "a variant above the host": (
        (*CTR_1, "podman@4.3", "podman@5.8", "skopeo@1.9", "skopeo@1.22"),
        "no-platform",
    ),
    "two packings": ((), ""),
    "two packings, the first absent": (
        (*CTR_1, "containerd@2.1", "podman@4.3", "skopeo@1.9"),
        "",
    ),
    "two packings, the second absent": (
        (*CTR_1, "containerd@2.1", "podman@5.8", "skopeo@1.22"),
        "",
    ),
}


@pytest.mark.parametrize("target", EVERY)
@pytest.mark.parametrize("name", REFUSED)
def test_loads(name: str, target: str, tmp_path: Path) -> None:
    path = PLATFORMS[name](Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    refused, code = REFUSED[name]
    found = answer(path, target)
    assert found.loads is (target not in refused)
    if code and not found.loads:
        assert code in codes(found)["reasons"]


@pytest.mark.parametrize("target", ["containerd@1.7", "kind@0.20", "kind@0.30"])
def test_a_line_is_offered_where_something_is_absent(target: str, tmp_path: Path) -> None:
    path = PLATFORMS["the 32-bit side absent"](Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    found = answer(path, target)
    assert not found.loads
    assert found.repair


@pytest.mark.parametrize("target", ["docker@20.10", "docker@29", "skopeo+docker-archive"])
@pytest.mark.parametrize("name", ["two packings", "an entry without platform"])
def test_docker_is_told_what_to_take(name: str, target: str, tmp_path: Path) -> None:
    path = PLATFORMS[name](Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    found = answer(path, target)
    assert not found.loads
    assert ("--platform" in found.repair) is (name == "an entry without platform")
    assert found.repair


def test_what_is_for_nobody_here_is_listed_and_does_not_run(tmp_path: Path) -> None:
    """containerd 2 and Docker's store of it list an index of which nothing fits."""
    path = PLATFORMS["a variant above the host"](
        Maker(tmp_path).image("demo:1"), tmp_path / "x.tar"
    )
    for target in ("containerd@2.1", "docker@29+containerd"):
        found = answer(path, target)
        assert found.loads
        assert "no-platform" in codes(found)["losses"]


@pytest.mark.parametrize(
    ("target", "loads"), [("docker@20.10", False), ("docker@23", True), ("docker@29", True)]
)
def test_the_case_of_an_operating_system(target: str, loads: bool, tmp_path: Path) -> None:
    from tests.targets.reported import REPORTED  # noqa: PLC0415

    path = REPORTED["platforms: a config in upper case"](Maker(tmp_path))
    assert answer(path, target).loads is loads


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("linux/amd64", ["linux/amd64", "linux/386"]),
        ("linux/amd64/v2", ["linux/amd64/v2", "linux/amd64", "linux/386"]),
        ("linux/arm64", ["linux/arm64", *(f"linux/arm/v{n}" for n in (8, 7, 6, 5))]),
        ("linux/arm/v6", ["linux/arm/v6", "linux/arm/v5"]),
        ("linux/s390x", ["linux/s390x"]),
    ],
)
def test_only(host: str, wanted: list[str]) -> None:
    """containerd/platforms compare_test.go has the same."""
    assert list(map(str, only(Platform.parse(host)).choices)) == wanted


def test_strict() -> None:
    host = strict(Platform.parse("linux/arm/v7"))
    assert host.takes(Platform.parse("linux/armhf"))
    assert not host.takes(Platform.parse("linux/arm/v6"))


@pytest.mark.parametrize(
    ("host", "stated", "rank"),
    [
        ("linux/amd64", "linux/amd64", 0),
        ("linux/amd64", "linux/x86_64", None),
        ("linux/amd64", "linux/386", None),
        ("linux/amd64", "linux/amd64/v2", None),
        ("linux/arm64", "linux/arm64/v8", 0),
        ("linux/arm64", "linux/arm64", 1),
        ("linux/arm64", "linux/aarch64", None),
        ("linux/arm", "linux/arm/v7", 0),
        ("linux/arm/v7", "linux/arm/v5", 2),
        ("linux/arm/v6", "linux/arm/v7", None),
        ("linux/arm/v6", "linux/arm", 2),
    ],
)
def test_spelled(host: str, stated: str, rank: int | None) -> None:
    """containers/image internal/pkg/platform/platform_matcher_test.go."""
    assert spelled(Platform.parse(host)).rank(Platform.parse(stated)) == rank
