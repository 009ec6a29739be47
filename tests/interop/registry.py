"""A registry on the loopback, and what it answers."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.host import Daemon, Host

ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Answer:
    """What the registry said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def digest(self) -> str:
        """Of the manifest or blob."""
        return self.headers["docker-content-digest"]


class Registry:
    """docker-registry of Debian.

    Args:
        host: where it runs.
        home: folder for its configuration and log; its storage is ``registry`` there.
    """

    def __init__(self, host: Host, home: Path) -> None:
        self.host, self.root = host, home / "registry"
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._home = home
        self._config = home / "registry.yml"
        self._config.write_text(
            "version: 0.1\n"
            f"storage:\n  filesystem:\n    rootdirectory: {self.root}\n"
            "  delete:\n    enabled: true\n"
            f"http:\n  addr: {self.address}\n"
        )
        self._daemon: Daemon | None = None

    def start(self) -> None:
        """Start it."""
        self._daemon = Daemon(
            self.host,
            ["docker-registry", "serve", str(self._config)],
            lambda: socket.create_connection(("127.0.0.1", self._port), timeout=1).close(),
            self._home / "registry.log",
        )

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def collect_garbage(self) -> None:
        """Remove what no manifest leads to; it must not run."""
        self.host.run(["docker-registry", "garbage-collect", str(self._config)])

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request."""
        link = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            more = {key.replace("_", "-"): value for key, value in headers.items()}
            link.request(method, f"/v2/{path}", headers=more)
            answer = link.getresponse()
            named = {key.lower(): value for key, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            link.close()

    def manifest(self, repository: str, reference: str, method: str = "GET") -> Answer:
        """A manifest or index by its tag or digest."""
        return self.ask(f"{repository}/manifests/{reference}", method, Accept=ACCEPT)

    def tags(self) -> dict[str, str]:
        """Every tag of the catalog with its digest."""
        found = {}
        for repository in json.loads(self.ask("_catalog?n=1000").body)["repositories"]:
            answer = self.ask(f"{repository}/tags/list")
            for tag in (
                json.loads(answer.body).get("tags") if answer.status == 200 else None
            ) or ():
                digest = self.manifest(repository, tag, "HEAD").digest
                found[f"{repository}:{tag}"] = digest
        return found

    def require_served(self, repository: str, reference: str) -> None:
        """Assert that a manifest, and all below it, is served with the right bytes."""
        answer = self.manifest(repository, reference)
        assert answer.status == 200, (repository, reference, answer)
        document: dict[str, Any] = json.loads(answer.body)
        for child in document.get("manifests", []):
            self.require_served(repository, child["digest"])
        for blob in [*document.get("layers", []), *filter(None, [document.get("config")])]:
            head = self.ask(f"{repository}/blobs/{blob['digest']}", "HEAD")
            assert (head.status, head.digest) == (200, blob["digest"]), (repository, blob)
            assert int(head.headers["content-length"]) == blob["size"]
