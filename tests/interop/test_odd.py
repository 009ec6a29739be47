"""What engines say to odd images, repaired archives, `dir:`, sha512 and packed archives."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import (
    Image,
    Layer,
    go_json,
    layer_tar,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.trees import Files, edit, read, sha512, sha512_layout
from tests.command import succeed
from tests.interop.check import by_full_name, check
from tests.interop.containers import entries
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.host import EngineError
from tests.interop.odd import NAME, Bench
from tests.interop.shown import Engine

Write = Callable[[Image, Path], Path]


@pytest.fixture
def bench(engines: Engines) -> Bench:
    return Bench(engines)


TOO_DEEP = 126  # moby layer/layer_store.go, maxLayerDepth
ODD: dict[str, Callable[[Bench], Image]] = {
    "repeated": lambda b: b.image(
        *[Layer(layer_tar({"a": b.motd})), Layer(layer_tar({"b": b.motd}))] * 3, b.base
    ),
    "zero-byte": lambda b: b.image(Layer(b""), Layer(layer_tar({"a": b.motd})), Layer(b""), b.base),
    "only-zeros": lambda b: b.image(Layer(bytes(1024)), Layer(bytes(1024)), b.base),
    "many layers": lambda b: b.many(40),
}


def written(source: Path, output: str, dest: Path) -> Path:
    """Convert, and give what an engine can be handed."""
    target, _, flags = output.partition(" ")
    succeed("repack", source, "--to", target, *flags.split(), "-o", dest)
    return dest


@pytest.mark.parametrize(
    ("odd", "output"),
    [
        (odd, output)
        for odd in ODD
        for output in ("oci", "docker", "oci --compression gzip")
        # Each layer takes a store its time, however it was packed.
        if odd != "many layers" or output == "oci"
    ],
)
def test_odd_layers(odd: str, output: str, engine: Engine, bench: Bench) -> None:
    """Names, config, diff_ids and a file are those of the image."""
    image = ODD[odd](bench)
    original = write_hybrid_archive([image], bench.work / "in.tar")
    path = written(original, output, bench.work / "out.tar")
    engine.clear()
    engine.load(path)
    check(engine, bench.source(path, image))


@pytest.mark.parametrize("output", ["oci", "docker"])
@pytest.mark.parametrize("kind", ["no layers", "no history"])
def test_odd_configs(kind: str, output: str, engine: Engine, bench: Bench) -> None:
    """The config that the engine shows is the original's, to the byte."""
    if kind == "no layers":
        image = bench.image()
        history = [{"created_by": bench.motd.decode(), "empty_layer": True}]
        image = replace(image, config={**image.config, "history": history})
    else:
        image = bench.image(bench.base)
        config = {key: value for key, value in image.config.items() if key != "history"}
        image = replace(image, config=config)
    original = write_docker_archive([image], bench.work / "in.tar")
    path = written(original, output, bench.work / "out.tar")
    engine.clear()
    engine.load(path)
    if isinstance(engine, Docker) and engine.store == "classic" and not image.layers:
        (found,) = engine.inspect(NAME)  # it leaves the empty list of layers out
        assert found["Id"] == image.config_digest
        assert not found["RootFS"].get("Layers")
        return
    shown = by_full_name(engine, bench.source(path, image), engine.images())
    assert shown[NAME].config == image.config_bytes
    assert shown[NAME].diff_ids == image.diff_ids
    if kind == "no history":
        check(engine, bench.source(path, image))


def edited(files: Files, old: bytes, new: bytes) -> None:
    name = next(name for name, data in files.items() if data == old)
    files[name] = new


FORMS: dict[str, Write] = {
    "docker": lambda image, work: write_docker_archive([image], work / "in.tar"),
    "hybrid": lambda image, work: write_hybrid_archive([image], work / "in.tar"),
    "layout": lambda image, work: write_oci_layout([image], work / "in"),
}


@pytest.mark.parametrize("output", ["oci", "docker"])
@pytest.mark.parametrize("form", FORMS)
def test_repaired(form: str, output: str, engine: Engine, bench: Bench) -> None:
    """A file and a variable changed by hand: refused as it is, and loaded when repaired."""
    layers = [bench.base, Layer(layer_tar({"etc/more": bench.motd}), "gzip")]
    image = bench.image(*layers)
    new_layer = Layer(layer_tar({"etc/more": b"edited " + bench.motd}), "gzip")
    config = image.config_bytes.replace(b"B=\\u003ctag", b"B=\\u003cedited")
    source = FORMS[form](image, bench.work)

    def change(files: Files) -> None:
        edited(files, layers[1].stored, new_layer.stored)
        edited(files, image.config_bytes, config)

    edit(source, change)
    path = written(source, f"{output} --repair", bench.work / "out.tar")
    engine.clear()
    engine.load(path)
    want = json.loads(config)
    want["rootfs"]["diff_ids"][1] = new_layer.diff_id
    shown = by_full_name(engine, bench.source(path, image), engine.images())
    assert shown[NAME].config == go_json(want)
    assert list(shown[NAME].diff_ids) == want["rootfs"]["diff_ids"]
    assert engine.cat(next(iter(engine.images())), "/etc/more") == b"edited " + bench.motd


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_dir_by_skopeo(compression: str, engines: Engines, bench: Bench) -> None:
    """skopeo opens `--to dir`, and gives back what it was made of."""
    image = bench.image(Layer(bench.base.raw, compression))
    source = write_oci_layout([image], bench.work / "in")
    succeed("repack", source, "--to", "dir", "-o", bench.work / "dir")
    skopeo = engines.skopeo
    assert skopeo.inspect(f"dir:{bench.work}/dir") == image.manifest_bytes()
    assert skopeo.inspect(f"dir:{bench.work}/dir", config=True) == image.config_bytes
    skopeo.copy(f"dir:{bench.work}/dir", f"oci:{bench.work}/back:x", "--preserve-digests")
    (entry,) = json.loads(read(bench.work / "back")["index.json"])["manifests"]
    assert entry["digest"] == image.manifest_digest()


