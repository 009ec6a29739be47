"""The rules, as data: what each says, how one knows, and what ``layout repack`` does about it.

Versions in which something changes stand in the tables of ``docker``, ``containerd`` and
``containersimage``, each row with its own source.
"""

from __future__ import annotations

from oci_layout.targets.layerrules import LAYER_RULES
from oci_layout.targets.rule import ALL, CTR, DOCKER, IMAGE, POISONED, STORE, Cure, Rule, rules

RULES: dict[str, Rule] = rules(
    # the file
    (
        "needs-archive",
        "reads an archive, not a directory",
        "moby client image_load.go; containerd cmd/ctr/commands/images/import.go",
        Cure.REPACK,
    ),
    (
        "outer-compression",
        "reads an archive that is compressed as a whole only where it knows the compression",
        ALL,
        Cure.REPACK,
    ),
    (
        "needs-xz",
        "unpacks xz by the program xz, which must be on the engine's PATH",
        DOCKER + " (the newer two without xz); moby pkg/archive/archive.go, xzDecompress",
        Cure.REPACK,
    ),
    (
        "outer-rest",
        "reads the gzip stream around an archive to its end, and nothing may follow there",
        "measured: Docker 20.10.24, not 26.1.5; skopeo 1.9.3, 1.18.0, 1.22.0 by docker-archive",
        Cure.REPACK,
    ),
    (
        "file-name",
        "takes .tar, .tar.lz4, .tar.bz2, .tbz, .tar.gz, .tgz, .tar.zst and .tzst by its name",
        "rancher/wharfie pkg/tarfile; k3s pkg/agent/containerd/containerd.go, preloadFile",
        Cure.REPACK,
    ),
    (
        "file-suffix",
        "unpacks an archive by the end of its name, whatever is in it",
        "rancher/wharfie pkg/tarfile; k3s pkg/agent/containerd/containerd.go, preloadFile",
        Cure.REPACK,
    ),
    (
        "zstd-memory",
        "gives a zstd decoder 32 MiB",
        "rancher/wharfie pkg/tarfile, MaxDecoderMemory",
        Cure.REPACK,
    ),
    ("broken-archive", "stops where the archive cannot be read on", ALL, Cure.NONE),
    (
        "unsafe-name",
        "refuses a member whose name leads out of the archive",
        "moby pkg/archive/archive.go, Unpack (breakoutError)",
        Cure.NONE,
    ),
    # which view
    (
        "needs-manifest-json",
        "reads manifest.json, and no OCI layout",
        DOCKER,
        Cure.REPACK,
    ),
    (
        "v1-unknown",
        "does not read what docker save wrote before 1.10",
        f"{CTR}; {IMAGE}; Docker from 29 on: moby image/tarexport/load.go",
        Cure.REPACK,
    ),
    (
        "v1-repositories",
        "takes V1 images from the names in repositories, which is not there",
        DOCKER + "; moby image/tarexport/load.go, legacyLoad",
        Cure.REPACK,
    ),
    (
        "needs-v1",
        "takes every folder at the top for a V1 image, with json and layer.tar",
        "measured: Docker 20.10.24, 28.5.2; docker 1.9 graph/load.go",
        Cure.REPACK,
    ),
    (
        "bad-manifest-json",
        "stops at a manifest.json that is null or no list",
        ALL,
        Cure.NONE,
    ),
    ("no-image", "finds no image listed", ALL, Cure.NONE),
    (
        "needs-layout",
        "needs index.json and, containerd, oci-layout",
        CTR + "; " + IMAGE,
        Cure.REPACK,
    ),
    (
        "layout-version",
        "takes imageLayoutVersion 1.0.0 and no other",
        CTR + "; containerd core/images/archive/importer.go",
        Cure.REPAIR,
    ),
    ("missing-index", "needs the index.json of a layout", CTR, Cure.NONE),
    (
        "transport",
        "reads another kind of source by this transport",
        "skopeo, containers-transports(5)",
        Cure.REPACK,
    ),
    # images
    (
        "several-images",
        "takes the one image of a layout, and must be told which of several",
        IMAGE,
        Cure.REPACK,
    ),
    (
        "flat-platforms",
        "unpacks entries of other platforms that it does not hold: it is chance whether it can",
        "measured: containerd 1.6.20, 1.7.24, 5 of 8 times; containerd client/import.go",
        Cure.REPACK,
    ),
    (
        "config-size",
        "wants the config to have the size that the manifest states",
        IMAGE,
        Cure.NONE,
    ),
    ("missing-config", "needs the config of each image", ALL, Cure.REPACK),
    (
        "bad-config",
        "reads the config into fields that have types",
        f"{ALL}; Docker takes a text for Cmd, Entrypoint and Shell: moby strslice.go; {POISONED}",
        Cure.REPACK,
    ),
    (
        "bad-document",
        "reads manifests and indexes into fields that have types",
        f"{CTR}; {IMAGE}; image-spec specs-go/v1",
        Cure.REPAIR,
    ),
    (
        "sparse-member",
        "does not read sparse files of GNU's own type",
        "measured: Docker 20.10.24 (unhandled tar header type 83), containerd 1.6.20",
        Cure.REPACK,
    ),
    (
        "in-folder",
        "looks for documents at the top of a file, and into no folder there",
        f"{DOCKER}; {CTR}; {IMAGE}",
        Cure.REPACK,
    ),
    (
        "absolute-name",
        "does not find a member whose name begins with /",
        f"{CTR}; {IMAGE}",
        Cure.REPACK,
    ),
    (
        "unclean-path",
        "looks for the paths of manifest.json as they are written, and does not find one",
        f"{CTR}; {IMAGE}",
        Cure.REPACK,
    ),
    (
        "backslash-path",
        "looks for a path with backslashes, where the archive has slashes",
        "moby image/tarexport/load.go; moby issue 36599",
        Cure.REPAIR,
    ),
    (
        "document-size",
        "reads at most 1 MiB of manifest.json",
        "containers/image internal/iolimits/iolimits.go",
        Cure.NONE,
    ),
    ("missing-layer", "needs every layer of an image that it loads", ALL, Cure.NONE),
    ("missing-manifest", "needs the manifest of each image that it loads", ALL, Cure.REPACK),
    (
        "sparse-index",
        "needs what the entries of an index lead to that it imports; containerd 1 takes 386 too",
        f"{CTR}, the last with --all-platforms; containerd platforms/compare.go; kind issue 3795",
        Cure.REPACK,
    ),
    (
        "foreign-layer",
        "fetches a foreign layer from its URL, or needs it in the archive",
        ALL,
        Cure.NONE,
    ),
    (
        "layer-types",
        "counts as layers what their media types call so, and unpacks no others",
        "measured: containerd 1.7.24; client/image.go, core/unpack/unpacker.go",
        Cure.REPACK,
    ),
    ("layer-count", "wants as many layers as diff_ids", ALL, Cure.REPACK),
    ("no-rootfs", "needs rootfs in the config", ALL, Cure.REPACK),
)
RULES |= LAYER_RULES
RULES |= rules(
    ("shared-layer-file", "wants a file of its own for each diff_id", IMAGE, Cure.REPACK),
    (
        "sha512",
        "finds blobs by their sha256 digests",
        CTR + "; " + IMAGE,
        Cure.NONE,
    ),
    (
        "schema1",
        "does not load a schema 1 manifest",
        IMAGE,
        Cure.REPACK,
    ),
    (
        "not-an-image",
        "unpacks what is listed by its config and the types of its layers, and this is no image",
        "measured: containerd 1.6.20, 1.7.24, client/image.go; podman 4.3.1",
        Cure.REPACK,
    ),
    (
        "other-os",
        "loads images of its own operating system only",
        DOCKER,
        Cure.NONE,
    ),
    (
        "no-platform",
        "finds nothing for its own platform",
        CTR + "; " + IMAGE,
        Cure.NONE,
    ),
    (
        "bad-name",
        "stops at a name that is none",
        ALL,
        Cure.REPACK,
    ),
    (
        "no-tag",
        "stops at a name without a tag",
        DOCKER + "; " + IMAGE,
        Cure.REPACK,
    ),
    (
        "no-name",
        "creates no image for an entry without a name",
        CTR,
        Cure.REPACK,
    ),
    # what reading every layer found
    ("damaged-blob", "checks the digests of what it reads", ALL, Cure.NONE),
    ("diff-id", "checks each layer's diff_id", ALL, Cure.NONE),
    # what is lost
    (
        "generated-name",
        "makes a name of its own where the source gives none that is whole",
        CTR + "; " + IMAGE + "; " + STORE,
        Cure.REPACK,
    ),
    (
        "hidden-name",
        "stores an image under a name that none of its commands finds",
        STORE,
        Cure.REPACK,
    ),
    (
        "unfound-name",
        "lists an image under a name that is not whole, and does not find it by that name",
        STORE,
        Cure.REPACK,
    ),
    (
        "short-name",
        "keeps a name as it stands: not normalised, so docker.io/library is not put before it",
        CTR,
        Cure.REPACK,
    ),
    (
        "localhost-name",
        "puts localhost/ before a name in manifest.json that names no registry",
        "measured: podman 4.3.1, 5.4.2, 5.8.6",
        Cure.NONE,
    ),
    (
        "shared-name",
        "gives a name to one image: that which it loads last",
        "measured: podman 4.3.1; containerd core/images/archive/importer.go",
        Cure.NONE,
    ),
    (
        "nameless",
        "loads an image without its name, by its ID alone",
        DOCKER + "; " + IMAGE + "; " + STORE,
        Cure.REPACK,
    ),
    (
        "digest-name",
        "drops a name with a digest that is not the image's own",
        "measured: podman 4.3.1",
        Cure.NONE,
    ),
    (
        "names-left",
        "takes one name of an image, or those of one view",
        ALL,
        Cure.NONE,
    ),
    (
        "images-left",
        "does not see an image that only another view lists",
        ALL,
        Cure.REPACK,
    ),
    (
        "other-platforms",
        "takes one platform",
        ALL,
        Cure.NONE,
    ),
    ("attestations", "does not keep what is attached to an image", DOCKER, Cure.NONE),
    (
        "manifest-digest",
        "keeps no manifest: a push makes another, with another digest",
        DOCKER + "; moby distribution/push_v2.go",
        Cure.NONE,
    ),
    (
        "missing-platforms",
        "loads without the platforms whose blobs are not there",
        CTR + "; " + STORE,
        Cure.REPACK,
    ),
    # what else matters
    (
        "other-architecture",
        "loads an image of another architecture without a word; it will not run",
        ALL,
        Cure.NONE,
    ),
    (
        "member-type",
        "unpacks the archive, and knows no members of this type",
        "measured: Docker 20.10.24, podman 4.3.1, skopeo 1.9.3 (unhandled tar header type)",
        Cure.NONE,
    ),
    (
        "name-collected",
        "collects, by chance before it is unpacked, an image whose name goes to another",
        "measured: containerd 1.6.20",
        Cure.NONE,
    ),
    (
        "link-below",
        "finds what hard links stand for in the layers below by the driver vfs, not by overlay2",
        "measured: Docker 20.10.24, podman 4.3.1, both with vfs",
        Cure.NONE,
    ),
    (
        "name-left",
        "keeps the name of an image whose import failed: ctr images rm removes it",
        "measured: containerd 1.6.20, 1.7.24; 2.1.9 does not",
        Cure.NONE,
    ),
    (
        "unpacked-later",
        "unpacks when a container starts: what cannot be unpacked is found then",
        "k3s pkg/agent/containerd/containerd.go",
        Cure.NONE,
    ),
    (
        "runtime-images",
        "looks its own images up in manifest.json",
        "rke2 pkg/images; rancher/wharfie pkg/tarfile",
        Cure.NONE,
    ),
    (
        "v1-id",
        "numbers V1 images by their folders; later versions by a config that they make",
        "docker 1.9 graph/load.go; moby image/tarexport/load.go, legacyLoad",
        Cure.NONE,
    ),
    (
        "image-store",
        "has a containerd image store, too, and a new installation of 29 uses that one",
        "docs.docker.com/engine/storage/containerd; moby daemon/image_store_choice.go",
        Cure.NONE,
    ),
    (
        "new-manifest",
        "makes a manifest of its own for what manifest.json lists",
        CTR + "; containerd core/images/archive/importer.go",
        Cure.NONE,
    ),
)
