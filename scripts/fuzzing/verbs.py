"""Targets that run a whole verb on a small source, and print what it found."""

# ruff: noqa: ARG001, ARG005  every verb is called alike
from __future__ import annotations

import bz2
import functools
import gzip
import json
import lzma
import os
import random
from collections.abc import Callable
from typing import Any

import zstandard

from oci_layout import Diff, check, diff, inspect, inspect_raw, merge, repack, verify
from oci_layout.cli import check as check_view
from oci_layout.cli import diffview, inspected
from oci_layout.cli import repack as repack_view
from oci_layout.cli import verify as verify_view
from oci_layout.cli.text import finding_line
from oci_layout.errors import LayoutError
from oci_layout.filediff.ignoring import Ignored
from oci_layout.model.reporttext import json_text
from oci_layout.targets.target import USUAL
from scripts.fuzzing import cases, seeds, values
from scripts.fuzzing.cases import Case, Content
from scripts.fuzzing.targets import Target, known, require
from scripts.fuzzing.worlds import World

Options = dict[str, Any]


@functools.cache
def _worlds() -> dict[str, World]:
    found = {key: World(files) for key, files in seeds.trees().items()}
    for key, data in seeds.archives().items():
        found[key] = World(seeds.files_of(data), data)
    return found


def _archive_names() -> list[str]:
    return list(seeds.archives())


def source(rng: random.Random) -> Content:
    """A changed source: an archive three times of four, which is written the faster."""
    kind = rng.random()
    if kind < 0.03:
        return values.document(rng, seeds.with_keys("schemaVersion"))
    if kind < 0.75:
        found = _worlds()[rng.choice(_archive_names())].archive(rng)
        return wrapped(rng, found) if kind < 0.08 else found
    return _worlds()[rng.choice(list(seeds.trees()))].tree(rng)


def wrapped(rng: random.Random, data: bytes) -> bytes:
    """A whole archive that is packed, soundly or not, once or twice."""
    pack = rng.choice([gzip.compress, bz2.compress, zstd, lambda raw: lzma.compress(raw, preset=0)])
    made = pack(data)
    kind = rng.random()
    if kind < 0.1:
        made = pack(made)
    elif kind < 0.2:
        made += pack(b"")
    return values.garble(rng, made) if rng.random() < 0.3 else made


