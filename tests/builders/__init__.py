"""Make container images and write them as real software does.

Nothing here imports the package under test: plain json, hashlib, tarfile and the codecs, so that
a mistake in the package cannot hide in the input or in the expectation.
"""

from tests.builders.docker import Style, write_dir, write_docker_archive
from tests.builders.files import Link, Order, pack_tree, write_files, write_members
from tests.builders.image import (
    Family,
    Image,
    Layer,
    compress,
    full_name,
    go_json,
    hex_of,
    layer_tar,
    make_image,
    sha256,
    split_tag,
)
from tests.builders.layout import (
    IMAGE_NAME,
    LAYOUT_MARKER,
    REF_NAME,
    make_attestation,
    name_annotations,
    write_hybrid_archive,
    write_index_layout,
    write_oci_archive,
    write_oci_layout,
)

__all__ = [
    "IMAGE_NAME",
    "LAYOUT_MARKER",
    "REF_NAME",
    "Family",
    "Image",
    "Layer",
    "Link",
    "Order",
    "Style",
    "compress",
    "full_name",
    "go_json",
    "hex_of",
    "layer_tar",
    "make_attestation",
    "make_image",
    "name_annotations",
    "pack_tree",
    "sha256",
    "split_tag",
    "write_dir",
    "write_docker_archive",
    "write_files",
    "write_hybrid_archive",
    "write_index_layout",
    "write_members",
    "write_oci_archive",
    "write_oci_layout",
]
