"""Which platforms an engine takes on its host, best first, and how it compares them."""

from __future__ import annotations

import attrs

from oci_layout.platform import Platform

# containers/image internal/pkg/platform/platform_matcher.go, compatibility
_ARM = ("v8", "v7", "v6", "v5")


@attrs.frozen(kw_only=True)
class Host:
    """The platforms that are taken.

    Args:
        choices: best first.
        spelled: whether texts are compared as they stand, and ``x86_64`` is not ``amd64``.
    """

    choices: tuple[Platform, ...]
    spelled: bool = False

    def rank(self, stated: Platform) -> int | None:
        """How good a platform is, 0 the best; None where it is not taken."""
        return next(
            (number for number, each in enumerate(self.choices) if self._same(stated, each)), None
        )

    def takes(self, stated: Platform) -> bool:
        """Whether a platform is among them."""
        return self.rank(stated) is not None

    def _same(self, stated: Platform, choice: Platform) -> bool:
        if not self.spelled:
            return stated.matches(choice)
        return (stated.os, stated.architecture, stated.variant) == (
            choice.os,
            choice.architecture,
            choice.variant,
        )


def only(platform: Platform) -> Host:
    """``platforms.Only`` of containerd: amd64 takes 386 too, and arm64 takes arm.

    containerd/platforms compare.go, platformVector.
    """
    return Host(choices=platform.narrower())


def strict(platform: Platform) -> Host:
    """``platforms.OnlyStrict`` and ``Ordered`` of containerd: this very one, spelling aside."""
    return Host(choices=(platform,))


def spelled(platform: Platform) -> Host:
    """That of containers/image: the variants of ARM, and no normalising.

    internal/pkg/platform/platform_matcher.go, WantedPlatforms; it asks the processor for its
    variant, which is v8 where Go says arm64.
    """
    mine = platform.normalised()
    variant = mine.variant or ("v8" if mine.architecture == "arm64" else "")
    variants = [""]
    if mine.architecture == "arm" and variant in _ARM:
        variants = [*_ARM[_ARM.index(variant) :], ""]
    elif mine.architecture == "arm64":
        variants = [variant, ""]
    choices = tuple(
        Platform(os=mine.os, architecture=mine.architecture, variant=each) for each in variants
    )
    return Host(choices=choices, spelled=True)


def runs(image: Platform, host: Platform) -> bool:
    """Whether an image of one platform runs on a host of another."""
    return only(host).takes(image)
