"""Manifests and indexes with a field of another type than Go's structs give it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tests.builders.artifacts import Built, make_index, of_image
from tests.builders.image import Image, go_json
from tests.builders.layout import name_annotations
from tests.builders.shapes import archive_of

Make = Callable[[Image, Path], Path]
Change = Callable[[dict[str, Any]], None]
Family = Literal["oci", "docker"]


def _manifest(change: Change, family: Family = "oci") -> Make:
    """The manifest of the image, changed."""

    def make(image: Image, dest: Path) -> Path:
        plain = of_image(image, family)
        value = json.loads(plain.document)
        change(value)
        built = Built(go_json(value), plain.media_type, plain.below)
        return archive_of([built.entry(annotations=name_annotations(image.names[0]))], dest, built)

    return make


def _index(change: Change, *, top: bool, family: Family = "oci") -> Make:
    """An index of the image, or the entry of ``index.json`` that leads to one, changed."""

    def make(image: Image, dest: Path) -> Path:
        built = of_image(image, family)
        plain = make_index([built.entry(platform=image.platform)], built, family=family)
        value = json.loads(plain.document)
        if not top:
            change(value)
        index = Built(go_json(value), plain.media_type, plain.below)
        entry = index.entry(annotations=name_annotations(image.names[0]))
        if top:
            change(entry)
        return archive_of([entry], dest, index)

    return make


def _noted(*, number: bool = True) -> Change:
    return lambda value: value.setdefault("annotations", {}).update(a=1 if number else None)


def _layer(**fields: Any) -> Change:
    return lambda value: value["layers"][0].update(fields)


def _child(**fields: Any) -> Change:
    return lambda value: value["manifests"][0].update(fields)


# Each with who refuses it: containerd 1.6, and containers/image as skopeo 1.9 has it.
MISTYPED: dict[str, tuple[Make, bool, bool]] = {
    "a number among annotations": (_manifest(_noted()), True, True),
    "null among annotations": (_manifest(_noted(number=False)), False, False),
    "annotations in a list": (_manifest(lambda v: v.update(annotations=["a=b"])), True, True),
    "annotations that are null": (_manifest(lambda v: v.update(annotations=None)), False, False),
    "urls in a text": (_manifest(_layer(urls="https://example.com")), True, True),
    "a number among a layer's annotations": (_manifest(_layer(annotations={"a": 1})), True, True),
    "a type of an artifact that is a number": (
        _manifest(lambda v: v.update(artifactType=1)),
        False,  # they are those before image-spec 1.1
        False,
    ),
    "of Docker, a number among annotations": (_manifest(_noted(), "docker"), True, False),
    "of Docker, urls in a text": (
        _manifest(_layer(urls="https://example.com"), "docker"),
        True,
        True,
    ),
    "an index, a number among annotations": (_index(_noted(), top=False), True, True),
    "an index, a version that is a number": (
        _index(
            lambda v: v["manifests"][0]["platform"].update({"os.version": 10}),
            top=False,
        ),
        True,
        True,
    ),
    "an index, a number among an entry's annotations": (
        _index(_child(annotations={"a": 1}), top=False),
        True,
        True,
    ),
    "a list of Docker, a number among an entry's annotations": (
        _index(_child(annotations={"a": 1}), top=False, family="docker"),
        True,
        False,
    ),
    "index.json, a number among annotations": (_index(_noted(), top=True), True, True),
    "index.json, a platform in a text": (
        _index(lambda v: v.update(platform="linux"), top=True),
        True,
        True,
    ),
}
