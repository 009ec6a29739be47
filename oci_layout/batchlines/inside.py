"""Names and platforms of images, out of the JSON of ``verify``, ``repack`` and ``inspect``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from oci_layout import limits


@attrs.frozen(kw_only=True)
class Inside:
    """An image, as a report names it.

    Args:
        names: none for an image without.
        platform: empty where nobody states it.
    """

    names: tuple[str, ...]
    platform: str


def images_in(report: Any) -> Iterator[Inside]:
    """Every image of a report; none of what is no such report.

    Args:
        report: a JSON value.
    """
    if not isinstance(report, dict):
        return
    for each in _list(report.get("images")):  # of verify and repack
        if isinstance(each, dict):
            yield Inside(names=_texts(each.get("names")), platform=_text(each.get("platform")))
    for root in _list(report.get("roots")):  # of inspect
        if isinstance(root, dict):
            yield from _under(root, _texts(root.get("names")), 0)


def _under(node: dict[str, Any], names: tuple[str, ...], depth: int) -> Iterator[Inside]:
    if node.get("type") == "image":
        platform = _text(node.get("platform")) or _text(node.get("config_platform"))
        yield Inside(names=names, platform=platform)
    if depth > limits.INDEX_DEPTH + 1:  # a name's platforms side by side are a floor, too
        return
    for child in _list(node.get("children")):
        if isinstance(child, dict):
            yield from _under(child, names, depth + 1)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in _list(value) if isinstance(each, str))
