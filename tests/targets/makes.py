"""Archives and folders of different make, each of content that no engine has seen."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tarfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import zstandard

from tests.builders import (
    IMAGE_NAME,
    LAYOUT_MARKER,
    REF_NAME,
    Image,
    Layer,
    go_json,
    layer_tar,
    make_image,
    sha256,
    write_dir,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_members,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.artifacts import make_artifact, make_index, of_image, write_layout
from tests.builders.files import Link, Members
from tests.builders.legacy import steps_of, write_v1
from tests.builders.trees import image_of, read, sha512_layout
from tests.interop.shown import HERE

OTHER = "arm64" if HERE != "arm64" else "amd64"


class Maker:
    """Makes images and archives below one folder."""

    def __init__(self, work: Path) -> None:
        self.work = work

    def path(self, suffix: str = ".tar") -> Path:
        """A name that nothing has yet."""
        return self.work / f"{uuid.uuid4().hex[:12]}{suffix}"

    def image(self, *names: str, compression: Any = "none", **more: Any) -> Image:
        """Two small layers that nobody has seen."""
        more.setdefault("architecture", HERE)
        return make_image(
            names=names or ("demo:1",), compression=compression, unique=uuid.uuid4().hex, **more
        )

    def layer(self, compression: str = "none") -> Layer:
        """A small layer that nobody has seen."""
        return Layer(layer_tar({"etc/new": uuid.uuid4().hex.encode()}), compression)


Make = Callable[[Maker], Path]


def _hybrid(compression: Any = "none", family: Any = "oci", names: tuple[str, ...] = ()) -> Make:
    def make(m: Maker) -> Path:
        return write_hybrid_archive(
            [m.image(*names, compression=compression)], m.path(), family=family
        )

    return make


def _sharing(write: Callable[..., Path], lacking: int) -> Make:
    """Two images on one base, packed in two ways; the base of one of them is not there."""

    def make(m: Maker) -> Path:
        base, seen = {"etc/base": uuid.uuid4().bytes * 50}, uuid.uuid4().hex
        pair = [
            make_image(
                [base, {f"etc/{seen}": name.encode()}],
                names=(f"{name}:1",),
                compression=(packed, "none"),
                architecture=HERE,
            )
            for name, packed in (("one", "gzip"), ("other", "none"))
        ]
        files = read(write([*pair], m.path()))
        gone = pair[lacking].layers[0].digest[7:]
        return write_members({k: v for k, v in files.items() if gone not in k}, m.path())

    return make


def _docker(compression: Any = "none", style: Any = "flat", prefix: str = "") -> Make:
    return lambda m: write_docker_archive(
        [m.image(compression=compression)], m.path(), style=style, prefix=prefix
    )


def _pure(compression: Any = "none", family: Any = "oci", prefix: str = "") -> Make:
    return lambda m: write_oci_archive(
        [m.image(compression=compression)], m.path(), family=family, prefix=prefix
    )


def _packed(how: Callable[[bytes], bytes], suffix: str, make: Make) -> Make:
    def packed(m: Maker) -> Path:
        path = m.path(suffix)
        path.write_bytes(how(make(m).read_bytes()))
        return path

    return packed


def _pack_gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _pack_zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def edited(make: Make, change: Callable[[dict[str, bytes]], None]) -> Make:
    """The archive with its regular files changed; links stay."""

    def made(m: Maker) -> Path:
        path = make(m)
        files = read(path)
        change(files)
        if path.is_dir():
            return write_files(files, m.path(""))
        with tarfile.open(path) as archive:
            links: Members = {each.name: Link(each.linkname) for each in archive if each.issym()}
        return write_members({**files, **links}, m.path())

    return made


def _json(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, bytes]], None]:
    """A change of one JSON file; what the change returns takes its place."""

    def apply(files: dict[str, bytes]) -> None:
        files[name] = go_json(change(json.loads(files[name])))

    return apply


def _annotated(notes: Mapping[str, str] | None) -> Callable[[dict[str, bytes]], None]:
    def change(index: Any) -> Any:
        for entry in index["manifests"]:
            entry.pop("annotations", None)
            if notes is not None:
                entry["annotations"] = dict(notes)
        return index

    return _json("index.json", change)


def _saved(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    def on_each(saved: Any) -> Any:
        for entry in saved:
            change(entry)
        return saved

    return _json("manifest.json", on_each)


def _without(*names: str) -> Callable[[dict[str, bytes]], None]:
    def drop(files: dict[str, bytes]) -> None:
        for name in names:
            files.pop(name)

    return drop


def _top_layer(files: dict[str, bytes]) -> str:
    return str(json.loads(files["manifest.json"])[0]["Layers"][-1])


def _packed_anew(files: dict[str, bytes]) -> None:
    """The same tar inside, other bytes than the digest says."""
    name = _top_layer(files)
    files[name] = gzip.compress(gzip.decompress(files[name]), 1, mtime=1)


def _damaged(files: dict[str, bytes]) -> None:
    name = _top_layer(files)
    at = len(files[name]) // 2
    files[name] = files[name][:at] + bytes([files[name][at] ^ 255]) + files[name][at + 1 :]


def _without_top_layer(files: dict[str, bytes]) -> None:
    """Drop the file of the last layer that manifest.json, or the first manifest, names."""
    if "manifest.json" in files:
        files.pop(json.loads(files["manifest.json"])[0]["Layers"][-1])
        return
    entry = json.loads(files["index.json"])["manifests"][0]
    manifest = json.loads(files["blobs/" + entry["digest"].replace(":", "/")])
    files.pop("blobs/" + manifest["layers"][-1]["digest"].replace(":", "/"))


NAMES: dict[str, dict[str, str] | None] = {
    "full name": {IMAGE_NAME: "docker.io/library/demo:1"},
    "full name and tag": {IMAGE_NAME: "docker.io/library/demo:1", REF_NAME: "1"},
    "registry name": {IMAGE_NAME: "example.com:5000/team/demo:v1", REF_NAME: "v1"},
    "bare tag": {REF_NAME: "1"},
    "ref full name": {REF_NAME: "example.com/demo:1"},
    "ref familiar name": {REF_NAME: "demo:1"},
    "short containerd name": {IMAGE_NAME: "demo:1"},
    "no tag": {IMAGE_NAME: "example.com/demo"},
    "upper case": {REF_NAME: "Demo:1"},
    "none": None,
}


def _several(write: Callable[..., Path]) -> Make:
    return lambda m: write([m.image("a:1", "b/c:2"), m.image("a:2")], m.path())


def _platforms(*, sparse: bool = False, attested: bool = True, hybrid: bool = False) -> Make:
    def make(m: Maker) -> Path:
        here, other = m.image(compression="gzip"), m.image(compression="gzip", architecture=OTHER)
        folder = write_index_layout(
            m.path(""),
            [here, other],
            name="example.com/multi:1",
            attestations=attested,
            drop=set(other.blobs()) if sparse else (),
        )
        files = read(folder)
        if hybrid:
            layers = [f"blobs/{layer.digest.replace(':', '/')}" for layer in here.layers]
            config = f"blobs/{here.config_digest.replace(':', '/')}"
            entry = {"Config": config, "RepoTags": ["example.com/multi:1"], "Layers": layers}
            files["manifest.json"] = go_json([entry])
        return write_members(files, m.path())

    return make


write_flat = partial(write_docker_archive, style="flat")


def _flat_platforms(m: Maker) -> Path:
    """Two entries of index.json, one for each platform, of one name; this machine's comes last."""
    images = [m.image("x/flat:1", architecture=OTHER), m.image("x/flat:1")]
    path = write_oci_archive(images, m.path())
    files = read(path)
    index = json.loads(files["index.json"])
    for entry, image in zip(index["manifests"], images, strict=True):
        entry["platform"] = image.platform
    files["index.json"] = go_json(index)
    return write_members(files, m.path())


