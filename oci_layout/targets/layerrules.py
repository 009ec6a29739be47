"""The rules about layers: their number, how they are packed, and what is in them."""

from __future__ import annotations

from oci_layout.targets.rule import ALL, CTR, DOCKER, IMAGE, STORE, UNPACKED, Cure, rules

LAYER_RULES = rules(
    (
        "history-count",
        "wants no more history lines of layers than layers",
        "moby image/store.go, Create",
        Cure.NONE,
    ),
    (
        "layer-depth",
        "holds at most 125 layers",
        DOCKER + "; moby layer/layer_store.go, maxLayerDepth",
        Cure.NONE,
    ),
    ("layer-packing", "unpacks layers only where it knows their compression", ALL, Cure.REPACK),
    (
        "zstd-window",
        "panics at a zstd window of more than 8 MiB",
        "measured: Docker 26.1.5; klauspost/compress issue 913",
        Cure.REPACK,
    ),
    (
        "docker-layers",
        "knows no other layers than Docker's in a manifest of Docker's",
        "measured: skopeo 1.9.3, podman 4.3.1; containers/image manifest/docker_schema2.go",
        Cure.REPACK,
    ),
    (
        "layer-member",
        "unpacks layers, and no member of this type",
        "measured: Docker 20.10.24, containerd 1.6.20, podman 4.3.1 (unhandled tar header type 83)",
        Cure.NONE,
    ),
    (
        "layer-tar",
        "unpacks a layer that is a whole tar, and stops where it is cut or a header is none",
        UNPACKED,
        Cure.NONE,
    ),
    (
        "repeated-path",
        "takes no layer in which a path stands twice",
        f"{DOCKER}; podman 4.3.1, 5.4.2, 5.8.6; tar-split tar/storage/packer.go",
        Cure.NONE,
    ),
    (
        "layer-file",
        "stops at a file of a layer that cannot be made, as a hard link to nothing",
        UNPACKED,
        Cure.NONE,
    ),
    (
        "layer-leaves",
        "takes no layer with a path, or a hard link, that leads out of it",
        "measured: Docker 28.5.2, not 26.1.5; podman and containerd keep such files inside",
        Cure.NONE,
    ),
    (
        "no-tar",
        "unpacks layers, and this one is no tar",
        "measured: Docker 20.10.24, podman 4.3.1",
        Cure.NONE,
    ),
    (
        "docker-zstd",
        "knows no zstd under the media types of Docker",
        "measured: containerd 1.6.20, 1.7.24; skopeo 1.9.3, 1.18.0; podman 4.3.1, 5.4.2",
        Cure.REPACK,
    ),
    (
        "layer-label",
        "believes a label that says a layer is not packed",
        CTR + "; " + STORE,
        Cure.REPACK,
    ),
    (
        "linked-layer",
        "does not find a layer behind such a link",
        CTR + "; " + IMAGE,
        Cure.REPACK,
    ),
    (
        "linked-document",
        "does not find manifest.json, index.json or oci-layout behind a link",
        CTR + "; of hard links " + IMAGE,
        Cure.REPACK,
    ),
    (
        "linked-config",
        "does not find a config behind a hard link",
        CTR + "; " + IMAGE,
        Cure.REPACK,
    ),
    (
        "unpacked-at-once",
        "unpacks images side by side: one finds a layer that only another has by chance",
        "measured: containerd 2.1.9 (yes and no)",
        Cure.REPACK,
    ),
    (
        "link-chain",
        "resolves links in any order: it is chance whether one that leads to a link is found",
        "measured: containerd 1.6.20 (no), 2.1.9 (yes and no); core/images/archive/importer.go",
        Cure.REPACK,
    ),
)
