"""Who wrote a source: right, or unknown, and never wrong, on files whose writer is known."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections import Counter
from contextlib import nullcontext
from fnmatch import fnmatch
from pathlib import Path

import pytest

from oci_layout import open_source
from oci_layout.finding import Findings
from oci_layout.inspection.writer import writer
from tests.builders import (
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.repacked import packed
from tests.shared import CORPUS, ROOT, needs_shared, sample_path, samples


def claim(source: Path) -> str:
    """The program that is named, with the evidence; empty for none."""
    with open_source(str(source), findings=Findings()) as opened:
        found = writer(opened)
    return "" if found is None else f"{found.name} ({found.evidence})"


# What must be among the programs named; None where no evidence is known that would tell.
OURS = {
    "ctr.tar": "ctr images export",
    "docker20.tar": "docker save 1.10 to 24",
    "docker26.tar": "docker save 25 or later, classic",
    "docker28.tar": "docker save 25 or later, classic",
    "docker28-c8d.tar": "docker save with the containerd image store",
    "podman-docker-archive.tar": "podman",
    "podman-oci-archive.tar": "podman",
    "skopeo-dir": "skopeo",
    "skopeo-oci-gzip": "skopeo",
    "skopeo-oci-zstd": None,
}
REAL = {
    "tiny/docker20.tar": "docker save 1.10 to 24",
    "tiny/docker26.tar": "docker save 25 or later, classic",
    "tiny/docker28.tar": "docker save 25 or later, classic",
    "tiny/docker28-c8d.tar": "docker save with the containerd image store",
    "tiny/ctr-host.tar": "ctr images export",
    "tiny/podman-docker-archive.tar": "podman",
    "tiny/podman-oci-archive.tar": "podman",
    "tiny/podman-docker-dir": "podman",
    "tiny/skopeo-dir-v2s1-gz": "skopeo",
    "tiny/skopeo-oci-zstd": None,
    "multi/buildx-oci.tar": "BuildKit",
    "multi/c8d-all.tar": "docker save with the containerd image store",
    "multi/c8d-one.tar": "docker save with the containerd image store",
    "multi/ctr-amd64.tar": "ctr images export",
}
# Samples whose writer their repository tells: by its own purpose, or by the name of the folder.
KNOWN = [
    ("GoogleContainerTools+jib/*/busybox-docker.tar", "docker save 1.10 to 24"),
    ("GoogleContainerTools+jib/*/docker-save.tar", "docker save 1.10 to 24"),
    ("GoogleContainerTools+jib/*", "Jib"),
    ("GoogleContainerTools+kaniko/*", "kaniko"),
    ("snyk+snyk-docker-plugin/*/kaniko-archives/*", "kaniko"),
    ("snyk+snyk-docker-plugin/*/skopeo-copy/*", "skopeo"),
    ("snyk+snyk-docker-plugin/*/docker-save/oci-labels.tar", "docker save with the containerd"),
    ("snyk+snyk-docker-plugin/*/docker-save/*", "docker save 1.10 to 24"),
    ("anchore+syft/*/internal/testutil/*", "docker save 25 or later"),
    ("anchore+*/stereoscope-fixture-image-simple.golden", "docker save 1.10 to 24"),
    ("anchore+*/anchore-fixture-image-simple.golden", "docker save 1.10 to 24"),
    ("google+osv-scalibr/*", "docker save 1.10 to 24"),
    ("google+go-containerregistry/*/hello-world-v25.tar", "docker save 25 or later"),
    ("google+go-containerregistry/*/tarball/testdata/test_image*.tar", "Bazel"),
    ("google+go-containerregistry/*/mutate/testdata/source_image*.tar", "Bazel"),
    ("google+go-containerregistry/*/mutate/testdata/whiteout_dir.tar", "crane"),
    ("google+go-containerregistry/*/foreign.tar", "go-containerregistry"),
    ("google+go-containerregistry/*/mutate_test_new_hc.tar", "go-containerregistry"),
    ("bazelbuild+rules_docker/*/small_linux.tar", "Bazel"),
    ("bazelbuild+rules_docker/*/go_pusher_test.tar", "go-containerregistry"),
    ("bazelbuild+rules_docker/*/oci/testdata/test_index*", "go-containerregistry"),
    ("buildpacks+imgutil/*/busybox-multi-platform", None),
    ("buildpacks+imgutil/*", "go-containerregistry"),
    ("buildpacks+lifecycle/*", "kaniko"),
    ("buildpacks+pack/*-oci.cnb", "?"),  # made by another tool, which the repository does not say
    ("buildpacks+pack/*.cnb", "pack"),
    ("buildpacks+pack/*/pkg/client/*", "go-containerregistry"),
    ("chainguard-dev+apko/*", "apko"),
    ("containers+container-libs/*/buildkit-*.tar", "BuildKit"),
    ("containers+*/libimage/testdata/oci-*", "podman"),
    ("docker-library+busybox/*", "Docker's official images"),
    ("moby+moby/*", "docker save before 1.10"),
    ("nexB+container-inspector/*/v10_format/*", "docker save before 1.10"),
    ("regclient+regclient/*", None),
    ("oras-project+oras/*", None),
    ("notaryproject+*", None),
    ("bazel-contrib+rules_oci/*", None),
]


@pytest.mark.parametrize("name", OURS)
def test_our_own_files(name: str) -> None:
    assert (OURS[name] or "") in claim(ROOT / "testdata" / name)


@needs_shared
@pytest.mark.parametrize("name", REAL)
def test_real_engines(name: str) -> None:
    said, wanted = claim(CORPUS / name), REAL[name]
    assert said == "" if wanted is None else wanted in said


@needs_shared
def test_samples_of_others(tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    for row in samples():
        if row["gen"] == "GX":
            continue
        wanted = next((word for glob, word in KNOWN if fnmatch(row["rel"], glob)), "?")
        if wanted == "?":
            continue
        shutil.rmtree(tmp_path / "restored", ignore_errors=True)
        said = claim(sample_path(row, tmp_path))
        told["unknown" if not said else "right" if wanted and wanted in said else "wrong"] += 1
        assert not said or (wanted is not None and wanted in said), (row["rel"], said)
    assert told["wrong"] == 0
    assert told["right"] >= 95
    assert told["unknown"] <= 27


@pytest.mark.parametrize("target", ["oci", "docker"])
def test_what_repack_writes(target: str, tmp_path: Path) -> None:
    packed(write_oci_layout([make_image()], tmp_path / "in"), tmp_path / "out.tar", target)
    assert claim(tmp_path / "out.tar").startswith("layout repack (")


def test_an_archive_that_another_program_packed_anew(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    subprocess.run(["tar", "-C", folder, "-xf", ROOT / "testdata" / "docker20.tar"], check=True)
    again = tmp_path / "again.tar"
    subprocess.run(
        ["tar", "-C", folder, "-cf", again, *sorted(map(str, _names(folder)))], check=True
    )
    assert claim(again).startswith("docker save 1.10 to 24 (")
    assert "another program has packed it anew" in claim(again)
    assert "packed" not in claim(ROOT / "testdata" / "docker20.tar")
    assert claim(folder).startswith("docker save 1.10 to 24 (")


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_nothing_is_claimed_of_what_anybody_can_write(tmp_path: Path) -> None:
    image = make_image()
    assert claim(write_oci_layout([image], tmp_path / "layout")) == ""
    assert claim(write_docker_archive([image], tmp_path / "v1dirs.tar")) == ""
    stamped = tmp_path / "stamped.tar"
    with tarfile.open(stamped, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted((tmp_path / "layout").rglob("*")):
            member = tar.gettarinfo(path, path.relative_to(tmp_path / "layout").as_posix())
            member.mtime = 1_700_000_000
            with path.open("rb") if path.is_file() else nullcontext() as file:
                tar.addfile(member, file)
    assert claim(stamped) == ""
    assert "layout repack" not in claim(write_oci_archive([image], tmp_path / "oci.tar"))
    hybrid = write_hybrid_archive([image], tmp_path / "hybrid.tar", order=sorted)
    assert "containerd" not in claim(hybrid)
