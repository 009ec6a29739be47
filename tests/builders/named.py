"""Layouts whose entries carry texts that are no image names, or more than one kind of name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.builders.files import Members, write_files, write_members
from tests.builders.image import Image, go_json
from tests.builders.layout import IMAGE_NAME, LAYOUT_MARKER, REF_NAME

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def write_named(
    image: Image,
    notes: Sequence[Mapping[str, str]],
    dest: Path,
    *,
    repo_tags: Sequence[str] | None = None,
) -> Path:
    """One image, and an entry of `index.json` for each set of annotations.

    Args:
        image: the image.
        notes: annotations of each entry.
        dest: a folder, or an archive by its suffix.
        repo_tags: of a `manifest.json`; none by default.
    """
    entries = [{**image.descriptor(), "annotations": dict(each)} for each in notes]
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
    files = {"blobs/" + key.replace(":", "/"): data for key, data in image.blobs().items()}
    files |= {"oci-layout": LAYOUT_MARKER, "index.json": go_json(index)}
    if repo_tags is not None:
        config, *layers = (
            "blobs/" + each.replace(":", "/")
            for each in (image.config_digest, *(layer.digest for layer in image.layers))
        )
        entry = {"Config": config, "RepoTags": list(repo_tags), "Layers": layers}
        files["manifest.json"] = go_json([entry])
    if not dest.suffix:
        return write_files(files, dest)
    members: Members = dict(files)
    return write_members(members, dest)


def of_cri(image: Image, repository: str = "docker.io/library/demo") -> list[dict[str, str]]:
    """What `ctr -n k8s.io images export` writes of all names that a kubelet has."""
    digest = image.manifest_digest()
    names = {
        f"{repository}:1": "1",
        f"{repository}@{digest}": f"@{digest}",
        image.config_digest: image.config_digest,
        f"{repository}:1@{digest}": f"1@{digest}",
    }
    return [{IMAGE_NAME: name, REF_NAME: ref} for name, ref in names.items()]
