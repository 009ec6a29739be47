"""Small sound sources of every kind that is read, built anew at each start."""

from __future__ import annotations

import functools
import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.builders import (
    Image,
    Layer,
    go_json,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.artifacts import make_old_artifact, make_signature, of_image, write_layout
from tests.builders.legacy import schema1, schema1_dir, steps_of, v1_files
from tests.builders.signing import signed
from tests.independent import read_files

Files = dict[str, bytes]

ENTRIES: tuple[tuple[str, bytes, str], ...] = (
    ("etc", tarfile.DIRTYPE, ""),
    ("etc/motd", tarfile.REGTYPE, ""),
    ("etc/hard", tarfile.LNKTYPE, "etc/motd"),
    ("etc/soft", tarfile.SYMTYPE, "../etc/motd"),
    ("etc/.wh.gone", tarfile.REGTYPE, ""),
    ("srv/.wh..wh..opq", tarfile.REGTYPE, ""),
    ("dev/null", tarfile.CHRTYPE, ""),
    ("l" * 120, tarfile.REGTYPE, ""),
)


@functools.cache
def rich_layer(form: int = tarfile.PAX_FORMAT) -> bytes:
    """A layer with a member of each type, short records at its end."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, kind, link in ENTRIES:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mtime = kind, link, 1.5
            info.pax_headers = {"SCHILY.xattr.user.a": "b"} if name == "etc/motd" else {}
            data = b"hello\n" if kind == tarfile.REGTYPE else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue().rstrip(b"\0").ljust(
        -(-len(out.getvalue().rstrip(b"\0")) // 512) * 512, b"\0"
    ) + bytes(1024)


def plain_layer(name: str) -> bytes:
    """A layer of one empty file."""
    return tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT) + bytes(1024)


def image(
    *tags: str,
    names: Sequence[str] = ("demo:1",),
    compression: str = "none",
    architecture: str = "amd64",
) -> Image:
    """Two layers, the second with a member of each type."""
    layers = (
        Layer(plain_layer(f"a-{architecture}"), compression),
        Layer(rich_layer(), compression),
    )
    config: dict[str, Any] = {
        "architecture": architecture,
        "os": "linux",
        "created": "2024-05-06T07:08:09Z",
        "author": "someone",
        "config": {
            "Env": ["PATH=/bin", "B=<&>"],
            "Cmd": ["/bin/sh"],
            "Labels": {"a": "\u00fc"},
            "ExposedPorts": {"80/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5000000000},
        },
        "history": [
            {"created": "2024-05-06T07:08:09Z", "created_by": "/bin/sh -c #(nop) ADD file:x in /"},
            {"created_by": "ENV A=b", "empty_layer": True},
            {"created_by": "RUN true # buildkit", "comment": "c"},
        ],
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    return Image(layers=layers, config=config, names=tags or names)


@functools.cache
def trees() -> dict[str, Files]:
    """Folders by name: file names and contents."""
    found: dict[str, Files] = {}
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        one, packed = image(), image("demo:1", "other:2", compression="gzip")
        arm = image("demo:1", compression="zstd", architecture="arm64")
        for key, path in {
            "layout": write_oci_layout([one, packed], room / "layout"),
            "docker-layout": write_oci_layout([packed], room / "docker-layout", family="docker"),
            "index": write_index_layout(room / "index", [packed, arm], attestations=True),
            "sparse": write_index_layout(
                room / "sparse", [one, arm], drop=[layer.digest for layer in arm.layers]
            ),
            "dir": write_dir(packed, room / "dir"),
            "artifacts": _artifacts(room / "artifacts"),
        }.items():
            found[key] = read_files(path)
    steps = steps_of({"a": b"1"}, {"b": b"2"})
    for key, manifest in {"schema1": schema1(steps), "signed": signed(schema1(steps))}.items():
        found[key] = schema1_dir(steps, manifest)
    return found


def _artifacts(dest: Path) -> Path:
    one = of_image(image())
    signature = make_signature(one.digest)
    old = make_old_artifact(b"text", one.entry())
    return write_layout(dest, [one.entry(), signature.entry(), old.entry()], one, signature, old)


@functools.cache
def archives() -> dict[str, bytes]:
    """Archives by name."""
    found: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.tar"
        one, packed = image(), image("demo:1", "o.example/t:2", compression="gzip")
        for style in ("v1dirs", "flat", "lowercase", "podman"):
            found[style] = write_docker_archive([one], path, style=style).read_bytes()
        found["two"] = write_docker_archive(
            [one, image("other:1", architecture="arm64")], path
        ).read_bytes()
        found["hybrid"] = write_hybrid_archive([one], path).read_bytes()
        found["hybrid-gzip"] = write_hybrid_archive([packed], path).read_bytes()
        found["untagged"] = write_docker_archive([image(names=())], path).read_bytes()
        found["oci-archive"] = write_oci_archive([packed], path).read_bytes()
    steps = steps_of({"a": b"1"}, {"b": b"2"})
    members = {
        key: value for key, value in v1_files(steps, "demo:1").items() if isinstance(value, bytes)
    }
    found["v1"] = pack(members)
    found["layout-packed"] = pack(trees()["index"])
    found["artifacts-packed"] = pack(trees()["artifacts"])
    found["signed-packed"] = pack(trees()["signed"])
    return {key: _short(data) for key, data in found.items()}


def pack(files: Files) -> bytes:
    """A tar of regular files."""
    out = b""
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        out += info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)
    return out + bytes(1024)


def _short(data: bytes) -> bytes:
    """An archive without the zeros that fill its last record."""
    kept = len(data.rstrip(b"\0"))
    return data[: -(-kept // 512) * 512] + bytes(1024)


@functools.cache
def documents() -> tuple[bytes, ...]:
    """Every JSON document of the sources, each once."""
    files = [*trees().values(), *(files_of(data) for data in archives().values())]
    found = {data for tree in files for data in tree.values() if data.lstrip()[:1] in (b"{", b"[")}
    return (*sorted(found), go_json({"a": [1, -0.5, None, True, {"b": "c"}]}))


def files_of(data: bytes) -> Files:
    """The regular files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        regular = [member for member in tar if member.isreg()]
        return {member.name: tar.extractfile(member).read() for member in regular}  # type: ignore[union-attr]


def with_keys(*keys: str) -> tuple[bytes, ...]:
    """The documents that have all of these keys at the top, or in their first item."""
    found = []
    for data in documents():
        value = json.loads(data)
        top = value[0] if isinstance(value, list) and value else value
        if isinstance(top, dict) and all(key in top for key in keys):
            found.append(data)
    return tuple(found)


@functools.cache
def jwks() -> tuple[dict[str, Any], ...]:
    """The keys (JWK) of the signed documents."""
    signatures = [
        each for data in with_keys("signatures") for each in json.loads(data)["signatures"]
    ]
    return tuple(each["header"]["jwk"] for each in signatures)
