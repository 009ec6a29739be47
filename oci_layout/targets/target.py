"""Targets: the engine that is to load a source, its version, and what of it is asked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import attrs

from oci_layout.errors import UsageError
from oci_layout.havelist.values import Finds

Version = tuple[int, ...]
T = TypeVar("T")

# skopeo's names for what it reads; the first two are files, the others folders.
TRANSPORTS = ("oci-archive", "docker-archive", "oci", "dir")


@attrs.frozen(kw_only=True)
class Since(Generic[T]):
    """A value that holds from one version on, and how one knows.

    Args:
        version: the first that it holds for.
        value: what holds.
        source: measured with which versions, or the source file that was read.
    """

    version: Version
    value: T
    source: str


def at(table: Sequence[Since[T]], version: Version) -> Since[T]:
    """The row of a table, in ascending order, that holds for a version."""
    return next(row for row in reversed(table) if row.version <= version or row is table[0])


@attrs.frozen(kw_only=True)
class Engine:
    """An engine that is known.

    Args:
        name: as in ``docker@20.10``.
        oldest: the first version that the rules speak of.
        newest: the version that is meant where none is given: the newest that is known.
        usual: versions that are asked where nobody names a target; an empty one is the newest.
            None of those who import into containerd as another target of the table does.
        variants: what may follow ``+``; the first is meant where none is given.
        asks: how it is asked to load; ``{source}`` is the source.
        finds: how it looks for a layer that an archive does not hold.
        through: who loads in its place, by variant.
    """

    name: str
    oldest: Version
    newest: Version
    usual: tuple[str, ...]
    variants: tuple[str, ...] = ("",)
    asks: str
    finds: Finds = Finds.BLOB
    through: Mapping[str, str] = attrs.field(factory=dict)


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            name="docker",
            oldest=(1,),
            newest=(29,),
            usual=("20.10", "25", "29", "29+containerd"),
            variants=("classic", "containerd"),
            asks="docker load -i {source}",
            finds=Finds.CHAIN,
        ),
        Engine(
            name="containerd",
            oldest=(1, 5),
            newest=(2, 1),
            usual=("1.6", "1.7", "2.1"),
            asks="ctr images import {source}",
        ),
        Engine(
            name="podman",
            oldest=(4,),
            newest=(5, 8),
            usual=("4.3", "5.8"),
            asks="podman load -i {source}",
            finds=Finds.BLOB_OR_TAR,
        ),
        Engine(
            name="skopeo",
            oldest=(1, 5),
            newest=(1, 22),
            usual=("1.9", "1.22"),
            variants=("", *TRANSPORTS),
            asks="skopeo copy {transport}:{source} DEST",
            finds=Finds.NOTHING,
        ),
        Engine(
            name="cri-o",
            oldest=(1,),
            newest=(1, 34),
            usual=("",),
            asks="skopeo copy {transport}:{source} containers-storage:NAME",
            finds=Finds.BLOB_OR_TAR,
        ),
        Engine(
            name="kind",
            oldest=(0, 11),
            newest=(0, 30),
            usual=("",),
            asks="kind load image-archive {source}",
        ),
        Engine(
            name="k3s",
            oldest=(1, 19),
            newest=(1, 34),
            usual=("1.34",),
            asks="cp {source} /var/lib/rancher/k3s/agent/images/",
        ),
        Engine(
            name="rke2",
            oldest=(1, 19),
            newest=(1, 34),
            usual=("1.34",),
            asks="cp {source} /var/lib/rancher/rke2/agent/images/",
        ),
        Engine(
            name="nerdctl",
            oldest=(1,),
            newest=(2, 1),
            usual=("2.1",),
            asks="nerdctl load -i {source}",
        ),
        Engine(
            name="k3d",
            oldest=(4,),
            newest=(5, 9),
            usual=(),
            asks="k3d image import {source}",
        ),
        Engine(
            name="microk8s",
            oldest=(1, 21),
            newest=(1, 36),
            usual=(),
            asks="microk8s images import {source}",
        ),
        Engine(
            name="k0s",
            oldest=(1, 21),
            newest=(1, 34),
            usual=(),
            asks="cp {source} /var/lib/k0s/images/",
        ),
        Engine(
            name="talos",
            oldest=(1, 13),
            newest=(1, 14),
            usual=(),
            asks="talosctl image import {source}",
        ),
        Engine(
            name="minikube",
            oldest=(1, 20),
            newest=(1, 38),
            usual=(),
            variants=("docker", "containerd", "cri-o"),
            asks="minikube image load {source}",
            through={"docker": "docker@28", "containerd": "containerd@2.1", "cri-o": "podman@4.9"},
        ),
    )
}

# What is asked where nobody names a target: the releases that are in use.
USUAL = tuple(
    f"{engine.name}@{version}" if version else engine.name
    for engine in ENGINES.values()
    for version in engine.usual
)


def offered(text: str) -> list[str]:
    """Targets that a text may become: engines, and of the only one that is left its versions.

    Args:
        text: the beginning of a target.
    """
    left = [engine for engine in ENGINES.values() if _begins(engine.name, text)]
    names = [engine.name for engine in left]
    if len(left) != 1:
        return names
    (engine,) = left
    newest = dotted(engine.newest)
    found = [*(each for each in engine.usual if each), newest]
    found += [f"{newest}+{each}" for each in engine.variants[1:]]
    return [*names, *(f"{engine.name}@{each}" for each in dict.fromkeys(found))]


def _begins(name: str, text: str) -> bool:
    """Whether a text is the beginning of an engine's name, or has it whole."""
    said, versioned, _ = text.partition("@")
    return name == said if versioned else name.startswith(text)


