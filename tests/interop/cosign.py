"""cosign with a throwaway key, and a registry on the loopback for it to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.host import ENGINE_PATH, EngineError, Host
from tests.interop.registry import Registry

TOOLS = ("cosign", "docker-registry")
_OFFLINE = ("--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry")


def missing(root: Path | None) -> list[str]:
    """List what a host lacks for signing; Debian has cosign from sid on."""
    folders = [(root or Path("/")) / folder[1:] for folder in ENGINE_PATH.split(":")]
    return [tool for tool in TOOLS if not any((folder / tool).exists() for folder in folders)]


class Cosign:
    """cosign, and the registry it signs in."""

    def __init__(self, host: Host, home: Path, registry: str) -> None:
        """Make the key.

        Args:
            home: folder for keys.
            registry: host and port.
        """
        self.host, self._home, self.registry = host, home, registry
        self.make_key("cosign")
        self.make_key("other")

    def make_key(self, name: str) -> None:
        """Make a key pair in the home folder."""
        self.cosign("generate-key-pair", f"--output-key-prefix={self._home}/{name}")

    def cosign(self, *words: str) -> str:
        """Run a `cosign` command."""
        password = ["env", "COSIGN_PASSWORD=x"]
        return self.host.run([*password, "cosign", *words]).decode()

    def push(self, path: Path, name: str) -> str:
        """Put the one image or index of a layout into the registry; its reference by digest."""
        there = f"{self.registry}/{name}"
        digest = self._home / f"{name}.digest"
        self.host.run(
            [
                *("skopeo", "copy", "-q", "--all", "--preserve-digests", "--dest-tls-verify=false"),
                *("--digestfile", str(digest), f"oci:{self.host.place(path)}"),
                f"docker://{there}:1",
            ]
        )
        return f"{there}@{digest.read_text().strip()}"

    def import_key(self, name: str, pem: bytes) -> None:
        """Take a private key that was made elsewhere."""
        path = self._home / f"{name}.pem"
        path.write_bytes(pem)
        self.cosign("import-key-pair", f"--key={path}", f"--output-key-prefix={self._home}/{name}")

    def public(self, name: str) -> Path:
        """The public half of a key."""
        return self._home / f"{name}.pub"

    def folder(self, name: str) -> Path:
        """A folder that cosign can see; it is not there yet."""
        return self._home / name

    def sign(self, reference: str, *flags: str, key: str = "cosign") -> None:
        """Sign an image of the registry."""
        key = f"--key={self._home}/{key}.key"
        self.cosign("sign", "-y", key, *_OFFLINE, *flags, reference)

    def attest(
        self, reference: str, *, kind: str = "custom", predicate: str = '{"checked": true}'
    ) -> None:
        """Attach an attestation of some predicate to an image of the registry."""
        path = self._home / "predicate.json"
        path.write_text(predicate)
        key = f"--key={self._home}/cosign.key"
        how = (f"--predicate={path}", f"--type={kind}")
        self.cosign("attest", "-y", key, *_OFFLINE, *how, reference)

    def save(self, reference: str, name: str) -> Path:
        """Save an image and what is attached to it as a layout folder."""
        dest = self._home / name
        self.cosign("save", "--allow-http-registry", f"--dir={dest}", reference)
        return dest

    def verifies(
        self,
        path: Path,
        *flags: str,
        command: str = "verify",
        key: str = "cosign",
        kind: str = "custom",
    ) -> bool:
        """Whether a layout folder's image carries a signature by a key."""
        flags = (
            f"--key={self._home}/{key}.pub",
            "--insecure-ignore-tlog=true",
            *([f"--type={kind}"] if command == "verify-attestation" else []),
            *flags,
        )
        return self._holds(command, *flags, "--local-image", str(self.host.place(path)))

    def verifies_by(self, root: Path, path: Path) -> bool:
        """Whether a layout folder's image is signed with a certificate of an authority."""
        who = ("--certificate-identity-regexp=.*", "--certificate-oidc-issuer-regexp=.*")
        alone = ("--insecure-ignore-sct", "--insecure-ignore-tlog=true")
        place = str(self.host.place(path))
        return self._holds("verify", f"--ca-roots={root}", *who, *alone, "--local-image", place)

    def _holds(self, *words: str) -> bool:
        try:
            self.cosign(*words)
        except EngineError as error:
            if "signature" not in error.output and "attestation" not in error.output:
                raise
            return False
        return True


@contextmanager
def signing(host: Host) -> Iterator[Cosign]:
    """Start the registry."""
    home = host.new_dir("cosign")
    registry = Registry(host, home)
    registry.start()
    try:
        yield Cosign(host, home, registry.address)
    finally:
        registry.stop()
