"""What may be asked of ``check``."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout import option
from oci_layout.option import Working
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class Check(Working):
    """What may be asked of ``check``."""

    targets: Sequence[str] = option.texts(
        "docker@20.10, docker@29+containerd, containerd@1.6, podman, skopeo, cri-o, kind, "
        "k3s@1.30.1, rke2, nerdctl ...; repeatable. A table of the usual ones without.",
        "TARGET",
        "--for",
        between=",",
    )
    images: Sequence[str] = option.texts(
        "This image matters; repeatable.", "NAME|DIGEST", "--image"
    )
    platform: Platform | str | None = option.text(
        "Of the target's host; linux on this processor.", "OS/ARCH", read=option.one_platform
    )
    have: Sequence[str] = option.texts(
        "What the target has already: a list or a source; repeatable.", "FILE|SOURCE", "--have"
    )
    full: bool = option.flag("Read every layer too: digests and diff_ids.")
