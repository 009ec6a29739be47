"""Pipes across an air gap: from one engine into another without a file between."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.command import argv_of, environment
from tests.interop.check import check
from tests.interop.engines import Engines
from tests.interop.sources import Source


def pipe(cwd: Path, *commands: list[str]) -> None:
    """Run a pipeline in a shell, where the failure of any part is a failure."""
    line = " | ".join(shlex.join(command) for command in commands)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{line}\nexit {done.returncode}\n{done.stderr}"


def test_docker_to_containerd_and_back(
    engines: Engines, sources: Callable[[str], Source], tmp_path: Path
) -> None:
    """`docker save | repack | ctr import`, then `ctr export | repack | docker load`."""
    docker, containerd, host = engines.docker, engines.containerd, engines.host
    source = sources("docker-build")
    docker.clear()
    docker.load(source.path)
    containerd.clear()
    pipe(
        tmp_path,
        host.wrap(docker.command("save", *docker.images())),
        argv_of("repack", "-", "--to", "oci", "-o", "-"),
        host.wrap(containerd.command("images", "import", "-")),
    )
    check(containerd, source)
    docker.clear()
    pipe(
        tmp_path,
        host.wrap(containerd.command("images", "export", "-", *source.images)),
        argv_of("repack", "-", "--to", "docker", "-o", "-"),
        host.wrap(docker.command("load")),
    )
    check(docker, source)
    assert list(tmp_path.iterdir()) == [], "standard input was left spooled"


def test_directory_into_docker(
    engines: Engines, sources: Callable[[str], Source], tmp_path: Path
) -> None:
    """`--to docker` into a folder, which `tar -C DIR -c .` hands to `docker load`."""
    source = sources("oci-archive")
    engines.docker.clear()
    pipe(tmp_path, argv_of("repack", source.path, "--to", "docker", "-o", "out"))
    pipe(
        tmp_path,
        ["tar", "-C", "out", "-c", "."],
        engines.host.wrap(engines.docker.command("load")),
    )
    check(engines.docker, source)