def test_dir_with_a_list_both_ways(engines: Engines, bench: Bench) -> None:
    """`skopeo copy --all` to a `dir:` and from ours: digests of the list and its children stay."""
    other = make_image([{"a": bench.motd}], architecture="riscv64", compression="gzip")
    images = [bench.image(Layer(bench.base.raw, "gzip")), other]
    source = write_index_layout(bench.work / "in", images, name=NAME, attestations=True)
    (entry,) = entries(source)
    skopeo = engines.skopeo
    skopeo.copy(f"oci:{source}:{entry.ref}", f"dir:{bench.work}/theirs", "--all")
    succeed("repack", source, "--to", "dir", "-o", bench.work / "ours")
    assert read(bench.work / "ours") == read(bench.work / "theirs")
    skopeo.copy(f"dir:{bench.work}/ours", f"oci:{bench.work}/back:{entry.ref}", "--all")
    succeed(
        "repack", bench.work / "theirs", "--to", "oci", "--name", NAME, "-o", bench.work / "out"
    )
    blobs = {name for name in read(source) if name.startswith("blobs/")}
    for folder in ("back", "out"):
        assert {name for name in read(bench.work / folder) if name.startswith("blobs/")} == blobs


def takes_sha512(engines: Engines, path: Path) -> bool:
    """Whether skopeo copies the layout to its last blob; 1.9 hashes with sha256 alone."""
    try:
        engines.skopeo.copy(f"oci:{path}:1", f"dir:{path}-dir")
    except EngineError as error:
        if not any(word in error.output for word in ("does not match", "saved with digest")):
            raise
        return False
    return True


def test_sha512_layout_by_skopeo(engines: Engines, bench: Bench) -> None:
    """What we keep or make in sha512 is to skopeo what another's layout is; sha256 it takes."""
    image = bench.image(Layer(bench.base.raw, "gzip"))
    skopeo = engines.skopeo
    source = sha512_layout(image, bench.work / "in")
    succeed("repack", source, "--to", "oci", "-o", bench.work / "kept")
    assert takes_sha512(engines, bench.work / "kept") is takes_sha512(engines, source)
    saved = write_docker_archive([image], bench.work / "in.tar")
    succeed("repack", saved, "--to", "oci", "--digest", "sha512", "-o", bench.work / "made")
    ref = f"oci:{bench.work}/made:1"
    assert skopeo.inspect(ref, config=True) == image.config_bytes  # the image ID stays sha256
    (entry,) = json.loads(read(bench.work / "made")["index.json"])["manifests"]
    assert entry["digest"] == sha512(skopeo.inspect(ref))
    words = ("--digest", "sha256", "--compression", "none", "--config", "oci")
    succeed("repack", source, "--to", "oci", *words, "-o", bench.work / "back")
    skopeo.copy(f"oci:{bench.work}/back:1", f"dir:{bench.work}/back-dir")


# Outer compression and who reads it; `docker` zstd from 23.0 only, containerd any from 2.0 on.
PACKED = {"tar.gz": {"docker", "docker-c8d", "podman"}, "tar.zst": {"docker-c8d"}}


@pytest.mark.parametrize("suffix", PACKED)
def test_packed_archive(
    suffix: str, engine: Engine, bench: Bench, versions: dict[str, str]
) -> None:
    """Who can, loads it; the one that the warning names cannot."""
    image = bench.image(bench.base)
    source = write_docker_archive([image], bench.work / "in.tar")
    path = written(source, "docker", bench.work / f"out.{suffix}")
    engine.clear()
    can = engine.name in PACKED[suffix]
    if suffix == "tar.zst" and engine.name == "docker":
        can = int(versions["docker"].partition(".")[0]) >= 23
    if engine.name == "containerd":
        can = int(versions["containerd"].partition(".")[0]) >= 2
    if can:
        engine.load(path)
        check(engine, bench.source(path, image))
    elif engine.name in ("containerd", "docker"):
        with pytest.raises(EngineError):
            engine.load(path)
    else:
        # skopeo unpacks both into a temporary file, podman knows zstd or not by its version.
        with suppress(EngineError, tarfile.ReadError):
            engine.load(path)


def test_more_layers_than_docker_takes(engines: Engines, bench: Bench) -> None:
    """Docker names its limit, as for an original (test_check); to others they are layers."""
    image = bench.many(TOO_DEEP)
    original = write_docker_archive([image], bench.work / "in.tar")
    path = written(original, "docker", bench.work / "out.tar")
    engines.docker.clear()
    with pytest.raises(EngineError, match="max depth exceeded"):
        engines.docker.load(path)
    engines.containerd.clear()
    engines.containerd.load(path)
    shown = engines.containerd.images()
    assert shown[NAME].config == image.config_bytes
    assert len(shown[NAME].diff_ids) == TOO_DEEP
