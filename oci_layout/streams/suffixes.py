"""What the name of an archive says of how it is packed as a whole."""

from __future__ import annotations

from oci_layout.errors import UsageError
from oci_layout.mediatype import Compression
from oci_layout.streams.codecs import PACKERS

_COMPRESSED = {
    suffix: compression for compression, packer in PACKERS.items() for suffix in packer.suffixes
}
_NEVER = (
    ".zip",
    ".tar.xz",
    ".txz",
    ".tar.bz2",
    ".tbz",
    ".tbz2",
    ".tar.lz4",
    ".7z",
    ".gz",
    ".xz",
    ".zst",
)


def archive_compression(path: str) -> Compression | None:
    """How an archive of this name is packed; None for a name that is no archive's.

    Raises:
        UsageError: an archive's suffix that is not written.
    """
    lower = path.lower()
    if lower.endswith(".tar"):
        return Compression.NONE
    for suffix, compression in _COMPRESSED.items():
        if lower.endswith(suffix):
            return compression
    for suffix in _NEVER:
        if lower.endswith(suffix):
            raise UsageError(
                what=f"{path}: archives with the suffix {suffix} are not written",
                hint="use .tar, .tar.gz or .tar.zst, or no suffix for a directory",
            )
    return None
