"""Targets that read one text, document or stream."""

from __future__ import annotations

import functools
import io
import json
import os
import random
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from oci_layout.cli.cells import folded
from oci_layout.cli.text import shown, size_of
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import LayoutError
from oci_layout.finding import Findings, Where
from oci_layout.mediatype import Compression, Kind, LayerType, document_kind
from oci_layout.model import dockersave, gojson, jsontext, jws, layout
from oci_layout.model.config import Config, config_object, foreign_fields
from oci_layout.model.jsonedit import Edits
from oci_layout.model.manifest import read_document, read_links
from oci_layout.model.schema1 import Schema1
from oci_layout.model.v1 import V1Layer, upgraded_config
from oci_layout.platform import Platform
from oci_layout.reference import ImageName, InvalidReferenceError, Reference
from oci_layout.streams.compression import decoded, sniff
from oci_layout.streams.layerfiles import read_layer
from oci_layout.streams.names import UnsafeNameError, normalise
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.tarindex import TarScanner
from oci_layout.streams.tarwalk import TarWalker
from oci_layout.streams.whiteouts import whiteout
from oci_layout.streams.zstdframes import FrameWalker
from oci_layout.targets.target import Target as EngineTarget
from oci_layout.verification import sums
from scripts.fuzzing import seeds, tars, values, worlds
from scripts.fuzzing.targets import Target, known, require

WHERE = Where(member="x")


def _document(
    name: str, read: Callable[[bytes, Findings], object], found: Callable[[], Sequence[bytes]]
) -> Target:
    """A reader of documents: its seeds are documents of its kind."""

    def run(data: bytes, room: str) -> None:
        findings = Findings()
        read(data, findings)
        known(findings.found)

    def make(rng: random.Random) -> bytes:
        kind = seeds.documents() if rng.random() < 0.1 else tuple(found())
        return values.document(rng, kind)

    return Target(name=name, make=make, run=run)


def _text(data: bytes, findings: Findings) -> None:
    value = jsontext.parse(data, WHERE, findings)
    if value is None or findings.found:
        return
    gojson.show(value)
    gojson.on_a_line(value)
    written = gojson.encode_bytes(value)
    again = Findings()
    require(jsontext.parse(written, WHERE, again) == value, "JSON that is written reads otherwise")
    require(not again.found, "JSON that is written is found fault with")


def _edit(data: bytes, findings: Findings) -> None:
    value = jsontext.parse(data, WHERE, findings)
    if not isinstance(value, dict | list) or findings.found:
        return
    rng = random.Random(zlib.crc32(data))
    edits, paths = Edits(data), []
    for _ in range(rng.randrange(1, 5)):
        path, node = [], value
        while isinstance(node, dict | list) and node:
            step = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            path.append(step)
            node = node[step]
            if rng.random() < 0.4:
                break
        if not path or (isinstance(path[-1], str) and rng.random() < 0.2):
            path[-1:] = ["added"]
        if isinstance(path[0], int) != isinstance(value, list):
            continue
        if any(old[: len(path)] == path or path[: len(old)] == old for old in paths):
            continue
        paths.append(path)
        if rng.random() < 0.3 and isinstance(path[-1], str):
            edits.remove(tuple(path))
        else:
            edits.set(tuple(path), rng.choice([None, "text", 1, [], {"a": [True]}]))
    again = Findings()
    jsontext.parse(edits.apply(), WHERE, again)
    require(not again.found, "what is edited is no longer JSON")


def _index(data: bytes, findings: Findings) -> None:
    read_document(data, WHERE, findings, default=Kind.INDEX)
    read_links(data, WHERE, findings)


def _config(data: bytes, findings: Findings) -> None:
    found = Config.from_bytes(data, WHERE, findings)
    if found is not None:
        config_object(data)
        foreign_fields(data)


def _schema1(data: bytes, findings: Findings) -> None:
    found = Schema1.from_bytes(data, WHERE, findings)
    if found is not None:
        require(bool(str(found.digest)), "no digest")
        jws.check(found)


