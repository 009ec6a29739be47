"""Four times as much of anything costs four times as much: no verb multiplies two counts.

Time is not measured: lines that are executed are counted, which no other process disturbs.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import check, diff, inspect, merge, repack, verify
from oci_layout.errors import LayoutError
from tests.builders import (
    Image,
    go_json,
    make_image,
    sha256,
    write_docker_archive,
    write_hybrid_archive,
    write_members,
    write_oci_layout,
)
from tests.builders.legacy import steps_of, v1_files
from tests.independent import read_files

SMALL, TIMES = 60, 4


def cost(work: Callable[[], object]) -> int:
    """Lines that some work executes, in all threads."""
    count = 0

    def line(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if event == "line":
            count += 1
        return line

    def call(frame: Any, event: str, _: Any) -> Any:
        return line if "oci_layout" in frame.f_code.co_filename else None

    before = sys.gettrace()
    threading.settrace(call)
    sys.settrace(call)
    try:
        work()
    except LayoutError:
        pass
    finally:
        sys.settrace(before)
        threading.settrace(None)
    return count


def one_image_under_names(count: int, folder: Path) -> Path:
    names = [f"demo:{number}" for number in range(count)]
    return write_docker_archive([make_image(names=names)], folder / "x.tar")


def one_image_in_entries(count: int, folder: Path) -> Path:
    names = [f"demo:{number}" for number in range(count)]
    return write_oci_layout([make_image(names=names)], folder / "x")


def one_image_in_entries_of_their_own(count: int, folder: Path) -> Path:
    image = make_image(names=())
    path = write_oci_layout([image], folder / "x")
    entries = [{**image.descriptor(), "annotations": {"n": str(n)}} for n in range(count)]
    (path / "index.json").write_bytes(go_json({"schemaVersion": 2, "manifests": entries}))
    return path


def many_images(count: int, folder: Path) -> Path:
    return write_hybrid_archive(_images(count), folder / "x.tar")


def _images(count: int) -> list[Image]:
    return [
        make_image([{"a": b"a"}], names=(f"demo:{n}",), config={"Labels": {"n": str(n)}})
        for n in range(count)
    ]


def one_name_for_platforms(count: int, folder: Path) -> Path:
    images = [make_image([{"a": b"a"}], names=("demo:1",), variant=f"v{n}") for n in range(count)]
    return write_oci_layout(images, folder / "x")


def two_platforms_under_names(count: int, folder: Path) -> Path:
    images = [make_image([{"a": b"a"}], names=(), architecture=each) for each in ("amd64", "arm64")]
    names = [f"demo:{number}" for number in range(count)]
    path = write_hybrid_archive(images, folder / "made.tar")
    files = read_files(path)
    nested = go_json({"schemaVersion": 2, "manifests": [each.descriptor() for each in images]})
    files["blobs/sha256/" + sha256(nested)[7:]] = nested
    entry = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": sha256(nested),
        "size": len(nested),
    }
    entries = [
        {**entry, "annotations": {"io.containerd.image.name": f"docker.io/library/{name}"}}
        for name in names
    ]
    files["index.json"] = go_json({"schemaVersion": 2, "manifests": entries})
    saved = json.loads(files["manifest.json"])[:1]
    files["manifest.json"] = go_json([{**saved[0], "RepoTags": names}])
    return write_members(files, folder / "x.tar")


def many_layers(count: int, folder: Path) -> Path:
    return write_oci_layout([make_image([{str(n): b"a"} for n in range(count)])], folder / "x")


def one_layer_many_times(count: int, folder: Path) -> Path:
    return write_docker_archive([make_image([{"a": b"a"}] * count)], folder / "x.tar")


def many_labels(count: int, folder: Path) -> Path:
    labels = {str(number): "x" for number in range(count)}
    return write_oci_layout([make_image(config={"Labels": labels, "Env": [*labels]})], folder / "x")


def many_members(count: int, folder: Path) -> Path:
    files = read_files(write_docker_archive([make_image()], folder / "made.tar"))
    more = {f"d{number}/x": b"" for number in range(count)}
    return write_members({**more, **files}, folder / "x.tar")


def many_orphans(count: int, folder: Path) -> Path:
    path = write_oci_layout([make_image()], folder / "x")
    for number in range(count):
        data = b'{"schemaVersion":2,"n":%d}' % number
        (path / "blobs/sha256" / sha256(data)[7:]).write_bytes(data)
    return path


def a_long_chain(count: int, folder: Path) -> Path:
    steps = steps_of(*[{str(number): b"x"} for number in range(count)])
    return write_members(v1_files(steps, "demo:1"), folder / "x.tar")


SHAPES: tuple[Callable[[int, Path], Path], ...] = (
    one_image_under_names,
    one_image_in_entries,
    one_image_in_entries_of_their_own,
    many_images,
    one_name_for_platforms,
    two_platforms_under_names,
    many_layers,
    one_layer_many_times,
    many_labels,
    many_members,
    many_orphans,
    a_long_chain,
)
VERBS: dict[str, Callable[[str, str], object]] = {
    "verify": lambda source, _: verify(source, jobs=1),
    "inspect": lambda source, _: inspect(source),
    "check": lambda source, _: check(source),
    "diff": diff,
    "repack oci": lambda source, _: repack(source, None, to="oci", dry_run=True, jobs=1),
    "repack docker": lambda source, _: repack(source, None, to="docker", dry_run=True, jobs=1),
    "legacy": lambda source, _: repack(
        source, None, to="docker", legacy=True, dry_run=True, jobs=1
    ),
    "merge": lambda source, other: merge((source, other), f"{source}-merged", force=True, jobs=1),
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_cost_grows_as_the_source_does(shape: Callable[[int, Path], Path], tmp_path: Path) -> None:
    sources = []
    for number, count in enumerate((SMALL, SMALL * TIMES)):
        sides = []
        for side in ("a", "b"):
            folder = tmp_path / f"{number}{side}"
            folder.mkdir()
            sides.append(str(shape(count, folder)))
        sources.append(sides)
    small, large = sources
    found = {}
    for name, verb in VERBS.items():
        with contextlib.suppress(LayoutError):
            verb(*small)  # what is done once for all is done
        found[name] = cost(lambda: verb(*large)) / max(1, cost(lambda: verb(*small)))  # noqa: B023
    assert max(found.values()) < TIMES * 1.4, found
