"""Where the parts of a source contradict each other, and what was asked for and does not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oci_layout import repack
from tests.builders import (
    REF_NAME,
    Image,
    make_image,
    sha256,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.trees import edit
from tests.builders.typed import OPAQUE
from tests.independent import read_files
from tests.verification.checking import TINY, layout_with, tiny
from tests.verification.situation import Make, Situation, changed, in_files
from tests.verification.situations_bytes import platforms
from tests.verification.situations_documents import config, entry

Files = dict[str, bytes]
ABSENT = "sha256:" + "0" * 64


def saved(folder: Path) -> Path:
    return write_docker_archive([tiny()], folder / "image.tar")


def hybrid(folder: Path) -> Path:
    return write_hybrid_archive([tiny()], folder / "image.tar")


def edited(make: Make, name: str, change: Callable[[Any], object]) -> Make:
    """An archive with one document changed by hand."""

    def edit_one(files: Files) -> None:
        value = json.loads(files[name])
        change(value)
        files[name] = json.dumps(value).encode()

    return lambda folder: edit(make(folder), edit_one)


def shuffled(folder: Path) -> Path:
    """Docker 25.0.0: the manifest lists its layers in another order than the config."""
    image = tiny()
    other = Image(layers=image.layers[::-1], config=image.config, names=image.names)
    archive = write_hybrid_archive([other], folder / "image.tar")

    def right_order(files: Files) -> None:
        value = json.loads(files["manifest.json"])
        value[0]["Layers"].reverse()
        files["manifest.json"] = json.dumps(value).encode()

    return edit(archive, right_order)


def other_layers(value: Any) -> None:
    """The second layer once more, in place of the first."""
    value[0]["Layers"][0] = value[0]["Layers"][1]


def layer_twice(folder: Path) -> Path:
    """The first layer under another name as well, which manifest.json has."""

    def copy(files: Files) -> None:
        value = json.loads(files["manifest.json"])
        files["copy/layer.tar"] = files[value[0]["Layers"][0]]
        value[0]["Layers"][0] = "copy/layer.tar"
        files["manifest.json"] = json.dumps(value).encode()

    return edit(hybrid(folder), copy)


def mislabelled() -> Files:
    image = tiny()
    layers = [layer.descriptor("oci") for layer in image.layers]
    layers[0]["mediaType"] += "+gzip"
    return layout_with(image, layers=layers)


def two_of_a_platform(folder: Path) -> Path:
    return write_index_layout(folder / "layout", [tiny(), make_image([{"other": b"x"}])])


def bare_tags(folder: Path) -> Path:
    """Two images under the bare tag `latest`, in a layout made by hand."""
    images = [tiny(names=("a:1",)), make_image([{"other": b"x"}], names=("b:1",))]

    def change(files: Files) -> None:
        value = json.loads(files["index.json"])
        for each in value["manifests"]:
            each["annotations"] = {REF_NAME: "latest"}
        files["index.json"] = json.dumps(value).encode()

    return changed(lambda inner: write_oci_layout(images, inner), change)(folder)


def one_name_for_two(folder: Path) -> Path:
    return write_oci_layout([tiny(), make_image([{"other": b"x"}])], folder / "layout")


def whole(folder: Path) -> Path:
    return write_oci_layout([tiny()], folder / "layout")


def sums(text: str) -> Callable[[Path], str]:
    """A file of sums beside the source."""

    def write(folder: Path) -> str:
        path = folder / "sums"
        path.write_text(text)
        return str(path)

    return write


def all_but_one(folder: Path) -> str:
    """Sums of all files but `index.json`."""
    files = read_files(folder / "layout")
    lines = [f"{sha256(data)[7:]}  {name}\n" for name, data in files.items()]
    return sums("".join(line for line in lines if "index.json" not in line))(folder)


def bare_tag(folder: Path) -> Path:
    return entry(annotations={REF_NAME: "1"})(folder)


def several(folder: Path) -> Path:
    return write_index_layout(folder / "layout", platforms())


def for_one_platform(folder: Path) -> Path:
    images = [tiny(), make_image([{"arm": b"x"}], names=("arm:1",), architecture="arm64")]
    return write_oci_layout(images, folder / "layout")


def of_another(folder: Path) -> Path:
    image = make_image([{"other": b"x"}], names=("demo:1",))
    return write_oci_layout([image], folder / "layout")


def invalid_config(folder: Path) -> Path:
    return config(lambda value: value["config"].update(Env="A=1"))(folder)


def zstd(folder: Path) -> Path:
    return write_oci_layout([make_image(TINY, compression="zstd")], folder / "layout")


MARKER = sha256(b'{"imageLayoutVersion":"1.0.0"}')[7:]
DOCKER_ONLY = {"to": "oci", "compression": "keep"}


def flat(folder: Path) -> Path:
    files = read_files(write_oci_layout([tiny()], folder / "whole"))
    return write_files(
        {name.replace("sha256/", ""): data for name, data in files.items()}, folder / "flat"
    )


AGREEMENT = [
    Situation("layer-count", "error", config(lambda value: value["rootfs"]["diff_ids"].pop())),
    Situation("shuffled-layers", "warning", shuffled),
    Situation("history-mismatch", "warning", config(lambda value: value["history"].pop(0))),
    Situation(
        "platform-mismatch", "warning", entry(platform={"architecture": "arm64", "os": "linux"})
    ),
    Situation("label-mismatch", "warning", in_files(mislabelled())),
    Situation("views-disagree", "error", edited(hybrid, "manifest.json", other_layers)),
    Situation("views-disagree", "warning", layer_twice),
    Situation(
        "names-disagree", "warning", edited(saved, "repositories", lambda value: value.clear())
    ),
    Situation("name-conflict", "error", one_name_for_two),
    Situation("repeated-tag", "warning", bare_tags),
    Situation("repeated-platform", "note", two_of_a_platform),
]
ASKED = [
    Situation("expected-absent", "error", whole, {"expect": (ABSENT,)}),
    Situation("sums-missing", "error", whole, {"against": sums(f"{MARKER}  absent.json\n")}),
    Situation("sums-mismatch", "error", whole, {"against": sums(f"{'0' * 64}  oci-layout\n")}),
    Situation("sums-extra", "note", whole, {"against": all_but_one}),
]


def listed(line: str) -> Callable[[Path], str]:
    """A have-list of one line."""

    def write(folder: Path) -> str:
        (folder / "there.txt").write_text(f"layout-have 1\n{line}\n")
        return str(folder / "there.txt")

    return write


def of_gzip(folder: Path) -> str:
    """The same image on the other side, as gzip."""
    repack(str(whole(folder / "other")), str(folder / "there"), to="oci", compression="gzip")
    return str(folder / "there")


def in_volumes(change: Callable[[Path], object]) -> Callable[[Path], Path]:
    """A result that was cut, and changed afterwards; its list."""

    def make(folder: Path) -> Path:
        repack(str(whole(folder / "in")), str(folder / "x.tar"), to="oci", volume_size=10**6)
        change(folder)
        return folder / "x.volumes.json"

    return make


def of_version_2(folder: Path) -> None:
    path = folder / "x.volumes.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))


def beside_others(folder: Path) -> Path:
    (folder / "out.vol2.tar").write_bytes(b"")
    return whole(folder / "in")


PACKED_OTHERWISE = {"to": "oci", "compression": "none", "have": of_gzip}
CONVERSION = [
    Situation("compressed-archive", "warning", whole, repack={"to": "oci", "dest": "out.tar.gz"}),
    Situation("invalid-config", "warning", invalid_config, repack={"to": "oci", "config": "keep"}),
    Situation("name-taken", "warning", whole, merge={"other": of_another, "on_conflict": "last"}),
    Situation("packed-otherwise", "note", whole, repack=PACKED_OTHERWISE),
    Situation("bad-have", "error", whole, repack={"to": "oci", "have": listed("layer 1")}),
    Situation("bad-volume-list", "error", in_volumes(of_version_2), repack={"to": "oci"}),
    Situation(
        "volume-missing", "error", in_volumes(lambda folder: (folder / "x.vol1.tar").unlink())
    ),
    Situation(
        "volume-changed",
        "error",
        in_volumes(lambda folder: (folder / "x.vol1.tar").write_bytes(bytes(512))),
    ),
    Situation(
        "other-volumes", "warning", beside_others, repack={"to": "oci", "volume_size": 10**6}
    ),
    Situation("names-dropped", "warning", whole, repack={"to": "dir", "dest": "out"}),
    Situation("no-docker-platform", "warning", several, repack={"to": "oci"}),
    Situation("no-repo-tag", "warning", bare_tag, repack={"to": "oci"}),
    Situation("flat-blobs", "error", lambda folder: flat(folder / "layout")),
    Situation(
        "opaque-layers",
        "warning",
        lambda folder: OPAQUE["squashfs"].write(tiny(), folder / "image.tar"),
        repack={"to": "oci"},
    ),
    Situation(
        "platform-absent",
        "warning",
        for_one_platform,
        repack={"to": "oci", "platforms": ("linux/arm64",)},
    ),
    Situation("zstd-layers", "warning", zstd, repack=DOCKER_ONLY),
]
