"""More tricks on the files of an archive: they came later, and leave what was made before alone."""

from __future__ import annotations

import contextlib
import json
import lzma
import random
import zlib
from collections.abc import Callable
from typing import Any

import zstandard

from tests import corrupt
from tests.builders import go_json, sha256
from tests.builders.artifacts import make_artifact, make_signature
from tests.builders.image import INDEX_TYPE
from tests.builders.windows import packed
from tests.independent import unpack

Files = dict[str, bytes]
Trick = Callable[[random.Random, Files], str]

_NOT_PLAYED = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
)
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
_TYPES = (
    *(f"{_LAYER}{suffix}" for suffix in ("", "+gzip", "+zstd", "+encrypted", "+gzip+encrypted")),
    *(f"{_DOCKER}{suffix}" for suffix in ("", ".gzip", ".zstd")),
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.example.layer",
    "application/octet-stream",
)
_PLATFORMS: tuple[dict[str, Any], ...] = (
    {"os": "linux", "architecture": "amd64"},
    {"os": "linux", "architecture": "arm64", "variant": "v8"},
    {"os": "linux", "architecture": "386"},
    {"os": "linux", "architecture": "x86_64"},
    {"os": "Linux", "architecture": "AMD64"},
    {"os": "linux", "architecture": "amd64", "variant": "v3"},
    {"os": "unknown", "architecture": "unknown"},
    {"os": "windows", "architecture": "amd64", "os.version": "10.0.17763.1"},
    {"os": "linux"},
    {},
)


def wider(chance: random.Random, files: Files) -> list[str]:
    """Play one or two more tricks; what they were.

    Args:
        chance: of the archive.
        files: of the archive; changed.
    """
    found = []
    for _ in range(chance.choice([1, 1, 2])):
        # What another trick has made of a document may be none to play this one on.
        with contextlib.suppress(*_NOT_PLAYED):
            text = chance.choice(_TRICKS)(chance, files)
            found += [text] if text else []
    return found


def _twice(chance: random.Random, files: Files) -> str:
    """A key stands twice in a document."""
    name = chance.choice([each for each in files if files[each].startswith(b"{")])
    value = json.loads(files[name])
    key = chance.choice(list(value))
    key = key if chance.random() < 0.5 else key.swapcase()
    second = chance.choice(["null", "{}", '"text"', json.dumps(value.get(key))])
    raw = files[name][:-1] + b"," + json.dumps(key).encode() + b":" + second.encode() + b"}"
    _replace(files, name, raw)
    return f"twice: {key}: {second[:40]}"


def _replace(files: Files, name: str, raw: bytes) -> None:
    """Another document in the place of one; those that lead to it follow."""
    del files[name]
    if not name.startswith("blobs/"):
        files[name] = raw
        return
    new = sha256(raw)
    files[corrupt.blob(new)] = raw
    old = "sha256:" + name.rpartition("/")[2]
    corrupt.repoint(files, old, new, len(raw))
    if "manifest.json" in files:
        listed = files["manifest.json"]
        files["manifest.json"] = listed.replace(old[7:].encode(), new[7:].encode())


def _manifests(files: Files) -> list[str]:
    return [
        "sha256:" + name.rpartition("/")[2]
        for name, data in files.items()
        if name.startswith("blobs/") and data.startswith(b"{") and b'"layers"' in data[:400]
    ]


def _label(chance: random.Random, files: Files) -> str:
    """A layer is called another thing than it is."""
    kind = chance.choice(_TYPES)

    def change(manifest: dict[str, Any]) -> None:
        chance.choice(manifest["layers"])["mediaType"] = kind

    corrupt.edit_document(files, _manifests(files)[0], change)
    return f"layer of the type {kind}"


