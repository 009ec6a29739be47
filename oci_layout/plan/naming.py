"""How names are written: annotations of ``index.json``, RepoTags of ``manifest.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from oci_layout.finding import Findings
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.reference import ImageName, InvalidReferenceError, Reference

_NAMES = (CONTAINERD_NAME, REF_NAME)


def shared_tags(names: Sequence[ImageName]) -> frozenset[str]:
    """Tags that two entries would carry as ``ref.name``: skopeo would take the first, silently."""
    counted = Counter(_short(name) for name in names)
    return frozenset(tag for tag, count in counted.items() if count > 1)


def _short(name: ImageName) -> str:
    """The shortest ``ref.name`` of a name: its tag; the whole name where it has no tag."""
    return name.tag or str(name.reference or name.text)


def without_names(annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations of an entry but those that are its name."""
    return {key: value for key, value in annotations.items() if key not in _NAMES}


def entry_annotations(
    name: ImageName | None, shared: frozenset[str], kept: Mapping[str, str]
) -> dict[str, str]:
    """The annotations of one entry of ``index.json``.

    Args:
        name: the entry's name, or None.
        shared: tags that stand for several names.
        kept: what else the entry carried in the source.
    """
    result = without_names(kept)
    if name is None:
        return result
    ref_name = _short(name)
    if name.reference is not None:
        result[CONTAINERD_NAME] = str(name.reference)
        if ref_name in shared:
            ref_name = str(name.reference)
    elif name.verbatim:
        result[CONTAINERD_NAME] = name.text
    result[REF_NAME] = ref_name
    return dict(sorted(result.items()))


def repo_tag(name: ImageName | None) -> str | None:
    """The RepoTag of a name: its familiar form; None without a repository or tag."""
    reference = name.reference if name is not None else None
    if reference is None or not reference.tag or reference.digest:
        return None
    return reference.familiar


def warn_untagged(names: Sequence[ImageName], findings: Findings) -> None:
    """Tell of names that make no RepoTag, all at once."""
    if not names:
        return
    listed = ", ".join(f"{str(name)[:100]!r} ({_no_tag(name)})" for name in names[:4])
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    findings.warning(
        "no-repo-tag",
        f"no name for Docker: {listed}{more}; it will load the image without that name",
        hint="--name gives it a full name",
    )


def _no_tag(name: ImageName) -> str:
    """Why a name makes no RepoTag."""
    if name.reference is not None:
        return "a digest, where a tag belongs" if name.reference.digest else "without a tag"
    if name.is_digest:
        return "an image ID, which is no name"
    if "/" not in name.text and ":" not in name.text:
        return "a tag alone, without a repository"
    try:
        Reference.parse(name.text.lower())
    except InvalidReferenceError:
        return "not the name of an image"
    return "repositories are lower case"


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
