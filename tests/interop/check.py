"""Compare what an engine shows with what a source held."""

from __future__ import annotations

import json

from tests.builders import full_name
from tests.interop.shown import Engine, Shown
from tests.interop.sources import Source


def by_full_name(engine: Engine, source: Source, images: dict[str, Shown]) -> dict[str, Shown]:
    """Qualify the names that an engine shows; podman's short ones are `localhost/...`."""
    found = {}
    for name, shown in images.items():
        full = full_name(name)
        if engine.name == "podman" and full not in source.images:
            full = full_name(name.removeprefix("localhost/"))
        found[full] = shown
    return found


def check(engine: Engine, source: Source) -> None:
    """Compare all that the engine shows with what the source held, and read a file of it."""
    images = engine.images()
    shown = by_full_name(engine, source, images)
    assert sorted(shown) == sorted(source.images)
    for name, wanted in source.images.items():
        assert json.loads(shown[name].config) == json.loads(wanted.config)
        assert shown[name].config == wanted.config
        assert list(shown[name].diff_ids) == json.loads(wanted.config)["rootfs"]["diff_ids"]
    # To Docker and podman, names of one config are names of one image.
    one = engine.name in ("docker", "podman")
    read = {shown.image_id: name for name, shown in images.items()}.values() if one else images
    for name in read:
        wanted = source.images[next(iter(by_full_name(engine, source, {name: images[name]})))]
        assert engine.cat(name, wanted.file) == wanted.content