def _v1(data: bytes, findings: Findings) -> None:
    found = V1Layer.from_bytes(data, WHERE, findings)
    if found is not None:
        made = upgraded_config(found, (found, found))
        require(isinstance(json.loads(made), dict), "a config that is made is none")


def _compat() -> list[bytes]:
    """The documents of single layers: of V1 folders, and inside schema 1."""
    found = [data for data in seeds.with_keys("id") if b"fsLayers" not in data]
    for data in seeds.with_keys("fsLayers"):
        found += [line["v1Compatibility"].encode() for line in json.loads(data)["history"]]
    return found


def _cached(*keys: str) -> Callable[[], Sequence[bytes]]:
    return functools.cache(lambda: seeds.with_keys(*keys) or seeds.documents())


DOCUMENTS = (
    _document("jsontext", _text, seeds.documents),
    _document("jsonedit", _edit, seeds.documents),
    _document(
        "manifest", lambda raw, found: read_document(raw, WHERE, found), _cached("config", "layers")
    ),
    _document("index", _index, _cached("manifests")),
    _document("config", _config, _cached("rootfs")),
    _document("dockersave", dockersave.read_saved, _cached("Config")),
    _document("repositories", dockersave.read_repositories, _cached("demo")),
    _document("marker", layout.check_marker, _cached("imageLayoutVersion")),
    _document("schema1", _schema1, _cached("fsLayers")),
    _document("v1", _v1, functools.cache(_compat)),
)


# Texts


PIECES = [
    *("demo", "library/demo", "docker.io", "localhost", "host:5000", "[::1]", "a.b", "team/app", ":1", "@"),
    *("linux", "/", "amd64", "arm64", "v8", "(10.0.17763.1)", "windows", ":", "sha256:", "a" * 64, "b" * 128),
    *("docker@20.10", "containerd", "+containerd", "k3s@v1.30.2+k3s1", "skopeo", "@", "+", "9" * 40, "."),
    *("  ", " *", "\\", "\\n", "\n", "\r", "# c", "SHA256 (a) = ", "0" * 64 + "  a\n", "./", "../", "//"),
    *("application/vnd.", "oci.image.layer.v1.tar", "+gzip", ".gzip", ".wh.", ".wh..wh..opq", "10G", "KiB"),
    *("\0", "\x1b[0m", "\u202e", "\ud800", "\u0130", "\uff11", "\u0660", "e\u0301", "\U0001f600", "\u200b"),
]


HOSTS = ["", "docker.io/", "localhost/", "host:5000/", "[::1]:5/", "A.b/", "index.docker.io/", "h/"]
PATHS = ["demo", "library/demo", "a/b/c", "a__b", "a-b.c", "a--b", "Demo", "a" * 64, "x/" * 20 + "y"]
SYSTEMS = ["linux", "windows", "macos", "darwin", "freebsd", "Linux"]
MACHINES = ["amd64", "x86_64", "x86-64", "i386", "aarch64", "arm64", "arm", "armhf", "armel", "riscv64"]
VARIANTS = ["", "", "/v5", "/v6", "/v7", "/v8", "/8", "/v9", "/v9.1", "/v8.4", "/v10", "/v2", "/v1"]
ENGINES = "docker containerd podman skopeo cri-o kind k3s rke2 nerdctl".split()
VERSIONS = ["", "@1", "@1.9", "@20.10", "@29", "@v1.30.2", "@1.30.2+k3s1", "@0.11", "@1.2.3.4"]
TAILS = ["", "+containerd", "+oci", "+oci-archive", "+docker-archive", "+dir", "+k3s1", "+x"]
FILES = ["a", "b c", "./a", "\\n", "a\\\\b", "a\rb", " a", "#", "(", "x) = y", "\u00fc", "\udcff"]


def _sum_line(rng: random.Random) -> str:
    name, value = rng.choice(FILES), "".join(rng.choices("0123456789abcdefABCDEF", k=64))
    form = rng.choice(["{v}  {n}", "{v} *{n}", "\\{v}  {n}", "SHA256 ({n}) = {v}", "# {n}", ""])
    return form.format(v=rng.choice([value, "0" * 64]), n=name) + rng.choice(["\n", "\n", "\r\n"])


