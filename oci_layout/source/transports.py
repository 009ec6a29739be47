"""Names as skopeo and podman write them: ``oci:FOLDER:TAG`` (containers-transports(5))."""

from __future__ import annotations

import os
import re

import attrs

from oci_layout.errors import UsageError

_FILES = ("docker-archive", "oci-archive", "oci", "dir")
# What lies in a registry, a daemon or a store of its own.
_ELSEWHERE = (
    "docker",
    "docker-daemon",
    "containers-storage",
    "ostree",
    "sif",
    "atomic",
    "tarball",
    "registry",
)
_NAME = r"[a-z0-9][a-z0-9._/-]*(:[0-9]+/[a-z0-9._/-]+)?:\w[\w.-]{0,127}(@sha256:.*)?"


@attrs.frozen(kw_only=True)
class Located:
    """A source or destination as it was named.

    Args:
        path: the file or folder.
        transport: the prefix; empty without one.
        image: what followed the path: a tag, or for ``docker-archive`` a name; empty for nothing.
    """

    path: str
    transport: str = ""
    image: str = ""


def located(text: str) -> Located:
    """Read a name; a file or folder that is really called so is that file.

    Raises:
        UsageError: it names what is not on disk.
    """
    if os.path.lexists(text):
        return Located(path=text)
    transport, colon, rest = text.partition(":")
    if colon and transport in _ELSEWHERE:
        raise UsageError(
            what=f"{text[:200]} is no file: registries, daemons and stores are not read",
            hint=f"save it first: skopeo copy {text[:100]} oci-archive:image.tar",
        )
    if not colon or transport not in _FILES:
        return Located(path=text)
    if transport == "dir":
        return Located(path=rest, transport=transport)
    path, _, image = rest.partition(":")
    if image.startswith("@"):
        raise UsageError(
            what=f"{text[:200]}: images are not chosen by their number",
            hint="--image takes a name or digest; layout inspect shows them",
        )
    return Located(path=path, transport=transport, image=image)


def advice(path: str) -> str:
    """What to do about a file that is not there, where its name is that of an image."""
    name = os.path.basename(path.partition(":")[0]) or "image"
    if ":" in path and not path.startswith(("/", ".")) and re.fullmatch(_NAME, path):
        return f"the name of an image? save it first: docker save {path} -o {name}.tar"
    return ""
