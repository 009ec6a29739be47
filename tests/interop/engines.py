"""All engines of a host, started and stopped together."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.containerd import Containerd
from tests.interop.containers import Podman, Skopeo
from tests.interop.docker import Docker
from tests.interop.host import ENGINE_PATH, Host
from tests.interop.shown import Engine


def docker_release(root: Path | None) -> int:
    """Give the first number of dockerd's version, 0 where there is none."""
    inside = ["chroot", str(root)] if root else []
    argv = [*inside, "env", f"PATH={ENGINE_PATH}", "dockerd", "--version"]
    try:
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    match = re.search(r"version (\d+)", said)
    return int(match[1]) if match else 0


def engine_names(root: Path | None) -> list[str]:
    """List the engines of a host; Docker 28 and later runs a second time, on containerd's store."""
    second = ["docker-c8d"] if docker_release(root) >= 28 else []
    return ["docker", *second, "containerd", "skopeo", "podman"]


@dataclass(frozen=True)
class Engines:
    """The engines of one host."""

    host: Host
    docker: Docker
    containerd: Containerd
    skopeo: Skopeo
    podman: Podman
    docker_c8d: Docker | None

    def __getitem__(self, name: str) -> Engine:
        """Give an engine by its name."""
        engine: Engine = getattr(self, name.replace("-", "_"))
        return engine


@contextmanager
def running(work: Path, root: Path | None) -> Iterator[Engines]:
    """Start the engines, and stop them in reverse order whatever happens."""
    with ExitStack() as stack:
        host = Host(work, root)
        stack.callback(host.close)
        containerd = Containerd(host)
        stack.callback(containerd.stop)
        docker = Docker(host, containerd)
        stack.callback(docker.stop)
        second = None
        if "docker-c8d" in engine_names(root):
            second = Docker(host, containerd, store="containerd")
            stack.callback(second.stop)
        skopeo = Skopeo(host)
        podman = Podman(host, skopeo)
        yield Engines(host, docker, containerd, skopeo, podman, second)
