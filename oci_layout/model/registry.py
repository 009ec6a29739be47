"""Where a registry keeps what: paths below ``docker/registry/v2`` (distribution, storage/paths.go).

Blobs lie once for all repositories. A repository serves what it has a link to; a link is a file
that holds a digest and nothing else, not even a newline.
"""

from __future__ import annotations

import enum
import re

import attrs

from oci_layout.digest import Digest, InvalidDigestError

ROOT = "docker/registry/v2"
TOP = tuple(ROOT.split("/"))
FILES = ("data", "link")  # what all files in it are called
BLOBS = "blobs"
REPOSITORIES = "repositories"
LINK_BYTES = 512  # more than any digest has

_DATA = re.compile(r"blobs/([^/]+)/([0-9a-f]{2})/([^/]+)/data")
# Names of repositories have no part that begins with an underscore.
_LINK = re.compile(r"repositories/([^/_][^/]*(?:/[^/_][^/]*)*)/_(layers|manifests)/(.+)/link")


class LinkKind(enum.Enum):
    """What a link is for."""

    LAYER = "a blob"
    REVISION = "a manifest or index"
    CURRENT = "a tag"
    PAST = "a manifest that a tag stood for"


@attrs.frozen(kw_only=True)
class Link:
    """A link by its path.

    Args:
        kind: what it is for.
        repository: whose it is.
        tag: of ``CURRENT`` and ``PAST``; empty for others.
        stated: the digest that its path names, as text; empty for ``CURRENT``.
    """

    kind: LinkKind
    repository: str
    tag: str = ""
    stated: str = ""

    @property
    def digest(self) -> Digest | None:
        """The digest that its path names; None where that is none."""
        try:
            return Digest.parse(self.stated)
        except InvalidDigestError:
            return None


def data_path(digest: Digest) -> str:
    """Where a blob lies, manifests included."""
    return f"{BLOBS}/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data"


def data_digest(name: str) -> Digest | None:
    """The digest that the path of a blob promises; None for every other path."""
    match = _DATA.fullmatch(name)
    if match is None or not match[3].startswith(match[2]):
        return None
    try:
        return Digest.parse(f"{match[1]}:{match[3]}")
    except InvalidDigestError:
        return None


def layers_folder(repository: str) -> str:
    """What makes a repository be in the catalog of 2.x."""
    return f"{REPOSITORIES}/{repository}/_layers"


def layer_link(repository: str, digest: Digest) -> str:
    """What lets a repository serve a layer or config."""
    return f"{layers_folder(repository)}/{digest.algorithm}/{digest.hex}/link"


def revision_link(repository: str, digest: Digest) -> str:
    """What lets a repository serve a manifest or index, children of indexes included."""
    revisions = f"{REPOSITORIES}/{repository}/_manifests/revisions"
    return f"{revisions}/{digest.algorithm}/{digest.hex}/link"


def current_link(repository: str, tag: str) -> str:
    """What a tag stands for."""
    return f"{REPOSITORIES}/{repository}/_manifests/tags/{tag}/current/link"


def past_link(repository: str, tag: str, digest: Digest) -> str:
    """What a tag stood for at some time."""
    index = f"{REPOSITORIES}/{repository}/_manifests/tags/{tag}/index"
    return f"{index}/{digest.algorithm}/{digest.hex}/link"


def link_bytes(digest: Digest) -> bytes:
    """The content of a link."""
    return str(digest).encode()


def parse_link(name: str) -> Link | None:
    """What the link of a path is for; None for every other path, such as that of an upload."""
    match = _LINK.fullmatch(name)
    if match is None:
        return None
    repository, parts = match[1], match[3].split("/")
    if match[2] == "layers":
        if len(parts) != 2:
            return None
        return Link(kind=LinkKind.LAYER, repository=repository, stated=":".join(parts))
    if len(parts) == 3 and parts[0] == "revisions":
        return Link(kind=LinkKind.REVISION, repository=repository, stated=":".join(parts[1:]))
    if parts[0] != "tags":
        return None
    if len(parts) == 3 and parts[2] == "current":
        return Link(kind=LinkKind.CURRENT, repository=repository, tag=parts[1])
    if len(parts) == 5 and parts[2] == "index":
        stated = ":".join(parts[3:])
        return Link(kind=LinkKind.PAST, repository=repository, tag=parts[1], stated=stated)
    return None
