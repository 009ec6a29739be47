"""Which image each reader takes of an archive: its digest, or why it takes none."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from typing import IO, Any, cast

from oci_layout.cli.main import run
from oci_layout.finding import Findings
from oci_layout.streams.reader import HeldFile, chunks
from oci_layout.streams.sparsefiles import SparseReader
from oci_layout.streams.tarindex import TarMember, TarScanner

TIMEOUT = 60


class RefusedError(Exception):
    """A reader takes no image of an archive."""


def ours(path: Path, scratch: Path) -> str:
    """The digest of the config that a repack writes.

    Raises:
        RefusedError: the code of the error that it ends with, or its message.
    """
    dest = scratch / "layout"
    shutil.rmtree(dest, ignore_errors=True)
    said = io.StringIO()
    argv = ["repack", str(path), "--to", "oci", "-o", str(dest)]
    status: object = 0
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            run(argv)
        except SystemExit as end:
            status = end.code
    if status:
        raise RefusedError(said.getvalue().strip())
    listed = json.loads((dest / "index.json").read_bytes())["manifests"]
    manifest = dest / "blobs/sha256" / listed[0]["digest"].partition(":")[2]
    return str(json.loads(manifest.read_bytes())["config"]["digest"]).partition(":")[2]


class Oracle:
    """A program that reads as Go's archive/tar does."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._in = cast("IO[bytes]", self._process.stdin)
        self._out = cast("IO[bytes]", self._process.stdout)

    def read(self, data: bytes) -> dict[str, Any]:
        """What Go sees."""
        self._in.write(struct.pack(">I", len(data)) + data)
        self._in.flush()
        seen: dict[str, Any] = json.loads(self._out.readline())
        return seen

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=TIMEOUT)


def _content(file: HeldFile, member: TarMember) -> bytes:
    if member.sparse is None:
        return file.pread(member.size, member.offset)
    return b"".join(chunks(SparseReader(file, member.offset, member.sparse)))


def differs_from_go(path: Path, seen: dict[str, Any]) -> str:
    """How our index of a tar, where it has no errors, differs from what Go sees; else empty."""
    findings = Findings()
    with HeldFile(str(path)) as file:
        members = list(TarScanner(file, findings))
        if findings.errors or any(member.type.name == "OTHER" for member in members):
            return ""
        read = [
            (
                member.name.encode("utf-8", "surrogateescape").hex(),
                hashlib.sha256(_content(file, member)).hexdigest(),
            )
            for member in members
        ]
    # A global header is a member of Go's, without data, and nobody's file.
    theirs = [(each["name"], each["sum"]) for each in seen["members"] if each["kind"] != ord("g")]
    if seen.get("error"):
        return f"Go says {seen['error']}"
    return "" if read == theirs else f"Go sees {theirs}, we {read}"


def skopeo(path: Path, transport: str) -> str:
    """The digest of the config that skopeo reads."""
    argv = ["skopeo", "inspect", "--raw", "--config", f"{transport}:{path}"]
    done = subprocess.run(argv, capture_output=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        raise RefusedError(done.stderr.decode(errors="replace")[-300:])
    return hashlib.sha256(done.stdout).hexdigest()


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=TIMEOUT)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def docker(data: bytes, tag: str, at: Path) -> str:
    """The digest of the config that `docker load` loads under a tag; the image is removed."""

    def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = _Connection(at)
        try:
            connection.request(method, path, body, {"Content-Type": "application/x-tar"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    _, said = ask("POST", "/images/load?quiet=1", data)
    status, shown = ask("GET", f"/images/{tag}/json")
    if status != 200:
        raise RefusedError(said.decode(errors="replace")[-300:])
    ask("DELETE", f"/images/{tag}?force=1")
    return str(json.loads(shown)["Id"]).partition(":")[2]


def containerd(path: Path, tag: str, at: Path) -> str:
    """The digest of the config that `ctr images import` imports; the image is removed."""
    ctr = ["ctr", "-a", str(at)]

    def ask(*words: str) -> str:
        done = subprocess.run([*ctr, *words], capture_output=True, timeout=TIMEOUT, check=False)
        if done.returncode:
            raise RefusedError(done.stderr.decode(errors="replace")[-300:])
        return done.stdout.decode()

    ask("images", "import", "--no-unpack", str(path))
    name = f"docker.io/library/{tag}"
    lines = ask("images", "ls", f"name=={name}").splitlines()[1:]
    if not lines:
        raise RefusedError("imported without a name")
    blobs = at.parent / "root/io.containerd.content.v1.content/blobs/sha256"
    manifest = json.loads((blobs / lines[0].split()[2].partition(":")[2]).read_bytes())
    ask("images", "rm", name)
    return str(manifest["config"]["digest"]).partition(":")[2]