def _path(rng: random.Random) -> str:
    parts = [rng.choice([".wh.", ".wh..wh..opq", ".wh.x", "..", ".", "", "a", "b"]) for _ in range(4)]
    return "/".join(parts[: rng.randrange(1, 5)])


FORMS: dict[str, Callable[[random.Random], str]] = {
    "reference": lambda rng: (
        rng.choice(HOSTS)
        + rng.choice(PATHS)
        + rng.choice(["", "", ":1", ":latest", ":" + "t" * 128])
        + rng.choice(["", "", "@sha256:" + "a" * 64, "@x+y:" + "0" * 32])
    ),
    "platform": lambda rng: (
        rng.choice(SYSTEMS)
        + rng.choice(["", "", "(10.0.17763.1)", "(10.0.20348)", "(1.a)", "()"])
        + "/"
        + rng.choice(MACHINES)
        + rng.choice(VARIANTS)
    ),
    "digest": lambda rng: rng.choice(
        ["sha256:" + "0123456789abcdef" * 4, "sha512:" + "0f" * 64, "sha256:" + "A" * 64]
    ),
    "sums": lambda rng: "".join(_sum_line(rng) for _ in range(rng.randrange(1, 6))),
    "engine": lambda rng: rng.choice(ENGINES) + rng.choice(VERSIONS) + rng.choice(TAILS),
    "size": lambda rng: str(rng.choice(values.NUMBERS)) + rng.choice(["", "K", "MiB", "gb", "T", "B"]),
    "names": lambda rng: rng.choice([_path(rng), rng.choice(values.TYPES)]),
}


def _words(rng: random.Random, name: str) -> bytes:
    """A text of the form that is read, with some pieces put in; sometimes pieces alone."""
    form = FORMS.get(name)
    if form is None or rng.random() < 0.2:
        text = "".join(rng.choice(PIECES) for _ in range(rng.choice([1, 2, 3, 5, 9, 30])))
    else:
        text = form(rng)
        if rng.random() < 0.4:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(PIECES) + text[at + rng.randrange(3) :]
    data = text.encode("utf-8", "surrogatepass")
    return values.garble(rng, data) if rng.random() < 0.2 else data


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


def _reference(text: str) -> None:
    for name in (ImageName.familiar(text), ImageName.from_ref_name(text)):
        require(isinstance(name.key, str) and isinstance(name.tag, str), "no key")
        str(name)
    for default in ("latest", ""):
        made = Reference.parse(text, default_tag=default)
        require(Reference.parse(str(made), default_tag="") == made, "a name reads back otherwise")
        require(len(made.familiar) <= len(str(made)), "the familiar name is longer")


def _platform(text: str) -> None:
    made = Platform.parse(text)
    once = made.normalised()
    require(once.normalised() == once, "normalising twice changes it again")
    require(Platform.parse(str(made)).normalised() == once, "a platform reads back otherwise")
    require(made.matches(made) or made.unknown, "a platform does not match itself")
    void(made.runs)
    void(made.version_order)


def _digest(text: str) -> None:
    require(str(Digest.parse(text)) == text, "a digest reads back otherwise")


def _sums(text: str) -> None:
    found = sums.parse(text, "x")
    require(sums.parse(sums.render(found), "y") == found, "sums read back otherwise")
    findings = Findings()
    sums.compare(found, dict(list(found.items())[:1]), findings)
    known(findings.found)


def _names(text: str) -> None:
    whiteout(text)
    LayerType.parse(text)
    document_kind(text)
    require(".." not in normalise(text).split("/"), "a name leaves its folder")


def _screen(text: str) -> None:
    line = shown(text)
    require(line.isprintable(), "what is shown is not printable")
    for width in (40, 80):
        lines = folded(line, width, "  ", "    ")
        require(all(each.isprintable() for each in lines), "a line is not printable")


