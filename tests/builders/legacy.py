"""V1 images and schema 1 manifests, made of plain documents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.builders import compress, go_json, hex_of, layer_tar, sha256, write_members
from tests.builders.files import Members

CREATED = "2015-03-04T05:06:07.123456789Z"
RUN: dict[str, Any] = {
    "Hostname": "b0a7",
    "Env": ["PATH=/bin", "B=<tag>&amp;"],
    "Cmd": ["/bin/sh", "-c", "echo <&>"],
    "Entrypoint": ["/bin/busybox"],
    "Labels": {"maintainer": "\u00fcn\u00efcode"},
    "OnBuild": ["RUN echo <hi>"],
}


@dataclass(frozen=True)
class Step:
    """One step of a V1 image.

    Args:
        layer: the tar.
        command: what made it.
        extra: fields laid over its document; None removes one.
        throwaway: whether schema 1 says that it has no layer.
    """

    layer: bytes
    command: Sequence[str] = ("/bin/sh", "-c", "#(nop) ADD file in /")
    extra: Mapping[str, Any] = field(default_factory=dict)
    throwaway: bool = False


def steps_of(*files: Mapping[str, bytes], **top: Any) -> list[Step]:
    """A step for each set of files; the last one has the runtime config."""
    last = {"config": RUN, "docker_version": "1.9.1", **top}
    return [
        Step(
            layer_tar(each),
            ("/bin/sh", "-c", f"#(nop) ADD <{number}> in /"),
            last if number == len(files) - 1 else {},
        )
        for number, each in enumerate(files)
    ]


def ids_of(steps: Sequence[Step], salt: str = "") -> list[str]:
    """An id for each step; the first Docker took random ones."""
    ids: list[str] = []
    for step in steps:
        parts = [salt, ids[-1] if ids else "", sha256(step.layer), str(sorted(step.extra))]
        ids.append(hex_of(sha256(" ".join(parts).encode())))
    return ids


def document(step: Step, identity: str, parent: str) -> dict[str, Any]:
    """The `json` of a step."""
    value: dict[str, Any] = {"id": identity}
    if parent:
        value["parent"] = parent
    value |= {
        "created": CREATED,
        "container_config": {"Hostname": "b0a7", "Cmd": list(step.command)},
        "architecture": "amd64",
        "os": "linux",
        "Size": len(step.layer),
    }
    if step.throwaway:
        value["throwaway"] = True
    value |= step.extra
    return {key: item for key, item in value.items() if item is not None}


def v1_files(
    steps: Sequence[Step], *tags: str, salt: str = "", compression: str = "none"
) -> Members:
    """The members of a V1 archive of one image.

    Args:
        tags: `repository:tag`; without any there is no `repositories`.
        salt: makes other ids.
    """
    ids, files = ids_of(steps, salt), {}
    for number, (step, identity) in enumerate(zip(steps, ids, strict=True)):
        parent = ids[number - 1] if number else ""
        files[f"{identity}/VERSION"] = b"1.0"
        files[f"{identity}/json"] = go_json(document(step, identity, parent))
        files[f"{identity}/layer.tar"] = compress(step.layer, compression)
    members: Members = {**files}
    if tags:
        members["repositories"] = repositories(dict.fromkeys(tags, ids[-1]))
    return members


def repositories(tops: Mapping[str, str]) -> bytes:
    """The document `repositories` out of tagged names."""
    value: dict[str, dict[str, str]] = {}
    for name, top in tops.items():
        repository, _, tag = name.rpartition(":")
        value.setdefault(repository, {})[tag] = top
    return go_json(value)


def together(*images: Members) -> Members:
    """One archive of several images' members."""
    value: dict[str, dict[str, str]] = {}
    result: Members = {}
    for members in images:
        result |= members
        raw = members.get("repositories", b"{}")
        assert isinstance(raw, bytes)
        for repository, tags in json.loads(raw).items():
            value.setdefault(repository, {}).update(tags)
    result["repositories"] = go_json(value)
    return result


def write_v1(steps: Sequence[Step], dest: Path, *tags: str, **options: Any) -> Path:
    """A V1 archive of one image."""
    return write_members(v1_files(steps, *tags, **options), dest)


def wanted_config(steps: Sequence[Step]) -> dict[str, Any]:
    """What Docker makes of a V1 image (image/v1/imagev1.go), every layer kept but throwaways."""
    top = document(steps[-1], "", "")
    for key in ("id", "parent", "parent_id", "layer_id", "Size", "throwaway"):
        top.pop(key, None)
    history = []
    for step in steps:
        value = document(step, "", "")
        line = {"created": value["created"]}
        line |= {key: value[key] for key in ("author", "comment") if value.get(key)}
        if step.command:
            line["created_by"] = " ".join(step.command)
        if step.throwaway:
            line["empty_layer"] = True
        history.append(line)
    diff_ids = [sha256(step.layer) for step in steps if not step.throwaway]
    return {**top, "history": history, "rootfs": {"type": "layers", "diff_ids": diff_ids}}


def schema1(
    steps: Sequence[Step], *, compression: str = "gzip", salt: str = "", **fields: Any
) -> bytes:
    """An unsigned schema 1 manifest, newest first, indented as Docker does.

    Args:
        fields: laid over those of the manifest; None removes one.
    """
    ids = ids_of(steps, salt)
    entries = [
        (
            {"blobSum": sha256(compress(step.layer, compression))},
            {
                "v1Compatibility": go_json(
                    document(step, identity, ids[number - 1] if number else "")
                ).decode()
            },
        )
        for number, (step, identity) in enumerate(zip(steps, ids, strict=True))
    ][::-1]
    value = {
        "schemaVersion": 1,
        "name": "team/demo",
        "tag": "1",
        "architecture": "amd64",
        "fsLayers": [layer for layer, _ in entries],
        "history": [line for _, line in entries],
        **fields,
    }
    kept = {key: item for key, item in value.items() if item is not None}
    return json.dumps(kept, indent=3).encode()


def schema1_dir(
    steps: Sequence[Step], manifest: bytes, *, compression: str = "gzip"
) -> dict[str, bytes]:
    """The files of a `dir:` that holds a schema 1 manifest."""
    files = {"version": b"Directory Transport Version: 1.1\n", "manifest.json": manifest}
    for step in steps:
        data = compress(step.layer, compression)
        files[hex_of(sha256(data))] = data
    return files
