"""Targets that read one document."""

# ruff: noqa: ARG001, S311  every target is called alike, with a folder; chance has no secrets here
from __future__ import annotations

import functools
import json
import random
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from oci_layout.errors import LayoutError
from oci_layout.finding import Findings
from oci_layout.mediatype import Kind
from oci_layout.model import dockersave, gojson, jsontext, jws, layout
from oci_layout.model.config import Config, config_object, foreign_fields
from oci_layout.model.jsonedit import Edits
from oci_layout.model.manifest import read_document, read_links
from oci_layout.model.schema1 import Schema1
from oci_layout.model.v1 import V1Layer, upgraded_config
from oci_layout.where import Where
from scripts.fuzzing import seeds, values
from scripts.fuzzing.targets import Target, known, require

WHERE = Where(member="x")


def _document(
    name: str, read: Callable[[bytes, Findings], object], found: Callable[[], Sequence[bytes]]
) -> Target:
    """A reader of documents: its seeds are documents of its kind."""

    def run(data: bytes, room: str) -> None:
        findings = Findings()
        read(data, findings)
        known(findings.found)

    def make(rng: random.Random) -> bytes:
        kind = seeds.documents() if rng.random() < 0.1 else tuple(found())
        return values.document(rng, kind)

    return Target(name=name, make=make, run=run)


def _text(data: bytes, findings: Findings) -> None:
    value = jsontext.parse(data, WHERE, findings)
    if value is None or findings.found:
        return
    gojson.show(value)
    gojson.on_a_line(value)
    written = gojson.encode_bytes(value)
    again = Findings()
    require(jsontext.parse(written, WHERE, again) == value, "JSON that is written reads otherwise")
    require(not again.found, "JSON that is written is found fault with")


def _edit(data: bytes, findings: Findings) -> None:
    value = jsontext.parse(data, WHERE, findings)
    if not isinstance(value, dict | list) or findings.found:
        return
    rng = random.Random(zlib.crc32(data))
    edits, paths = Edits(data), []
    for _ in range(rng.randrange(1, 5)):
        path, node = [], value
        while isinstance(node, dict | list) and node:
            step = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            path.append(step)
            node = node[step]
            if rng.random() < 0.4:
                break
        if not path or (isinstance(path[-1], str) and rng.random() < 0.2):
            path[-1:] = ["added"]
        if isinstance(path[0], int) != isinstance(value, list):
            continue
        if any(old[: len(path)] == path or path[: len(old)] == old for old in paths):
            continue
        paths.append(path)
        if rng.random() < 0.3 and isinstance(path[-1], str):
            edits.remove(tuple(path))
        else:
            edits.set(tuple(path), rng.choice([None, "text", 1, [], {"a": [True]}]))
    again = Findings()
    jsontext.parse(edits.apply(), WHERE, again)
    require(not again.found, "what is edited is no longer JSON")


def _index(data: bytes, findings: Findings) -> None:
    read_document(data, WHERE, findings, default=Kind.INDEX)
    read_links(data, WHERE, findings)


def _config(data: bytes, findings: Findings) -> None:
    found = Config.from_bytes(data, WHERE, findings)
    if found is not None:
        config_object(data)
        foreign_fields(data)


def _schema1(data: bytes, findings: Findings) -> None:
    found = Schema1.from_bytes(data, WHERE, findings)
    if found is not None:
        require(bool(str(found.digest)), "no digest")
        jws.check(found)


def _v1(data: bytes, findings: Findings) -> None:
    found = V1Layer.from_bytes(data, WHERE, findings)
    if found is not None:
        made = upgraded_config(found, (found, found))
        require(isinstance(json.loads(made), dict), "a config that is made is none")


def _compat() -> list[bytes]:
    """The documents of single layers: of V1 folders, and inside schema 1."""
    found = [data for data in seeds.with_keys("id") if b"fsLayers" not in data]
    for data in seeds.with_keys("fsLayers"):
        found += [line["v1Compatibility"].encode() for line in json.loads(data)["history"]]
    return found


def _cached(*keys: str) -> Callable[[], Sequence[bytes]]:
    return functools.cache(lambda: seeds.with_keys(*keys) or seeds.documents())


_DOCUMENTS = (
    _document("jsontext", _text, seeds.documents),
    _document("jsonedit", _edit, seeds.documents),
    _document(
        "manifest", lambda raw, found: read_document(raw, WHERE, found), _cached("config", "layers")
    ),
    _document("index", _index, _cached("manifests")),
    _document("config", _config, _cached("rootfs")),
    _document("dockersave", dockersave.read_saved, _cached("Config")),
    _document("repositories", dockersave.read_repositories, _cached("demo")),
    _document("marker", layout.check_marker, _cached("imageLayoutVersion")),
    _document("schema1", _schema1, _cached("fsLayers")),
    _document("v1", _v1, functools.cache(_compat)),
)


def _trusted(data: bytes, findings: Findings) -> Any:
    del findings
    return jws.load_trusted(data, "x")


def _keys() -> tuple[bytes, ...]:
    return tuple(json.dumps(key).encode() for key in seeds.jwks())


_KEY = _document("trusted", _trusted, functools.cache(_keys))
DOCUMENTS = (*_DOCUMENTS, attrs.evolve(_KEY, allowed=(LayoutError, ValueError)))
