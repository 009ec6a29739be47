"""Names that are close to one that is not there."""

from __future__ import annotations

import pytest

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Opaque, Root
from oci_layout.graph.selection import what_there_is
from oci_layout.graph.spelling import meant
from oci_layout.model.descriptor import Descriptor
from oci_layout.reference import ImageName
from oci_layout.streams.member import BytesMember

NAMES = ("hello:1", "registry.example.com:5000/team/server:v1.2", "localhost/podman/db:latest")


def root(*names: str) -> Root:
    digest = Digest.of(b"")
    member = BytesMember.of("x", b"")
    node = Opaque(descriptor=Descriptor(media_type="", digest=digest, size=0), member=member)
    return Root(node=node, names=tuple(ImageName.from_ref_name(name) for name in names))


ROOTS = [root(name) for name in NAMES]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("helo:1", [NAMES[0]]),
        ("HELLO:1", [NAMES[0]]),
        ("hello", [NAMES[0]]),
        ("docker.io/library/helo:1", [NAMES[0]]),
        ("localhost/hello:1", [NAMES[0]]),
        ("team/server:v1.2", [NAMES[1]]),
        ("server:1.2", [NAMES[1]]),
        ("localhost/podman/bd:latest", [NAMES[2]]),
        ("something-else:7", []),
        ("x", []),
        ("sha256:" + "0" * 64, []),
        ("!", []),
        ("\ud800", []),
    ],
)
def test_what_was_meant(text: str, names: list[str]) -> None:
    assert meant(text, ROOTS) == names


def test_a_few_are_enough() -> None:
    every = [root(*(f"app:{number}" for number in range(5_000)))]
    assert len(meant("app:x", every)) == 3


def test_the_hint() -> None:
    assert what_there_is("helo:1", ROOTS[:1]) == "did you mean hello:1? the source has hello:1"
    assert what_there_is("else:7", ROOTS[:1]) == "the source has hello:1"
    assert what_there_is("else:7", []) == "the source has no image"
