"""A small file of the user's, read whole: rules, a patch, a value."""

from __future__ import annotations

from oci_layout import limits
from oci_layout.errors import UsageError
from oci_layout.streams.reader import HeldFile
from oci_layout.where import Where


def whole_file(option: str, path: str) -> bytes:
    """All bytes of a file that an option names.

    Args:
        option: for messages.
        path: a regular file of at most 20 MiB.

    Raises:
        UsageError: it is larger.
        ReadError: it is not there, or not readable.
        NotAnImageError: it is no regular file.
    """
    with HeldFile(path) as file:
        if file.size > limits.DOCUMENT_BYTES:
            what = f"{option}: {file.size} bytes, and at most {limits.DOCUMENT_BYTES} are read"
            raise UsageError(what=what, where=Where(file=path))
        return file.pread(file.size, 0)
