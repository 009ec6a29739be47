"""What a reader of Go makes of documents that no digest covers; nothing of the package is used.

A flip in such a document goes unseen only if the document still means the same, or says something
else that nothing contradicts: a name that stands in one place only, a text nobody reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.builders import full_name, sha256
from tests.builders.image import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE

Files = Mapping[str, bytes]
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"{_HOST}(?:\.{_HOST})*(?::[0-9]+)?"
_NAME = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)??{_COMPONENT}(?:/{_COMPONENT})*(?::[A-Za-z0-9_][\w.-]{{0,127}})?"
)


class ContradictionError(ValueError):
    """Something a careful reader stumbles over."""


def require(condition: object, what: str) -> None:
    if not condition:
        raise ContradictionError(what)


def parsed(raw: bytes) -> Any:
    """JSON of which there is one reading only."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        require(len(dict(pairs)) == len(pairs), "a key twice")
        return dict(pairs)

    return json.loads(raw.decode("utf-8"), object_pairs_hook=unique)


def field(value: Any, name: str) -> Any:
    """A field as Go finds it: in any case, but not in two."""
    require(isinstance(value, dict), "an object")
    found = [key for key in value if key.lower() == name.lower()]
    require(len(found) < 2, "a field in two cases")
    return value[found[0]] if found else None


def texts(value: Any) -> list[str]:
    require(value is None or isinstance(value, list), "a list")
    require(all(isinstance(item, str) for item in value or []), "strings")
    return list(value or [])


def config_holds(raw: bytes, layers: list[bytes]) -> None:
    """The layers are those of the config."""
    diff_ids = json.loads(raw)["rootfs"]["diff_ids"]
    require(diff_ids == [sha256(layer) for layer in layers], "diff_ids")


def saved(files: Files) -> dict[str, set[str]]:
    """The names that `manifest.json` gives to configs; everything else in it must hold."""
    names: dict[str, set[str]] = {}
    for entry in parsed(files["manifest.json"]):
        config, tags = field(entry, "Config"), texts(field(entry, "RepoTags"))
        require(config in files, "a config")
        stated = config.rpartition("/")[2].removesuffix(".json")
        require(sha256(files[config]) == f"sha256:{stated}", "the config's name")
        layers = texts(field(entry, "Layers"))
        require(all(name in files for name in layers), "layers")
        config_holds(files[config], [files[name] for name in layers])
        require(all(_NAME.fullmatch(tag) for tag in tags), "names")
        names.setdefault(sha256(files[config]), set()).update(map(full_name, tags))
    return names


def saved_and_repositories(files: Files) -> dict[str, set[str]]:
    names = saved(files)
    listed = set()
    for repository, tags in parsed(files["repositories"]).items():
        require(isinstance(tags, dict), "an object")
        require(all(isinstance(value, str) for value in tags.values()), "strings")
        listed |= {full_name(f"{repository}:{tag}") for tag in tags}
    require(listed == set().union(*names.values()), "the names")
    return names


def descriptor(value: Any, find: Callable[[str], bytes | None]) -> bytes:
    """The blob a descriptor points at; its media type must be there."""
    digest, size = field(value, "digest"), field(value, "size")
    require(isinstance(field(value, "mediaType"), str), "a media type")
    require(isinstance(digest, str) and type(size) is int, "types")
    raw = find(digest)
    require(raw is not None and len(raw) == size, "a blob")
    assert raw is not None
    return raw


def in_layout(files: Files) -> Callable[[str], bytes | None]:
    return lambda digest: files.get("blobs/" + digest.replace(":", "/"))


def manifest(raw: bytes, find: Callable[[str], bytes | None]) -> str:
    """Check a manifest of an image, or of an artifact; gives its media type."""
    value = parsed(raw)
    media_type = field(value, "mediaType")
    require(field(value, "schemaVersion") == 2, "schemaVersion")
    require(media_type is None or media_type in MANIFEST_TYPE.values(), "mediaType")
    config = descriptor(field(value, "config"), find)
    layers = [descriptor(layer, find) for layer in field(value, "layers")]
    kinds = [field(layer, "mediaType") for layer in field(value, "layers")]
    for kind in kinds:
        known = str(kind).lower() in LAYER_TYPE.values()
        require(not known or kind in LAYER_TYPE.values(), "a layer's type in its own spelling")
    if field(field(value, "config"), "mediaType") in CONFIG_TYPE.values() and all(
        kind in LAYER_TYPE.values() for kind in kinds
    ):
        config_holds(config, layers)
    return str(media_type)


def index(files: Files, names: Mapping[str, set[str]] | None = None) -> None:
    """Check `index.json` and `oci-layout`.

    Args:
        names: of each config, by another view, which must not be contradicted.
    """
    require(parsed(files["oci-layout"]).get("imageLayoutVersion") == "1.0.0", "oci-layout")
    value = parsed(files["index.json"])
    media_type = field(value, "mediaType")
    require(field(value, "schemaVersion") == 2, "schemaVersion")
    require(media_type is None or media_type == INDEX_TYPE["oci"], "mediaType")
    require(isinstance(field(value, "manifests"), list), "manifests")
    for entry in field(value, "manifests"):
        raw = descriptor(entry, in_layout(files))
        own = manifest(raw, in_layout(files))
        require(field(entry, "mediaType") == own, "the manifest's own mediaType")
        notes = field(entry, "annotations") or {}
        require(isinstance(notes, dict), "annotations")
        full = notes.get("io.containerd.image.name")
        require(not full or _NAME.fullmatch(full), "a name")
        if full and names is not None:
            config = field(field(parsed(raw), "config"), "digest")
            require(full_name(full) in names[config], "the names")


def hybrid(files: Files) -> None:
    index(files, saved_and_repositories(files))


def directory(files: Files) -> None:
    """Check a `dir:`."""
    manifest(files["manifest.json"], lambda digest: files.get(digest.removeprefix("sha256:")))


MODELS: dict[str, tuple[Callable[[Files], object], set[str]]] = {
    # family: what checks its documents, and the documents that no digest covers
    "docker-archive": (saved_and_repositories, {"manifest.json", "repositories"}),
    "hybrid": (hybrid, {"manifest.json", "repositories", "index.json", "oci-layout"}),
    "oci-archive": (index, {"index.json", "oci-layout"}),
    "oci": (index, {"index.json", "oci-layout"}),
    "dir": (directory, {"manifest.json"}),
}


def unseen(family: str, files: Files) -> bool:
    """Whether a careful reader finds nothing wrong with these files."""
    try:
        MODELS[family][0](files)
    except (ContradictionError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True
