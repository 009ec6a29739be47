"""Image names: the familiar form of Docker, the full form of containerd, the bare tag of OCI."""

from __future__ import annotations

import re

import attrs

# The grammar of distribution/reference, regexp.go.
_ALNUM = r"[a-z0-9]+"
_COMPONENT = rf"{_ALNUM}(?:(?:\.|_|__|-+){_ALNUM})*"
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
# What Docker takes for the ID of an image, and CRI for the name of one.
_ID = re.compile(r"[0-9a-f]{64}")
_BARE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_NAME_MAX = 255  # characters of a repository, distribution/reference


class InvalidReferenceError(ValueError):
    """A text that is not an image name."""


@attrs.frozen(order=True)
class Reference:
    """A fully qualified image name.

    Args:
        domain: registry host, as ``docker.io``.
        path: repository path, as ``library/demo``.
        tag: tag, or empty.
        digest: digest text, or empty.
    """

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str, *, default_tag: str = "latest") -> Reference:
        """Read a familiar or full name as Docker does (distribution/reference normalize.go).

        Args:
            text: ``demo:1``, ``host:5000/team/app:v1``, ``demo@sha256:...``.
            default_tag: the tag of a name that carries neither tag nor digest; empty for none.

        Raises:
            InvalidReferenceError: not a name.
        """
        if _ID.fullmatch(text):
            raise InvalidReferenceError(f"{text!r} is an image ID, not a name")
        rest, at, digest = text.partition("@")
        if at and not _DIGEST.fullmatch(digest):
            raise InvalidReferenceError(f"{text!r}: what follows @ is not a digest")
        tag = ""
        slash, colon = rest.rfind("/"), rest.rfind(":")
        if colon > slash:
            rest, tag = rest[:colon], rest[colon + 1 :]
            if not _TAG.fullmatch(tag):
                raise InvalidReferenceError(f"{text!r}: {tag!r} is not a tag")
        first, has_slash, remainder = rest.partition("/")
        if has_slash and (
            "." in first or ":" in first or first == "localhost" or first.lower() != first
        ):
            domain, path = first, remainder
        else:
            domain, path = "docker.io", rest
        if domain == "index.docker.io":
            domain = "docker.io"
        if domain == "docker.io" and "/" not in path:
            path = f"library/{path}"
        if not _DOMAIN.fullmatch(domain) or not _PATH.fullmatch(path):
            lower = "; repositories are lower case" if path != path.lower() else ""
            raise InvalidReferenceError(f"{text!r} is not an image name{lower}")
        if len(domain) + 1 + len(path) > _NAME_MAX:
            raise InvalidReferenceError(f"{text[:60]!r}...: longer than {_NAME_MAX} characters")
        if not tag and not digest:
            tag = default_tag
        return cls(domain, path, tag, digest)

    @property
    def repository(self) -> str:
        """Domain and path."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_repository(self) -> str:
        """The repository as Docker shows it."""
        if self.domain != "docker.io":
            return self.repository
        return self.path.removeprefix("library/")

    def _tail(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def familiar(self) -> str:
        """As Docker writes it in RepoTags: ``demo:1``; in full where that would be another name."""
        short = self.familiar_repository + self._tail()
        return short if Reference.parse(short, default_tag="") == self else str(self)

    def __str__(self) -> str:
        return self.repository + self._tail()


@attrs.frozen(order=True)
class ImageName:
    """One name of an image as a source states it.

    Args:
        text: the name as it was written.
        reference: the full name; None when the text is none: a bare tag, a digest (CRI).
        verbatim: containerd has it as it is written, though it is no full name.
    """

    text: str
    reference: Reference | None = None
    verbatim: bool = False

    @classmethod
    def familiar(cls, text: str) -> ImageName:
        """A name that has a repository where it is one: a RepoTag.

        CRI gives each image its ID as a name, which is none of a repository ``sha256``.

        Raises:
            InvalidReferenceError: not a name.
        """
        return cls(text) if _BARE_DIGEST.fullmatch(text) else cls(text, Reference.parse(text))

    @classmethod
    def from_containerd(cls, text: str) -> ImageName:
        """A name out of ``io.containerd.image.name``: containerd keeps whatever text it is."""
        try:
            name = cls.familiar(text)
        except InvalidReferenceError:
            name = cls(text)
        return name if name.reference is not None else cls(text, None, verbatim=True)

    @classmethod
    def from_ref_name(cls, text: str) -> ImageName:
        """A name out of ``org.opencontainers.image.ref.name``: a full name or a bare tag."""
        if "/" in text or ":" in text:
            try:
                return cls.familiar(text)
            except InvalidReferenceError:
                return cls(text)
        return cls(text)

    @property
    def is_digest(self) -> bool:
        """Whether it is the ID of an image, as CRI names each."""
        return self.reference is None and _BARE_DIGEST.fullmatch(self.text) is not None

    @property
    def key(self) -> str:
        """What makes two names the same."""
        return str(self.reference) if self.reference is not None else self.text

    @property
    def tag(self) -> str:
        """The tag, or the bare text."""
        if self.reference is None:
            return self.text
        return self.reference.tag

    def __str__(self) -> str:
        return self.reference.familiar if self.reference is not None else self.text
