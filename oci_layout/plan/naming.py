"""How names are written: annotations of ``index.json``, RepoTags of ``manifest.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from oci_layout.finding import Findings
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.reference import ImageName

_NAMES = (CONTAINERD_NAME, REF_NAME)


def shared_tags(names: Sequence[ImageName]) -> frozenset[str]:
    """Tags that two entries would carry as ``ref.name``: skopeo would take the first, silently."""
    counted = Counter(_short(name) for name in names)
    return frozenset(tag for tag, count in counted.items() if count > 1)


def _short(name: ImageName) -> str:
    """The shortest ``ref.name`` of a name: its tag; the whole name where it has no tag."""
    return name.tag or str(name.reference or name.text)


def entry_annotations(
    name: ImageName | None, shared: frozenset[str], kept: Mapping[str, str]
) -> dict[str, str]:
    """The annotations of one entry of ``index.json``.

    Args:
        name: the entry's name, or None.
        shared: tags that stand for several names.
        kept: what else the entry carried in the source.
    """
    result = {key: value for key, value in kept.items() if key not in _NAMES}
    if name is None:
        return result
    ref_name = _short(name)
    if name.reference is not None:
        result[CONTAINERD_NAME] = str(name.reference)
        if ref_name in shared:
            ref_name = str(name.reference)
    result[REF_NAME] = ref_name
    return dict(sorted(result.items()))


def repo_tags(names: Sequence[ImageName], findings: Findings, seen: set[str]) -> list[str]:
    """RepoTags: the familiar form of each name that has a repository and a tag.

    Args:
        names: an image's names.
        findings: told of names that make no RepoTag.
        seen: names that were told of already.
    """
    tags = []
    for name in names:
        if name.reference is not None and name.reference.tag and not name.reference.digest:
            tags.append(name.reference.familiar)
        elif name.key not in seen:
            seen.add(name.key)
            why = "has no tag" if name.reference is not None else "has no repository"
            findings.warning(
                "no-repo-tag",
                f"the name {str(name)[:200]!r} {why}, so Docker will load this image without it",
                hint="--name gives it a full name",
            )
    return tags


def entry(
    source: Mapping[str, Any], media_type: str, digest: str, size: int, notes: Mapping[str, str]
) -> dict[str, Any]:
    """One entry of an index: what it was, with new values where they are new.

    Args:
        source: the JSON object of the entry in the source, or empty.
        media_type: of what it points at.
        digest: of what it points at.
        size: of what it points at, bytes.
        notes: its annotations; none when empty.
    """
    new: dict[str, Any] = {"mediaType": media_type, "digest": digest, "size": size}
    result = {key: new.pop(key, value) for key, value in source.items() if key != "annotations"}
    result = {**new, **result} if new else result
    if notes:
        result["annotations"] = dict(notes)
    if digest != source.get("digest"):
        result.pop("data", None)
    return result
