"""Roots of engines that somebody has prepared: refused in our words, and nothing outside opened."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oci_layout import limits, repack, verify
from oci_layout.errors import LayoutError
from oci_layout.finding import Severity
from tests.builders import make_image
from tests.builders.containersroot import (
    Listed,
    data_file,
    layer_ids,
    write_containers_root,
)
from tests.builders.dockerroot import Edit, Lines, packed, write_docker_root
from tests.builders.image import hex_of
from tests.watching import opened_in

SECRET = b"hello\n"
IMAGE = make_image([{"etc/motd": SECRET, "etc/x": b"x"}], names=("a:1",))


@dataclass(frozen=True)
class Made:
    """A root, and where what is in it.

    Args:
        root: the root itself.
        files: the folder of the layer's files.
        record: what was written down of the layer's tar.
        documents: files that are read as documents.
        edit: changes the lines of the record.
        outside: a folder beside the root, with the very bytes that would fit in a file ``secret``.
    """

    root: Path
    files: Path
    record: Path
    documents: tuple[Path, ...]
    edit: Callable[[Edit], Path]
    outside: Path

    def up(self, folder: Path) -> str:
        """The way from a folder in the root to the secret."""
        return os.path.relpath(self.outside / "secret", folder)


def docker(folder: Path) -> Made:
    root = write_docker_root([IMAGE], folder / "docker")
    config = root.image / "imagedb/content/sha256" / hex_of(IMAGE.config_digest)
    layer = root.layer(IMAGE)
    return Made(
        root=root.path,
        files=root.files(IMAGE),
        record=layer / "tar-split.json.gz",
        documents=(root.image / "repositories.json", config, layer / "cache-id", layer / "diff"),
        edit=lambda edit: root.edit(IMAGE, edit),
        outside=_outside(folder),
    )


def containers(folder: Path) -> Made:
    root = write_containers_root([IMAGE], folder / "storage")
    return Made(
        root=root.path,
        files=root.files(IMAGE),
        record=root.record(IMAGE),
        documents=(
            root.images / "images.json",
            root.layers / "layers.json",
            root.data(IMAGE, "manifest"),
            root.data(IMAGE, IMAGE.config_digest),
        ),
        edit=lambda edit: root.edit(IMAGE, edit),
        outside=_outside(folder),
    )


def _outside(folder: Path) -> Path:
    outside = folder / "outside"
    (outside / "etc").mkdir(parents=True)
    for name in ("secret", "motd", "etc/motd", "etc/x"):
        (outside / name).write_bytes(SECRET if name != "etc/x" else b"x")
    os.mkfifo(outside / "pipe")
    return outside


Change = Callable[[Made], object]


def named(way: Callable[[Made], str]) -> Change:
    return lambda made: made.edit(lambda lines: lines[1].update(name=way(made)))


def raw(way: Callable[[Made], bytes]) -> Change:
    def change(made: Made) -> None:
        text = base64.b64encode(way(made)).decode()
        made.edit(lambda lines: lines[1].update(name_raw=text))

    return change


def sized(size: object) -> Change:
    return lambda made: made.edit(lambda lines: lines[1].update(size=size))


def moved_out(what: Callable[[Made], Path]) -> Change:
    """A link to what is outside, with all that was inside."""

    def change(made: Made) -> None:
        path = what(made)
        target = made.outside / "moved"
        shutil.move(path, target)
        path.symlink_to(target)

    return change


def pipe(what: Callable[[Made], Path]) -> Change:
    def change(made: Made) -> None:
        path = what(made)
        path.unlink()
        os.mkfifo(path)

    return change


def linked(name: str, target: Callable[[Made], str]) -> Change:
    """A link in the place of a file or folder of the layer."""

    def change(made: Made) -> None:
        path = made.files / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.symlink_to(target(made))

    return change


def holed(what: Callable[[Made], Path], size: int = 1 << 40) -> Change:
    return lambda made: os.truncate(what(made), size)


def document(number: int) -> Callable[[Made], Path]:
    return lambda made: made.documents[number]


def bomb(made: Made) -> None:
    line: dict[str, Any] = {"type": 2, "payload": "A" * 4_000_000}
    made.record.write_bytes(packed([line] * 3))


def below(made: Made) -> str:
    return f"etc/{made.up(made.files / 'etc')}"


def endless(lines: Lines) -> None:
    lines[1]["name"] = "a/" * 100_000


BOTH: dict[str, Change] = {
    "a name that leads up": named(lambda made: made.up(made.files)),
    "a name that leads up from inside": named(below),
    "an absolute name": named(lambda made: str(made.outside / "secret")),
    "an absolute name that leads up": named(lambda made: f"/{made.up(made.files)}"),
    "a raw name that leads up": raw(lambda made: os.fsencode(made.up(made.files))),
    "a raw name with a zero": raw(lambda made: os.fsencode(made.up(made.files)) + b"\0"),
    "a name of a device": named(lambda _: "/dev/zero"),
    "a name of the process": named(lambda _: "/proc/self/environ"),
    "a name of a folder": named(lambda _: "etc"),
    "a name of nothing but dots": named(lambda _: ".."),
    "a name without end": lambda made: made.edit(endless),
    "a size beyond any disk": sized(1 << 62),
    "a size beyond any number": sized(10**400),
    "a size below zero": sized(-1),
    "a size that is a text": sized("6"),
    "a size that is not the file's": sized(1 << 40),
    "a file that is a link up": linked("etc/motd", lambda made: made.up(made.files / "etc")),
    "a file that is an absolute link": linked("etc/motd", lambda made: f"{made.outside}/secret"),
    "a file that is a link to itself": linked("etc/motd", lambda _: "motd"),
    "a folder that is a link up": linked(
        "etc", lambda made: made.up(made.files)[: -len("/secret")]
    ),
    "a folder that is an absolute link": linked("etc", lambda made: str(made.outside)),
    "a folder that is a link to itself": linked("etc", lambda _: "etc"),
    "a folder that is a link to the process": linked("etc", lambda _: "/proc/self/cwd"),
    "a file that is a pipe": pipe(lambda made: made.files / "etc/motd"),
    "a file with a hole": holed(lambda made: made.files / "etc/motd"),
    "all files behind a link": moved_out(lambda made: made.files),
    "the folder above behind a link": moved_out(lambda made: made.files.parent),
    "all of the driver behind a link": moved_out(lambda made: made.files.parents[1]),
    "a record behind a link": moved_out(lambda made: made.record),
    "the folder of records behind a link": moved_out(lambda made: made.record.parent),
    "a record that is a pipe": pipe(lambda made: made.record),
    "a record with a hole": holed(lambda made: made.record),
    "a record that unpacks without end": bomb,
    **{
        f"document {number} {what}": change
        for number in range(4)
        for what, change in {
            "behind a link": moved_out(document(number)),
            "that is a pipe": pipe(document(number)),
            "with a hole": holed(document(number)),
        }.items()
    },
}
HARMLESS = {
    # Without its list Docker's root has lost names, and podman's has no image: that is said.
    *("document 0 behind a link", "document 0 that is a pipe"),
    # The manifest lies there under its digest, too.
    *("document 2 behind a link", "document 2 that is a pipe"),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that a small bomb passes."""
    monkeypatch.setattr(limits, "TAR_SPLIT_GROWN_BYTES", 1 << 20)


