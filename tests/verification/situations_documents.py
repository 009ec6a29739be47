"""What can be wrong with a document, each in a layout whose digests all hold."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import corrupt
from tests.builders import (
    Image,
    go_json,
    sha256,
    write_docker_archive,
    write_oci_layout,
)
from tests.independent import read_files
from tests.verification.checking import blob_name, layout_of, tar_of, tiny
from tests.verification.situation import Make, Situation, changed, in_files

Files = dict[str, bytes]
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def whole(folder: Path) -> Path:
    return write_oci_layout([tiny()], folder)


def manifest(**fields: Any) -> Make:
    """A layout whose manifest has other fields; None removes one."""

    def change(value: dict[str, Any]) -> None:
        value.update(fields)
        for key in [key for key, field in fields.items() if field is None]:
            del value[key]

    return changed(whole, lambda files: corrupt.edit_document(files, _digest(tiny()), change))


def config(change: Callable[[dict[str, Any]], object]) -> Make:
    """A layout with another config."""
    digest = tiny().config_digest
    return changed(whole, lambda files: corrupt.edit_document(files, digest, change))


def entry(**fields: Any) -> Make:
    """A layout whose one entry of `index.json` has other fields; None removes one."""

    def change(value: dict[str, Any]) -> None:
        value["manifests"][0].update(fields)
        for key in [key for key, field in fields.items() if field is None]:
            del value["manifests"][0][key]

    return changed(whole, lambda files: corrupt.edit_index(files, change))


def replaced(name: str, change: Callable[[bytes], bytes]) -> Make:
    """A layout with other bytes in one file."""

    def replace(files: Files) -> None:
        files[name] = change(files[name])

    return changed(whole, replace)


def _digest(image: Image) -> str:
    return image.manifest_digest()


def artifact_without_config() -> Files:
    return layout_of({"schemaVersion": 2, "artifactType": "application/x", "layers": []})


def nested_indexes(depth: int) -> Files:
    """An index that holds an index that holds one..., and at the bottom nothing."""
    files: Files = {}
    raw = go_json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []})
    for _ in range(depth):
        files[blob_name(raw)] = raw
        inner = {"mediaType": INDEX_TYPE, "digest": sha256(raw), "size": len(raw)}
        raw = go_json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [inner]})
    return {**files, "index.json": raw, "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}


def saved_with_index(folder: Path) -> Path:
    """A docker-archive with an `index.json` that nothing reads."""
    files = read_files(write_docker_archive([tiny()], folder / "image.tar"))
    path = folder / "image.tar"
    path.write_bytes(tar_of([*files.items(), ("index.json", b"{}")]))
    return path


def without(name: str) -> Make:
    return changed(whole, lambda files: files.pop(name))


OTHER_DATA = base64.b64encode(b"not the manifest").decode()
LOWER_AND_UPPER = {"architecture": "amd64", "Architecture": "arm64"}

SITUATIONS = [
    Situation("bad-json", "error", replaced("index.json", lambda raw: raw + b"x")),
    Situation(
        "document-too-large", "error", replaced("index.json", lambda raw: raw + b" " * (20 << 20))
    ),
    Situation(
        "duplicate-key",
        "error",
        replaced("index.json", lambda raw: corrupt.dup_key(raw, "manifests")),
    ),
    Situation("duplicate-key", "error", config(lambda value: value.update(LOWER_AND_UPPER))),
    Situation("wrong-type", "error", entry(size="400")),
    Situation("mistyped-field", "error", entry(annotations={"a": 1})),
    Situation("wrong-type", "error", config(lambda value: value["config"].update(Env="A=1"))),
    Situation("missing-field", "error", entry(digest=None)),
    Situation("missing-field", "warning", config(lambda value: value.pop("architecture"))),
    Situation("bad-digest", "error", entry(digest="sha256:../../etc/passwd")),
    Situation("bad-data", "error", entry(data=OTHER_DATA)),
    Situation("bad-name", "warning", entry(annotations={"io.containerd.image.name": "Not A Name"})),
    Situation("schema-version", "error", manifest(schemaVersion=3)),
    Situation("two-kinds", "error", manifest(manifests=[])),
    Situation("media-type-mismatch", "error", manifest(mediaType=INDEX_TYPE)),
    Situation(
        "media-type-mismatch",
        "warning",
        manifest(mediaType="application/vnd.docker.distribution.manifest.v2+json"),
    ),
    Situation("missing-media-type", "warning", entry(mediaType=None)),
    Situation("missing-config", "warning", in_files(artifact_without_config())),
    Situation(
        "null-list",
        "warning",
        replaced("index.json", lambda _: b'{"schemaVersion":2,"manifests":null}'),
    ),
    Situation("index-depth", "error", in_files(nested_indexes(12))),
    Situation("no-layout-marker", "error", without("oci-layout")),
    Situation("no-layout-marker", "warning", saved_with_index),
    Situation(
        "layout-version",
        "error",
        replaced("oci-layout", lambda _: b'{"imageLayoutVersion":"1.1.0"}'),
    ),
    Situation("missing-index", "error", without("index.json")),
]