def _window(chance: random.Random, files: Files) -> str:
    """A layer is packed with zstd, with some window."""
    log = chance.choice([17, 23, 24, 25, 27])
    digest = _manifests(files)[0]
    manifest = json.loads(files[corrupt.blob(digest)])
    layer = chance.choice(manifest["layers"])
    data = packed(unpack(files[corrupt.blob(layer["digest"])])[1], log)
    files[corrupt.blob(sha256(data))] = data
    before = dict(layer)

    def change(value: dict[str, Any]) -> None:
        for each in value["layers"]:
            if each == before:
                each |= {"digest": sha256(data), "size": len(data), "mediaType": f"{_LAYER}+zstd"}

    corrupt.edit_document(files, digest, change)
    return f"zstd with a window of 2^{log}"


def _platforms(chance: random.Random, files: Files) -> str:
    """An index of platforms around a manifest, some of them absent."""
    index = json.loads(files["index.json"])
    entry = index["manifests"][0]
    notes = entry.pop("annotations", {})
    entry["platform"] = chance.choice(_PLATFORMS)
    listed = [entry]
    for _ in range(chance.choice([0, 1, 2])):
        other = {**entry, "platform": chance.choice(_PLATFORMS)}
        if chance.random() < 0.6:
            other["digest"] = sha256(chance.randbytes(8))
        listed.insert(chance.randrange(len(listed) + 1), other)
    text = f"index of {[each['platform'] for each in listed]}"
    for _ in range(chance.choice([1, 1, 1, 2])):
        raw = go_json({"schemaVersion": 2, "mediaType": INDEX_TYPE["oci"], "manifests": listed})
        files[corrupt.blob(sha256(raw))] = raw
        listed = [{"mediaType": INDEX_TYPE["oci"], "digest": sha256(raw), "size": len(raw)}]
    listed[0]["annotations"] = notes
    index["manifests"][0] = listed[0]
    files["index.json"] = go_json(index)
    return text


def _artifact(chance: random.Random, files: Files) -> str:
    """Something beside the images that is none."""
    index = json.loads(files["index.json"])
    subject = {key: index["manifests"][0][key] for key in ("mediaType", "digest", "size")}
    if chance.random() < 0.5:
        built, text = make_signature(subject["digest"]), "a signature"
    else:
        kind = chance.choice(["", "application/vnd.example"])
        of = chance.choice([None, subject])
        built = make_artifact(chance.randbytes(64), artifact_type=kind, subject=of)
        text = f"an artifact of the type {kind!r}{' with a subject' if of else ''}"
    for digest, data in built.blobs.items():
        files[corrupt.blob(digest)] = data
    files[corrupt.blob(built.digest)] = built.document
    names = {"org.opencontainers.image.ref.name": chance.choice(["x", "sha256-1.sig"])}
    entry = built.entry(annotations=names) if chance.random() < 0.5 else built.entry()
    at = chance.randrange(len(index["manifests"]) + 1)
    index["manifests"].insert(at, entry)
    files["index.json"] = go_json(index)
    return text


def _annotated(chance: random.Random, files: Files) -> str:
    """Annotations of a manifest, a layer or an entry."""
    keys = ["containerd.io/uncompressed", "org.opencontainers.image.title", "vnd.docker.image.x"]
    notes = {chance.choice(keys): chance.choice(["x", "", "sha256:1", "<&>\u00e4"])}
    place = chance.choice(["manifest", "layer", "config"])

    def change(manifest: dict[str, Any]) -> None:
        holder = {
            "manifest": manifest,
            "layer": manifest["layers"][0],
            "config": manifest["config"],
        }[place]
        holder["annotations"] = notes

    corrupt.edit_document(files, _manifests(files)[0], change)
    return f"annotations of the {place}: {notes}"


def _indented(chance: random.Random, files: Files) -> str:
    """A document is written in another way."""
    name = chance.choice([each for each in files if files[each].startswith((b"{", b"["))])
    value = json.loads(files[name])
    how = chance.choice([2, "\t", None])
    _replace(
        files, name, json.dumps(value, indent=how, ensure_ascii=chance.random() < 0.5).encode()
    )
    return f"indented: {how!r}"


_TRICKS: tuple[Trick, ...] = (
    _twice,
    _label,
    _window,
    _platforms,
    _platforms,
    _artifact,
    _annotated,
    _indented,
)
