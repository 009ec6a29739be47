"""The same image as real engines saved it: what the verdicts must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout.comparison.verdict import Verdict
from tests.comparison.made import because, the_pair
from tests.shared import CORPUS, ROOT

TINY = CORPUS / "tiny"
TESTDATA = ROOT / "testdata"
needs_corpus = pytest.mark.skipif(
    not TINY.is_dir(), reason="the folder of samples beside the project is absent"
)
KEPT = ["docker20.tar", "docker26.tar", "docker28.tar", "podman-docker-archive.tar"]
LOST = ["Healthcheck (HEALTHCHECK)", "OnBuild (ONBUILD)", "Shell (SHELL)"]


@needs_corpus
@pytest.mark.parametrize(
    "other", [*KEPT[1:], "docker28-c8d.tar", "ctr-host.tar", "podman-docker-dir"]
)
def test_docker_saves_one_image_id(other: str) -> None:
    pair = the_pair(TINY / "docker20.tar", TINY / other)
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert pair.consequences.docker


@needs_corpus
def test_a_signed_schema_1_manifest_comes_to_the_same_image_id() -> None:
    """What Docker pushed as schema 1 is upgraded to the very config it was made from."""
    pair = the_pair(TINY / "docker20.tar", TINY / "skopeo-dir-v2s1-gz")
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert "B holds no config" in because(pair, "config")


def lost(a: Path, b: Path) -> None:
    pair = the_pair(a, b)
    assert pair.verdict is Verdict.SAME_FILES
    told = because(pair, "config")
    for name in LOST:
        assert name in told
    assert "missing in B" in told
    fields = {field.name: field for field in pair.config}
    for name in ("config.Healthcheck", "config.OnBuild", "config.Shell"):
        assert fields[name].only == "a"
    assert not pair.consequences.docker


@needs_corpus
@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("other", ["podman-oci-archive.tar", "skopeo-oci-zstd"])
def test_what_podman_and_skopeo_lose(kept: str, other: str) -> None:
    lost(TINY / kept, TINY / other)


@needs_corpus
def test_what_both_made_is_one_image() -> None:
    pair = the_pair(TINY / "podman-oci-archive.tar", TINY / "skopeo-oci-zstd")
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert "are gzip in A and zstd in B" in because(pair, "manifest")


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("docker20.tar", "docker26.tar", Verdict.SAME_IMAGE_ID),
        ("docker26.tar", "docker28.tar", Verdict.IDENTICAL),
        ("docker28.tar", "docker28-c8d.tar", Verdict.SAME_IMAGE_ID),
        ("docker28-c8d.tar", "ctr.tar", Verdict.IDENTICAL),
        ("docker20.tar", "podman-docker-archive.tar", Verdict.SAME_IMAGE_ID),
        ("skopeo-dir", "ctr.tar", Verdict.SAME_IMAGE_ID),
        ("podman-oci-archive.tar", "skopeo-oci-gzip", Verdict.IDENTICAL),
        ("skopeo-oci-gzip", "skopeo-oci-zstd", Verdict.SAME_IMAGE_ID),
        ("docker20.tar", "skopeo-oci-gzip", Verdict.SAME_FILES),
    ],
)
def test_the_archives_of_this_project(a: str, b: str, verdict: Verdict) -> None:
    assert the_pair(TESTDATA / a, TESTDATA / b).verdict is verdict
    if verdict is Verdict.SAME_FILES:
        lost(TESTDATA / a, TESTDATA / b)


@needs_corpus
def test_platforms_that_are_left_out() -> None:
    multi = CORPUS / "multi"
    pair = the_pair(multi / "buildx-oci.tar", multi / "c8d-one.tar", platforms=("linux/amd64",))
    assert pair.verdict is Verdict.IDENTICAL
    assert pair.consequences.registry is False
