"""What the engines are given to load: images made for the run, with content nobody has seen."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from tests.builders import (
    Image,
    full_name,
    make_image,
    sha256,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)
from tests.interop.engines import Engines
from tests.interop.shown import HERE
from tests.interop.sources import Source, Wanted, find_blob

MOTD = "/etc/motd"
DOCKERFILE = """\
FROM scratch
COPY bin /bin
LABEL title="demo <&> app" maintainer="\u00fcn\u00efcode"
ENV A="x y" B="<tag>&amp;"
SHELL ["/bin/sh", "-c"]
HEALTHCHECK --interval=5s --retries=3 CMD true
ONBUILD RUN echo hi
COPY etc /etc
RUN busybox rm /etc/gone && busybox ln -s motd "/etc/a link"
CMD ["/bin/busybox", "cat", "/etc/motd"]
"""


class Builder:
    """Makes sources; every image has a busybox to run and a text of its own."""

    def __init__(self, engines: Engines) -> None:
        """Take the busybox of the engines' host as the program of every image."""
        self.engines = engines
        self.busybox = ((engines.host.root or Path("/")) / "bin/busybox").read_bytes()
        self.work = engines.host.new_dir("sources")
        self._motd: dict[str, bytes] = {}

    def image(self, *names: str, compression: str | list[str] = "none", arch: str = HERE) -> Image:
        """Make an image of three layers, two of them the same."""
        unique = uuid.uuid4().hex
        base = {"bin/busybox": self.busybox, "etc/unique": unique.encode()}
        motd = f"hello {unique}\n".encode()
        image = make_image(
            [base, base, {"etc/motd": motd}],
            names=names,
            compression=compression,
            architecture=arch,
            variant="v8" if arch == "arm64" else None,
        )
        self._motd[image.config_digest] = motd
        return image

    def wanted(self, *images: Image) -> dict[str, Wanted]:
        """Give what must come out of images, by name."""
        return {
            full_name(name): Wanted(image.config_bytes, MOTD, self._motd[image.config_digest])
            for image in images
            for name in image.names
        }


def _archive(
    kind: str,
    write: Callable[[list[Image], Path], Path],
    compression: str | list[str] = "none",
    *,
    docker_loads: bool = True,
) -> Callable[[Builder], Source]:
    """Make an archive of one image with two names of the same tag."""

    def make(builder: Builder) -> Source:
        image = builder.image("demo:1", "example.com:5000/demo:1", compression=compression)
        dest = write([image], builder.work / f"{kind}.tar")
        return Source(dest, builder.wanted(image), docker_loads=docker_loads)

    return make


def _several(builder: Builder) -> Source:
    """Make an archive of two images, one of them of two names."""
    images = [builder.image("a:1", "b/c:2"), builder.image("a:2")]
    dest = write_docker_archive(images, builder.work / "several.tar")
    return Source(dest, builder.wanted(*images), docker_loads=True)


def _layout(builder: Builder) -> Source:
    """Make a layout whose layers are stored in three ways, zstd among them."""
    image = builder.image("example.com/demo:z", compression=["zstd", "gzip", "none"])
    dest = write_oci_layout([image], builder.work / "layout")
    return Source(dest, builder.wanted(image), zstd=True)


def _dir(builder: Builder) -> Source:
    """Make a `dir:` with Docker's types; it cannot hold a name."""
    image = builder.image("example.com/demo:dir", compression="gzip")
    dest = write_dir(image, builder.work / "dir")
    return Source(dest, builder.wanted(image), flags=("--name", "example.com/demo:dir"))


def _platforms(builder: Builder, drop_other: bool) -> Source:
    """Make an index of two platforms with attestations; whole, or sparse without the other."""
    here = builder.image("example.com/demo:multi", compression="gzip")
    other = builder.image(compression="gzip", arch="arm64" if HERE != "arm64" else "amd64")
    drop: Iterable[str] = other.blobs() if drop_other else ()
    name = "sparse" if drop_other else "platforms"
    dest = write_index_layout(
        builder.work / name, [here, other], name=here.names[0], attestations=True, drop=set(drop)
    )
    return Source(dest, builder.wanted(here), platforms=not drop_other)


def _docker_build(builder: Builder) -> Source:
    """Let Docker itself build and save an image."""
    docker = builder.engines.docker
    docker.clear()
    motd = f"hello {uuid.uuid4().hex}\n".encode()
    context = builder.work / "context"
    for path, data in (
        ("Dockerfile", DOCKERFILE.encode()),
        ("bin/busybox", builder.busybox),
        ("bin/sh", builder.busybox),
        ("etc/motd", motd),
        ("etc/gone", b"gone"),
    ):
        file = context / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o755 if "bin" in path else 0o644)
    names = ["built:1", "example.com:5000/team/built:v1.0"]
    docker.build(context, names)
    image_id = docker.inspect(names[0])[0]["Id"]
    dest = docker.save(names, builder.work / "docker-build.tar")
    docker.clear()
    wanted = Wanted(find_blob(dest, image_id), MOTD, motd)
    shell = json.loads(wanted.config)["config"]["Shell"]
    assert (sha256(wanted.config), shell) == (image_id, ["/bin/sh", "-c"])
    return Source(dest, {full_name(name): wanted for name in names}, docker_loads=True)


BUILT: dict[str, Callable[[Builder], Source]] = {
    "docker-build": _docker_build,
    "v1dirs": _archive("v1dirs", write_docker_archive),
    "reversed": _archive(
        "reversed",
        partial(write_docker_archive, prefix="./", order=reversed),
        docker_loads=False,
    ),
    "flat": _archive("flat", partial(write_docker_archive, style="flat"), "gzip"),
    "jib": _archive("jib", partial(write_docker_archive, style="lowercase"), "gzip"),
    "podman": _archive("podman", partial(write_docker_archive, style="podman")),
    "hybrid": _archive("hybrid", write_hybrid_archive, "gzip"),
    # Newer versions of Docker need a program of the host for xz, so the original may not load.
    "xz-bzip2": _archive(
        "xz-bzip2", write_docker_archive, ["xz", "bzip2", "gzip"], docker_loads=False
    ),
    "oci-archive": _archive("oci-archive", write_oci_archive, "gzip", docker_loads=False),
    "several": _several,
    "layout": _layout,
    "dir": _dir,
    "platforms": partial(_platforms, drop_other=False),
    "sparse": partial(_platforms, drop_other=True),
}
