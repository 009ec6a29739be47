"""What differs between versions of podman, skopeo and CRI-O, as data."""

from __future__ import annotations

import attrs

from oci_layout.targets.target import Since, Target, at


@attrs.frozen(kw_only=True)
class Traits:
    """What differs between versions.

    Args:
        docker_zstd: whether zstd is known under Docker's media types.
        packed_docker_archive: whether ``docker-archive:`` reads a file packed with gzip.
        stores: whether images are unpacked into a store (podman).
        counts: whether the store compares the numbers of layers and diff_ids, and diff_ids.
        copies_artifacts: whether what is no image is copied too.
        prefers_zstd: whether of several packings of a platform that marked as zstd is taken.
        spec_1_1: whether the fields that image-spec 1.1 has brought are read.
        names_folders: whether an image out of a layout folder is called after the folder.
    """

    docker_zstd: bool = True
    packed_docker_archive: bool = True
    stores: bool = False
    counts: bool = False
    copies_artifacts: bool = False
    prefers_zstd: bool = False
    spec_1_1: bool = True
    names_folders: bool = False


_PODMAN = Traits(stores=True, counts=True, prefers_zstd=True)
TRAITS: dict[str, tuple[Since[Traits], ...]] = {
    "skopeo": (
        Since(
            version=(1,),
            value=Traits(
                docker_zstd=False,
                packed_docker_archive=False,
                copies_artifacts=True,
                spec_1_1=False,
            ),
            source="measured: skopeo 1.9.3",
        ),
        Since(
            version=(1, 13),
            value=Traits(
                docker_zstd=False,
                packed_docker_archive=False,
                copies_artifacts=True,
                prefers_zstd=True,
            ),
            source="containers/image internal/manifest/oci_index.go of 5.26",
        ),
        Since(
            version=(1, 18),
            value=Traits(docker_zstd=False, copies_artifacts=True, prefers_zstd=True),
            source="measured: skopeo 1.18.0",
        ),
        Since(
            version=(1, 22),
            value=Traits(copies_artifacts=True, prefers_zstd=True),
            source="measured: skopeo 1.22.0",
        ),
    ),
    "podman": (
        Since(
            version=(4,),
            value=Traits(
                stores=True,
                docker_zstd=False,
                packed_docker_archive=False,
                names_folders=True,
                spec_1_1=False,
            ),
            source="measured: podman 4.3.1",
        ),
        Since(
            version=(4, 6),
            value=Traits(
                stores=True,
                docker_zstd=False,
                packed_docker_archive=False,
                names_folders=True,
                prefers_zstd=True,
            ),
            source="containers/image internal/manifest/oci_index.go of 5.26",
        ),
        Since(
            version=(5,),
            value=attrs.evolve(_PODMAN, docker_zstd=False),
            source="measured: podman 5.4.2",
        ),
        Since(version=(5, 8), value=_PODMAN, source="measured: podman 5.8.6"),
    ),
    "cri-o": (
        Since(version=(1,), value=Traits(prefers_zstd=True), source="measured: skopeo 1.22.0"),
    ),
}


def traits_of(target: Target) -> Traits:
    """What holds for a target."""
    return at(TRAITS[target.name], target.version).value
