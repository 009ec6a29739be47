"""Engines load what `repack` writes, and show what the original was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.builders import pack_tree, sha256
from tests.command import succeed
from tests.interop.built import BUILT
from tests.interop.check import check
from tests.interop.containers import Podman, entries, members
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.host import EngineError
from tests.interop.shown import HERE, Engine
from tests.interop.sources import TINY, Source

OUTPUTS = {
    "oci.tar": ("--to", "oci"),
    "oci-gzip.tar": ("--to", "oci", "--compression", "gzip"),
    "docker.tar": ("--to", "docker"),
    "oci": ("--to", "oci"),
}
# Fields of `docker image inspect` that tell of the load, not of the image.
OF_THE_LOAD = ("GraphDriver", "Metadata", "RepoDigests")

Convert = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def convert(engines: Engines, sources: Callable[[str], Source]) -> Convert:
    """Give the path of what `repack` makes of a source, each made once."""
    folder = engines.host.new_dir("converted")

    def converted(name: str, output: str) -> Path:
        dest = folder / f"{name}-{output}"
        if not dest.exists():
            source = sources(name)
            flags = [*OUTPUTS[output], *source.flags]
            if "docker" in OUTPUTS[output] and source.platforms:
                flags += ["--platform", f"linux/{HERE}"]
            succeed("repack", source.path, *flags, "-o", dest)
        return dest

    return converted


def load(engine: Engine, path: Path) -> None:
    """Load a conversion; a folder goes to engines other than skopeo as a pure OCI archive."""
    if path.is_dir() and engine.name != "skopeo":
        path = pack_tree(path, path.with_name(f"{path.name}.pure.tar"))
    engine.load(path)


def inspected(docker: Docker) -> dict[str, Any]:
    """What Docker shows of each image that it holds."""
    shown = docker.inspect(*docker.ids())
    for image in shown:
        image["RepoTags"].sort()
        for field in OF_THE_LOAD:
            image.pop(field, None)
    return {image["Id"]: image for image in shown}


def inspects_the_same(docker: Docker, source: Source, original: Mapping[str, Any]) -> None:
    """Docker's own words on the original and on the conversion, which is loaded, are the same.

    Args:
        original: what Docker shows of the original; nothing where it does not load it.
    """
    converted = inspected(docker)
    wanted = {sha256(image.config): json.loads(image.config) for image in source.images.values()}
    assert sorted(converted) == sorted(wanted)
    for image_id, shown in converted.items():
        for field in ("Healthcheck", "OnBuild", "Shell", "Labels", "Env", "Cmd", "Entrypoint"):
            assert shown["Config"].get(field) == wanted[image_id]["config"].get(field)
    assert not original or converted == original


@pytest.fixture(scope="session")
def originals(
    engines: Engines, sources: Callable[[str], Source]
) -> Callable[[str], dict[str, Any]]:
    """What Docker shows of a source that it loads, each loaded once; nothing of others."""

    @cache
    def shown(name: str) -> dict[str, Any]:
        source = sources(name)
        if not source.docker_loads:
            return {}
        engines.docker.clear()
        engines.docker.load(source.path)
        return inspected(engines.docker)

    return shown


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", [*TINY, *BUILT])
def test_engine_shows_the_original(
    name: str,
    output: str,
    engine: Engine,
    versions: dict[str, str],
    sources: Callable[[str], Source],
    convert: Convert,
    originals: Callable[[str], dict[str, Any]],
) -> None:
    """Names, image ID, config, diff_ids and a file are those of the source."""
    source = sources(name)
    path = convert(name, output)
    original = originals(name) if engine.name == "docker" else {}
    engine.clear()
    pure = path.is_dir() or (source.platforms and "docker" not in OUTPUTS[output])
    assert ("manifest.json" in members(path)) is not pure
    if engine.name == "docker":
        old = int(versions["docker"].partition(".")[0]) < 23
        if pure or (source.zstd and output == "oci.tar" and old):
            # The classic store reads no pure layout, old versions no zstd: that is why
            # --to docker, --platform and --compression gzip exist.
            with pytest.raises(EngineError):
                load(engine, path)
            return
    if isinstance(engine, Podman) and path.is_dir():
        # podman loads a folder without its names, so it is asked for each entry.
        ids = {entry.name: engine.pull(f"oci:{path}:{entry.ref}") for entry in entries(path)}
        assert ids == {name: sha256(image.config) for name, image in source.images.items()}
        return
    load(engine, path)
    check(engine, source)
    if isinstance(engine, Docker) and engine.name == "docker":
        inspects_the_same(engine, source, original)


@pytest.mark.parametrize("name", ["ctr-host.tar", "dir"])
def test_umoci_unpacks_a_layout(
    name: str, engines: Engines, sources: Callable[[str], Source], convert: Convert
) -> None:
    """umoci, a reader of the specification's layouts alone, takes the folder."""
    path, source = convert(name, "oci"), sources(name)
    bundle = engines.host.new_dir(f"umoci-{name}") / "bundle"
    (entry,), ((name, wanted),) = entries(path), source.images.items()
    engines.host.run(["umoci", "unpack", "--image", f"{path}:{entry.ref}", str(bundle)])
    assert entry.name == name
    assert (bundle / "rootfs" / wanted.file[1:]).read_bytes() == wanted.content
