"""What an engine makes of a file: does it load, under which names, as which image IDs."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.interop.containerd import Containerd
from tests.interop.containers import Podman, Skopeo
from tests.interop.docker import Docker
from tests.interop.host import EngineError
from tests.interop.shown import Engine

TRANSPORTS = {False: ("oci-archive", "docker-archive"), True: ("oci", "dir")}


@dataclass(frozen=True)
class Seen:
    """The answer of an engine.

    Args:
        loads: whether an image came out of it, and no error with it.
        names: image ID, as the engine shows it, by name, as the engine shows it.
        ids: of all images, those without a name too.
        said: the engine's words.
    """

    loads: bool
    names: dict[str, str] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    said: str = ""


def _seen(names: dict[str, str], ids: set[str], said: str) -> Seen:
    return Seen(bool(ids), names, frozenset(ids), said)


def docker_load(docker: Docker, path: Path) -> Seen:
    """`docker load`."""
    docker.clear()
    try:
        said = docker.docker("load", "-i", str(docker.host.place(path))).decode()
    except EngineError as error:
        return Seen(loads=False, said=error.output)
    if "Error unpacking image" in said:  # and exit status 0
        return Seen(loads=False, said=said)
    ids = docker.ids()
    # Without a platform it is the shell of an image whose manifest is not there.
    listed = docker.inspect(*ids) if ids else []
    found = [image for image in listed if image["Os"] or image["Architecture"]]
    names = {name: image["Id"] for image in found for name in image["RepoTags"] or []}
    return _seen(names, {image["Id"] for image in found}, said)


def ctr_import(containerd: Containerd, path: Path, flags: tuple[str, ...] = ()) -> Seen:
    """`ctr images import`."""
    containerd.clear()
    try:
        said = containerd.ctr("images", "import", *flags, str(containerd.host.place(path)))
    except EngineError as error:
        return Seen(loads=False, said=error.output)
    found = containerd.digests()
    return _seen(found, set(found.values()), said.decode())


def podman_load(podman: Podman, path: Path) -> Seen:
    """`podman load`."""
    podman.clear()
    try:
        said = podman.podman("load", "-i", str(podman.host.place(path)))
        listed = json.loads(podman.podman("images", "--no-trunc", "--format", "json"))
    except EngineError as error:
        # With a config that it cannot read in its store, it lists no image at all.
        for unread in set(re.findall(r'for image "([0-9a-f]{64})"', error.output)):
            podman.podman("rmi", "-f", unread)
        return Seen(loads=False, said=error.output)
    names = {name: image["Id"] for image in listed for name in image.get("Names") or []}
    ids = {image["Id"] for image in listed}
    prefix = "sha256:"
    return _seen(
        {name: prefix + found.removeprefix(prefix) for name, found in names.items()},
        {prefix + found.removeprefix(prefix) for found in ids},
        said.decode(),
    )


def skopeo_copy(skopeo: Skopeo, path: Path, transport: str) -> Seen:
    """`skopeo copy` without a reference, which reads every byte."""
    dest = Path(tempfile.mkdtemp(dir=skopeo.host.work))
    ref = f"{transport}:{skopeo.host.place(path)}"
    try:
        skopeo.copy(ref, f"dir:{dest}")
        manifest = json.loads((dest / "manifest.json").read_bytes())
        tags: list[str] = []
        if transport == "docker-archive":
            listed = skopeo.host.run(["skopeo", "list-tags", ref])
            tags = [tag for tag in json.loads(listed)["Tags"] or [] if tag[0] != "@"]
    except EngineError as error:
        return Seen(loads=False, said=error.output)
    finally:
        shutil.rmtree(dest)
    config = next((each for key, each in manifest.items() if key.lower() == "config"), None)
    held = {key.lower(): each for key, each in config.items()} if isinstance(config, dict) else {}
    found = held.get("digest", "none")  # schema 1
    return _seen(dict.fromkeys(tags, found), {found}, "")


def ways(engine: Engine, path: Path) -> dict[str, Callable[[Path], Seen]]:
    """The ways of asking an engine for a file or folder; most have one way only."""
    if isinstance(engine, Docker):
        return {engine.name: partial(docker_load, engine)}
    if isinstance(engine, Containerd):
        # kind asks for every platform, and for a name by digest for what has none.
        return {
            "containerd": partial(ctr_import, engine),
            "kind": partial(ctr_import, engine, flags=("--all-platforms", "--digests")),
        }
    if isinstance(engine, Podman):
        return {"podman": partial(podman_load, engine)}
    assert isinstance(engine, Skopeo)
    return {
        f"skopeo+{transport}": partial(skopeo_copy, engine, transport=transport)
        for transport in TRANSPORTS[path.is_dir()]
    }


def ask(engine: Engine, path: Path, way: str = "") -> dict[str, Seen]:
    """The answers of an engine, by every way of asking or by one."""
    return {name: call(path) for name, call in ways(engine, path).items() if not way or name == way}
