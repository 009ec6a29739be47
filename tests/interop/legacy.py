"""Images for real engines, and archives as Docker before 1.10 would have saved them."""

from __future__ import annotations

import tarfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import Image, Layer, Link, make_image, write_docker_archive
from tests.builders.files import Members, write_members
from tests.builders.trees import image_of
from tests.interop.engines import Engines
from tests.interop.shown import HERE

MOTD = "/etc/motd"
DOCKERFILE = """\
FROM scratch
COPY bin /bin
LABEL title="demo <&> app" maintainer="\u00fcn\u00efcode"
ENV A="x y" B="<tag>&amp;"
SHELL ["/bin/sh", "-c"]
HEALTHCHECK --interval=5s --retries=3 CMD true
VOLUME /data
EXPOSE 80/tcp
COPY etc /etc
ENTRYPOINT ["/bin/busybox"]
CMD ["cat", "/etc/motd"]
"""


@dataclass
class Bench:
    """Engines, and images with content that nobody has seen."""

    engines: Engines
    work: Path

    @property
    def busybox(self) -> bytes:
        """The program of every image that runs."""
        return ((self.engines.host.root or Path("/")) / "bin/busybox").read_bytes()

    def image(self, *names: str, compression: str = "none", **more: Any) -> Image:
        """An image of three layers, two of them the same, that prints its motd."""
        unique = uuid.uuid4().hex
        base = {"bin/busybox": self.busybox, "etc/unique": unique.encode()}
        motd = {"etc/motd": f"hello {unique}\n".encode()}
        image = make_image(
            [base, base, motd], names=names, compression=compression, architecture=HERE, **more
        )
        image.config["config"]["Labels"]["unique"] = unique
        return image

    def save(self, *images: Image) -> Path:
        """Let Docker load images and save them together."""
        names = [name for image in images for name in image.names]
        return self.saved(write_docker_archive(images, self.path("built.tar")), names)

    def saved(self, archive: Path, names: list[str]) -> Path:
        """What Docker saves of an archive that it loads."""
        docker = self.engines.docker
        docker.clear()
        docker.load(archive)
        return docker.save(names, self.path("saved.tar"))

    def path(self, name: str) -> Path:
        """A path in the work folder that is not taken."""
        return self.work / f"{uuid.uuid4().hex[:12]}-{name}"


def stripped(archive: Path, dest: Path) -> Path:
    """The archive without manifest.json and configs: what Docker before 1.10 would have saved."""
    members: Members = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name == "manifest.json" or member.name.endswith(".json"):
                continue
            data = tar.extractfile(member) if member.isreg() else None
            if member.issym():
                members[member.name] = Link(member.linkname)
            elif data is not None:
                members[member.name] = data.read()
    assert "repositories" in members
    assert any(name.endswith("/json") for name in members)
    return write_members(members, dest)


def empty_layers(bench: Bench) -> list[Image]:
    """Layers of nothing: 1,024 zeros, twice, and between others."""
    plain = make_image([{"a": uuid.uuid4().bytes}, {"b": uuid.uuid4().bytes}], names=("empty:1",))
    nothing = Layer(bytes(1024), "none")
    one, two = plain.layers
    return [image_of(nothing, one, nothing, nothing, two, nothing, names=("empty:1",))]


def same_words(bench: Bench) -> list[Image]:
    """Two images whose documents say the same, of layers that differ."""
    return [
        make_image([{"a": uuid.uuid4().bytes}], names=(name,), architecture=HERE)
        for name in ("one:1", "two:1")
    ]


def without_words(bench: Bench) -> list[Image]:
    """No history, no version of Docker, no author: Docker decodes such documents anew."""
    image = make_image([{"a": uuid.uuid4().bytes}], names=("bare:1",), history=False)
    del image.config["docker_version"]
    image.config["architecture"] = HERE
    return [image]


def with_words(bench: Bench) -> list[Image]:
    """An author, and a config that uses every field."""
    run = {
        "Entrypoint": ["/bin/busybox"],
        "Volumes": {"/data": {}},
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
        "WorkingDir": "/srv",
        "User": "1000:1000",
        "StopTimeout": 3,
    }
    image = bench.image("words:1", config=run)
    image.config.update({"author": "A <a@b.example> & \u00fc", "os.version": "1"})
    return [image]


V1_SOURCES: dict[str, Callable[[Bench], list[Image]]] = {
    "several tags": lambda bench: [
        bench.image("demo:1", "demo:2", "example.com:5000/team/demo:1", "other/demo:latest")
    ],
    "repeated layers": lambda bench: [bench.image("demo:1")],
    "several images": lambda bench: [bench.image("one:1"), bench.image("two:1", "one:2")],
    "same words": same_words,
    "empty layers": empty_layers,
    "30 layers": lambda bench: [
        make_image([{f"{n}": uuid.uuid4().bytes} for n in range(30)], names=("thirty:1",))
    ],
    "without words": without_words,
    "with words": with_words,
}


def motd_of(image: Image) -> bytes:
    label: str = image.config["config"]["Labels"]["unique"]
    return f"hello {label}\n".encode()
