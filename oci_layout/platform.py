"""Platforms, and the matching that containerd does."""

from __future__ import annotations

import re

import attrs

_PART = re.compile(r"[A-Za-z0-9_.-]+")
_ARCHITECTURES: dict[str, tuple[str, str | None]] = {
    # containerd/platforms database.go, normalizeArch
    "i386": ("386", ""),
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_LAST_V8 = 9  # Armv8 ends at 8.9; Armv9.x has what Armv8.(x+5) has
_SERVER_2022 = 20348  # the first build of Windows whose images run on later ones


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
        os = "darwin" if self.os.lower() == "macos" else self.os.lower()
        architecture, variant = self.architecture.lower(), self.variant.lower()
        if architecture in _ARCHITECTURES:
            architecture, implied = _ARCHITECTURES[architecture]
            variant = implied if implied is not None else variant
        if architecture == "arm64":
            plain = variant.removesuffix(".0")
            variant = "" if plain in {"8", "v8"} else plain
        elif architecture == "arm":
            variant = "v7" if variant == "" else f"v{variant}" if variant.isdigit() else variant
        elif architecture == "amd64" and variant == "v1":
            variant = ""
        return attrs.evolve(self, os=os, architecture=architecture, variant=variant)

    def matches(self, wanted: Platform) -> bool:
        """Whether this very platform is the wanted one, spelling aside.

        A version is compared on Windows alone, and only where both sides state one. Features of
        the operating system are not compared.
        """
        mine, other = self.normalised(), wanted.normalised()
        if (mine.os, mine.architecture, mine.variant) != (
            other.os,
            other.architecture,
            other.variant,
        ):
            return False
        if mine.os != "windows" or not mine.os_version or not other.os_version:
            return True
        return _runs_on_windows(_numbers(mine.os_version), _numbers(other.os_version))

    @property
    def version_order(self) -> tuple[int, ...]:
        """Sorts versions of an operating system, the newest last and none first."""
        return _numbers(self.os_version)

    def runs(self) -> tuple[Platform, ...]:
        """The platforms whose images run on this one, best first.

        That is ``Only`` of containerd/platforms (compare.go, variant.go) within one architecture:
        arm/v7 takes v6 and v5, amd64/v3 takes v2 and v1, arm64/v8.2 takes v8.1 and v8, and
        arm64/v9.x takes what is older in v9 and v8.0 to v8.x+5. containerd also lets amd64 take
        386, and arm64 take arm (`narrower`), which is right for choosing what to run on a machine.
        Here somebody names what they want to have, and 386 in place of amd64 would be a surprise
        that is found on the other side of an air gap: it has to be asked for.
        """
        mine = self.normalised()
        names = [mine.variant]
        match = re.fullmatch(r"v(\d{1,2})(?:\.(\d{1,2}))?", mine.variant)
        major, minor = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
        if mine.architecture == "arm" and match and not match[2]:
            names += [f"v{number}" for number in range(major - 1, 4, -1)]
        elif mine.architecture == "amd64" and match and not match[2]:
            names += [f"v{number}" for number in range(major - 1, 0, -1)]
        elif mine.architecture == "arm64" and major == 9:
            names += [f"v9.{number}" for number in range(minor - 1, -1, -1)]
            names += [f"v8.{number}" for number in range(min(minor + 5, _LAST_V8), -1, -1)]
        elif mine.architecture == "arm64" and major == 8:
            names += [f"v8.{number}" for number in range(minor - 1, -1, -1)]
        every = (attrs.evolve(mine, variant=name).normalised() for name in names)
        return tuple(dict.fromkeys(every))

    def narrower(self) -> tuple[Platform, ...]:
        """All of ``Only``: what runs on this one, and after it on its 32-bit side."""
        mine = self.normalised()
        sides = {"amd64": "386", "arm64": "arm"}
        if mine.architecture not in sides:
            return self.runs()
        variant = "v8" if mine.architecture == "arm64" else ""
        side = attrs.evolve(mine, architecture=sides[mine.architecture], variant=variant)
        return (*self.runs(), *side.runs())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit() and len(part) < 10)


def _runs_on_windows(image: tuple[int, ...], host: tuple[int, ...]) -> bool:
    """Whether an image of one version of Windows runs on another.

    containerd/platforms platform_windows_compat.go: the same build before Windows Server 2022;
    from there on, any build from that of Server 2022 to the host's own. Revisions may differ.
    """
    if len(host) < 3 or host[2] < _SERVER_2022 or len(image) < 3:
        depth = min(3, len(host))
        return image[:depth] == host[:depth]
    return image[:2] == host[:2] and _SERVER_2022 <= image[2] <= host[2]
