"""containerd, started for the tests."""

from __future__ import annotations

import json
from pathlib import Path

from tests.interop.host import Daemon, Host
from tests.interop.shown import HERE, Shown, diff_ids_of


class Containerd:
    """containerd, spoken to by `ctr`."""

    name = "containerd"
    namespace = "default"

    def __init__(self, host: Host, called: str = "containerd", *, cri: bool = False) -> None:
        """Start the daemon with folders of its own.

        Args:
            host: where it runs.
            called: what the folder around them is called.
            cri: whether it serves Kubernetes too, and so lists each image by its ID as well.
        """
        self.host = host
        home = host.new_dir(called)
        self.root = home / "root"
        self.socket = home / "containerd.sock"
        config = home / "config.toml"
        without = "" if cri else 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        config.write_text(
            "version = 2\n"
            f'root = "{self.root}"\n'
            f'state = "{home}/state"\n'
            f"{without}"
            "[grpc]\n"
            f'  address = "{self.socket}"\n'
        )
        self._daemon = Daemon(
            host,
            ["containerd", "--config", str(config)],
            lambda: self.ctr("version"),
            home / "log",
        )

    def command(self, *words: str, namespace: str | None = None) -> list[str]:
        """Give a `ctr` command."""
        return ["ctr", "-a", str(self.socket), "-n", namespace or self.namespace, *words]

    def ctr(self, *words: str, namespace: str | None = None) -> bytes:
        """Run a `ctr` command."""
        return self.host.run(self.command(*words, namespace=namespace))

    def version(self) -> str:
        """Give the server's version."""
        return self.ctr("version").decode().rpartition("Version:")[2].split()[0]

    def load(self, path: Path) -> None:
        """Import an archive and unpack its layers."""
        self.import_(path)

    def import_(self, path: Path, *flags: str, namespace: str | None = None) -> dict[str, str]:
        """Import an archive and give all images with their digests."""
        self.ctr("images", "import", *flags, str(self.host.place(path)), namespace=namespace)
        return self.digests(namespace)

    def digests(self, namespace: str | None = None) -> dict[str, str]:
        """Give the digest of the manifest or index of each image."""
        lines = self.ctr("images", "ls", namespace=namespace).decode().splitlines()[1:]
        return {line.split()[0]: line.split()[2] for line in lines}

    def content(self, digest: str, namespace: str | None = None) -> bytes:
        """Read a blob."""
        return self.ctr("content", "get", digest, namespace=namespace)

    def config(self, digest: str, namespace: str | None = None) -> bytes:
        """Read the config of a manifest, or of this platform's manifest in an index."""
        document = json.loads(self.content(digest, namespace))
        while "manifests" in document:
            child = next(
                entry
                for entry in document["manifests"]
                if entry.get("platform", {}).get("architecture", HERE) == HERE
            )
            document = json.loads(self.content(child["digest"], namespace))
        return self.content(document["config"]["digest"], namespace)

    def images(self) -> dict[str, Shown]:
        """Give all images."""
        configs = {name: self.config(digest) for name, digest in self.digests().items()}
        return {name: Shown(config, diff_ids_of(config)) for name, config in configs.items()}

    def cat(self, name: str, path: str) -> bytes:
        """Mount the image's snapshot and read a file of it."""
        target = str(self.host.home)
        self.ctr("images", "mount", name, target)
        try:
            return self.host.run(["cat", target + path])
        finally:
            self.ctr("images", "unmount", "--rm", target)

    def clear(self) -> None:
        """Remove all images and wait for the collector to remove their blobs."""
        names = self.ctr("images", "ls", "-q").decode().split()
        if names:
            self.ctr("images", "rm", "--sync", *names)
        # An import that failed leaves blobs without an image; the end of a lease collects them.
        self.ctr("leases", "create", "--id", "gc")
        self.ctr("leases", "rm", "--sync", "gc")
        left = self.ctr("content", "ls", "-q").decode().split()
        assert not left, f"containerd keeps {left}"

    def stop(self) -> None:
        """Stop the daemon."""
        self._daemon.stop()
