"""Who probably wrote a source, told by habits that are a program's own.

Each habit was seen in files whose writer is known. Where the evidence fits several programs all
of them are named, and where it fits none nobody is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.inspection.report import Writer
from oci_layout.model import dockersave, jsontext, layout
from oci_layout.source import kinds
from oci_layout.source.kinds import SourceKind
from oci_layout.source.opening import Source
from oci_layout.source.store import ArchiveStore
from oci_layout.where import Where

DOCKER_V1 = "docker save before 1.10"
DOCKER_OLD = "docker save 1.10 to 24"
DOCKER_NEW = "docker save 25 or later, classic image store"
CONTAINERD = (
    "containerd's exporter: ctr images export, nerdctl save, docker save with the containerd "
    "image store, or BuildKit"
)
BUILDKIT = "BuildKit (docker buildx, type=oci), or containerd's exporter without manifest.json"
CONTAINERS = "skopeo, podman or buildah"
GGCR = "go-containerregistry: crane, ko, kaniko, apko and others"
PACK = "pack, of Cloud Native Buildpacks"
JIB = "Jib"
BAZEL = "Bazel's rules_docker"
OFFICIAL = "a build of Docker's official images"
REPACK = "layout repack"

_HEX = r"[0-9a-f]{64}"
_V1_LAYER = re.compile(rf"({_HEX})/layer\.tar")
_TOP_LAYER = re.compile(rf"{_HEX}\.tar")
_GGCR_CONFIG = re.compile(rf"sha256:{_HEX}")
_GGCR_LAYER = re.compile(rf"{_HEX}\.tar\.gz")
_NO_TIME = b"00000000000"
_BUILDPACK_TIME = b"02263523001"  # 1980-01-01 00:00:01, the time of every file of a buildpack
_PLAIN = (b"0000644\0", b"0100644\0")


def writer(source: Source) -> Writer | None:
    """Who probably wrote a source; None when nothing tells."""
    rules = _RULES.get(source.kind, ())
    look = _Look(source)
    return next((found for rule in rules if (found := rule(look)) is not None), None)


class _Look:
    """What the rules look at, each read once."""

    def __init__(self, source: Source) -> None:
        self.store = source.store

    def document(self, name: str) -> bytes:
        """A document's bytes; none when it is absent or too large."""
        member = self.store.find(name)
        try:
            return b"" if member is None else member.read(limits.DOCUMENT_BYTES)
        except DamagedError:
            return b""

    @cached_property
    def marker(self) -> bytes:
        return self.document(layout.MARKER)

    @cached_property
    def saved(self) -> bytes:
        return self.document(dockersave.MANIFEST)

    @cached_property
    def entry(self) -> dict[str, Any]:
        """The first entry of ``manifest.json``."""
        value = jsontext.parse(self.saved, Where(), Findings())
        first = value[0] if isinstance(value, list) and value else None
        return first if isinstance(first, dict) else {}

    @cached_property
    def layers(self) -> list[str]:
        """The layers of that entry."""
        value = self.entry.get("Layers")
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def header(self, name: str) -> tuple[bytes, bytes, bytes] | None:
        """Mode, time and magic of a member's tar header as they are spelt; None without."""
        block = self.store.header(name) if isinstance(self.store, ArchiveStore) else None
        return None if block is None else (block[100:108], block[136:147], block[257:265])

    def devices(self, name: str) -> bool:
        """Whether a file has device numbers, as Go writes them and Python does not."""
        block = self.store.header(name) if isinstance(self.store, ArchiveStore) else None
        return block is not None and block[329:345] == b"0000000\0" * 2

    def foreign(self, name: str) -> str:
        """A word for evidence, when a tar header is not that of a Go program."""
        head = self.header(name)
        strange = head is not None and (not head[0][:7].isdigit() or head[2] != b"ustar\x0000")
        return "; another program has packed it anew" if strange else ""


def _v1(look: _Look) -> Writer | None:
    repositories = look.document(dockersave.REPOSITORIES)
    if repositories.endswith(b'"}}\n') and b'": ' not in repositories:
        again = look.foreign(dockersave.REPOSITORIES)
        return Writer(
            name=DOCKER_V1, evidence=f"V1 folders and repositories, no manifest.json{again}"
        )
    return None


def _jib(look: _Look) -> Writer | None:
    if look.entry.get("config") == "config.json" and "repoTags" in look.entry:
        return Writer(name=JIB, evidence="manifest.json has lower-case keys and config.json")
    return None


def _ggcr_archive(look: _Look) -> Writer | None:
    config = look.entry.get("Config")
    if (
        isinstance(config, str)
        and _GGCR_CONFIG.fullmatch(config)
        and all(_GGCR_LAYER.fullmatch(name) for name in look.layers)
    ):
        return Writer(name=GGCR, evidence="the config is called sha256:<hex>, layers <hex>.tar.gz")
    return None


