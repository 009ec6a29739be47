"""A random archive for a seed and a number, with the tricks that are in it."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import random
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import zstandard

from tests import corrupt
from tests.builders import (
    Image,
    Layer,
    go_json,
    make_image,
    sha256,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
)
from tests.builders.trees import read
from tests.chance.layers import STRANGE, Layering, plain
from tests.chance.wider import wider

Files = dict[str, bytes]
FORMS = ("v1dirs", "flat", "lowercase", "podman", "hybrid", "oci", "hybrid docker")
STYLES = ("v1dirs", "flat", "lowercase", "podman")
NAMES = ("demo:1", "reg.example:5000/team/app:v2", "docker.io/library/busy:latest", "a/b/c:x-1")


@dataclass
class Made:
    """An archive.

    Args:
        path: where it lies.
        form: how it began.
        tricks: what was done to it, in order.
    """

    path: Path
    form: str
    tricks: list[str] = field(default_factory=list)


def make(
    seed: int, number: int, folder: Path, *, tricks: int | None = None, wide: bool = False
) -> Made:
    """Make an archive; the same seed and number make the same one.

    Args:
        seed: of the run.
        number: of the archive.
        folder: where it is written.
        tricks: how many are played; a few by default.
        wide: whether more are played in half of the archives, and tars of other forms written.
    """
    chance = random.Random(f"{seed}-{number}")  # noqa: S311  archives, not secrets
    form = chance.choice(FORMS)
    path = folder / f"{seed}-{number}.tar"
    made = Made(path, form)
    _write(_images(chance, f"{seed}-{number}", made), form, path)
    files = read(path)
    packed: list[Callable[[bytes], bytes]] = []
    members: list[Callable[[list[_Member]], None]] = []
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3]) if tricks is None else tricks):
        kind = chance.choice(["config", "manifest", "index", "saved", "members", "outer", "blob"])
        if kind == "outer":
            packed.append(_outer(chance, made))
        elif kind == "members":
            members.append(_members(chance, made))
        else:
            # What another trick has made of a document may be none to play this one on.
            with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
                _DOCUMENTS[kind](chance, files, made)
    form_of_tar = tarfile.PAX_FORMAT
    more = random.Random(f"{seed}-{number}-wider")  # noqa: S311  likewise
    if wide and more.random() < 0.5:
        made.tricks += wider(more, files)
    if wide and more.random() < 0.3:
        form_of_tar = more.choice([tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
        made.tricks.append(f"tar of the format {form_of_tar}")
    listed = [_Member(name, data) for name, data in files.items()]
    for change in members:
        change(listed)
    data = _tar(listed, form_of_tar)
    for pack in packed:
        data = pack(data)
    path.write_bytes(data)
    return made


def _images(chance: random.Random, own: str, made: Made) -> list[Image]:
    found: list[Image] = []
    for number in range(chance.choice([1, 1, 1, 2])):
        compression = chance.choice(["none", "none", "gzip", "gzip", "zstd", "xz", "bzip2"])
        layers = []
        for each in range(chance.randint(1, 3)):
            unique = f"{own}-{number}-{each}-".encode() + chance.randbytes(6)
            build: Layering = plain
            if chance.random() < 0.12:
                name = chance.choice(list(STRANGE))
                build = STRANGE[name]
                made.tricks.append(f"layer: {name}")
            layers.append(Layer(build(chance, unique), compression))
        if chance.random() < 0.1:
            layers.append(layers[0])
        names = chance.sample(NAMES, chance.choice([0, 1, 1, 1, 2]))
        image = make_image([{"x": own.encode()}], names=tuple(names))
        config = dict(image.config)
        config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
        config.pop("history", None)
        if found and chance.random() < 0.3:
            names = list(found[0].names)
        found.append(Image(layers=tuple(layers), config=config, names=tuple(names)))
    return found


def _write(images: list[Image], form: str, path: Path) -> None:
    if form in STYLES:
        write_docker_archive(images, path, style=form)  # type: ignore[arg-type]
    elif form == "oci":
        write_oci_archive(images, path)
    else:
        write_hybrid_archive(images, path, family="docker" if "docker" in form else "oci")


# Documents

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "text",
    [],
    ["a"],
    {},
    {"a": "b"},
    [1],
    {"a": 1},
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from _places(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, (*path, number))


def _changed(chance: random.Random, value: Any, made: Made, what: str) -> None:
    """One field gets another value, another key, goes, or comes."""
    places = [place for place in _places(value) if isinstance(place[-1], str)]
    if not places or not isinstance(value, dict | list):
        return
    place = chance.choice(places)
    holder = value
    for step in place[:-1]:
        holder = holder[step]
    key, how = place[-1], chance.choice(["value", "value", "drop", "case", "null"])
    shown = ".".join(map(str, place))
    if how == "drop":
        del holder[key]
    elif how == "case":
        holder[key.upper() if chance.random() < 0.5 else key.capitalize()] = holder.pop(key)
    else:
        holder[key] = None if how == "null" else chance.choice(VALUES)
        how = f"{how} {holder[key]!r}"
    made.tricks.append(f"{what}: {shown}: {how}")


def _manifests(files: Files) -> list[str]:
    found = []
    for name, data in files.items():
        if name.startswith("blobs/") and data.startswith(b"{") and b'"layers"' in data[:400]:
            found.append("sha256:" + name.rpartition("/")[2])
    return found


def _config(chance: random.Random, files: Files, made: Made) -> None:
    """A field of a config; every document that refers to it follows."""
    for digest in _manifests(files)[:1]:
        config = json.loads(files[corrupt.blob(digest)])["config"]["digest"]
        if corrupt.blob(config) not in files:
            return
        value = json.loads(files[corrupt.blob(config)])
        _changed(chance, value, made, "config")
        new = corrupt.edit_document(files, config, partial(_becomes, new=value))
        _renamed(files, config, new)
        return
    saved = json.loads(files.get("manifest.json", b"[]"))
    for entry in saved[:1]:
        name = entry["Config"]
        value = json.loads(files[name])
        _changed(chance, value, made, "config")
        del files[name]
        raw = go_json(value)
        entry["Config"] = f"{sha256(raw)[7:]}.json"
        files[entry["Config"]] = raw
        files["manifest.json"] = go_json(saved)


def _becomes(old: dict[str, Any], new: dict[str, Any]) -> None:
    old.clear()
    old.update(new)


def _renamed(files: Files, old: str, new: str) -> None:
    if "manifest.json" in files:
        files["manifest.json"] = files["manifest.json"].replace(old[7:].encode(), new[7:].encode())


def _manifest(chance: random.Random, files: Files, made: Made) -> None:
    for digest in _manifests(files)[:1]:
        value = json.loads(files[corrupt.blob(digest)])
        _changed(chance, value, made, "manifest")
        corrupt.edit_document(files, digest, partial(_becomes, new=value))


def _index(chance: random.Random, files: Files, made: Made) -> None:
    if "index.json" not in files:
        return
    value = json.loads(files["index.json"])
    entries = value["manifests"] if isinstance(value.get("manifests"), list) else []
    if entries and chance.random() < 0.4:
        entry = chance.choice(entries)
        platform = chance.choice(
            [
                {"os": "linux", "architecture": "arm64"},
                {"os": "linux", "architecture": "amd64"},
                {"os": "linux", "architecture": "x86_64"},
                {"os": "windows", "architecture": "amd64"},
                {"os": "linux", "architecture": "amd64", "variant": "v2"},
                {},
            ]
        )
        entry["platform"] = platform
        made.tricks.append(f"index: platform {platform}")
    elif entries and chance.random() < 0.4:
        names = ["1", "demo", "UPPER:1", "a:1,b:2", f"sha256:{'a' * 64}", "docker.io/library/x:1"]
        notes = chance.choice(entries).setdefault("annotations", {})
        key = chance.choice(["io.containerd.image.name", "org.opencontainers.image.ref.name"])
        notes[key] = chance.choice(names)
        made.tricks.append(f"index: {key}: {notes[key]}")
    else:
        _changed(chance, value, made, "index")
    files["index.json"] = go_json(value)


def _saved(chance: random.Random, files: Files, made: Made) -> None:
    """Something of ``manifest.json``."""
    if "manifest.json" not in files:
        return
    value = json.loads(files["manifest.json"])
    how = chance.choice(["tags", "path", "field", "twice", "null", "order"])
    if not value:
        return
    entry = chance.choice(value)
    if how == "tags":
        tags = [
            "demo",
            "UPPER:1",
            "a:1,b:2",
            f"sha256:{'a' * 64}",
            f"a@sha256:{'a' * 64}",
            "",
            "x:y z",
        ]
        entry["RepoTags"] = [chance.choice(tags)]
        how += f" {entry['RepoTags']}"
    elif how == "path" and entry["Layers"]:
        before = chance.choice(["./", "/", "../", "x/../", "//"])
        at = chance.randrange(len(entry["Layers"]))
        entry["Layers"][at] = before + entry["Layers"][at]
        how += f" {before}"
    elif how == "field":
        _changed(chance, value, made, "manifest.json")
        how = ""
    elif how == "twice":
        value.append(entry)
    elif how == "null":
        value = None
    else:
        entry["Layers"].reverse()
    if how:
        made.tricks.append(f"manifest.json: {how}")
    files["manifest.json"] = go_json(value)


def _blob(chance: random.Random, files: Files, made: Made) -> None:
    """A file is absent, damaged, cut, longer, or another document."""
    name = chance.choice(list(files))
    how = chance.choice(["absent", "flipped", "cut", "longer", "empty"])
    data = files[name]
    if how == "absent":
        del files[name]
    elif how == "flipped" and data:
        files[name] = corrupt.flip_byte(data, chance.randrange(len(data)))
    else:
        files[name] = {"cut": data[: len(data) // 2], "empty": b""}.get(how, data + b"\0" * 512)
    label = name if "/" not in name else f"{name.partition('/')[0]}/...{name[-5:]}"
    json_or_not = "document" if data.startswith((b"{", b"[")) else "blob"
    made.tricks.append(f"file {label} ({json_or_not}): {how}")


_DOCUMENTS: dict[str, Callable[[random.Random, Files, Made], None]] = {
    "config": _config,
    "manifest": _manifest,
    "index": _index,
    "saved": _saved,
    "blob": _blob,
}

# Members


@dataclass
class _Member:
    name: str
    data: bytes
    type: bytes = tarfile.REGTYPE
    link: str = ""


def _members(chance: random.Random, made: Made) -> Callable[[list[_Member]], None]:
    how = chance.choice(
        [
            "./",
            "/",
            "order",
            "twice",
            "symlink",
            "hardlink",
            "folders",
            "device",
            "unknown type",
            "stray",
        ]
    )
    made.tricks.append(f"members: {how}")

    def change(members: list[_Member]) -> None:
        files = [each for each in members if each.type == tarfile.REGTYPE]
        one = chance.choice(files)
        if how in ("./", "/"):
            for each in members:
                each.name = how + each.name
        elif how == "order":
            chance.shuffle(members)
        elif how == "twice":
            members.append(_Member(one.name, one.data))
        elif how in ("symlink", "hardlink"):
            other = f"moved/{chance.randrange(99)}"
            members.append(_Member(other, one.data))
            up = "../" * one.name.count("/")
            symbolic = how == "symlink"
            one.type = tarfile.SYMTYPE if symbolic else tarfile.LNKTYPE
            one.link = f"{up}{other}" if symbolic else other
            one.data = b""
            if not symbolic:  # it may only point back
                members.insert(0, members.pop())
        elif how == "folders":
            for folder in sorted({each.name.rpartition("/")[0] for each in members} - {""}):
                members.insert(0, _Member(f"{folder}/", b"", tarfile.DIRTYPE))
        elif how == "device":
            members.append(_Member("dev/null", b"", tarfile.CHRTYPE))
        elif how == "unknown type":
            members.append(_Member("odd", b"x", b"V"))
        else:
            members.append(_Member("notes/readme.txt", b"hello"))

    return change


def _tar(members: list[_Member], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for each in members:
            member = tarfile.TarInfo(each.name)
            member.type, member.linkname, member.mode = each.type, each.link, 0o644
            member.size = len(each.data)
            tar.addfile(member, io.BytesIO(each.data))
    return out.getvalue()


# The whole


def _outer(chance: random.Random, made: Made) -> Callable[[bytes], bytes]:
    ways: dict[str, Callable[[bytes], bytes]] = {
        "gzip": lambda data: gzip.compress(data, mtime=0),
        "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
        "bzip2": bz2.compress,
        "xz": lzma.compress,
        "zeros after": lambda data: data + b"\0" * 10240,
        "text after": lambda data: data + b"more" * 128,
        "cut at the end": lambda data: data[:-1024],
        "cut": lambda data: data[: len(data) * 3 // 4],
        "zeros after gzip": lambda data: gzip.compress(data, mtime=0) + b"\0" * 512,
    }
    how = chance.choice(list(ways))
    made.tricks.append(f"outer: {how}")
    return ways[how]
