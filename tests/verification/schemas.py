"""The JSON schemas of the image spec, and where `verify` means to say something else."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft4Validator

from tests.shared import FIXTURES

FOLDER = FIXTURES / "text/opencontainers+image-spec/schema"
FILES = {
    "index": "image-index-schema.json",
    "manifest": "image-manifest-schema.json",
    "config": "config-schema.json",
    "layout": "image-layout-schema.json",
}
# Deviations, each of which a test shows to be one. Everything else must agree.
DEVIATIONS = {
    "null": "null is an absent field to Go, which every engine is written in",
    "diff_ids": "null is an empty list there, too: Go writes it for an image without layers",
    "empty": "an empty mediaType of a descriptor is none, and is told as missing",
    "layers": "an empty list of layers: manifest.md says SHOULD, and scratch images have none",
    "media type": "any text passes as a media type: manifest.md asks to ignore unknown ones",
    "algorithm": "only sha256 and sha512 can be checked; the grammar allows any",
    "negative": "the schema of an index lets a size be negative, that of a descriptor does not",
    "data": "embedded data must be the blob, which a schema cannot say",
    "time": "created must be a time of RFC 3339, as the schema's format says that nobody checks",
    "names": "Docker's own fields of a config have types, too",
}
_DIGEST = "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$"
_FREE_KEYS = {"annotations": "", "Labels": "", "ExposedPorts": {}, "Volumes": {}}
_NULL_ITEMS: dict[str, Any] = {
    **dict.fromkeys(("Env", "Cmd", "Entrypoint", "OnBuild", "Shell", "os.features"), ""),
    "history": {},
}


@cache
def _file(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def _resolved(node: Any, here: str) -> Any:
    """The schema without references: each stands where it is used."""
    if isinstance(node, list):
        return [_resolved(item, here) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name, _, path = node["$ref"].partition("#")
        target = _file(name or here)
        for part in path.strip("/").split("/") if path else ():
            target = target[part]
        return _resolved(target, name or here)
    return {key: _resolved(value, here) for key, value in node.items() if key != "id"}


@cache
def exact(kind: str) -> Draft4Validator:
    """The schema as it is."""
    return Draft4Validator(_resolved(_file(FILES[kind]), FILES[kind]))


def _deviate(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _deviate(item)
    if not isinstance(node, dict):
        return
    node.pop("minItems", None)
    if node.get("format") == "date-time":
        node["pattern"] = _TIME
    if node.get("pattern", "").startswith("^[A-Za-z0-9][A-Za-z0-9!"):
        del node["pattern"]
    elif node.get("pattern", "").startswith("^[a-z0-9]+(?:[+._-]"):
        node["pattern"] = _DIGEST
    if node.get("type") == "integer" and node.get("minimum", 0) < 0:
        node["minimum"] = 0
    if isinstance(node.get("diff_ids"), dict):
        node["diff_ids"]["items"]["pattern"] = _DIGEST
    for value in node.values():
        _deviate(value)
    if isinstance(node.get("mediaType"), dict) and "digest" in node:
        node["mediaType"] = {**node["mediaType"], "minLength": 1}


@cache
def lenient(kind: str) -> Draft4Validator:
    """The schema with the deviations."""
    schema = copy.deepcopy(exact(kind).schema)
    _deviate(schema)
    return Draft4Validator(schema)


def without_nulls(value: Any, items: Mapping[str, Any]) -> Any:
    """A document as Go reads it: null is no value, and zero in lists and maps with free keys.

    Args:
        value: the document.
        items: what a null in some of its lists is read as.
    """
    if isinstance(value, list):
        return [without_nulls(item, items) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: [] if key == "diff_ids" and item is None else item for key, item in value.items()}
    return {key: _field(key, item, items) for key, item in value.items() if item is not None}


def _field(key: str, value: Any, items: Mapping[str, Any]) -> Any:
    if key in _FREE_KEYS and isinstance(value, dict):
        return {name: _FREE_KEYS[key] if item is None else item for name, item in value.items()}
    if key in items and isinstance(value, list):
        value = [items[key] if item is None else item for item in value]
    return without_nulls(value, items)


def holds(kind: str, value: Any) -> bool:
    """Whether a document is valid, deviations aside."""
    items = _NULL_ITEMS if kind == "config" else {}
    return bool(lenient(kind).is_valid(without_nulls(value, items)))
