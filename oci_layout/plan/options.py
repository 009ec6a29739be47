"""What the user asked for, checked once."""

from __future__ import annotations

import enum

import attrs

from oci_layout.blobs.compress import AUTO, Compress
from oci_layout.errors import UsageError
from oci_layout.graph.selection import Choice
from oci_layout.mediatype import Family
from oci_layout.platform import Platform
from oci_layout.reference import ImageName, InvalidReferenceError


class Format(enum.StrEnum):
    """What is to be written."""

    OCI = "oci"
    DOCKER = "docker"
    DIR = "dir"


@attrs.frozen(kw_only=True)
class Renames:
    """New names for images.

    Args:
        single: the name of the only image, replacing those it has; None to leave them.
        pairs: old name's key to new name.
    """

    single: ImageName | None = None
    pairs: tuple[tuple[str, ImageName], ...] = ()

    @classmethod
    def parse(cls, texts: tuple[str, ...]) -> Renames:
        """Read the values of ``--name``: ``NAME`` once, or ``OLD=NEW`` any number of times.

        Raises:
            UsageError: not a name, or both forms at once.
        """
        single: ImageName | None = None
        pairs = []
        for text in texts:
            old, equals, new = text.rpartition("=")
            try:
                name = ImageName.familiar(new)
                old_key = ImageName.from_ref_name(old).key if ":" in old or "/" in old else old
            except InvalidReferenceError as error:
                raise UsageError(what=f"--name: {error}") from error
            if equals:
                pairs.append((old_key, name))
            elif single is not None:
                raise UsageError(what="--name NAME may be given once", hint="or use OLD=NEW")
            else:
                single = name
        if single is not None and pairs:
            raise UsageError(what="--name takes either one NAME or OLD=NEW, not both")
        return cls(single=single, pairs=tuple(pairs))


@attrs.frozen(kw_only=True)
class Options:
    """Everything that shapes a plan.

    Args:
        target: whose media types come out.
        docker_view: write ``manifest.json``, for engines that read nothing else.
        compress: how layers are packed.
        images: names or digests to take; empty for all.
        platforms: platforms to take; empty for all.
        renames: new names.
        sparse: ``prune`` leaves absent children out of an index, ``keep`` leaves them in, ``fail``
            refuses.
        attestations: ``keep`` or ``drop`` what is attached to images.
        legacy: write what Docker before 1.10 reads.
        config: ``auto`` repairs what is invalid, ``keep`` never touches, ``oci`` leaves only what
            the image spec defines.
        repair: write what the bytes say where the documents say otherwise.
        preserve_digests: refuse whatever would change the digest of a manifest.
        check: ``full`` hashes the tar inside of each layer, ``digests`` only what is stored.
        link: let blobs that are kept be files of the source, checked by their size only.
        algorithm: of new blobs; None for that of the source, or else sha256.
    """

    target: Family
    docker_view: bool = True
    compress: Compress = AUTO
    images: tuple[str, ...] = ()
    platforms: tuple[Platform, ...] = ()
    renames: Renames = Renames()
    sparse: str = "prune"
    attestations: str = "keep"
    legacy: bool = False
    config: str = "auto"
    repair: bool = False
    preserve_digests: bool = False
    check: str = "full"
    link: bool = False
    algorithm: str | None = None

    @property
    def choice(self) -> Choice:
        """What is to be taken of the sources."""
        return Choice(images=self.images, platforms=self.platforms, attestations=self.attestations)
