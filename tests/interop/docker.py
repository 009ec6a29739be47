"""dockerd, started for the tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.interop.containerd import Containerd
from tests.interop.host import Daemon, EngineError, Host
from tests.interop.shown import Shown


class Docker:
    """dockerd on its classic store, or on the store of containerd."""

    def __init__(
        self, host: Host, containerd: Containerd, *, store: str = "classic", driver: str = ""
    ) -> None:
        """Start the daemon with folders of its own and without any network.

        Args:
            containerd: the daemon that runs its containers.
            store: `classic` or `containerd`.
            driver: of the storage; by default one that works everywhere.
        """
        self.host = host
        self.store = store
        self.name = "docker" if store == "classic" else "docker-c8d"
        self._containerd = containerd
        called = f"{self.name}-{driver}" if driver else self.name
        home = host.new_dir(called)
        self.namespace = f"{home.name}-tests"
        self._data = home / "data"
        self.socket = home / "docker.sock"
        config = home / "daemon.json"
        features = {"features": {"containerd-snapshotter": True}} if store != "classic" else {}
        config.write_text(json.dumps(features))
        driver = driver or ("vfs" if store == "classic" else "native")
        self._driver = driver
        argv = ["dockerd", "--config-file", str(config), "--data-root", str(self._data)]
        argv += ["--exec-root", str(home / "exec"), "-H", f"unix://{self.socket}"]
        argv += ["-p", str(home / "pid"), "--containerd", str(containerd.socket)]
        argv += ["--containerd-namespace", self.namespace]
        argv += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
        argv += ["--ip-masq=false", f"--storage-driver={driver}"]
        self._daemon = Daemon(host, argv, self.version, home / "log")

    @property
    def data(self) -> Path:
        """Its root folder."""
        return self._data

    def command(self, *words: str) -> list[str]:
        """Give a `docker` command."""
        return ["docker", "-H", f"unix://{self.socket}", *words]

    def docker(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run a `docker` command."""
        return self.host.run(self.command(*words), stdin=stdin)

    def version(self) -> str:
        """Give the server's version."""
        return self.docker("version", "--format", "{{.Server.Version}}").decode().strip()

    def load(self, path: Path) -> None:
        """Load an archive."""
        self.docker("load", "-i", str(self.host.place(path)))

    def save(self, names: Sequence[str], dest: Path) -> Path:
        """Save images as an archive in the work folder."""
        self.docker("save", "-o", str(dest), *names)
        return dest

    def build(self, context: Path, tags: Sequence[str]) -> None:
        """Build with the classic builder, which needs no network and no plugin."""
        flags = [word for tag in tags for word in ("-t", tag)]
        build = self.command("build", "-q", *flags, str(self.host.place(context)))
        self.host.run(["env", "DOCKER_BUILDKIT=0", *build])

    def ids(self) -> list[str]:
        """Give all images as Docker numbers them."""
        return sorted(set(self.docker("image", "ls", "-aq", "--no-trunc").decode().split()))

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        """Give what `docker image inspect` shows."""
        found: list[dict[str, Any]] = json.loads(self.docker("image", "inspect", *names))
        return found

    def images(self) -> dict[str, Shown]:
        """Give all tagged images, with the config as it lies in the store."""
        ids = self.ids()
        found: dict[str, Shown] = {}
        for image in self.inspect(*ids) if ids else []:
            # An empty list of layers is left out.
            layers = image["RootFS"].get("Layers") or ()
            shown = Shown(self._config(image["Id"]), tuple(layers))
            found |= dict.fromkeys(image["RepoTags"], shown)
        return found

    def _config(self, image_id: str) -> bytes:
        if self.store == "classic":
            name = image_id.removeprefix("sha256:")
            return (self._data / f"image/{self._driver}/imagedb/content/sha256" / name).read_bytes()
        return self._containerd.config(image_id, self.namespace)

    def run(self, name: str, *argv: str, entrypoint: str | None = None) -> bytes:
        """Run a container and give what it prints."""
        flags = ["--entrypoint", entrypoint] if entrypoint else []
        return self.docker("run", "--rm", "--network", "none", *flags, name, *argv)

    def cat(self, name: str, path: str) -> bytes:
        """Read a file with the image's own busybox in a container."""
        return self.run(name, "cat", path, entrypoint="/bin/busybox")

    def clear(self) -> None:
        """Remove all images; parents of a build go only after their children."""
        if self.store != "classic":
            # Docker neither lists nor finds what has a name that it cannot read.
            held = self._containerd.ctr("images", "ls", "-q", namespace=self.namespace)
            if names := held.decode().split():
                self._containerd.ctr("images", "rm", *names, namespace=self.namespace)
        for _ in range(4):
            if not (ids := self.ids()):
                break
            with suppress(EngineError):
                self.docker("image", "rm", "-f", *ids)
        assert not self.ids(), "docker keeps images"
        if self.store != "classic":
            # Only the end of a lease makes a client wait for containerd's collector.
            self._containerd.ctr("leases", "create", "--id", "gc", namespace=self.namespace)
            self._containerd.ctr("leases", "rm", "--sync", "gc", namespace=self.namespace)

    def stop(self) -> None:
        """Stop the daemon."""
        self._daemon.stop()
