"""skopeo and podman, which need no daemon."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from tests.builders import REF_NAME, full_name
from tests.interop.host import Host
from tests.interop.shown import Shown, diff_ids_of

# What engines put into every container.
OWN = {
    ".dockerenv",
    "dev",
    "dev/console",
    "dev/pts",
    "dev/shm",
    "etc",
    "etc/hosts",
    "etc/hostname",
    "etc/mtab",
    "etc/resolv.conf",
    "proc",
    "sys",
    "run",
    "run/.containerenv",
    "run/secrets",
}


def _inflate(data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    return data


def members(path: Path) -> set[str]:
    """List what lies at the top of a layout, folder or archive."""
    if path.is_dir():
        return set(os.listdir(path))
    with tarfile.open(path) as tar:
        return set(tar.getnames())


@dataclass(frozen=True)
class Entry:
    """An entry of `index.json`, in the words of those who read it."""

    name: str  # for containerd
    ref: str  # for skopeo
    family: str  # docker or oci, after its media type


def entries(path: Path) -> list[Entry]:
    """List the entries of a layout, folder or archive."""
    if path.is_dir():
        index = json.loads((path / "index.json").read_bytes())
    else:
        with tarfile.open(path) as tar:
            file = tar.extractfile("index.json")
            assert file is not None
            index = json.load(file)
    return [
        Entry(
            name=entry["annotations"]["io.containerd.image.name"],
            ref=entry["annotations"][REF_NAME],
            family="docker" if "docker" in entry["mediaType"] else "oci",
        )
        for entry in index["manifests"]
    ]


class Skopeo:
    """skopeo, which keeps nothing: `load` only remembers the path."""

    name = "skopeo"

    def __init__(self, host: Host) -> None:
        """Take the host as it is."""
        self.host = host
        self._refs: list[tuple[str, str]] = []

    def version(self) -> str:
        """Give the version."""
        return self.host.run(["skopeo", "--version"]).decode().split()[2]

    def inspect(self, ref: str, *, config: bool = False) -> bytes:
        """Give the exact bytes of a manifest or config."""
        flags = ["--raw", *(["--config"] if config else [])]
        return self.host.run(["skopeo", "inspect", *flags, ref])

    def copy(self, source: str, dest: str, *flags: str) -> None:
        """Copy an image from one transport to another; this reads every byte of it."""
        self.host.run(["skopeo", "copy", "-q", *flags, source, dest])

    def load(self, path: Path) -> None:
        """Remember the images of an archive, by each of its views, or of a layout folder."""
        place = self.host.place(path)
        found = entries(path)
        oci = "oci" if path.is_dir() else "oci-archive"
        self._refs = []
        if found[0].family == "oci":
            self._refs += [(entry.name, f"{oci}:{place}:{entry.ref}") for entry in found]
        elif len(found) == 1:
            # skopeo 1.18 and older find no reference among Docker's media types.
            self._refs += [(found[0].name, f"{oci}:{place}")]
        if "manifest.json" in members(path):
            listed = self.host.run(["skopeo", "list-tags", f"docker-archive:{place}"])
            names: list[str] = json.loads(listed)["Tags"]
            self._refs += [(full_name(name), f"docker-archive:{place}:{name}") for name in names]

    def images(self) -> dict[str, Shown]:
        """Give all images by name; both views of an archive must show the same ones."""
        found: dict[str, Shown] = {}
        for name, ref in self._refs:
            config = self.inspect(ref, config=True)
            shown = Shown(config, diff_ids_of(config))
            assert found.setdefault(name, shown) == shown, f"{ref} is another image"
        views = {ref.partition(":")[0] for _, ref in self._refs}
        assert len(self._refs) == len(views) * len(found), f"views differ: {self._refs}"
        return found

    def cat(self, name: str, path: str) -> bytes:
        """Copy the image to a `dir:`, which reads all of it, and read a file of its layers."""
        dest = Path(tempfile.mkdtemp(dir=self.host.work))
        self.copy(dict(self._refs)[name], f"dir:{dest}")
        manifest = json.loads((dest / "manifest.json").read_bytes())
        for layer in reversed(manifest["layers"]):
            raw = _inflate((dest / layer["digest"].removeprefix("sha256:")).read_bytes())
            with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
                if path[1:] in tar.getnames():
                    file = tar.extractfile(path[1:])
                    assert file is not None
                    return file.read()
        raise FileNotFoundError(path)

    def clear(self) -> None:
        """Forget the path."""
        self._refs = []


class Podman:
    """podman with a store of its own."""

    name = "podman"

    def __init__(
        self,
        host: Host,
        skopeo: Skopeo,
        driver: str = "vfs",
        called: str = "podman",
        user: int = 0,
    ) -> None:
        """Choose the folders; skopeo reads configs out of the store.

        Args:
            driver: of the storage.
            called: what to call the folders, which is short.
            user: who runs it.
        """
        self.host, self._driver = host, driver
        home = host.new_dir(called)
        self._as: list[str] = []
        if user:
            os.chown(home, user, user)
            me = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            self._as = [*me, "env", f"HOME={home}", f"XDG_RUNTIME_DIR={home}", f"TMPDIR={home}"]
        self._root, self._runroot = home / "root", home / "run"
        self._skopeo = skopeo

    @property
    def root(self) -> Path:
        """The root of its store."""
        return self._root

    def ref(self, name: str) -> str:
        """Give what skopeo calls an image of this store."""
        return f"containers-storage:[{self._driver}@{self._root}+{self._runroot}]{name}"

    def podman(self, *words: str) -> bytes:
        """Run a `podman` command."""
        store = ["--root", str(self._root), "--runroot", str(self._runroot)]
        return self.host.run(
            [*self._as, "podman", *store, "--storage-driver", self._driver, *words]
        )

    def version(self) -> str:
        """Give the version."""
        return self.podman("--version").decode().split()[2]

    def load(self, path: Path) -> None:
        """Load an archive."""
        self.podman("load", "-q", "-i", str(self.host.place(path)))

    def pull(self, ref: str) -> str:
        """Take an image from any transport and give its id."""
        return "sha256:" + self.podman("pull", "-q", ref).decode().split()[-1]

    def inspect(self, name: str) -> dict[str, Any]:
        """Give what `podman image inspect` shows."""
        found: dict[str, Any] = json.loads(self.podman("image", "inspect", name))[0]
        return found

    def images(self) -> dict[str, Shown]:
        """Give all named images."""
        listed = json.loads(self.podman("images", "--no-trunc", "--format", "json"))
        found: dict[str, Shown] = {}
        for image in listed:
            config = self._skopeo.inspect(self.ref(f"@{image['Id']}"), config=True)
            layers = self.inspect(image["Id"])["RootFS"]["Layers"]
            found |= dict.fromkeys(image.get("Names") or [], Shown(config, tuple(layers)))
        return found

    def cat(self, name: str, path: str) -> bytes:
        """Mount the image and read a file of it."""
        target = self.podman("image", "mount", name).decode().strip()
        try:
            return self.host.run(["cat", target + path])
        finally:
            self.podman("image", "unmount", name)

    def clear(self) -> None:
        """Remove all images."""
        self.podman("rmi", "-a", "-f")