def _textual(name: str, read: Callable[[str], object], *allowed: type[Exception]) -> Target:
    return Target(
        name=name,
        make=functools.partial(_words, name=name),
        run=lambda data, room: void(read(_decoded(data))),
        allowed=(LayoutError, *allowed),
    )


def void(value: object) -> None:
    """Drop a result."""


TEXTS = (
    _textual("reference", _reference, InvalidReferenceError),
    _textual("platform", _platform, ValueError),
    _textual("digest", _digest, InvalidDigestError),
    _textual("sums", _sums),
    _textual("names", _names, UnsafeNameError),
    _textual("engine", EngineTarget.parse),
    _textual("size", size_of),
    _textual("screen", _screen),
)


# Streams


def _archive(rng: random.Random) -> bytes:
    seed = rng.choice(list(seeds.archives().values()))
    return tars.change(rng, list(tars.split(seed)), rng.choice([1, 1, 2, 4]))


def _held(data: bytes) -> HeldFile:
    fd = os.memfd_create("fuzz")
    os.write(fd, data)
    return HeldFile.adopt(fd, "x")


def _scan(data: bytes, room: str) -> None:
    findings = Findings()
    with _held(data) as file:
        for member in TarScanner(file, findings):
            require(0 <= member.offset <= member.offset + member.size <= file.size, "beyond the end")
    known(findings.found)


@functools.cache
def _raw_layers() -> tuple[bytes, ...]:
    import tarfile  # noqa: PLC0415  for its constants

    forms = (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)
    return (*(seeds.rich_layer(form) for form in forms), seeds.plain_layer("a"))


def _layer(rng: random.Random) -> bytes:
    members = list(tars.split(rng.choice(_raw_layers())))
    return tars.change(rng, members, rng.choice([1, 1, 2, 4]))


def _files(data: bytes, room: str) -> None:
    walker = TarWalker()
    for at in range(0, len(data), 1000):
        walker.feed(data[at : at + 1000])
    void(walker.whole)
    for file in read_layer(io.BytesIO(data), "x", contents=True):
        require(not file.path.startswith("/"), "a path that begins with a slash")
        void(file.whiteout)


def _packed(rng: random.Random) -> bytes:
    raw = _layer(rng) if rng.random() < 0.2 else rng.choice(_raw_layers())
    like = rng.choice([b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b""])
    parts = [worlds.packed(raw, like)] * rng.choice([1, 1, 1, 2])
    if rng.random() < 0.2:
        parts.append(worlds.packed(b"", like))
    if rng.random() < 0.2:
        parts.insert(0, b"\x50\x2a\x4d\x18\x04\0\0\0abcd")
    data = b"".join(parts)
    return values.garble(rng, data) if rng.random() < 0.8 else data


def _unpack(data: bytes, room: str) -> None:
    frames = FrameWalker()
    if data[:4] == b"\x28\xb5\x2f\xfd":
        frames.feed(data)
        void(frames.complete)
    kind = sniff(data[:512])
    for compression in {kind, Compression.GZIP, Compression.ZSTD}:
        try:
            reader = decoded(io.BytesIO(data), compression, "x", limit=1 << 20)
            total = 0
            while piece := reader.read(1 << 16):
                total += len(piece)
                require(total < 1 << 28, "an unbounded stream")
        except LayoutError:
            continue


STREAMS = (
    Target(name="tarindex", make=_archive, run=_scan),
    Target(name="layer", make=_layer, run=_files),
    Target(name="unpack", make=_packed, run=_unpack),
)


def _trusted(data: bytes, findings: Findings) -> Any:
    del findings
    return jws.load_trusted(data, "x")


def _keys() -> tuple[bytes, ...]:
    found = []
    for data in seeds.with_keys("signatures"):
        found += [json.dumps(each["header"]["jwk"]).encode() for each in json.loads(data)["signatures"]]
    return tuple(found)


_KEY = _document("trusted", _trusted, functools.cache(_keys))
KEYS = (Target(name="trusted", make=_KEY.make, run=_KEY.run, allowed=(LayoutError, ValueError)),)
