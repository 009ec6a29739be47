"""What may be asked of a conversion: the options of ``repack`` and ``merge``, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from oci_layout import option
from oci_layout.blobs.compress import Compress
from oci_layout.option import Working
from oci_layout.platform import Platform
from oci_layout.pythons import StrEnum


class Format(StrEnum):
    """What is to be written."""

    OCI = "oci"
    DOCKER = "docker"
    DIR = "dir"
    REGISTRY = "registry"


class ConfigMode(StrEnum):
    """What becomes of configs."""

    AUTO = "auto"
    KEEP = "keep"
    OCI = "oci"


class Sparse(StrEnum):
    """What becomes of entries whose blobs are absent."""

    AUTO = "auto"
    PRUNE = "prune"
    KEEP = "keep"
    FAIL = "fail"


class Attestations(StrEnum):
    """What becomes of what is attached to images."""

    KEEP = "keep"
    DROP = "drop"


class OnConflict(StrEnum):
    """Who keeps a name that stands for two images."""

    ERROR = "error"
    FIRST = "first"
    LAST = "last"


class Algorithm(StrEnum):
    """How new blobs are named."""

    SHA256 = "sha256"
    SHA512 = "sha512"


class Depth(StrEnum):
    """How much of kept layers is checked."""

    FULL = "full"
    DIGESTS = "digests"


def _names() -> Any:
    return option.texts(
        "Name the image, or rename one, or OLD/=NEW/ all; +NEW adds; repeatable.",
        "[OLD=][+]NEW",
        "--name",
    )


def _name_files() -> Any:
    return option.texts("Rules as those of --name, one a line; repeatable.", "FILE", "--names")


def _compress(value: str | Compress) -> Compress:
    return Compress.parse(value) if isinstance(value, str) else value


@attrs.frozen(kw_only=True)
class Writing(Working):
    """What ``repack`` and ``merge`` have in common."""

    to: Format = option.word(Format, Format.OCI, "Format to write.")
    images: Sequence[str] = option.texts(
        "Take this image only; repeatable.", "NAME|DIGEST", "--image"
    )
    platforms: Sequence[Platform | str] = option.platforms(
        "Take this platform only; repeatable, or all."
    )
    names: Sequence[str] = _names()
    name_files: Sequence[str] = _name_files()
    compression: Compress = option.text(
        "auto, keep, none, gzip[:LEVEL] or zstd[:LEVEL] for the layers.",
        "HOW",
        default="auto",
        offered=("auto", "keep", "none", "gzip", "zstd"),
        read=_compress,
    )
    pure: bool = option.flag("Leave manifest.json out: OCI and nothing else.")
    append: bool = option.flag("Add to the layout or registry at DEST.")
    force: bool = option.flag("Replace an archive or a clean layout at DEST.")
    dry_run: bool = option.flag("Report what would be done; write nothing.")
    on_conflict: OnConflict = option.word(
        OnConflict, OnConflict.ERROR, "Who keeps a name that stands for two images."
    )
    sparse: Sparse = option.word(
        Sparse,
        Sparse.AUTO,
        "What the source lacks: auto leaves platforms out, prune images too.",
    )
    attestations: Attestations = option.word(
        Attestations, Attestations.KEEP, "What is attached to images: signatures, SBOMs."
    )
    keep_original: bool = option.flag(
        "Keep each manifest that changes, beside the new one: signatures are of the old."
    )
    repair: bool = option.flag("Believe the bytes where documents say otherwise.")
    preserve_digests: bool = option.flag("Refuse what would change a manifest's digest.")
    have: Sequence[str] = option.texts(
        "Leave out layers that this list or source has; repeatable.", "FILE|SOURCE", "--have"
    )
    reader: str | None = option.text(
        "With --have: what this engine finds; by default what every engine does.",
        "TARGET",
        "--for",
    )
    volume_size: int | None = option.size(
        "Write volumes of at most this size, to be loaded in order."
    )
    limit: int | None = option.size("What layers may grow to past 200 times; default 8G.")
    limit_memory: int | None = option.size("Memory to unpack one layer in; default 128M.")


@attrs.frozen(kw_only=True)
class Merge(Writing):
    """What may be asked of ``merge``."""

    multi_platform: bool = option.flag(
        "Images of one name and several platforms become one: an index."
    )


@attrs.frozen(kw_only=True)
class Repack(Writing):
    """What may be asked of ``repack``."""

    to: Format = option.word(Format, option.REQUIRED, "Format to write.")
    config: ConfigMode = option.word(
        ConfigMode,
        ConfigMode.AUTO,
        "auto repairs an invalid config, keep never, oci drops all that is not OCI.",
    )
    digest: Algorithm | None = option.word(
        Algorithm, None, "Of new blobs; by default as in the source."
    )
    legacy: bool = option.flag("A Docker archive that Docker 1.0 to 1.9 read too.")
    delta: bool = option.flag("With --have SOURCE: write layers as deltas of those there.")
    check: Depth = option.word(
        Depth,
        Depth.FULL,
        "full; or digests: kept layers are not unpacked, diff_ids are believed.",
    )
    link: bool = option.flag("Link the blobs of a layout; only their sizes are checked.")


def _seconds(value: str | int | None) -> str | None:
    return None if value is None else str(value)


@attrs.frozen(kw_only=True)
class Keeping(Working):
    """What verbs may be asked that change what is there."""

    in_place: bool = option.flag("Let the result take the place of SOURCE.")
    force: bool = option.flag("Replace an archive or a clean layout at DEST.")
    dry_run: bool = option.flag("Report what would be done; write nothing.")
    limit: int | None = option.size("What layers may grow to past 200 times; default 8G.")
    limit_memory: int | None = option.size("Memory to unpack one layer in; default 128M.")


@attrs.frozen(kw_only=True)
class Tag(Keeping):
    """What may be asked of ``tag``."""

    move: bool = option.flag("Take the name away from the image that has it.")


@attrs.frozen(kw_only=True)
class Rm(Keeping):
    """What may be asked of ``rm``."""

    attestations: Attestations = option.word(
        Attestations,
        Attestations.KEEP,
        "What is attached to what goes, and to nothing else: signatures, SBOMs.",
    )


@attrs.frozen(kw_only=True)
class Gc(Keeping):
    """What may be asked of ``gc``."""

    older_than: float = option.age(
        "Leave blobs of a layout that are younger: they may be named soon.", default="1h"
    )


@attrs.frozen(kw_only=True)
class Edit(Keeping):
    """What may be asked of ``edit``. ``-`` alone takes a field away, ``KEY-`` one of many."""

    images: Sequence[str] = option.texts(
        "Edit this image only; repeatable. All others stay.", "NAME|DIGEST", "--image"
    )
    platforms: Sequence[Platform | str] = option.platforms(
        "Edit this platform only; repeatable, or all."
    )
    labels: Sequence[str] = option.texts("Set a label.", "KEY=VALUE|KEY-", "--label")
    env: Sequence[str] = option.texts("Set a variable.", "KEY=VALUE|KEY-", "--env")
    cmd: Sequence[str] = option.texts("A word of Cmd; or all as a JSON list.", "WORD|JSON")
    entrypoint: Sequence[str] = option.texts(
        "A word of Entrypoint; or all as a JSON list.", "WORD|JSON"
    )
    user: str | None = option.text("User, or user:group.", "USER")
    workdir: str | None = option.text("Working directory.", "DIR")
    expose: Sequence[str] = option.texts("Expose a port.", "PORT[/PROTO]|PORT-")
    volumes: Sequence[str] = option.texts("Declare a volume.", "DIR|DIR-", "--volume")
    stop_signal: str | None = option.text("Signal that stops it.", "SIGNAL")
    healthcheck: str | None = option.text(
        "A shell command, a JSON list or object of Docker's, or none.", "CHECK"
    )
    health_interval: str | None = option.text("Between checks, such as 1m30s.", "TIME")
    health_timeout: str | None = option.text("For one check.", "TIME")
    health_start_period: str | None = option.text("In which failures do not count.", "TIME")
    health_start_interval: str | None = option.text("Between checks in that period.", "TIME")
    health_retries: str | None = option.text("Failures that count as unhealthy.", "N")
    annotations: Sequence[str] = option.texts(
        "Set an annotation of the manifest.", "KEY=VALUE|KEY-", "--annotation"
    )
    author: str | None = option.text("Author.", "TEXT")
    platform_of: str | None = option.text(
        "State this platform, in the config and in indexes.", "OS/ARCH[/VARIANT]"
    )
    created: str | None = option.text(
        "Time of creation: RFC 3339, or seconds.", "TIME", read=_seconds
    )
    clamp_time: str | None = option.text(
        "No time of config and history after TIME, or SOURCE_DATE_EPOCH.", "TIME", read=_seconds
    )
    layers: bool = option.flag("With --clamp-time: nor of the files in layers.")
    patch: str | None = option.text("JSON merge patch (RFC 7396) of the config.", "FILE")
    names: Sequence[str] = _names()
    name_files: Sequence[str] = _name_files()
    attestations: Attestations = option.word(
        Attestations, Attestations.KEEP, "What is attached to images: signatures, SBOMs."
    )
    preserve_digests: bool = option.flag("Refuse what would change a manifest's digest.")
