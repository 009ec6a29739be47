"""What may be asked of ``inspect``."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout import option
from oci_layout.option import Completing
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class Inspect(Completing):
    """What may be asked of ``inspect``."""

    images: Sequence[str] = option.texts("This image only; repeatable.", "NAME|DIGEST", "--image")
    platforms: Sequence[Platform | str] = option.platforms("This platform only; repeatable.")
    layers: bool = option.flag("Read the layers: count files, name the largest.")
    provenance: bool = option.flag("Tell what attestations say of how it was made, and SBOMs.")
    largest: int = option.count("Largest files that --layers names.", default=5, least=0, most=1000)


@attrs.frozen(kw_only=True)
class List(Completing):
    """What may be asked of ``list``."""
