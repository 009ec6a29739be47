"""Platforms, and the matching that containerd does."""

from __future__ import annotations

import re

import attrs

_PART = re.compile(r"[A-Za-z0-9_.-]+")
_ARCHITECTURES = {  # containerd/platforms database.go, normalizeArch
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}


@attrs.frozen(order=True)
class Platform:
    """What an image runs on (image-spec, image-index.md, "platform").

    Args:
        os: operating system, as Go names it.
        architecture: CPU, as Go names it.
        variant: variant of the CPU, or empty.
        os_version: version of the operating system (Windows), or empty.
        os_features: features of the operating system (Windows).
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read ``os/arch[/variant]``, or ``os(version)/arch[/variant]``.

        Raises:
            ValueError: not of that form.
        """
        version = ""
        match = re.fullmatch(r"([^/()]+)\(([^/()]*)\)(/.*)", text)
        if match:
            text, version = match[1] + match[3], match[2]
        parts = text.split("/")
        if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(f"{text!r} is not a platform: expected os/arch[/variant]")
        return cls(
            parts[0].lower(), parts[1].lower(), parts[2].lower() if parts[2:] else "", version
        )

    def __str__(self) -> str:
        version = f"({self.os_version})" if self.os_version else ""
        variant = f"/{self.variant}" if self.variant else ""
        return f"{self.os or 'unknown'}{version}/{self.architecture or 'unknown'}{variant}"

    @property
    def unknown(self) -> bool:
        """BuildKit marks attestations with ``unknown/unknown``."""
        return self.os == "unknown" and self.architecture == "unknown"

    def normalised(self) -> Platform:
        """The same platform in the one spelling that containerd compares."""
        os = "darwin" if self.os == "macos" else self.os.lower()
        architecture, variant = self.architecture.lower(), self.variant.lower()
        if architecture in _ARCHITECTURES:
            architecture, implied = _ARCHITECTURES[architecture]
            variant = variant or implied
        if architecture == "arm64" and variant in {"8", "v8", "v8.0"}:
            variant = ""
        elif architecture == "arm":
            variant = "v7" if variant == "" else variant if variant[0] == "v" else f"v{variant}"
        elif architecture == "amd64" and variant == "v1":
            variant = ""
        return attrs.evolve(self, os=os, architecture=architecture, variant=variant)

    def matches(self, wanted: Platform) -> bool:
        """Whether this very platform is the wanted one, spelling aside."""
        mine, other = self.normalised(), wanted.normalised()
        return (mine.os, mine.architecture, mine.variant) == (
            other.os,
            other.architecture,
            other.variant,
        ) and (not other.os_version or _same_windows(mine.os_version, other.os_version))

    def runs(self) -> tuple[Platform, ...]:
        """The platforms whose images run here, best first (containerd/platforms compare.go)."""
        mine = self.normalised()

        def variants(names: list[str]) -> tuple[Platform, ...]:
            return tuple(attrs.evolve(mine, variant=name) for name in names)

        if mine.architecture == "arm" and re.fullmatch(r"v[5-8]", mine.variant):
            return variants([f"v{n}" for n in range(int(mine.variant[1]), 4, -1)])
        if mine.architecture == "amd64" and re.fullmatch(r"v[2-9]", mine.variant):
            return variants([*(f"v{n}" for n in range(int(mine.variant[1]), 1, -1)), ""])
        if mine.architecture == "arm64" and mine.variant:
            return variants([mine.variant, ""])
        return (mine,)


def _same_windows(mine: str, wanted: str) -> bool:
    """Windows images run where major, minor and build agree; the revision may differ."""
    depth = min(3, len(wanted.split(".")))
    return mine.split(".")[:depth] == wanted.split(".")[:depth]
