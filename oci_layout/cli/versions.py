"""What ``--version`` says: enough for a report of a fault."""

from __future__ import annotations

import platform
from importlib import import_module

from oci_layout import __version__

# What may change the bytes of a result, or take long ways where it is absent.
_OPTIONAL = ("isal", "cryptography")


def versions() -> list[str]:
    """Lines: the version of the command first, then of all that it stands on."""
    import zstandard  # noqa: PLC0415  takes a third of the time of all else

    implementation = platform.python_implementation()
    libzstd = ".".join(map(str, zstandard.ZSTD_VERSION))
    return [
        f"layout {__version__}",
        f"{implementation} {platform.python_version()} on {platform.system()} {platform.machine()}",
        f"zstandard {zstandard.__version__} ({zstandard.backend}, libzstd {libzstd})",
        *map(_version, _OPTIONAL),
    ]


def _version(name: str) -> str:
    try:
        return f"{name} {import_module(name).__version__}"
    except ImportError:
        return f"{name} absent"
