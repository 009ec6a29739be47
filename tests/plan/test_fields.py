"""Every field of every document, before and after each conversion: none is lost in silence."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack
from tests.builders import (
    LAYOUT_MARKER,
    make_image,
    name_annotations,
    sha256,
    write_files,
    write_members,
)
from tests.builders.artifacts import Built, make_artifact, make_index, of_image
from tests.builders.image import go_json, hex_of
from tests.builders.trees import Files, read

# What says where bytes are and what they are called: the report tells of digests on their own.
NAMING = {"digest", "size", "mediaType", "schemaVersion", "Config", "Layers", "RepoTags", "data"}
# The manifest says of each layer what LayerSources does; a V1 id of repositories leads to nothing.
NAMING |= {"LayerSources", "demo"}
# A dir: has no marker and no names, which is said once.
NAMING |= {"imageLayoutVersion", "io.containerd.image.name", "org.opencontainers.image.ref.name"}
PLACES = {"annotations", "config", "layers", "manifests", "platform", "rootfs", "history"}


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All values of a document that hold no others, with their keys; places in lists aside."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value


def documents(path: Path) -> list[Any]:
    """All JSON of a layout, an archive or a ``dir:``."""
    found = []
    for data in read(path).values():
        try:
            found.append(json.loads(data))
        except ValueError:
            continue
    return found


def fields(path: Path) -> set[tuple[str, str]]:
    """The keys that lead to each value, those of common places aside, and the value."""
    return {
        ("/".join(key for key in keys if key not in PLACES), json.dumps(value))
        for document in documents(path)
        for keys, value in leaves(document)
        if not NAMING & set(keys)
    }


def rich(family: Any, *, subject_there: bool = True) -> Files:
    """A layout in which every place that may hold a field holds one, known and unknown."""
    image = make_image([{"a": b"a"}, {"b": b"b"}], names=("demo:1",), compression="gzip")
    config = {**image.config, "org.example.config": "config"}
    config["config"] = {**config["config"], "Healthcheck": {"Test": ["CMD", "x"]}, "Shell": ["sh"]}
    config["config"] |= {"OnBuild": ["RUN x"], "org.example.run": "run"}
    config |= {"docker_version": "20", "container": "abc", "parent": "sha256:" + "1" * 64}
    raw = go_json(config)
    value = json.loads(of_image(image, family).document)
    value["config"] |= {"digest": sha256(raw), "size": len(raw), "org.example.descriptor": "c"}
    value["config"]["data"] = base64.b64encode(raw).decode()
    value["config"]["annotations"] = {"org.example.of-config": "c"}
    value["layers"][0] |= {"annotations": {"org.example.of-layer": "l"}, "org.example.layer": "l"}
    value["layers"][1] |= {"artifactType": "application/vnd.example.layer"}
    value |= {"annotations": {"org.example.of-manifest": "m"}, "org.example.manifest": "m"}
    value |= {"artifactType": "application/vnd.example.manifest"}
    subject = make_artifact(b"subject", artifact_type="application/vnd.example")
    value["subject"] = {**subject.entry(), "annotations": {"org.example.of-subject": "s"}}
    below = {key: data for key, data in image.blobs().items() if key != image.config_digest}
    built = Built(go_json(value), of_image(image, family).media_type, {**below, sha256(raw): raw})
    child = built.entry(
        platform={**image.platform, "os.version": "1.2", "os.features": ["f"], "features": ["g"]},
        annotations={"org.example.of-child": "e"},
        artifactType="application/vnd.example.child",
        **{"org.example.child": "e"},
    )
    index = make_index(
        [child],
        built,
        family=family,
        annotations={"org.example.of-index": "i"},
        artifactType="application/vnd.example.index",
        subject=subject.entry(),
        **{"org.example.index": "i"},
    )
    entry = index.entry(
        annotations={**name_annotations("demo:1"), "org.example.of-entry": "t"},
        **{"org.example.entry": "t"},
    )
    top = {
        "schemaVersion": 2,
        "manifests": [entry, *([subject.entry()] if subject_there else [])],
        "annotations": {"org.example.of-top": "o"},
        "org.example.top": "o",
    }
    files = {"oci-layout": LAYOUT_MARKER, "index.json": go_json(top)}
    blobs = {**index.blobs, **(subject.blobs if subject_there else {})}
    files |= {f"blobs/sha256/{hex_of(key)}": data for key, data in blobs.items()}
    layers = [f"blobs/sha256/{hex_of(layer['digest'])}" for layer in value["layers"]]
    saved = {
        "Config": f"blobs/sha256/{hex_of(sha256(raw))}",
        "RepoTags": ["demo:1"],
        "Layers": layers,
        "Parent": "sha256:" + "2" * 64,
        "LayerSources": {"sha256:" + "3" * 64: {"mediaType": "application/x", "size": 3}},
        "org.example.saved": "j",
    }
    files["manifest.json"] = go_json([saved])
    files["repositories"] = go_json({"demo": {"1": "4" * 64}})
    return files


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("to", ["oci", "docker", "dir"])
@pytest.mark.parametrize("family", ["oci", "docker"])
def test_no_field_is_lost_in_silence(family: str, to: str, archive: bool, tmp_path: Path) -> None:
    files = rich(family, subject_there=to != "dir")
    source = tmp_path / ("in.tar" if archive else "in")
    (write_members if archive else write_files)({**files}, source)
    dest = tmp_path / ("out.tar" if archive and to != "dir" else "out")
    report = repack(str(source), str(dest), to=to).to_json()
    told = list(changes(report))
    lost = sorted(fields(source) - fields(dest))
    silent = [each for each in lost if not any(named(*each, line) for line in told)]
    assert not silent


def changes(value: Any) -> Iterator[str]:
    """What a report says of changes, findings and names."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("changes", "config_changes", "findings"):
                yield from (json.dumps(each) for each in item)
            else:
                yield from changes(item)
    elif isinstance(value, list):
        for item in value:
            yield from changes(item)


def named(path: str, value: str, line: str) -> bool:
    """Whether a line of a report is about a field, or about all that it is a part of."""
    return any(key in line for key in path.split("/")) or value.strip('"') in line
