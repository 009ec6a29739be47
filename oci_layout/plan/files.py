"""The documents of a result by the names they have in it, and the names of its blobs."""

from __future__ import annotations

from collections.abc import Mapping

from oci_layout.digest import Digest
from oci_layout.model import dockersave, layout
from oci_layout.plan.assemble import Documents

DIR_VERSION = b"Directory Transport Version: 1.1\n"  # containers/image directory/directory_dest.go


def documents_of(documents: Documents) -> Mapping[str, bytes]:
    """Those of a layout or archive, in the order in which an archive begins with them."""
    if documents.legacy is not None:
        return documents.legacy.files
    first = {layout.MARKER: layout.MARKER_BYTES, layout.INDEX: documents.index}
    if documents.docker is not None:
        first[dockersave.MANIFEST] = documents.docker
    return first | {digest.blob_path: data for digest, data in documents.blobs.items()}


def blob_name(documents: Documents, digest: Digest) -> str | None:
    """The name of a blob in a layout or archive; None for one that has no place there."""
    if documents.legacy is not None:
        return documents.legacy.layers.get(digest)
    return digest.blob_path


def documents_of_dir(documents: Documents) -> Mapping[str, bytes]:
    """Those of a ``dir:``: its one manifest or list, children of a list, configs."""
    top = documents.top[0][1].digest
    files = {}
    for digest, data in documents.blobs.items():
        if digest == top:
            name = dockersave.MANIFEST
        elif digest in documents.manifests:
            name = f"{digest.hex}.manifest.json"
        else:
            name = digest.hex
        files[name] = data
    return files | {"version": DIR_VERSION}