def _containers_archive(look: _Look) -> Writer | None:
    at_top = bool(look.layers) and all(_TOP_LAYER.fullmatch(name) for name in look.layers)
    if at_top and any(name.endswith("/VERSION") for name in look.store.names()):
        again = look.foreign(dockersave.MANIFEST)
        return Writer(name=CONTAINERS, evidence=f"<hex>.tar at the top beside V1 folders{again}")
    return None


def _docker_archive(look: _Look) -> Writer | None:
    folders = [match[1] for name in look.layers if (match := _V1_LAYER.fullmatch(name))]
    if not folders or look.store.find(f"{folders[0]}/json") is None:
        return None
    if look.saved.startswith(b'[{"Config":"') and look.saved.endswith(b"]\n"):
        again = look.foreign(dockersave.MANIFEST)
        return Writer(name=DOCKER_OLD, evidence=f"V1 folders beside manifest.json{again}")
    if look.saved.startswith(b'[{"Config": "') and list(look.entry) == sorted(look.entry):
        return Writer(
            name=BAZEL,
            evidence="V1 folders, and a manifest.json that Python wrote with sorted keys",
        )
    return None


def _repack(look: _Look) -> Writer | None:
    if not isinstance(look.store, ArchiveStore):
        return None
    first = [name for _, name in zip(range(3), look.store.order(), strict=False)]
    wanted = [layout.MARKER, layout.INDEX, dockersave.MANIFEST]
    if look.header(layout.MARKER) != (b"0000644\0", _NO_TIME, b"ustar\x0000"):
        return None
    if look.store.find(dockersave.MANIFEST) is None:
        first, wanted = first[:2], wanted[:2]
    if look.marker == layout.MARKER_BYTES and first == wanted:
        return Writer(name=REPACK, evidence="documents first, members without times")
    return None


def _containerd(look: _Look) -> Writer | None:
    marker, index = look.header(layout.MARKER), look.header(layout.INDEX)
    if marker is None or index is None or marker[1] != _NO_TIME or index[1] != _NO_TIME:
        return None
    if marker[0] == b"0000444\0" and index[0] == b"0000644\0":
        saved = look.store.find(dockersave.MANIFEST) is not None
        return Writer(
            name=CONTAINERD if saved else BUILDKIT,
            evidence="members of mode 0444, without times",
        )
    return None


def _docker_hybrid(look: _Look) -> Writer | None:
    if look.marker == b'{"imageLayoutVersion": "1.0.0"}' and "LayerSources" in look.entry:
        again = look.foreign(layout.MARKER)
        return Writer(name=DOCKER_NEW, evidence=f"manifest.json has LayerSources{again}")
    return None


def _ggcr_layout(look: _Look) -> Writer | None:
    if look.marker != b'{\n    "imageLayoutVersion": "1.0.0"\n}':
        return None
    head = look.header(layout.MARKER)
    if head is not None and head[1] == _BUILDPACK_TIME:
        return Writer(name=PACK, evidence="every file is of 1980-01-01 00:00:01")
    return Writer(name=GGCR, evidence="oci-layout is indented by four spaces")


def _official(look: _Look) -> Writer | None:
    beside = ("image-manifest.json", "image-config.json")
    if look.marker == layout.MARKER_BYTES + b"\n" and all(map(look.store.find, beside)):
        return Writer(name=OFFICIAL, evidence=f"{' and '.join(beside)} beside the layout")
    return None


def _containers_layout(look: _Look) -> Writer | None:
    if look.marker == b'{"imageLayoutVersion": "1.0.0"}':
        again = look.foreign(layout.MARKER)
        return Writer(
            name=CONTAINERS,
            evidence=f"oci-layout has their space after the colon, no manifest.json{again}",
        )
    head = look.header(layout.MARKER)
    if head is None or look.marker != layout.MARKER_BYTES or not look.devices(layout.MARKER):
        return None
    order = list(look.store.order()) if isinstance(look.store, ArchiveStore) else []
    go = head[0] in _PLAIN and head[2] == b"ustar\x0000"
    if go and head[1] != _NO_TIME and order == sorted(order):
        return Writer(
            name=CONTAINERS, evidence="a folder packed by Go's tar, in order and with its times"
        )
    return None


def _dir(look: _Look) -> Writer | None:
    if look.document("version").startswith(b"Directory Transport Version: "):
        return Writer(name=CONTAINERS, evidence="the file version of a dir: directory")
    return None


_RULES: dict[SourceKind, tuple[Callable[[_Look], Writer | None], ...]] = {
    kinds.V1: (_v1,),
    kinds.DIR: (_dir,),
    kinds.DOCKER: (_jib, _ggcr_archive, _containers_archive, _docker_archive),
    kinds.HYBRID: (_repack, _docker_hybrid, _containerd),
    kinds.LAYOUT: (_repack, _containerd, _ggcr_layout, _official, _containers_layout),
}
