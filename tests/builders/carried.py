"""Images whose config stands in the manifest's ``data``, and nowhere else."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.builders.artifacts import Built, of_image
from tests.builders.image import Image, go_json
from tests.builders.layout import name_annotations
from tests.builders.shapes import archive_of


def carrying(image: Image, raw: bytes = b"") -> Built:
    """The image, its config in `data`, or something else there."""
    plain = of_image(image)
    value = json.loads(plain.document)
    value["config"]["data"] = base64.b64encode(raw or image.config_bytes).decode()
    below = {key: data for key, data in plain.below.items() if key != image.config_digest}
    return Built(go_json(value), plain.media_type, below)


def write_carrying(image: Image, dest: Path) -> Path:
    """An archive of it."""
    built = carrying(image)
    return archive_of([built.entry(annotations=name_annotations(image.names[0]))], dest, built)
