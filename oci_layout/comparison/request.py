"""What may be asked of ``diff``."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout import option
from oci_layout.filediff.ignoring import Ignored
from oci_layout.option import Completing
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class Diff(Completing):
    """What may be asked of ``diff``."""

    images: Sequence[str] = option.texts(
        "Compare this image of both; repeatable.", "NAME|DIGEST", "--image"
    )
    images_a: Sequence[str] = option.texts(
        "Image of A, where it goes by another name in B.", "NAME|DIGEST", "--image-a"
    )
    images_b: Sequence[str] = option.texts(
        "Image of B to compare it with.", "NAME|DIGEST", "--image-b"
    )
    platforms: Sequence[Platform | str] = option.platforms("This platform only; repeatable.")
    files: bool = option.flag("Read the layers that differ, and compare their files.")
    rootfs: bool = option.flag("Compare the files that a container of each would see.")
    ignore: Sequence[Ignored | str] = option.words(
        Ignored, "What does not count, with commas between: {}.", "WORDS"
    )
