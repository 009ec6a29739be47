"""Odd images that an engine can load and look into."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from tests.builders import Image, Layer, full_name, layer_tar
from tests.builders.trees import image_of
from tests.interop.engines import Engines
from tests.interop.shown import HERE
from tests.interop.sources import Source, Wanted

NAME = "example.com/odd:1"
MOTD = "/etc/motd"


class Bench:
    """Makes odd images with a busybox to run, each of its own content."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.work = engines.host.new_dir(f"edges-{uuid.uuid4().hex}")
        self.busybox = ((engines.host.root or Path("/")) / "bin/busybox").read_bytes()
        self.motd = f"hello {uuid.uuid4().hex}\n".encode()

    @property
    def base(self) -> Layer:
        return Layer(layer_tar({"bin/busybox": self.busybox, "etc/motd": self.motd}))

    def image(self, *layers: Layer) -> Image:
        """An image for this machine."""
        found = image_of(*layers, names=(NAME,))
        return replace(found, config={**found.config, "architecture": HERE})

    def many(self, count: int) -> Image:
        fresh = uuid.uuid4().hex
        more = [Layer(layer_tar({f"srv/{n}": f"{fresh} {n}".encode()})) for n in range(count - 1)]
        # The large layer comes last: vfs copies all that is below each layer.
        return self.image(*more, self.base)

    def source(self, path: Path, image: Image) -> Source:
        """What must come out."""
        wanted = Wanted(image.config_bytes, MOTD, self.motd)
        return Source(path, {full_name(NAME): wanted})
