"""Names as skopeo and podman write them: ``oci:FOLDER:TAG`` (containers-transports(5))."""

from __future__ import annotations

import os

import attrs

from oci_layout.errors import UsageError
from oci_layout.reference import InvalidReferenceError, Reference

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
        raise _elsewhere(text, text)
    if colon and rest.startswith("//"):  # as helm and browsers write what they fetch
        raise _elsewhere(text, f"docker:{rest}" if transport == "oci" else "")
    if not colon or transport not in _FILES:
        return Located(path=text)
    if transport == "dir" and rest:
        return Located(path=rest, transport=transport)
    path, _, image = rest.partition(":")
    if not path:
        raise UsageError(what=f"{text[:200]}: a path is missing after {transport}:")
    if image.startswith("@"):
        raise UsageError(
            what=f"{text[:200]}: images are not chosen by their number",
            hint="--image takes a name or digest; layout inspect shows them",
        )
    return Located(path=path, transport=transport, image=image)


def file_and_folder(text: str) -> tuple[str, str]:
    """A file, and the folder inside of it that is meant: ``FILE#FOLDER``; empty for all of it.

    Args:
        text: a path; what is really called so is that file.
    """
    file, sign, folder = text.rpartition("#")
    if not sign or os.path.lexists(text) or not os.path.lexists(file):
        return text, ""
    return file, folder.strip("/")


def _elsewhere(text: str, name: str) -> UsageError:
    """The error for what lies in a registry, a daemon or a store, by its name for skopeo."""
    save = f"save it first: skopeo copy {name[:100]} oci-archive:image.tar"
    if text.startswith("containers-storage:"):
        save = f"name the root folder, as /var/lib/containers/storage; or {save}"
    return UsageError(
        what=f"{text[:200]} is no file: registries and engines are not asked",
        hint=save if name else "download it first",
    )


def advice(path: str) -> str:
    """What to do about a file that is not there, where its name is that of an image."""
    if path.startswith(("/", ".")) or path.endswith("/"):
        return ""
    try:
        named = Reference.parse(path, default_tag="")
    except InvalidReferenceError:
        return ""
    host, slash, _ = path.partition("/")
    registry = bool(slash) and named.domain == host
    word = not slash and "." not in path  # x.tar is a file that is not there
    if not (named.tag or named.digest or registry or word):
        return ""
    file = named.path.rpartition("/")[2]
    return f"the name of an image? save it first: docker save {path} -o {file}.tar"
