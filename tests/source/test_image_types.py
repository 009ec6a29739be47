"""What is an image goes by the type of its config; what its layers are, by theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout.graph.nodes import Artifact, Image
from tests.builders import make_image
from tests.builders.typed import MIXED, NO_IMAGE, OPAQUE, SPELLED
from tests.source.opened import collected, opened

IMAGE = make_image([{"a": b"1"}, {"b": b"2"}], names=("demo:1",))
HYBRID = pytest.mark.parametrize("hybrid", [False, True], ids=["layout", "hybrid"])


@HYBRID
@pytest.mark.parametrize("name", [*OPAQUE, *SPELLED, *MIXED])
def test_an_image_whatever_its_layers_are_called(name: str, hybrid: bool, tmp_path: Path) -> None:
    typed = (OPAQUE | SPELLED | MIXED)[name]
    path = typed.write(IMAGE, tmp_path / "image.tar", hybrid=hybrid)
    with opened(path) as source:
        (root,) = source.roots
        assert isinstance(root.node, Image)
        assert [str(each) for each in root.names] == ["demo:1"]
        *_, top = root.node.layers
        assert top.opaque is (name in OPAQUE)
    assert not collected(path).errors


@pytest.mark.parametrize("name", NO_IMAGE)
def test_no_image_whatever_its_layers_are_called(name: str, tmp_path: Path) -> None:
    path = NO_IMAGE[name].write(IMAGE, tmp_path / "image.tar")
    with opened(path) as source:
        (root,) = source.roots
        assert isinstance(root.node, Artifact)
