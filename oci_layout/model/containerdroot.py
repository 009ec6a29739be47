"""Where containerd keeps what, below ``/var/lib/containerd``, and what its records mean.

containerd core/metadata/buckets.go, core/metadata/images.go, plugins/content/local/store.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from oci_layout import limits
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.reference import ImageName

CONTENT = "io.containerd.content.v1.content"
BLOBS = f"{CONTENT}/blobs"
METADATA = "io.containerd.metadata.v1.bolt"
DATABASE = f"{METADATA}/meta.db"
# Where the root is: of containerd itself, of what brings its own, of the one that Docker starts.
ROOTS = (
    "var/lib/containerd",
    "var/lib/rancher/k3s/agent/containerd",
    "var/lib/rancher/rke2/agent/containerd",
    "var/snap/microk8s/common/var/lib/containerd",
    "var/lib/docker/containerd/daemon",
)
# What keeps a blob alive for the sake of a manifest (core/images/mediatypes.go, ChildGCLabels).
_KEPT_CONFIG = b"containerd.io/gc.ref.content.config"
_KEPT_LAYER = b"containerd.io/gc.ref.content.l."

_DATA = re.compile(rf"{re.escape(BLOBS)}/([^/]+)/([^/]+)")


def data_path(digest: Digest) -> str:
    """Where a blob lies, manifests included."""
    return f"{BLOBS}/{digest.algorithm}/{digest.hex}"


def data_digest(name: str) -> Digest | None:
    """The digest that the path of a blob promises; None for every other path."""
    match = _DATA.fullmatch(name)
    try:
        return None if match is None else Digest.parse(f"{match[1]}:{match[2]}")
    except InvalidDigestError:
        return None


def let_go_of_layers(labels: Iterable[bytes]) -> bool:
    """Whether a manifest keeps its config and not its layers.

    So it is where they are discarded after unpacking: ``discard_unpacked_layers`` of the CRI
    plugin, ``ctr images import --discard-unpacked-layers``.

    Args:
        labels: keys of those of the manifest's blob.
    """
    found = tuple(labels)
    kept = any(each.startswith(_KEPT_LAYER) for each in found)
    return _KEPT_CONFIG in found and not kept


@attrs.frozen(kw_only=True)
class Record:
    """An image as containerd lists it.

    Args:
        name: whatever text it is.
        digest: of what it stands for, as text.
        media_type: of that.
        size: of that in bytes; None where none is stated.
        annotations: of that.
    """

    name: str
    digest: str
    media_type: str
    size: int | None
    annotations: Mapping[str, str] = attrs.field(factory=dict, hash=False)


@attrs.frozen(kw_only=True)
class Namespace:
    """What belongs to a namespace; the files of all of them lie together.

    Args:
        name: of it.
        records: its images, by name.
        blobs: digests of its blobs as text, each with whether it is a manifest that let go of its
            layers.
    """

    name: str
    records: tuple[Record, ...]
    blobs: Mapping[str, bool] = attrs.field(hash=False)


def size_of(value: bytes) -> int | None:
    """A number as Go's ``binary.PutVarint`` writes it; None for what is none, or is negative."""
    number = 0
    for place, byte in enumerate(value[:10]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return None if number & 1 else number >> 1
    return None


def names_of(records: Iterable[Record]) -> tuple[list[ImageName], list[str]]:
    """The names of an image among those of its records, and those that are none.

    CRI lists an image by its tag, by its digest and by its ID. The ID is no name, and the digest
    only where no tag of that repository is there. ``ctr images import``, nerdctl and Docker make
    names such as ``import-2026-01-01@sha256:...`` for what has none: they have no registry.

    Args:
        records: of one image.
    """
    found = [ImageName.from_containerd(each.name) for each in records if each.name]
    tagged = {
        each.reference.repository
        for each in found
        if each.reference is not None and each.reference.tag
    }
    kept, left_out = [], []
    for each in found:
        if _made_up(each) or _pinned(each, tagged):
            left_out.append(each.text)
        else:
            kept.append(each)
    return kept, left_out


def _made_up(name: ImageName) -> bool:
    """Whether it says nothing but a digest."""
    if name.reference is None:
        return name.is_digest
    return bool(name.reference.digest) and re.search("[/:]", name.text.partition("@")[0]) is None


def _pinned(name: ImageName, tagged: set[str]) -> bool:
    """Whether it says by its digest what another name says by its tag."""
    reference = name.reference
    if reference is None or not reference.digest or reference.tag:
        return False
    return reference.repository in tagged


def text_of(raw: bytes) -> str | None:
    """A text of the database; None where it is none, or is longer than any name."""
    try:
        return raw.decode("utf-8") if len(raw) <= limits.NAME_BYTES else None
    except UnicodeDecodeError:
        return None
