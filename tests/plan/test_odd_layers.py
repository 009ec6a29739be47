"""Layers as the world has them: empty ones, repeated ones, very many, none at all."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from tests import independent
from tests.builders import (
    Image,
    Layer,
    full_name,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.trees import blob_name, config_of, image_of, read
from tests.command import layout, report

TARGETS = ("oci", "docker")
# The two empty layers that everybody has: nothing, and the end marker alone (facts of engines).
EMPTY_FILE = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
EMPTY_TAR = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
FORMS = {
    "docker": lambda image, tmp: write_docker_archive([image], tmp / "in.tar"),
    "hybrid": lambda image, tmp: write_hybrid_archive([image], tmp / "in.tar"),
    "layout": lambda image, tmp: write_oci_layout([image], tmp / "in"),
}


def through(image: Image, form: str, target: str, tmp_path: Path, *flags: str) -> None:
    """Repack into an archive and a folder; config and diff_ids are those of the image."""
    source = FORMS[form](image, tmp_path)
    for name in ("out.tar", "out"):
        report(source, "--to", target, *flags, "-o", tmp_path / name)
        found = independent.check(tmp_path / name)
        assert found.diff_ids == {image.config_digest: list(image.diff_ids)}
        assert found.configs == {image.config_digest: image.config_bytes}
        (manifest,) = found.manifests.values()
        assert len(manifest["layers"]) == len(image.layers)
        if name == "out.tar":
            assert found.docker
            assert len(found.docker[0]["Layers"]) == len(image.layers)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("packed", ["none", "gzip", "zstd"])
def test_empty_layers(form: str, target: str, packed: str, tmp_path: Path) -> None:
    """A file of no bytes, and 1,024 zeros, each twice, beside a real layer."""
    nothing, zeros = Layer(b"", packed), Layer(bytes(1024), packed)
    assert (nothing.diff_id, zeros.diff_id) == (EMPTY_FILE, EMPTY_TAR)
    real = make_image([{"etc/motd": b"hello\n"}]).layers[0]
    through(image_of(nothing, zeros, real, nothing, zeros), form, target, tmp_path)


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_empty_layers_packed_anew(how: str, tmp_path: Path) -> None:
    image = image_of(Layer(b""), Layer(bytes(1024), "gzip"), Layer(b"", "zstd"))
    through(image, "hybrid", "oci", tmp_path, "--compression", how)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("flags", [(), ("--compression", "gzip")])
def test_same_layer_many_times(
    form: str, target: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Listed each time, stored once; the order is kept."""
    one, two = make_image([{"a": b"1"}, {"b": b"2"}]).layers
    image = image_of(one, two, one, one, two, one)
    through(image, form, target, tmp_path, *flags)
    manifest, config, layers = 1, 1, 2
    blobs = [name for name in read(tmp_path / "out") if name.startswith("blobs/")]
    assert len(blobs) == manifest + config + layers


@pytest.mark.parametrize("count", [127, 130])
@pytest.mark.parametrize("target", TARGETS)
def test_very_many_layers(count: int, target: str, tmp_path: Path) -> None:
    """As many as Docker's graph drivers take, and more: what an engine takes is its affair."""
    files = [{f"srv/{number}": str(number).encode()} for number in range(count)]
    through(make_image(files), "docker", target, tmp_path)
    (tmp_path / "in.tar").unlink()
    for name in ("out.tar", "out"):
        (tmp_path / name).rename(tmp_path / f"first-{name}")
    through(make_image(files, compression="zstd"), "hybrid", target, tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("null", [False, True])
def test_no_layers(form: str, target: str, null: bool, tmp_path: Path) -> None:
    """`FROM scratch` and a label; Go writes the empty list as `null`."""
    image = make_image([])
    if null:
        rootfs = {"type": "layers", "diff_ids": None}
        image = Image((), {**image.config, "rootfs": rootfs}, image.names)
    source = FORMS[form](image, tmp_path)
    for name in ("out.tar", "out"):
        said = report(source, "--to", target, "-o", tmp_path / name)
        assert said["images"][0]["config_changes"] == []
        found = independent.check(tmp_path / name)
        assert list(found.configs.values()) == [image.config_bytes]
        assert found.names == {full_name("demo:1")}
    people = layout("repack", source, "--to", target, "--dry-run").stdout.decode()
    assert "none" in people


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", TARGETS)
def test_no_history(form: str, target: str, tmp_path: Path) -> None:
    through(make_image(history=False), form, target, tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", TARGETS)
def test_windows_is_data(form: str, target: str, tmp_path: Path) -> None:
    """Nothing of a Windows config is dropped, turned or understood."""
    base = make_image(os="windows")
    odd = {"os.version": "10.0.20348.2402", "os.features": ["win32k"], **base.config}
    odd["config"] = {"Cmd": ["c:\\windows\\system32\\cmd.exe"], "ArgsEscaped": True}
    image = Image(base.layers, odd, base.names)
    source = FORMS[form](image, tmp_path)
    for name in ("out.tar", "out"):
        said = report(source, "--to", target, "-o", tmp_path / name)
        assert said["images"][0]["platform"] == "windows(10.0.20348.2402)/amd64"
        assert independent.check(tmp_path / name).configs == {
            image.config_digest: image.config_bytes
        }


def test_windows_versions_side_by_side(tmp_path: Path) -> None:
    """Two builds of Windows in one index: each entry keeps what tells them apart."""
    images = []
    for version in ("10.0.17763.5696", "10.0.20348.2402"):
        base = make_image([{"v": version.encode()}], os="windows")
        images.append(Image(base.layers, {**base.config, "os.version": version}, base.names))

    class Windows(Image):
        @property
        def platform(self) -> dict[str, str]:
            return {**super().platform, "os.version": self.config["os.version"]}

    listed = [Windows(image.layers, image.config, image.names) for image in images]
    source = write_index_layout(tmp_path / "in", listed)
    for target, family in (("oci", "oci"), ("docker", "docker")):
        flags = ("--pure",) if target == "oci" else ()
        dest = tmp_path / target
        if target == "docker":
            done = layout("repack", source, "--to", target, "-o", dest)
            assert done.returncode == 4  # one name, two platforms: docker load takes one
            report(source, "--to", target, "--platform", "windows(10.0.17763.5696)/amd64",
                   "-o", dest)  # fmt: skip
            assert config_of(dest) == images[0].config_bytes
            continue
        report(source, "--to", target, *flags, "-o", dest)
        files = read(dest)
        (top,) = json.loads(files["index.json"])["manifests"]
        nested = json.loads(files[blob_name(top["digest"])])
        found = [entry["platform"]["os.version"] for entry in nested["manifests"]]
        assert (family, found) == ("oci", ["10.0.17763.5696", "10.0.20348.2402"])


def test_gzip_that_another_tool_wrote_is_kept(tmp_path: Path) -> None:
    """Name, time and level in a gzip header are somebody's bytes: the digest survives."""
    raw = make_image([{"a": b"1"}]).layers[0].raw

    class Named(Layer):
        @property
        def stored(self) -> bytes:
            return gzip.compress(self.raw, 3, mtime=1_700_000_000)

    image = image_of(Named(raw, "gzip"))
    through(image, "layout", "oci", tmp_path)
    stored = image.layers[0].stored
    want = f"blobs/sha256/{hashlib.sha256(stored).hexdigest()}"
    assert read(tmp_path / "out")[want] == stored