def changed_config(write: Callable[..., Path], change: Callable[[dict[str, Any]], Any]) -> Make:
    """An image of another config."""

    def make(m: Maker) -> Path:
        image = m.image()
        config = dict(image.config)
        change(config)
        return write([replace(image, config=config)], m.path())

    return make


def _ran(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Other fields of what a container is run with."""

    def change(config: dict[str, Any]) -> None:
        config["config"] = {**config["config"], **fields}

    return change


def _top(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: config.update(fields)


class _Escaped(Image):
    """An image whose time is spelled as dotnet's SDK did."""

    @property
    def config_bytes(self) -> bytes:
        """The config, with the sign of its time escaped."""
        moved = go_json({**self.config, "created": "2024-05-06T07:08:09+01:00"})
        return moved.replace(b"+01:00", b"\\u002B01:00")


def _escaped_time(write: Callable[..., Path]) -> Make:
    def make(m: Maker) -> Path:
        image = m.image()
        return write([_Escaped(image.layers, image.config, image.names)], m.path())

    return make


def _wrong_diff_id(config: dict[str, Any]) -> None:
    diff_ids = [*config["rootfs"]["diff_ids"][:-1], sha256(b"something else")]
    config["rootfs"] = {**config["rootfs"], "diff_ids": diff_ids}


def _bad_config(config: dict[str, Any]) -> None:
    config["config"] = {**config["config"], "Cmd": "a text, where a list belongs"}


def _one_less(config: dict[str, Any]) -> None:
    config["rootfs"] = {**config["rootfs"], "diff_ids": config["rootfs"]["diff_ids"][:-1]}


def _odd(write: Callable[..., Path], *layers: Callable[[Maker], Layer]) -> Make:
    def make(m: Maker) -> Path:
        image = image_of(*(layer(m) for layer in layers))
        image = replace(image, config={**image.config, "architecture": HERE})
        # Without layers, or with common ones, only this makes it an image of its own.
        inner = {**image.config["config"], "Labels": {"unique": uuid.uuid4().hex}}
        return write([replace(image, config={**image.config, "config": inner})], m.path())

    return make


def _many(count: int) -> Make:
    def make(m: Maker) -> Path:
        image = image_of(*(m.layer() for _ in range(count)))
        image = replace(image, config={**image.config, "architecture": HERE})
        return write_hybrid_archive([image], m.path())

    return make


def _hard_links(m: Maker) -> Path:
    """The second use of a layer is a hard link, as a plain tar of such a folder writes it."""
    base = m.layer()
    image = image_of(base, m.layer(), base)
    image = replace(image, config={**image.config, "architecture": HERE})
    path = write_docker_archive([image], m.path())
    dest = m.path()
    with tarfile.open(path) as old, tarfile.open(dest, "w", format=tarfile.PAX_FORMAT) as new:
        for member in old:
            data = old.extractfile(member) if member.isreg() else None
            if member.issym():
                member.type = tarfile.LNKTYPE
                member.linkname = member.linkname.removeprefix("../")
            new.addfile(member, data)
    return dest


def _linked_chain(m: Maker) -> Path:
    """A layer that is a link to a link."""
    image = m.image()
    files: Members = dict(read(write_docker_archive([image], m.path(), style="flat")))
    saved = json.loads(bytes(files["manifest.json"]))  # type: ignore[arg-type]
    layer = saved[0]["Layers"][0]
    saved[0]["Layers"][0] = "first.tar"
    files |= {"manifest.json": go_json(saved), "first.tar": Link("second.tar")}
    files["second.tar"] = Link(layer)
    return write_members(files, m.path())


def _repeated(prefix: str) -> Make:
    """Layers that repeat, as docker save of 1.10 to 24 writes them: a link to the first."""

    def make(m: Maker) -> Path:
        base = m.layer()
        image = image_of(base, m.layer(), base)
        image = replace(image, config={**image.config, "architecture": HERE})
        return write_docker_archive([image], m.path(), prefix=prefix)

    return make


def _v1(*tags: str, compression: str = "none") -> Make:
    def make(m: Maker) -> Path:
        top = {"architecture": HERE}
        steps = steps_of({"a": uuid.uuid4().hex.encode()}, {"b": b"b"}, **top)
        return write_v1(steps, m.path(), *tags, compression=compression)

    return make


def _foreign(m: Maker) -> Path:
    """The first layer is to be fetched from elsewhere and is not there."""
    image = m.image()
    manifest = image.manifest()
    manifest["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar"
    manifest["layers"][0]["urls"] = ["http://127.0.0.1:9/absent"]
    raw = go_json(manifest)
    files = read(write_oci_archive([image], m.path()))
    files.pop("blobs/" + image.layers[0].digest.replace(":", "/"))
    files["blobs/" + sha256(raw).replace(":", "/")] = raw
    index = json.loads(files["index.json"])
    index["manifests"][0] |= {"digest": sha256(raw), "size": len(raw)}
    files["index.json"] = go_json(index)
    return write_members(files, m.path())


def _relabelled(media_type: str, compression: str) -> Make:
    """A layout whose first layer carries another label than it should."""

    def make(m: Maker) -> Path:
        image = m.image(compression=compression)
        manifest = image.manifest()
        manifest["layers"][0]["mediaType"] = media_type
        raw = go_json(manifest)
        files = read(write_oci_archive([image], m.path()))
        files["blobs/" + sha256(raw).replace(":", "/")] = raw
        index = json.loads(files["index.json"])
        index["manifests"][0] |= {"digest": sha256(raw), "size": len(raw)}
        files["index.json"] = go_json(index)
        return write_members(files, m.path())

    return make


def _sha512(m: Maker) -> Path:
    folder = sha512_layout(m.image("demo:1", compression="gzip"), m.path(""))
    return write_members(read(folder), m.path())


def _cut(make: Make, share: float) -> Make:
    def made(m: Maker) -> Path:
        path = m.path()
        data = make(m).read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        return path

    return made


def _artifact(m: Maker) -> Path:
    """An image, and beside it a manifest that holds none."""
    image = m.image()
    files = read(write_oci_archive([image], m.path()))
    empty, text = b"{}", uuid.uuid4().hex.encode()
    manifest = go_json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.example+text",
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": sha256(empty),
                "size": 2,
            },
            "layers": [{"mediaType": "text/plain", "digest": sha256(text), "size": len(text)}],
        }
    )
    for blob in (empty, text, manifest):
        files["blobs/" + sha256(blob).replace(":", "/")] = blob
    index = json.loads(files["index.json"])
    index["manifests"].append(
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": sha256(manifest),
            "size": len(manifest),
        }
    )
    files["index.json"] = go_json(index)
    return write_members(files, m.path())


