"""Where Docker's classic store keeps what, below ``/var/lib/docker`` (moby image/fs.go, layer/).

Images are configs by their ID. Each layer has a folder under its chain ID: what was written down
of its tar, and under which cache-id the storage driver has its files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.model import jsontext
from oci_layout.model.fields import Fields
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.where import Where

IMAGE = "image"
MARKS = frozenset({"engine-id", "containers", "buildkit"})  # in every root since Docker 20.10
ELSEWHERE = "on the image store of containerd, images lie in its root: /var/lib/containerd"
CONFIGS = "imagedb/content/sha256"
LAYERS = "layerdb/sha256"
REPOSITORIES = "repositories.json"
DIFF = "diff"
CACHE_ID = "cache-id"
RECORD = "tar-split.json.gz"
PULLED = "distribution/v2metadata-by-diffid"  # distribution/metadata/v2_metadata_service.go
PULLED_BYTES = 64 << 10  # Docker keeps some fifty of a layer
SMALL_BYTES = 512  # of a file that holds a digest or a cache-id

# Where a driver has the files of a layer (moby daemon/graphdriver).
DRIVERS = {
    "overlay2": "overlay2/{}/diff",
    "fuse-overlayfs": "fuse-overlayfs/{}/diff",
    "vfs": "vfs/dir/{}",
    "aufs": "aufs/diff/{}",
    "btrfs": "btrfs/subvolumes/{}",
}
_METADATA = frozenset({"Digest", "SourceRepository"})
_HEX = re.compile(r"[0-9a-f]{64}")


def config_id(name: str) -> Digest | None:
    """The image ID that the path of a config promises; None for every other path."""
    folder, _, last = name.rpartition("/")
    if not folder.endswith(CONFIGS) or _HEX.fullmatch(last) is None:
        return None
    return Digest.parse(f"sha256:{last}")


def files_folder(driver: str, cache_id: bytes) -> str | None:
    """The folder with the files of a layer; None where the cache-id is none.

    Args:
        driver: one of ``DRIVERS``.
        cache_id: as the file has it; it becomes part of a path, so nothing but an ID will do.
    """
    try:
        text = cache_id.decode("ascii").strip()
    except UnicodeDecodeError:
        return None
    return DRIVERS[driver].format(text) if _HEX.fullmatch(text) else None


def chain_ids(diff_ids: Sequence[Digest]) -> Iterator[Digest]:
    """The chain ID of each layer (image-spec config.md, "Layer ChainID")."""
    chain: Digest | None = None
    for diff_id in diff_ids:
        chain = diff_id if chain is None else Digest.of(f"{chain} {diff_id}".encode())
        yield chain


def read_pulled(raw: bytes) -> tuple[str, ...]:
    """The blobs that a layer was pulled or pushed as, the newest last; what is none is left out."""
    value: Any = jsontext.parse(raw, Where(), Findings())
    found: dict[str, None] = {}
    for item in value if isinstance(value, list) else ():
        known = Fields(item if isinstance(item, dict) else {}, Where(), Findings(), _METADATA)
        digest, repository = known.digest("Digest"), known.text("SourceRepository")
        try:
            if digest is not None and repository:
                name = Reference.parse(f"{repository}@{digest}", default_tag="")
                found.setdefault(name.familiar)
        except InvalidReferenceError:
            continue
    return tuple(found)


def read_names(raw: bytes, where: Where, findings: Findings) -> list[tuple[str, str]]:
    """Read ``repositories.json``: references, each with the image ID that it stands for.

    moby reference/store.go: ``Repositories`` has for each repository its references, those with a
    digest among them.
    """
    value: Any = jsontext.parse(raw, where, findings)
    if not isinstance(value, dict):
        if value is not None:
            findings.error("wrong-type", "expected an object", where)
        return []
    outer = Fields(value, where, findings, frozenset({"Repositories"}))
    listed = outer.value.get("Repositories")
    if not isinstance(listed, dict):
        if listed is not None:
            findings.error("wrong-type", "expected an object", where.at("Repositories"))
        return []
    inner = Fields(listed, where.at("Repositories"), findings, frozenset())
    return [pair for repository in listed for pair in inner.mapping(repository).items()]
