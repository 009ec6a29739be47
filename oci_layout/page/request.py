"""What may be asked of ``report``."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout import option
from oci_layout.option import Working
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class Page(Working):
    """What may be asked of ``report``."""

    images: Sequence[str] = option.texts("This image only; repeatable.", "NAME|DIGEST", "--image")
    platforms: Sequence[Platform | str] = option.platforms("This platform only; repeatable.")
    targets: Sequence[str] = option.texts(
        "Engines that are asked, as check --for; the usual ones without.",
        "TARGET",
        "--for",
        between=",",
    )
    quick: bool = option.flag("Read no layer: nothing of files, and documents alone are verified.")
    force: bool = option.flag("Replace a page that is there.")
    limit: int | None = option.size("Let layers grow to SIZE beyond 200 times; 8G by default.")