def refused(made: Made, tmp_path: Path) -> bool:
    """Whether a root ends in an error of ours in both verbs; nothing outside is opened."""
    with opened_in(made.outside) as outside, opened_in(made.outside / "etc") as inner:
        try:
            report = verify(made.root, jobs=1)
            told = any(each.severity is Severity.ERROR for each in report.findings)
        except LayoutError:
            told = True
        try:
            repack(made.root, tmp_path / "out.tar", to="docker")
            wrote = True
        except LayoutError:
            wrote = False
    assert not [name for name in (*outside, *inner) if name != "etc"]
    assert wrote or told or not report.images
    assert not (wrote and told)
    assert (tmp_path / "out.tar").exists() is wrote
    return told


@pytest.mark.parametrize("make", [docker, containers])
@pytest.mark.parametrize("what", BOTH)
def test_a_prepared_root(what: str, make: Callable[[Path], Made], tmp_path: Path) -> None:
    made = make(tmp_path)
    BOTH[what](made)
    assert refused(made, tmp_path) or what in HARMLESS


def test_the_watch_sees_what_is_opened(tmp_path: Path) -> None:
    """Or all the tests above would say nothing."""
    made = docker(tmp_path)
    with opened_in(made.outside) as seen:
        os.close(os.open(made.outside / "secret", os.O_RDONLY | os.O_NOATIME))
    assert seen == ["secret"]