def _zero(_: Maker) -> Layer:
    return Layer(b"")


def _fresh(compression: str = "none") -> Callable[[Maker], Layer]:
    return lambda m: m.layer(compression)


_GZIP_LABEL = "application/vnd.oci.image.layer.v1.tar+gzip"
_RAW_LABEL = "application/vnd.oci.image.layer.v1.tar"
_marker_of = {"version": b'{"imageLayoutVersion":"1.1.0"}', "usual": LAYOUT_MARKER}

# What Go's types refuse, or take though it looks wrong.
TYPED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "duration in words": _ran(Healthcheck={"Test": ["CMD", "true"], "Interval": "30s"}),
    "ports of numbers": _ran(ExposedPorts={"80/tcp": 1}),
    "null among labels": _ran(Labels={"a": None}),
    "number among labels": _ran(Labels={"a": 1}),
    "null among env": _ran(Env=["PATH=/bin", None]),
    "null for config": _top(config=None),
    "null in history": lambda config: config["history"].__setitem__(0, None),
    "retries fraction": _ran(Healthcheck={"Test": ["CMD", "true"], "Retries": 1.5}),
    "retries exponent": _ran(Healthcheck={"Test": ["CMD", "true"], "Retries": 1e2}),
    "stop timeout text": _ran(StopTimeout="5"),
    "created empty": _top(created=""),
    "created comma": _top(created="2024-05-06T07:08:09,5Z"),
    "created day": _top(created="2024-05-06"),
    "created lower": _top(created="2024-05-06t07:08:09z"),
    "created hour": _top(created="2024-05-06T24:08:09Z"),
    "container_config text": _top(container_config="x"),
    "container_config cmd number": _top(container_config={"Cmd": [1]}),
    "size text": _top(Size="5"),
    "os.features text": _top(**{"os.features": "a"}),
    "onbuild text": _ran(OnBuild="RUN x"),
    "shell text": _ran(Shell="/bin/sh"),
    "entrypoint text": _ran(Entrypoint="/bin/sh"),
    "comment number": _top(comment=5),
    "hostname number": _ran(Hostname=5),
    "tty text": _ran(Tty="true"),
    "volumes list": _ran(Volumes=["/data"]),
    "memory text": _ran(Memory="5"),
    "rootfs type number": lambda c: c.update(rootfs={**c["rootfs"], "type": 5}),
    "empty_layer text": lambda c: c.update(
        history=[{**c["history"][0], "empty_layer": "no"}, *c["history"][1:]]
    ),
}