_FORM = re.compile(r"(?P<name>[a-z0-9-]+)(?:@v?(?P<version>\d+(?:\.\d+){0,3}))?(?:\+(?P<tail>.+))?")
_BUILD = re.compile(r"(?:k3s|rke2r)\d+")  # v1.30.2+k3s1 is how these two number themselves


@attrs.frozen(kw_only=True)
class Target:
    """One engine in one version.

    Args:
        engine: which.
        version: of it; compared number by number.
        variant: its store (Docker), or the transport that it reads by (skopeo); may be empty.
        text: as it was asked for.
    """

    engine: Engine
    version: Version
    variant: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``docker@20.10``, ``containerd``, ``docker@29+containerd``, ``k3s@v1.30.2+k3s1``.

        Raises:
            UsageError: not a target that is known, or older than the rules speak of.
        """
        match = _FORM.fullmatch(text)
        engine = ENGINES.get(match["name"]) if match is not None else None
        if match is None or engine is None:
            raise UsageError(what=f"--for: {text[:60]!r} is no target", hint=_known(text))
        version = (
            tuple(int(part) for part in match["version"].split("."))
            if match["version"]
            else engine.newest
        )
        if version < engine.oldest:
            raise UsageError(
                what=f"--for: {text[:60]!r} is older than {dotted(engine.oldest)}, "
                f"the first {engine.name} that the rules speak of"
            )
        variant = match["tail"] or engine.variants[0]
        if engine.name in ("k3s", "rke2") and _BUILD.fullmatch(variant):
            variant = ""
        if variant not in engine.variants:
            variants = ", ".join(f"+{each}" for each in engine.variants if each) or "nothing"
            raise UsageError(
                what=f"--for: {text[:60]!r}: after {engine.name} and its version may follow "
                f"{variants}"
            )
        if engine.name == "docker" and variant == "containerd" and version < (24,):
            raise UsageError(
                what=f"--for: {text[:60]!r}: Docker keeps images in containerd from 24 on"
            )
        return cls(engine=engine, version=version, variant=variant, text=text)

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.engine.name

    @property
    def through(self) -> Target:
        """Who loads in its place; itself where nobody does."""
        text = self.engine.through.get(self.variant)
        return self if text is None else Target.parse(text)

    @property
    def taken_for(self) -> Version | None:
        """The version whose rules are taken for one that is newer than all they speak of."""
        newest = self.engine.newest
        return newest if self.version[: len(newest)] > newest else None

    @property
    def containerd_store(self) -> bool:
        """Whether it is Docker on the store of containerd."""
        return self.name == "docker" and self.variant == "containerd"

    @property
    def finds(self) -> Finds:
        """How it looks for a layer that an archive does not hold."""
        loader = self.through
        return Finds.BLOB if loader.containerd_store else loader.engine.finds

    def __str__(self) -> str:
        shown = f"+{self.variant}" if self.variant not in ("", "classic") else ""
        return f"{self.name}@{dotted(self.version)}{shown}"


def dotted(version: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def _known(text: str) -> str:
    known = ", ".join(ENGINES)
    close = difflib.get_close_matches(text.partition("@")[0], ENGINES, 1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"{meant}known are {known}, each with a version as in docker@20.10"
