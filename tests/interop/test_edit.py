"""Engines load what `edit` writes: they show and run the edit, and all else as it was."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import independent
from tests.builders import full_name, pack_tree, write_docker_archive
from tests.command import succeed
from tests.interop.built import Builder
from tests.interop.check import by_full_name
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.legacy import stripped
from tests.interop.shown import HERE, Engine
from tests.interop.sources import Source

LATEST = 1_234_567_890  # 2009-02-13T23:31:30Z, before any of these images was made
RUN = ["/bin/busybox", "sh", "-c", "/bin/busybox id -u; /bin/busybox pwd; echo $EDITED"]
FLAGS = (
    *("--label", "edited=<yes>", "--label", "title-", "--env", "EDITED=it is", "--env", "B-"),
    *("--cmd", json.dumps(RUN), "--entrypoint", "-", "--user", "1234", "--workdir", "/etc"),
    *("--expose", "8080", "--volume", "/data", "--stop-signal", "SIGINT"),
    *("--healthcheck", "exit 0", "--health-interval", "1m30s", "--author", "somebody"),
    *("--clamp-time", str(LATEST), "--layers"),
)
NAMES = ("docker-build", "v1", "hybrid", "several", "oci-archive", "layout", "platforms")


def expected(config: dict[str, Any]) -> dict[str, Any]:
    """What FLAGS make of a config; not of its diff_ids."""
    new = copy.deepcopy(config)
    inner = new["config"]
    inner["Labels"] = {**(inner.get("Labels") or {}), "edited": "<yes>"}
    inner["Labels"].pop("title", None)
    variables = [each for each in inner.get("Env") or [] if not each.startswith("B=")]
    inner["Env"] = [*variables, "EDITED=it is"]
    inner.pop("Entrypoint", None)
    inner |= {"Cmd": RUN, "User": "1234", "WorkingDir": "/etc", "StopSignal": "SIGINT"}
    inner["ExposedPorts"] = {**(inner.get("ExposedPorts") or {}), "8080/tcp": {}}
    inner["Volumes"] = {**(inner.get("Volumes") or {}), "/data": {}}
    health = {"Test": ["CMD-SHELL", "exit 0"], "Interval": 90 * 10**9}
    inner["Healthcheck"] = {**(inner.get("Healthcheck") or {}), **health}
    new["author"] = "somebody"
    stamp = "2009-02-13T23:31:30Z"
    for line in (new, *new.get("history", [])):
        # All are written in UTC, where texts of one length compare as times do.
        if line.get("created", "")[:19] > stamp[:19]:
            line["created"] = stamp
    return new


@dataclass(frozen=True)
class Edited:
    """What was edited, and what is to be seen of it."""

    path: Path
    configs: dict[str, dict[str, Any]]


Edit = Callable[[str], Edited]


def _v1(builder: Builder) -> Source:
    """An archive of Docker before 1.10; what its config is, `repack` says."""
    image = builder.image("old:1")
    saved = write_docker_archive([image], builder.work / "to-strip.tar")
    path = stripped(saved, builder.work / "old.tar")
    return Source(path, builder.wanted(image))


@pytest.fixture(scope="session")
def edit(builder: Builder, sources: Callable[[str], Source]) -> Edit:
    """Give what `edit` makes of a source, each made once."""
    made: dict[str, Edited] = {}

    def edited(name: str) -> Edited:
        if name in made:
            return made[name]
        source = _v1(builder) if name == "v1" else sources(name)
        configs = {each: json.loads(wanted.config) for each, wanted in source.images.items()}
        if name == "v1":
            plain = builder.work / "plain.tar"
            succeed("repack", source.path, "--to", "docker", "-o", plain)
            (raw,) = independent.check(plain).configs.values()
            configs = {full_name("old:1"): json.loads(raw)}
        dest = builder.work / f"edited-{name}.tar"
        if source.path.is_dir():
            dest = dest.with_suffix("")
        succeed("edit", source.path, *FLAGS, "-o", dest)
        succeed("verify", dest)
        made[name] = Edited(dest, {each: expected(value) for each, value in configs.items()})
        return made[name]

    return edited


def load(engine: Engine, edited: Edited, folder: Path) -> None:
    """Load a result in its own form, or in the one that this engine reads."""
    path = edited.path
    if engine.name == "docker" and "manifest.json" not in _members(path):
        path = folder / "docker.tar"
        only = ("--platform", f"linux/{HERE}")
        succeed("repack", edited.path, "--to", "docker", *only, "-o", path)
    elif (
        engine.name == "podman"
        and len(edited.configs) > 1
        and "manifest.json" not in _members(path)
    ):
        path = folder / "hybrid.tar"  # podman takes no layout of several entries
        succeed("repack", edited.path, "--to", "oci", "-o", path)
    elif path.is_dir() and engine.name != "skopeo":
        path = pack_tree(path, folder / "pure.tar")
    engine.load(path)


def _members(path: Path) -> set[str]:
    return set(independent.read_files(path))


@pytest.mark.parametrize("name", NAMES)
def test_engine_shows_and_runs_the_edit(
    name: str, engine: Engine, edit: Edit, engines: Engines, tmp_path: Path
) -> None:
    edited = edit(name)
    engine.clear()
    folder = engines.host.new_dir(f"edit-{engine.name}-{name}")
    load(engine, edited, folder)
    source = Source(edited.path, dict.fromkeys(edited.configs))  # type: ignore[arg-type]
    shown = by_full_name(engine, source, engine.images())
    assert sorted(shown) == sorted(edited.configs)
    for full, wanted in edited.configs.items():
        config = json.loads(shown[full].config)
        assert list(shown[full].diff_ids) == config["rootfs"].pop("diff_ids")
        assert config == {**wanted, "rootfs": {"type": "layers"}}
    if isinstance(engine, Docker):
        _runs(engine, edited)


def _runs(docker: Docker, edited: Edited) -> None:
    """What Docker shows in its own words, and what a container does."""
    for name, wanted in edited.configs.items():
        (found,) = docker.inspect(name)
        for field in ("Labels", "Env", "Cmd", "User", "WorkingDir", "ExposedPorts", "Volumes"):
            assert found["Config"][field] == wanted["config"][field], field
        for field in ("Healthcheck", "OnBuild", "Shell", "StopSignal"):
            assert found["Config"].get(field) == wanted["config"].get(field), field
        assert found["Author"] == "somebody"
        assert docker.run(name).decode().split("\n") == ["1234", "/etc", "it is", ""]
        told = docker.run(name, "/bin/busybox", "stat", "-c", "%Y", "/bin/busybox")
        assert int(told) <= LATEST


@pytest.mark.parametrize("name", ["docker-build", "hybrid", "layout"])
def test_a_second_run_and_a_second_save_come_to_the_same(
    name: str, edit: Edit, engines: Engines
) -> None:
    edited = edit(name)
    folder = engines.host.new_dir(f"twice-{name}")
    again = folder / edited.path.name
    succeed("edit", edited.path, *FLAGS, "-o", again)
    assert _images(again) == _images(edited.path)
    if name == "layout":
        return
    engines.docker.clear()
    engines.docker.load(edited.path)
    saved = engines.docker.save(sorted(edited.configs), folder / "saved.tar")
    succeed("edit", saved, *FLAGS, "-o", folder / "of-the-save.tar")
    assert _configs(folder / "of-the-save.tar") == _configs(edited.path)


def _images(path: Path) -> set[str]:
    return set(independent.check(path).manifests)


def _configs(path: Path) -> set[str]:
    return set(independent.check(path).configs)


def test_two_builds_of_the_same_files_come_to_one_digest(builder: Builder) -> None:
    """Docker builds one context twice, without its cache: other times, other image IDs."""
    docker = builder.engines.docker
    folder = builder.engines.host.new_dir("reproducible")
    context = folder / "context"
    for path, data in (
        ("Dockerfile", b"FROM scratch\nCOPY bin /bin\nRUN /bin/busybox touch /made\n"),
        ("bin/busybox", builder.busybox),
        ("bin/sh", builder.busybox),
    ):
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_bytes(data)
        (context / path).chmod(0o755)
    before, after = set(), set()
    for number in (1, 2):
        docker.clear()
        docker.build(context, ["twice:1"])
        saved = docker.save(["twice:1"], folder / f"saved{number}.tar")
        plain = folder / f"plain{number}.tar"
        succeed("repack", saved, "--to", "docker", "-o", plain)
        clamped = folder / f"clamped{number}.tar"
        # The classic builder writes down its last container, and the image that it began with.
        patch = {"container": None, "container_config": None, "config": {"Image": None}}
        (folder / "patch").write_text(json.dumps(patch))
        how = ("--clamp-time", str(LATEST), "--layers", "--patch", folder / "patch")
        succeed("edit", saved, *how, "-o", clamped)
        before |= _configs(plain)
        after |= _configs(clamped)
    assert len(before) == 2
    assert len(after) == 1
    docker.clear()