# Those that engines are asked about every time; the others were, once for each version.
_OFTEN = {"duration in words", "ports of numbers", "null among labels", "created hour"}
_OFTEN |= {"entrypoint text", "null in history", "retries exponent"}


def _beside(m: Maker) -> Path:
    """Two images, and beside them an artifact and an index of nothing but that."""
    chart = make_artifact(uuid.uuid4().hex.encode(), artifact_type="application/vnd.example")
    index = make_index([chart.entry()], chart)
    built = [of_image(m.image("a:1")), of_image(m.image("b:1"))]
    named = zip(("a:1", "b:1", "chart", "charts"), (*built, chart, index), strict=True)
    entries = [each.entry(annotations={REF_NAME: name}) for name, each in named]
    return write_layout(m.path(""), entries, *built, chart, index)


MAKES: dict[str, Make] = {
    # every row of the table of what consumers take
    **{
        f"hybrid, {how}, {family}": _hybrid(how, family)
        for how in ("none", "gzip", "zstd")
        for family in ("oci", "docker")
    },
    **{f"docker, {how}": _docker(how) for how in ("none", "gzip", "zstd", "bzip2", "xz")},
    **{
        f"pure, {how}, {family}": _pure(how, family)
        for how in ("none", "gzip", "zstd")
        for family in ("oci", "docker")
    },
    "hybrid, two images": _several(write_hybrid_archive),
    "docker, two images": _several(write_docker_archive),
    "pure, two images": _several(write_oci_archive),
    "hybrid, outer gzip": _packed(_pack_gzip, ".tar.gz", _hybrid("gzip")),
    "hybrid, outer zstd": _packed(_pack_zstd, ".tar.zst", _hybrid("gzip")),
    "hybrid, outer xz": _packed(lzma.compress, ".tar.xz", _hybrid("gzip")),
    "hybrid, outer bzip2": _packed(bz2.compress, ".tar.bz2", _hybrid("gzip")),
    "docker, outer gzip": _packed(_pack_gzip, ".tar.gz", _docker("none")),
    "docker, outer xz": _packed(lzma.compress, ".tar.xz", _docker("none")),
    "pure, outer gzip": _packed(_pack_gzip, ".tar.gz", _pure("gzip")),
    # styles
    "docker, V1 folders": _docker("none", "v1dirs"),
    "docker, podman's": _docker("none", "podman"),
    "docker, jib's": _docker("gzip", "lowercase"),
    "docker, repeated layers": _repeated(""),
    "docker, repeated layers, dotted": _repeated("./"),
    "docker, dotted": _docker("none", "v1dirs", "./"),
    "docker, absolute": _docker("none", "flat", "/"),
    "docker, podman's, dotted": _docker("none", "podman", "./"),
    "pure, dotted": _pure("gzip", "oci", "./"),
    "hybrid, dotted": lambda m: write_hybrid_archive([m.image()], m.path(), prefix="./"),
    "docker, names that become one": lambda m: write_docker_archive(
        [m.image("demo:1"), m.image("localhost/demo:1")], m.path()
    ),
    "docker, hard links": _hard_links,
    "docker, link to a link": _linked_chain,
    # names
    **{f"pure, name: {key}": edited(_pure("gzip"), _annotated(NAMES[key])) for key in NAMES},
    **{
        f"hybrid, name: {key}": edited(_hybrid("gzip"), _annotated(NAMES[key]))
        for key in ("bare tag", "none")
    },
    "hybrid, two names of one tag": _hybrid(names=("demo:1", "example.com:5000/demo:1")),
    "docker, two names": lambda m: write_docker_archive([m.image("a:1", "x.io/b:2")], m.path()),
    "docker, no name": lambda m: write_docker_archive([replace(m.image(), names=())], m.path()),
    "docker, RepoTags empty": edited(_docker(), _saved(lambda e: e.update(RepoTags=[]))),
    "docker, name without tag": edited(_docker(), _saved(lambda e: e.update(RepoTags=["demo"]))),
    "docker, invalid name": edited(_docker(), _saved(lambda e: e.update(RepoTags=["Demo:1"]))),
    "hybrid, no name": lambda m: write_hybrid_archive(
        [replace(m.image(), names=())], m.path(), untagged=True
    ),
    "hybrid, untagged left out": lambda m: write_hybrid_archive(
        [m.image(), replace(m.image(), names=())], m.path()
    ),
    # platforms
    "pure, platforms": _platforms(attested=False),
    "pure, platforms, attested": _platforms(),
    "hybrid, platforms, attested": _platforms(hybrid=True),
    "pure, sparse": _platforms(sparse=True),
    "hybrid, sparse": _platforms(sparse=True, hybrid=True),
    "pure, flat platforms": _flat_platforms,
    "docker, other platform": lambda m: write_docker_archive(
        [m.image(architecture=OTHER)], m.path()
    ),
    "hybrid, other platform": lambda m: write_hybrid_archive(
        [m.image(architecture=OTHER)], m.path()
    ),
    "pure, other platform": lambda m: write_oci_archive([m.image(architecture=OTHER)], m.path()),
    "hybrid, windows": lambda m: write_hybrid_archive([m.image(os="windows")], m.path()),
    "docker, windows": lambda m: write_docker_archive([m.image(os="windows")], m.path()),
    "pure, windows": lambda m: write_oci_archive([m.image(os="windows")], m.path()),
    # old formats
    "V1": _v1("old/app:1"),
    "V1, no repositories": _v1(),
    "V1, gzip": _v1("old/app:1", compression="gzip"),
    # damage
    "hybrid, missing layer": edited(_hybrid("gzip"), _without_top_layer),
    "docker, missing layer": edited(_docker("gzip"), _without_top_layer),
    "pure, missing layer": edited(_pure("gzip"), _without_top_layer),
    "hybrid, first lacks a shared layer": _sharing(write_hybrid_archive, 0),
    "hybrid, second lacks a shared layer": _sharing(write_hybrid_archive, 1),
    "pure, first lacks a shared layer": _sharing(write_oci_archive, 0),
    "pure, second lacks a shared layer": _sharing(write_oci_archive, 1),
    "docker, second lacks a shared layer": _sharing(write_flat, 1),
    "docker, layer count": changed_config(write_docker_archive, _one_less),
    "hybrid, layer count": changed_config(write_hybrid_archive, _one_less),
    "pure, layer count": changed_config(write_oci_archive, _one_less),
    "docker, no rootfs": changed_config(write_docker_archive, lambda c: c.pop("rootfs")),
    "hybrid, no rootfs": changed_config(write_hybrid_archive, lambda c: c.pop("rootfs")),
    "docker, no os": changed_config(write_flat, lambda c: c.pop("os")),
    "docker, no architecture": changed_config(write_flat, lambda c: c.pop("architecture")),
    "docker, history long": changed_config(
        write_docker_archive, lambda c: c["history"].append({"created_by": "x"})
    ),
    "docker, history short": changed_config(write_docker_archive, lambda c: c["history"].pop(0)),
    "docker, escaped time": _escaped_time(write_flat),
    "pure, escaped time": _escaped_time(write_oci_archive),
    **{
        f"{form}, {name}": changed_config(write, change)
        for form, write in (("docker", write_flat), ("pure", write_oci_archive))
        for name, change in TYPED.items()
        if name in _OFTEN
    },
    "docker, bad config": changed_config(write_docker_archive, _bad_config),
    "pure, bad config": changed_config(write_oci_archive, _bad_config),
    "docker, null": edited(_docker(), _json("manifest.json", lambda _: None)),
    "docker, empty list": edited(_docker(), _json("manifest.json", lambda _: [])),
    "docker, truncated": _cut(
        lambda m: write_docker_archive([m.image()], m.path(), style="flat", order=reversed), 0.6
    ),
    "hybrid, no marker": edited(_hybrid("gzip"), _without("oci-layout")),
    "pure, no marker": edited(_pure("gzip"), _without("oci-layout")),
    "pure, no index": edited(_pure("gzip"), _without("index.json")),
    "pure, other version": edited(
        _pure("gzip"), lambda files: files.update({"oci-layout": _marker_of["version"]})
    ),
    "hybrid, other version": edited(
        _hybrid("gzip"), lambda files: files.update({"oci-layout": _marker_of["version"]})
    ),
    "hybrid, index null": edited(
        _hybrid("gzip"), _json("index.json", lambda index: {**index, "manifests": None})
    ),
    # layers
    "hybrid, zero-byte layer": _odd(write_hybrid_archive, _zero, _fresh()),
    "docker, zero-byte layer": _odd(write_docker_archive, _zero, _fresh()),
    "hybrid, no layers": _odd(write_hybrid_archive),
    "docker, no layers": _odd(write_docker_archive),
    "hybrid, 125 layers": _many(125),
    "hybrid, 126 layers": _many(126),
    "pure, foreign layer": _foreign,
    "pure, raw labelled gzip": _relabelled(_GZIP_LABEL, "none"),
    "pure, gzip labelled raw": _relabelled(_RAW_LABEL, "gzip"),
    "pure, zstd labelled gzip": _relabelled(_GZIP_LABEL, "zstd"),
    "pure, sha512": _sha512,
    "pure, artifact": _artifact,
    # folders
    "folder, layout": lambda m: write_oci_layout([m.image()], m.path("")),
    "folder, layout, of a path that is no name": lambda m: write_oci_layout(
        [m.image()], m.path("-_Odd")
    ),
    "folder, layout, two images": lambda m: write_oci_layout(
        [m.image("a:1"), m.image("a:2")], m.path("")
    ),
    "folder, images beside other things": _beside,
    "folder, layout, platforms": lambda m: write_index_layout(
        m.path(""), [m.image(), m.image(architecture=OTHER)]
    ),
    "folder, dir": lambda m: write_dir(m.image(compression="gzip"), m.path("")),
    "folder, hybrid": lambda m: write_files(
        read(write_hybrid_archive([m.image()], m.path())), m.path("")
    ),
}

# What only reading every layer can tell.
UNREAD: dict[str, Make] = {
    "docker, wrong diff_id": changed_config(write_docker_archive, _wrong_diff_id),
    "hybrid, wrong diff_id": changed_config(write_hybrid_archive, _wrong_diff_id),
    "hybrid, layer packed anew": edited(_hybrid("gzip"), _packed_anew),
    "hybrid, layer damaged": edited(_hybrid("gzip"), _damaged),
}
