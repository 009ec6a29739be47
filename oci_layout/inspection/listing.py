"""What a source holds, in a line a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Image, Root
from oci_layout.graph.walk import images, stated_platform
from oci_layout.platform import Platform
from oci_layout.source.opening import Source


@attrs.frozen(kw_only=True)
class ListedImage:
    """One name of a source, or what has none.

    Args:
        name: as an engine shows it; None for what has none.
        digest: of the manifest or index; of the config, the image ID, where there is no manifest.
        image_id: digest of the config, where it is one image.
        media_type: of the manifest or index; None without one.
        platforms: of its images.
    """

    name: str | None
    digest: Digest
    image_id: Digest | None
    media_type: str | None
    platforms: tuple[Platform, ...]


@attrs.frozen(kw_only=True)
class ListReport:
    """What a source holds.

    Args:
        path: as the user called it.
        images: one for each name, in the order of the source.
    """

    path: str
    images: tuple[ListedImage, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"version": 1, "path": self.path, "images": self.images}


def listing(source: Source) -> ListReport:
    """What a source lists; what lies in it and is listed nowhere, is left out.

    Args:
        source: opened.
    """
    roots = [root for root in source.roots if root.listed]
    return ListReport(
        path=source.label, images=tuple(each for root in roots for each in _lines(root))
    )


def _lines(root: Root) -> Iterator[ListedImage]:
    node = root.node
    for name in root.names or (None,):
        image_id = node.config.digest if isinstance(node, Image) else None
        descriptor = node.descriptor
        if descriptor is not None:
            digest, media_type = descriptor.digest, descriptor.media_type or None
        elif image_id is not None:
            digest, media_type = image_id, None
        else:
            raise AssertionError("neither a descriptor nor a config")
        yield ListedImage(
            name=None if name is None else str(name),
            digest=digest,
            image_id=image_id,
            media_type=media_type,
            platforms=tuple(stated_platform(image) or image.platform for image in images(node)),
        )
