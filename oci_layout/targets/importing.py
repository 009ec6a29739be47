"""How programs ask containerd to import an archive, as data.

containerd client/import.go and core/transfer/local/import.go; each program chooses its options.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from oci_layout.mediatype import Compression
from oci_layout.platform import Platform
from oci_layout.targets import hosts
from oci_layout.targets.hosts import Host
from oci_layout.targets.target import Since, Target, at

# ctr names what has no whole name after the day of the import.
DAY = "import-YYYY-MM-DD"

_RAW = frozenset({Compression.NONE})
_PACKED = _RAW | {Compression.GZIP, Compression.ZSTD}
_DOCKERS = _PACKED | {Compression.BZIP2, Compression.XZ}


@attrs.frozen(kw_only=True)
class Importing:
    """The options of an import.

    Args:
        outer: what it unpacks of the archive as a whole.
        by_suffix: whether the file's name alone says how the archive as a whole is packed.
        matching: what it takes for the host's platform.
        all_platforms: whether all platforms are asked for, or the host's alone.
        filtered_stay: whether an entry of another platform keeps its name, and is unpacked.
        skip_missing: whether entries of an index may lead to nothing.
        prefix: put before a bare tag; empty to leave it as it is.
        by_digest: name by digest for what has no name: what stands before the ``@``; empty where
            it is left out.
        always_by_digest: whether named images get such a name too.
        unpacks: ``load``: the best for the host; ``passing``: whatever is imported;
            ``present``: whatever is there; ``host``: all that runs there; ``later``: the best, when
            a container starts.
        counts_all: whether all of a manifest's layers count, or those alone whose media types are
            those of layers.
        reads_config: whether it reads the whole config, and not its rootfs alone.
        docker_zstd: whether it knows zstd under Docker's media types.
        spec_1_1: whether it reads the fields that image-spec 1.1 has brought.
        familiar: whether names are shown as Docker shows them.
    """

    outer: frozenset[Compression] = _RAW
    by_suffix: bool = False
    matching: Callable[[Platform], Host] = hosts.only
    all_platforms: bool = False
    filtered_stay: bool = True
    skip_missing: bool = False
    prefix: str = ""
    by_digest: str = ""
    always_by_digest: bool = False
    unpacks: str = "load"
    counts_all: bool = False
    reads_config: bool = True
    docker_zstd: bool = False
    spec_1_1: bool = True
    familiar: bool = False


_CTR = Importing(prefix=DAY)
_CTR_16 = attrs.evolve(_CTR, counts_all=True, spec_1_1=False)
_KIND = attrs.evolve(_CTR, all_platforms=True, by_digest=DAY, always_by_digest=True)
_K3S = Importing(by_suffix=True, outer=_DOCKERS, all_platforms=True, unpacks="later")
# From version 2 on ctr hands the file to containerd, which unpacks the archive too.
_TRANSFER = attrs.evolve(
    _CTR,
    outer=_PACKED,
    matching=hosts.strict,
    filtered_stay=False,
    unpacks="passing",
    reads_config=False,
    docker_zstd=True,
)
_NERDCTL = Importing(outer=_PACKED, matching=hosts.strict, by_digest="overlayfs")
_MOBY = Importing(
    outer=_DOCKERS,
    all_platforms=True,
    skip_missing=True,
    by_digest="moby-dangling",
    unpacks="host",
    familiar=True,
)

IMPORTS: dict[str, tuple[Since[Importing], ...]] = {
    "containerd": (
        Since(
            version=(1, 5),
            value=_CTR_16,
            source="measured: containerd 1.6.20; cmd/ctr/commands/images/import.go",
        ),
        Since(version=(1, 7), value=_CTR, source="measured: containerd 1.7.24"),
        Since(
            version=(2,),
            value=_TRANSFER,
            source="measured: containerd 2.1.9; core/transfer/local/import.go",
        ),
    ),
    "kind": (
        Since(
            version=(0, 11),
            value=attrs.evolve(_KIND, counts_all=True, spec_1_1=False),
            source="measured: ctr 1.6.20 with the flags of kind pkg/cluster/nodeutils/util.go",
        ),
        Since(
            version=(0, 20),
            value=_KIND,
            source="measured: ctr 1.7.24 with the same flags; nodes of kind 0.20 have it",
        ),
        Since(
            version=(0, 27),
            value=attrs.evolve(_TRANSFER, all_platforms=True, by_digest=DAY),
            source="measured: ctr 2.1.9 with the same flags; nodes of kind 0.27 have containerd 2",
        ),
    ),
    "k3s": (
        Since(version=(1, 19), value=_K3S, source="k3s pkg/agent/containerd/containerd.go"),
        *(
            Since(version=version, value=value, source=f"k3s pull request {backport}")
            for minor, patch, backport in ((27, 15, 10259), (28, 11, 10258), (29, 6, 10249))
            for version, value in (
                ((1, minor), _K3S),
                ((1, minor, patch), attrs.evolve(_K3S, skip_missing=True)),
            )
        ),
        Since(version=(1, 30), value=_K3S, source="k3s issue 10132: 1.30.1 stops"),
        Since(
            version=(1, 30, 2),
            value=attrs.evolve(_K3S, skip_missing=True),
            source="k3s pull request 10136",
        ),
        Since(
            version=(1, 31, 6),
            value=attrs.evolve(_K3S, skip_missing=True, docker_zstd=True),
            source="k3s release notes: containerd 2 from v1.31.6+k3s1 on",
        ),
    ),
    "nerdctl": (
        Since(
            version=(1,),
            value=_NERDCTL,
            source="nerdctl pkg/imgutil/load/load.go; containerd 1.7 on the node",
        ),
        Since(
            version=(2,),
            value=attrs.evolve(_NERDCTL, docker_zstd=True),
            source="nerdctl pkg/imgutil/load/load.go; containerd 2 on the node",
        ),
    ),
    "docker": (
        Since(
            version=(24,),
            value=attrs.evolve(_MOBY, skip_missing=False, unpacks="present", spec_1_1=False),
            source="moby daemon/containerd/image_exporter.go of 24.0",
        ),
        Since(
            version=(25,),
            value=attrs.evolve(_MOBY, unpacks="present"),
            source="moby daemon/containerd/image_exporter.go of 25.0, 26.1, 27.1",
        ),
        Since(
            version=(27, 2),
            value=_MOBY,
            source="moby daemon/containerd/image_exporter.go of 27.2; containerd 1.7 beside it",
        ),
        Since(
            version=(28,),
            value=attrs.evolve(_MOBY, docker_zstd=True),
            source="measured: Docker 28.5.2 with containerd 2.1.9",
        ),
    ),
}
IMPORTS["rke2"] = IMPORTS["k3s"]
# Those who call an engine, or its client library; their sources were read, none of them was run.
IMPORTS["microk8s"] = (
    Since(
        version=(1, 21),
        value=_CTR_16,
        source="microk8s-cluster-agent pkg/snap/snap.go (source read): ctr image import",
    ),
    Since(
        version=(1, 30),
        value=_CTR,
        source="microk8s build-scripts/components/containerd (source read): containerd 1.7",
    ),
    Since(
        version=(1, 35),
        value=_TRANSFER,
        source="microk8s build-scripts/components/containerd (source read): containerd 2",
    ),
)
IMPORTS["k3d"] = (
    Since(
        version=(4,),
        value=_CTR,
        source="k3d pkg/client/tools.go (source read): ctr image import",
    ),
    Since(
        version=(5, 8),
        value=attrs.evolve(_TRANSFER, all_platforms=True),
        source="k3d pkg/client/tools.go (source read): ctr image import --all-platforms, by the "
        "containerd 2 of its node",
    ),
)
_K0S = Importing(unpacks="later")
IMPORTS["k0s"] = (
    Since(
        version=(1, 21),
        value=_K0S,
        source="k0s pkg/component/worker/ocibundle.go (source read)",
    ),
    Since(
        version=(1, 31),
        value=attrs.evolve(_K0S, skip_missing=True),
        source="k0s pkg/component/worker/ocibundle.go of 1.31 (source read)",
    ),
)
IMPORTS["talos"] = (
    Since(
        version=(1, 13),
        value=Importing(docker_zstd=True),
        source="talos internal/app/images/images.go (source read)",
    ),
)


def importing(target: Target) -> Importing:
    """How a target imports."""
    return at(IMPORTS[target.name], target.version).value
