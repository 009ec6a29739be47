"""What ``docker save`` writes beside the layers: ``manifest.json`` and ``repositories``.

moby image/tarexport/tarexport.go, ``manifestItem``; the fields of later versions (``Parent``,
``LayerSources``) are not needed to read an image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from oci_layout.finding import Findings
from oci_layout.model import gojson, jsontext
from oci_layout.model.fields import Fields
from oci_layout.where import Where

MANIFEST = "manifest.json"
REPOSITORIES = "repositories"
_FIELDS = frozenset({"Config", "RepoTags", "Layers", "Parent", "LayerSources"})
_CARRIED = _FIELDS - {"Parent"}  # LayerSources say of layers what a manifest does


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class SavedImage:
    """One entry of ``manifest.json``.

    Args:
        config: member name of the config; empty where it names none (reported).
        tags: RepoTags, as written.
        layers: member names of the layers, base first.
        number: position in the list, for messages.
        beyond: other fields that say something, and have no place in another format.
    """

    config: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]
    number: int
    beyond: tuple[str, ...] = ()


def read_saved(raw: bytes, findings: Findings) -> list[SavedImage] | None:
    """Read ``manifest.json``; None when it is not such a list (reported)."""
    return saved_of(jsontext.parse(raw, Where(member=MANIFEST), findings), findings)


def saved_of(value: Any, findings: Findings) -> list[SavedImage] | None:
    """The images that the value of ``manifest.json`` lists; None when it is no list (reported)."""
    where = Where(member=MANIFEST)
    if not isinstance(value, list):
        if value is not None:
            findings.error("wrong-type", "expected a list of images", where)
        return None
    images = []
    for number, item in enumerate(value):
        place = where.at(f"[{number}]")
        if not isinstance(item, dict):
            findings.error("wrong-type", "expected an object", place)
            continue
        fields = Fields(item, place, findings, _FIELDS)
        config = fields.text("Config", required=True) or ""
        images.append(
            SavedImage(
                config=config,
                tags=fields.texts("RepoTags"),
                layers=fields.texts("Layers"),
                number=number,
                beyond=tuple(k for k, v in fields.value.items() if k not in _CARRIED and v),
            )
        )
    return images


def read_repositories(raw: bytes, findings: Findings) -> dict[str, dict[str, str]]:
    """Read ``repositories``: repository to tag to id."""
    where = Where(member=REPOSITORIES)
    value = jsontext.parse(raw, where, findings)
    if value is None:
        return {}
    if not isinstance(value, dict):
        findings.error("wrong-type", "expected an object", where)
        return {}
    outer = Fields(value, where, findings, frozenset())
    return {name: dict(outer.mapping(name)) for name in value}


def saved_bytes(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """``manifest.json`` as Docker writes it: compact, one line."""
    return gojson.encode_bytes(entries) + b"\n"
