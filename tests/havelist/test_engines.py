"""What engines print is read as a have-list; the forms are those that they printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oci_layout import DamagedError, NotAnImageError
from oci_layout.digest import Digest
from oci_layout.havelist import engines

ONE, TWO, THREE, FOUR = (str(Digest.of(each)) for each in (b"1", b"2", b"3", b"4"))
CHAIN = str(Digest.of(f"{ONE} {TWO}".encode()))
DOCKER = {
    "Id": THREE,
    "RepoTags": ["app:1", "app:latest"],
    "RepoDigests": [],
    "Architecture": "arm64",
    "Variant": "v8",
    "Os": "linux",
    "RootFS": {"Type": "layers", "Layers": [ONE, TWO]},
}
CRI = {
    "status": {
        "id": THREE,
        "repoTags": ["docker.io/library/app:1"],
        "repoDigests": [f"app@{FOUR}"],
    },
    "info": {
        "chainID": CHAIN,
        "imageSpec": {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [ONE, TWO]},
        },
    },
}
SKOPEO = {
    "Name": "docker.io/library/app",
    "Digest": FOUR,
    "Architecture": "amd64",
    "Os": "linux",
    "Layers": [ONE, TWO],
    "LayersData": [
        {"MIMEType": "application/vnd.oci.image.layer.v1.tar+gzip", "Digest": ONE, "Size": 10},
        {"MIMEType": "application/vnd.oci.image.layer.v1.tar+gzip", "Digest": TWO, "Size": 20},
    ],
}
CONTENT = f"""\
DIGEST\tSIZE\tAGE\tLABELS
{ONE}\t1.2kB\t3 hours\tcontainerd.io/distribution.source.docker.io=library/app
{TWO}\t95B\t3 hours\t-
"""
IMAGES = f"""\
REF                       TYPE                                                  DIGEST       SIZE
docker.io/library/app:1   application/vnd.docker.distribution.manifest.v2+json  {FOUR}  1.2 MiB
"""


def chains(value: Any) -> list[list[str]]:
    listed = engines.parse(json.dumps(value), "said.txt")
    return [[str(layer.chain) for layer in image.layers] for image in listed.images]


def test_docker_podman_and_cri_tell_chains() -> None:
    podman = {**DOCKER, "Id": THREE[7:], "Digest": FOUR}
    assert chains([DOCKER, podman]) == [[ONE, CHAIN], [ONE, CHAIN]]
    assert chains(CRI) == [[ONE, CHAIN]]
    read = engines.parse(json.dumps([DOCKER, podman]), "said.txt").images
    assert [str(image.config) for image in read] == [THREE, THREE]
    assert [str(image.manifest) for image in read] == ["None", FOUR]
    assert read[0].names == ("app:1", "app:latest")
    assert read[0].platform == "linux/arm64/v8"


def test_docker_on_containerds_store_gives_a_manifest_as_its_id() -> None:
    (image,) = engines.parse(json.dumps([{**DOCKER, "Descriptor": {"digest": THREE}}]), "x").images
    assert (str(image.manifest), image.config) == (THREE, None)


def test_several_documents_one_after_the_other() -> None:
    text = f"{json.dumps(CRI, indent=2)}\n{json.dumps(SKOPEO)}\n"
    assert len(engines.parse(text, "said.txt").images) == 2


def test_skopeo_tells_blobs() -> None:
    (image,) = engines.parse(json.dumps(SKOPEO), "said.txt").images
    assert [(str(layer.digest), layer.size) for layer in image.layers] == [(ONE, 10), (TWO, 20)]
    old = {key: value for key, value in SKOPEO.items() if key != "LayersData"}
    (image,) = engines.parse(json.dumps(old), "said.txt").images
    assert [str(layer.digest) for layer in image.layers] == [ONE, TWO]


@pytest.mark.parametrize("text", [CONTENT, f"{ONE}\n{TWO}\n", f"{ONE}\r\n{TWO}\r\n"])
def test_ctr_content_tells_blobs(text: str) -> None:
    assert {str(each) for each in engines.parse(text, "said.txt").blobs} == {ONE, TWO}


def test_ctr_images_tell_manifests() -> None:
    (image,) = engines.parse(IMAGES, "said.txt").images
    assert (image.names, str(image.manifest)) == (("docker.io/library/app:1",), FOUR)


@pytest.mark.parametrize("text", ["", "hello\nworld\n", "[1]", '{"a": 1}', f"{ONE}\nand more\n"])
def test_anything_else_is_no_have_list(text: str) -> None:
    with pytest.raises(NotAnImageError, match="neither an image nor a have-list"):
        engines.parse(text, "said.txt")


def test_json_without_end_is_not_read() -> None:
    with pytest.raises(DamagedError, match="JSON of more than"):
        engines.parse("[" + "{}," * (7 << 20) + "{}]", "said.txt")


@pytest.mark.parametrize("text", ['[{"Id": ', "[" * 100_000, '{"a": 1} x'])
def test_json_that_is_cut_short(text: str) -> None:
    with pytest.raises((DamagedError, NotAnImageError)):
        engines.parse(text, "said.txt")
