"""Every rule is triggered by a file, and says how one knows it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout.targets.rules import RULES
from tests import corrupt
from tests.builders import (
    IMAGE_NAME,
    go_json,
    make_image,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_members,
)
from tests.builders.files import Link
from tests.builders.folders import in_folder
from tests.builders.legacy import schema1, schema1_dir, steps_of
from tests.builders.mistyped import MISTYPED
from tests.builders.named import write_named
from tests.builders.paths import PATHS
from tests.builders.sparse import beside_odd_member, with_holes, with_odd_member
from tests.builders.strange import STRANGE, with_layer
from tests.builders.trees import read
from tests.builders.typed import MIXED, OPAQUE
from tests.builders.windows import packed, with_window
from tests.targets.answers import answer, codes
from tests.targets.makes import MAKES, UNREAD, Make, Maker, edited


def _climbing(m: Maker) -> Path:
    """A member whose name leads out of the archive."""
    files = read(MAKES["docker, none"](m))
    return write_members({"../outside": b"x", **files}, m.path())


def with_name(m: Maker, path: Path, log: int = 0) -> Path:
    """An archive of another name; packed with zstd of a window, or not at all."""
    data = MAKES["docker, none"](m).read_bytes()
    path.write_bytes(packed(data, log) if log else data)
    return path


def _other_suffix(m: Maker) -> Path:
    path = MAKES["hybrid, none, oci"](m)
    return path.rename(path.with_suffix(".image"))


def _without_config(files: dict[str, bytes]) -> None:
    files.pop(json.loads(files["manifest.json"])[0]["Config"])


def _without_manifest(files: dict[str, bytes]) -> None:
    (entry,) = json.loads(files["index.json"])["manifests"]
    files.pop("blobs/" + entry["digest"].replace(":", "/"))


def _padded(files: dict[str, bytes]) -> None:
    files["manifest.json"] += b" " * (1 << 20)


def _one_file_for_two(files: dict[str, bytes]) -> None:
    saved = json.loads(files["manifest.json"])
    saved[0]["Layers"] = saved[0]["Layers"][:1] * 2
    files["manifest.json"] = go_json(saved)


def _schema1(m: Maker) -> Path:
    steps = steps_of({"a": b"a"}, {"b": b"b"})
    return write_files(schema1_dir(steps, schema1(steps)), m.path(""))


def _two_names(m: Maker) -> Path:
    """One entry of index.json, two RepoTags."""
    files = read(write_hybrid_archive([m.image("a:1", "x.io/b:2")], m.path()))
    index = json.loads(files["index.json"])
    index["manifests"] = index["manifests"][:1]
    return write_members({**files, "index.json": go_json(index)}, m.path())


def _listed(name: str) -> Make:
    return lambda m: PATHS[name].write(m.image(), m.path())


def _other_digest(m: Maker) -> Path:
    name = "registry.example.com/demo@sha256:" + "ab" * 32
    return write_named(m.image(), [{IMAGE_NAME: name}], m.path())


def _layered(name: str) -> Make:
    return lambda m: with_layer(m.image(), m.path(), STRANGE[name][0])


def _below(m: Maker) -> Path:
    below = make_image([{"etc/base": b"base"}], names=("demo:1",))
    return with_layer(below, m.path(), STRANGE["a hard link to what a layer below has"][0])


def _linked_list(m: Maker) -> Path:
    files = read(MAKES["docker, none"](m))
    return write_members(
        {**files, "list": files["manifest.json"], "manifest.json": Link("list")}, m.path()
    )


def _linked_config(m: Maker) -> Path:
    """Every config is a hard link."""
    files = read(MAKES["docker, none"](m))
    name = json.loads(files["manifest.json"])[0]["Config"]
    rest = {key: data for key, data in files.items() if key != name}
    return write_members({"moved": files[name], **rest, name: Link("moved", hard=True)}, m.path())


def _with_rest(m: Maker) -> Path:
    path = MAKES["docker, none"](m)
    path.write_bytes(gzip.compress(path.read_bytes()) + bytes(512))
    return path


def _wrong_size(m: Maker) -> Path:
    files = read(MAKES["pure, gzip, oci"](m))
    (digest,) = (each["digest"] for each in json.loads(files["index.json"])["manifests"])
    corrupt.edit_document(files, digest, lambda manifest: manifest["config"].update(size=7))
    return write_members(files, m.path())


# What only reading every layer tells.
_READ = {"layer-member", "layer-leaves", "layer-tar", "layer-file", "repeated-path", "link-below"}

# A rule, the file and the target that it speaks of, and where it does.
TRIGGERS: dict[str, tuple[str | Make, str, str]] = {
    "shared-name": ("docker, names that become one", "podman@5.8", "losses"),
    "image-store": ("docker, none", "docker@29", "notes"),
    "needs-archive": ("folder, layout", "docker@28", "reasons"),
    "outer-compression": ("hybrid, outer zstd", "docker@22", "reasons"),
    "outer-rest": (_with_rest, "docker@20.10", "reasons"),
    "needs-xz": ("hybrid, outer xz", "docker@28", "notes"),
    "file-name": (_other_suffix, "k3s", "reasons"),
    "file-suffix": (lambda m: with_name(m, m.path(".tar.gz")), "k3s", "reasons"),
    "zstd-memory": (lambda m: with_name(m, m.path(".tar.zst"), 26), "rke2", "reasons"),
    "broken-archive": ("docker, truncated", "docker@28", "reasons"),
    "unsafe-name": (_climbing, "docker@28", "reasons"),
    "needs-manifest-json": ("pure, gzip, oci", "docker@28", "reasons"),
    "v1-unknown": ("V1", "docker@29", "reasons"),
    "v1-repositories": ("V1, no repositories", "docker@28", "reasons"),
    "needs-v1": ("docker, none", "docker@1.9", "reasons"),
    "bad-manifest-json": ("docker, null", "docker@28", "reasons"),
    "no-image": ("docker, empty list", "docker@28", "reasons"),
    "needs-layout": ("pure, no marker", "containerd@1.7", "reasons"),
    "layout-version": ("pure, other version", "containerd@1.7", "reasons"),
    "missing-index": ("pure, no index", "containerd@1.7", "reasons"),
    "transport": ("folder, dir", "skopeo+oci-archive", "reasons"),
    "several-images": ("pure, two images", "skopeo", "reasons"),
    "flat-platforms": ("pure, flat platforms", "containerd@1.7", "reasons"),
    "missing-config": (edited(MAKES["docker, none"], _without_config), "podman", "reasons"),
    "bad-config": ("docker, bad config", "containerd@1.7", "reasons"),
    "sparse-member": (
        lambda m: with_holes(m.image(), m.path(), "GNU", beside=True),
        "docker@28",
        "reasons",
    ),
    "layer-member": (lambda m: with_odd_member(m.image(), m.path(), b"S"), "docker@28", "reasons"),
    "layer-tar": (_layered("cut in the data"), "docker@28", "reasons"),
    "layer-leaves": (_layered("a path from above the root"), "docker@28", "reasons"),
    "layer-file": (_layered("a hard link to nothing"), "containerd@1.7", "reasons"),
    "repeated-path": (_layered("a file twice"), "podman", "reasons"),
    "link-below": (_below, "docker@28", "notes"),
    "config-size": (_wrong_size, "skopeo", "reasons"),
    "linked-document": (_linked_list, "containerd@1.7", "reasons"),
    "linked-config": (_linked_config, "containerd@1.7", "reasons"),
    "in-folder": (
        lambda m: in_folder("saved", m.path(), [m.image()]),
        "docker@28",
        "reasons",
    ),
    "bad-document": (
        lambda m: MISTYPED["urls in a text"][0](m.image(), m.path()),
        "containerd@1.7",
        "reasons",
    ),
    "absolute-name": ("docker, absolute", "containerd@1.7", "reasons"),
    "unclean-path": (_listed("layers in manifest.json begin with /"), "podman", "reasons"),
    "backslash-path": (_listed("backslashes"), "docker@28", "reasons"),
    "document-size": (edited(MAKES["docker, none"], _padded), "podman", "reasons"),
    "missing-layer": ("pure, missing layer", "containerd@1.7", "reasons"),
    "missing-manifest": (
        edited(MAKES["pure, gzip, oci"], _without_manifest),
        "containerd@1.7",
        "reasons",
    ),
    "sparse-index": ("pure, sparse", "kind", "reasons"),
    "foreign-layer": ("pure, foreign layer", "podman", "reasons"),
    "layer-count": ("docker, layer count", "docker@28", "reasons"),
    "no-rootfs": ("docker, no rootfs", "docker@28", "reasons"),
    "history-count": ("docker, history long", "docker@28", "reasons"),
    "layer-depth": ("hybrid, 126 layers", "docker@28", "reasons"),
    "layer-types": (
        lambda m: OPAQUE["squashfs"].write(m.image(), m.path()),
        "containerd@1.7",
        "reasons",
    ),
    "zstd-window": (
        lambda m: with_window(m.image(), m.path(), 24, hybrid=True),
        "docker@26",
        "reasons",
    ),
    "docker-layers": (
        lambda m: MIXED["Docker manifest, OCI layers"].write(m.image(), m.path()),
        "podman",
        "reasons",
    ),
    "no-tar": (
        lambda m: OPAQUE["nydus"].write(m.image(), m.path(), hybrid=True),
        "docker@28",
        "reasons",
    ),
    "layer-packing": ("docker, bzip2", "containerd@1.7", "reasons"),
    "docker-zstd": ("pure, zstd, docker", "containerd@1.7", "reasons"),
    "layer-label": ("pure, gzip labelled raw", "containerd@1.7", "reasons"),
    "linked-layer": ("docker, hard links", "containerd@1.7", "reasons"),
    "link-chain": ("docker, link to a link", "containerd@1.7", "reasons"),
    "shared-layer-file": (edited(MAKES["docker, none"], _one_file_for_two), "podman", "reasons"),
    "sha512": ("pure, sha512", "podman", "reasons"),
    "schema1": (_schema1, "podman", "reasons"),
    "not-an-image": ("pure, artifact", "kind@0.14", "reasons"),
    "other-os": ("docker, windows", "docker@28", "reasons"),
    "no-platform": ("docker, other platform", "containerd@1.7", "reasons"),
    "bad-name": ("docker, invalid name", "docker@28", "reasons"),
    "no-tag": ("docker, name without tag", "docker@28", "reasons"),
    "no-name": ("pure, name: none", "containerd@1.7", "reasons"),
    "damaged-blob": ("hybrid, layer damaged", "containerd@1.7", "reasons"),
    "diff-id": ("hybrid, wrong diff_id", "docker@28", "reasons"),
    "generated-name": ("pure, name: bare tag", "containerd@1.7", "losses"),
    "hidden-name": ("pure, name: bare tag", "docker@28+containerd", "reasons"),
    "unfound-name": ("pure, name: ref familiar name", "docker@28+containerd", "losses"),
    "short-name": ("pure, name: ref familiar name", "containerd@1.7", "losses"),
    "localhost-name": ("docker, none", "podman", "losses"),
    "nameless": ("docker, no name", "docker@28", "losses"),
    "digest-name": (_other_digest, "podman", "losses"),
    "names-left": (_two_names, "podman", "losses"),
    "images-left": ("hybrid, untagged left out", "containerd@1.7", "losses"),
    "other-platforms": ("pure, platforms", "podman", "losses"),
    "attestations": ("hybrid, platforms, attested", "docker@28", "losses"),
    "manifest-digest": ("hybrid, gzip, oci", "docker@28", "losses"),
    "missing-platforms": ("pure, sparse", "k3s@1.31", "losses"),
    "other-architecture": ("docker, other platform", "docker@28", "notes"),
    "member-type": (lambda m: beside_odd_member(m.image(), m.path()), "docker@28", "reasons"),
    "name-collected": (
        lambda m: write_docker_archive([m.image("demo:1"), m.image("demo:1")], m.path()),
        "containerd@1.6",
        "reasons",
    ),
    "name-left": ("hybrid, missing layer", "containerd@1.6", "notes"),
    "unpacked-at-once": ("pure, second lacks a shared layer", "containerd@2.1", "reasons"),
    "unpacked-later": ("hybrid, missing layer", "k3s", "notes"),
    "runtime-images": ("pure, gzip, oci", "rke2", "notes"),
    "v1-id": ("V1", "docker@28", "notes"),
    "new-manifest": ("docker, none", "containerd@1.7", "notes"),
}


def made(make: str | Make, tmp_path: Path) -> Path:
    call: Callable[[Maker], Path] = (MAKES | UNREAD)[make] if isinstance(make, str) else make
    return call(Maker(tmp_path))


@pytest.mark.parametrize("code", TRIGGERS)
def test_each_rule_is_triggered(code: str, tmp_path: Path) -> None:
    make, target, place = TRIGGERS[code]
    full = make in UNREAD or code in _READ
    found = answer(made(make, tmp_path), target, full=full)
    assert code in codes(found)[place]
    assert found.loads is not bool(found.reasons)


def test_no_rule_is_without_a_file() -> None:
    assert TRIGGERS.keys() == RULES.keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_each_rule_says_how_one_knows(rule: object) -> None:
    source, says = str(getattr(rule, "source", "")), str(getattr(rule, "says", ""))
    assert any(word in source for word in ("measured: ", ".go", "issue", "pkg/", "skopeo, "))
    assert says
    assert says[0].islower()
    assert not says.endswith(".")


@pytest.mark.parametrize("target", ["docker@28", "docker@28+containerd", "containerd", "podman"])
def test_what_everybody_takes_speaks_of_no_reason(target: str, tmp_path: Path) -> None:
    """The control: the same sort of file without the fault."""
    found = answer(made("hybrid, gzip, oci", tmp_path), target)
    assert found.loads
    assert not found.reasons