def identity(way: Callable[[Made], str]) -> Callable[[Made], object]:
    """Another ID of the one layer, wherever it stands."""

    def change(made: Made) -> None:
        for path in made.documents[:2]:
            text = path.read_text().replace(layer_ids(IMAGE)[0], "LAYER", 10)
            listed = json.loads(text)
            path.write_text(json.dumps(listed).replace('"LAYER"', json.dumps(way(made))))

    return change


def layers(edit: Callable[[Listed], object]) -> Change:
    def change(made: Made) -> None:
        path = made.documents[1]
        listed = json.loads(path.read_text())
        edit(listed)
        path.write_text(json.dumps(listed))

    return change


def text(number: int, content: str) -> Change:
    return lambda made: made.documents[number].write_text(content)


def circle(listed: Listed) -> None:
    other = {**listed[0], "id": "ab" * 32, "parent": listed[0]["id"]}
    listed[0]["parent"] = other["id"]
    listed.append(other)


def images(**values: Any) -> Change:
    def change(made: Made) -> None:
        path = made.documents[0]
        listed = json.loads(path.read_text())
        listed[0].update(values)
        path.write_text(json.dumps(listed))

    return change


def escaping(made: Made) -> None:
    """What is kept of an image, under a name that would lead out of its folder."""
    images(**{"big-data-names": ["../../../outside/secret", "manifest-sha256:../x"]})(made)
    made.documents[2].unlink()


LISTS: dict[str, Change] = {
    "a layer's ID that leads up": identity(lambda made: made.up(made.files.parents[1])),
    "a layer's ID with a slash": identity(lambda _: "ab/" + "c" * 61),
    "a layer's ID that is too long": identity(lambda _: "a" * 65),
    "a layer's ID in capitals": identity(lambda _: "A" * 64),
    "a layer's ID that is none": identity(lambda _: ""),
    "a layer's ID that is a file's": identity(lambda _: "layers.json"),
    "layers in a circle": layers(circle),
    "a layer below itself": layers(lambda listed: listed[0].update(parent=listed[0]["id"])),
    "a parent that leads up": layers(lambda listed: listed[0].update(parent="../x")),
    "a parent that is a number": layers(lambda listed: listed[0].update(parent=5)),
    "a diff_id that is none": layers(lambda listed: listed[0].update({"diff-digest": "../x"})),
    "a diff_id that is a list": layers(lambda listed: listed[0].update({"diff-digest": [1]})),
    "flags that are a text": layers(
        lambda listed: (listed[0].pop("diff-digest"), listed[0].update(flags="x"))
    ),
    "no list of layers": lambda made: made.documents[1].unlink(),
    "an image's ID that leads up": images(id="../../outside"),
    "an image's ID that is a number": images(id=5),
    "a top layer that leads up": images(layer="../../outside"),
    "kept under a name that leads up": escaping,
    "names that are no list": images(names={"a": "b"}),
    "a digest of the manifest that is none": images(**{"big-data-digests": [1]}),
    **{
        f"list {number} {what}": text(number, content)
        for number in (0, 1)
        for what, content in {
            "of another type": "{}",
            "of texts": '["x"]',
            "of nulls": "[null]",
            "of lists": "[[[]]]",
            "that is a number": "1e999",
            "that is no JSON": "[{",
            "that is deep": "[" * 100_000,
            "of too many": "[" + "1," * 500_000 + "1]",
        }.items()
    },
}


@pytest.mark.parametrize("what", LISTS)
def test_prepared_lists(what: str, tmp_path: Path) -> None:
    made = containers(tmp_path)
    LISTS[what](made)
    assert refused(made, tmp_path)


def test_no_name_of_what_is_kept_has_a_slash() -> None:
    """Base64 has one in it; what is asked for is of names that do not come to it."""
    digits = "0123456789abcdef"
    for start in ("sha256:", "manifest-sha256:", "sha512:", "manifest-sha512:"):
        for first in digits:
            assert "/" not in data_file(start + first + digits * 4)
