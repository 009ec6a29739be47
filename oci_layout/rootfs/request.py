"""What may be asked of ``files``, ``cat`` and ``export``."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout import option
from oci_layout.option import Completing
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class OfOneImage(Completing):
    """Which image is looked into, and as it was after which layer."""

    images: Sequence[str] = option.texts(
        "The image, where there are several.", "NAME|DIGEST", "--image"
    )
    platforms: Sequence[Platform | str] = option.platforms("The platform, where there are several.")
    layer: int | None = option.count(
        "The state after layer N, the base 0; after the last by default.", least=0
    )
    limit: int | None = option.size("Let layers grow to SIZE beyond 200 times; 8G by default.")


@attrs.frozen(kw_only=True)
class Files(OfOneImage):
    """What may be asked of ``files``."""

    find: str | None = option.text(
        "Only names that fit; paths, where the pattern has a slash.", "GLOB"
    )


@attrs.frozen(kw_only=True)
class Cat(OfOneImage):
    """What may be asked of ``cat``."""


@attrs.frozen(kw_only=True)
class Export(OfOneImage):
    """What may be asked of ``export``."""

    devices: bool = option.flag("Make device nodes in a directory; needs root.")
    force: bool = option.flag("Replace an archive that is there.")