def zstd(data: bytes) -> bytes:
    """Packed as a stream, whose size is not stated."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    return packer.compress(data) + packer.flush()


def sound(rng: random.Random) -> Content:
    """A source as it was."""
    if rng.random() < 0.75:
        return seeds.archives()[rng.choice(_archive_names())]
    return seeds.trees()[rng.choice(list(seeds.trees()))]


def printable(lines: list[str]) -> None:
    """What goes to a screen holds nothing that a terminal obeys."""
    require(all(line.isprintable() for line in lines), "a line is not printable")


def shown(value: Any) -> None:
    """What goes out as JSON is JSON."""
    json.loads(json_text(value))


# How each verb is called


def _verify(paths: list[str], room: str, options: Options) -> None:
    extra = dict(options)
    for key in ("sums", "against", "trusted_keys"):
        if key in extra:
            path = f"{room}/{key}"
            if extra[key]:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(extra[key])
            extra[key] = (path,) if key == "trusted_keys" else path
    extra["expect"] = tuple(extra.get("expect", ()))
    report = verify(paths[0], jobs=1, **extra)
    known(report.findings)
    shown(report.to_json())
    printable(verify_view.render(report, 80, strict=True, quiet=False))
    if "sums" in extra and os.path.exists(extra["sums"]):
        again = verify(paths[0], jobs=1, check="quick", against=extra["sums"])
        known(again.findings)


def _inspect(paths: list[str], room: str, options: Options) -> None:
    value = inspect(paths[0], **options)
    shown(value.to_json())
    printable(inspected.render(value, 80, history=True))


def _raw(paths: list[str], room: str, options: Options) -> None:
    for what in ("index", "manifest", "config"):
        try:
            require(isinstance(inspect_raw(paths[0], what), bytes), "no bytes")
        except LayoutError:
            continue


def _diff(paths: list[str], room: str, options: Options) -> None:
    found = diff(paths[0], paths[1], **options)
    shown(found.to_json())
    printable(diffview.render(found, 80, Diff(**options)))


def _check(paths: list[str], room: str, options: Options) -> None:
    chosen = {**options, "targets": tuple(options["targets"])}
    report = check(paths[0], platform="linux/amd64", jobs=1, **chosen)
    known(report.findings)
    shown(report.to_json())
    printable(check_view.render(report, 80, table=True))
    printable(check_view.render(report, 80, table=False))


def _report(report: Any) -> None:
    known(report.warnings)
    shown(report.to_json())
    printable([finding_line(each) for each in report.warnings])
    printable(repack_view.render(report, 80))


def _repack(paths: list[str], room: str, options: Options) -> None:
    chosen = {key: tuple(item) if isinstance(item, list) else item for key, item in options.items()}
    dest = f"{room}/{chosen.pop('dest')}"
    there = chosen.get("force", False)
    if there:
        cases.write(seeds.archives()["hybrid"] if ".tar" in dest else seeds.trees()["index"], dest)
    before, state = names(room), content(dest) if there else {}
    try:
        report = repack(paths[0], dest, jobs=1, **chosen)
    except LayoutError:
        require(names(room) == before, f"left behind: {names(room) - before}")
        require(
            not there or content(dest) == state, "what a refused --force had to keep is changed"
        )
        raise
    made = set() if chosen.get("dry_run") else {os.path.basename(dest)}
    require(names(room) == before | made, f"left behind: {names(room) - before - made}")
    _report(report)


def _append(paths: list[str], room: str, options: Options) -> None:
    dest = f"{room}/out"
    cases.write(seeds.trees()["layout"], dest)
    before, state = names(room), content(dest)
    try:
        report = repack(paths[0], dest, jobs=1, append=True, **options)
    except LayoutError:
        require(names(room) == before, f"left behind: {names(room) - before}")
        require(content(dest) == state, "a refused append changed the layout")
        raise
    require(names(room) == before, f"left behind: {names(room) - before}")
    gone = state.keys() - content(dest).keys()
    require(options["on_conflict"] == "last" or not gone, f"lost: {gone}")
    _report(report)


def _merge(paths: list[str], room: str, options: Options) -> None:
    chosen = dict(options)
    dest = f"{room}/{chosen.pop('dest')}"
    before = names(room)
    try:
        report = merge(tuple(paths), dest, jobs=1, **chosen)
    except LayoutError:
        require(names(room) == before, f"left behind: {names(room) - before}")
        raise
    left = names(room) - before - {os.path.basename(dest)}
    require(not left, f"left behind: {left}")
    _report(report)


def names(room: str) -> set[str]:
    """What lies in a folder."""
    return set(os.listdir(room))


def content(folder: str) -> dict[str, bytes]:
    """Every file of a folder, or the one file that it is."""
    found = {}
    if os.path.isfile(folder):
        with open(folder, "rb") as file:
            return {folder: file.read()}
    for above, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(above, name)
            with open(path, "rb") as file:
                found[path] = file.read()
    return found


# With what options


def _verify_options(rng: random.Random) -> Options:
    options: Options = {"check": rng.choice(["full", "full", "full", "digests", "quick"])}
    if rng.random() < 0.1:
        options["sums"] = ""
    if rng.random() < 0.05:
        options["against"] = f"{'0' * 64}  index.json\n{'1' * 64}  gone\n"
    if rng.random() < 0.05:
        options["expect"] = [values.ZERO]
    if rng.random() < 0.1:
        options["trusted_keys"] = json.dumps(rng.choice(seeds.jwks()))
    return options


def _inspect_options(rng: random.Random) -> Options:
    return {"layers": True, "largest": 3} if rng.random() < 0.3 else {}


def _diff_options(rng: random.Random) -> Options:
    words = rng.sample(list(Ignored), rng.choice([0, 0, 1, 4]))
    files = rng.random() < 0.3
    rootfs = rng.random() < 0.3
    return {"files": files, "rootfs": rootfs, "ignore": tuple(map(str, words)) if files else ()}


def _check_options(rng: random.Random) -> Options:
    return {"targets": rng.sample(USUAL, rng.choice([1, 2, 4])), "full": rng.random() < 0.3}


def _common(rng: random.Random) -> Options:
    options: Options = {}
    rare: dict[str, list[Any]] = {
        "compression": ["keep", "none", "gzip:1", "zstd:1"],
        "config": ["keep", "oci"],
        "sparse": ["keep", "fail"],
        "attestations": ["drop"],
        "digest": ["sha512"],
        "repair": [True],
        "preserve_digests": [True],
        "check": ["digests"],
        "dry_run": [True],
        "force": [True],
        "platforms": [["linux/amd64"], ["linux/arm64"]],
        "images": [["demo:1"], ["sha256:" + "0" * 64]],
        "names": [["new:1"], ["demo:1=new:2"]],
    }
    for key, choices in rare.items():
        if rng.random() < (0.3 if key == "repair" else 0.08):
            options[key] = rng.choice(choices)
    return options


def _layout_options(rng: random.Random) -> Options:
    link = {"link": True} if rng.random() < 0.05 else {}
    return {**_common(rng), **link, "dest": "out", "to": rng.choice(["oci", "docker"])}


def _archive_options(rng: random.Random) -> Options:
    pure = {"pure": True} if rng.random() < 0.2 else {}
    dest = rng.choice(["out.tar", "out.tar", "out.tar", "out.tar.gz"])
    return {**_common(rng), **pure, "dest": dest, "to": rng.choice(["oci", "docker"])}


def _legacy_options(rng: random.Random) -> Options:
    return {**_common(rng), "dest": "out.tar", "to": "docker", "legacy": True}


def _dir_options(rng: random.Random) -> Options:
    return {**_common(rng), "dest": "out", "to": "dir"}


def _append_options(rng: random.Random) -> Options:
    options = _common(rng)
    options.pop("dry_run", None)
    options.pop("force", None)
    conflict = rng.choice(["error", "first", "last"])
    return {"to": rng.choice(["oci", "docker"]), "on_conflict": conflict, **options}


def _merge_options(rng: random.Random) -> Options:
    common = _common(rng)
    options = {key: common[key] for key in common if key not in ("config", "digest", "check")}
    if rng.random() < 0.5:
        options["multi_platform"] = True
    return {
        **options,
        "dest": rng.choice(["out", "out.tar"]),
        "to": rng.choice(["oci", "docker"]),
        "on_conflict": rng.choice(["error", "first", "last"]),
    }


Call = Callable[[list[str], str, Options], None]


def _verb(
    name: str, call: Call, options: Callable[[random.Random], Options], *, two: bool = False
) -> Target:
    def make(rng: random.Random) -> Case:
        sources = [sound(rng) if rng.random() < 0.05 else source(rng)]
        if two:
            sources.append(sound(rng) if rng.random() < 0.7 else source(rng))
            if rng.random() < 0.5:
                sources.reverse()
        return Case(options=options(rng), sources=tuple(sources))

    def run(case: Case, room: str) -> None:
        call(case.write(room), room, dict(case.options))

    return Target(name=name, make=make, run=run, encode=Case.encode, decode=Case.decode, empty=True)


VERBS = (
    _verb("verify", _verify, _verify_options),
    _verb("inspect", _inspect, _inspect_options),
    _verb("raw", _raw, lambda rng: {}),
    _verb("diff", _diff, _diff_options, two=True),
    _verb("check", _check, _check_options),
    _verb("repack-layout", _repack, _layout_options),
    _verb("repack-archive", _repack, _archive_options),
    _verb("repack-legacy", _repack, _legacy_options),
    _verb("repack-dir", _repack, _dir_options),
    _verb("append", _append, _append_options),
    _verb("merge", _merge, _merge_options, two=True),
)
