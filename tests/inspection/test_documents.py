"""``--raw``: the exact bytes of one document, or a word why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import inspect_raw
from oci_layout.errors import SelectionError, UsageError
from tests.builders import (
    go_json,
    hex_of,
    make_image,
    name_annotations,
    write_dir,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.legacy import schema1, schema1_dir, steps_of, write_v1
from tests.command import layout, the_line
from tests.independent import read_files
from tests.inspection.shown import nodes, text, tree
from tests.verification.checking import layout_of

IMAGE = make_image()
ARM = make_image([{"a": b"arm"}], architecture="arm64", names=())


def test_of_one_image(tmp_path: Path) -> None:
    source = write_hybrid_archive([IMAGE], tmp_path / "in.tar")
    files = read_files(source)
    for what, data in (
        ("manifest", IMAGE.manifest_bytes()),
        ("config", IMAGE.config_bytes),
        ("index", files["index.json"]),
    ):
        assert inspect_raw(str(source), what) == data
        done = layout("inspect", source, "--raw", what)
        assert (done.returncode, done.stdout, done.stderr) == (0, data, b"")


def test_of_platforms(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [IMAGE, ARM])
    index = nodes(tree(source), "index")[0]["digest"]
    assert (
        inspect_raw(str(source), "index")
        == (source / "blobs" / "sha256" / hex_of(index)).read_bytes()
    )
    line = the_line(layout("inspect", source, "--raw", "config"), 4)
    assert "2 of them" in line
    assert IMAGE.config_digest in line
    assert ARM.config_digest in line
    for how in (["--platform", "linux/arm64"], ["--image", ARM.config_digest]):
        assert layout("inspect", source, "--raw", "config", *how).stdout == ARM.config_bytes
    assert inspect_raw(str(source), "manifest", platforms=("linux/amd64",)) == (
        IMAGE.manifest_bytes()
    )


def test_an_index_that_stands_nowhere_is_not_printed(tmp_path: Path) -> None:
    """Platforms side by side in index.json are shown as one index; the bytes are index.json's."""
    entries = [
        {**image.descriptor(), "platform": image.platform, "annotations": name_annotations("x:1")}
        for image in (IMAGE, ARM)
    ]
    index = go_json({"schemaVersion": 2, "manifests": entries})
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
    for image in (IMAGE, ARM):
        files |= {f"blobs/sha256/{hex_of(key)}": data for key, data in image.blobs().items()}
    source = write_files(files, tmp_path / "in")
    (node,) = nodes(tree(source), "index")
    assert (node["digest"], node["media_type"], node["family"]) == (None, None, None)
    assert node["names"] == ["x:1"]
    assert len(node["children"]) == 2
    assert "platforms side by side in index.json: 2 platforms\n" in text(source)
    assert inspect_raw(str(source), "index") == index


def test_of_a_dir(tmp_path: Path) -> None:
    source = write_dir(IMAGE, tmp_path / "in")
    assert inspect_raw(str(source), "manifest") == IMAGE.manifest_bytes("docker")
    with pytest.raises(SelectionError, match="no index"):
        inspect_raw(str(source), "index")


def test_where_there_is_none(tmp_path: Path) -> None:
    source = write_docker_archive([IMAGE], tmp_path / "in.tar")
    assert "layout repack makes one" in the_line(layout("inspect", source, "--raw", "manifest"), 4)
    assert inspect_raw(str(source), "config") == IMAGE.config_bytes
    old = write_v1(steps_of({"a": b"1"}), tmp_path / "v1.tar", "x:1")
    assert "layout repack makes one" in the_line(layout("inspect", old, "--raw", "config"), 4)


def test_of_schema_1_and_of_a_lone_manifest(tmp_path: Path) -> None:
    steps = steps_of({"a": b"1"})
    manifest = schema1(steps)
    source = write_files(schema1_dir(steps, manifest), tmp_path / "in")
    assert inspect_raw(str(source), "manifest") == manifest
    lone = tmp_path / "lone.json"
    lone.write_bytes(IMAGE.manifest_bytes())
    assert inspect_raw(str(lone), "manifest") == IMAGE.manifest_bytes()
    with pytest.raises(SelectionError, match="no config"):
        inspect_raw(str(lone), "config")


def test_of_an_image_without_its_config(tmp_path: Path) -> None:
    files = layout_of(IMAGE.manifest(), *(layer.stored for layer in IMAGE.layers))
    source = write_files(files, tmp_path / "in")
    assert inspect_raw(str(source), "manifest") == IMAGE.manifest_bytes()


def test_usage(tmp_path: Path) -> None:
    source = write_oci_layout([IMAGE], tmp_path / "in")
    with pytest.raises(UsageError):
        inspect_raw(str(source), "layer")
    for more in ("--json", "--layers", "--history"):
        the_line(layout("inspect", source, "--raw", "config", more), 2)
    the_line(layout("inspect", source, "--raw", "layer"), 2)
