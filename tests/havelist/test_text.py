"""Have-lists as text: what is written is what is read, and nothing else is."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout import DamagedError, have
from oci_layout.digest import Digest
from oci_layout.havelist import text
from oci_layout.havelist.opening import read_have
from oci_layout.havelist.values import Finds, HaveList, HeldImage, HeldLayer, chains_of
from tests.builders import make_image, write_docker_archive

DIGESTS = st.binary(min_size=1, max_size=2).map(Digest.of)
LAYERS = st.builds(
    HeldLayer,
    digest=st.none() | DIGESTS,
    media_type=st.sampled_from(["", "application/vnd.oci.image.layer.v1.tar+gzip"]),
    size=st.none() | st.integers(0, 10**15 - 1),
    diff_id=st.none() | DIGESTS,
    chain=st.none() | DIGESTS,
)
NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name != "-")
IMAGES = st.builds(
    HeldImage,
    names=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    platform=st.sampled_from(["", "linux/amd64", "linux/arm/v7"]),
    manifest=st.none() | DIGESTS,
    config=st.none() | DIGESTS,
    layers=st.lists(LAYERS, max_size=4).map(tuple),
)
LISTS = st.builds(
    HaveList,
    images=st.lists(IMAGES, max_size=4).map(tuple),
    blobs=st.dictionaries(DIGESTS, st.none() | st.integers(0, 99), max_size=4),
)


@given(LISTS)
def test_what_is_written_is_read(listed: HaveList) -> None:
    lines = text.render(listed)
    assert all(line.isascii() and "\n" not in line and line for line in lines)
    read = text.parse("\n".join(lines), "there.txt")
    assert set(read.images) == set(listed.images)
    known = {layer.digest for image in listed.images for layer in image.layers}
    assert read.blobs == {key: size for key, size in listed.blobs.items() if key not in known}
    assert text.render(read) == lines


@pytest.mark.parametrize(
    "line",
    [
        "layer",
        "layer 1 - - - -",
        "layer x - - - - - -",
        "layer 1 7 - - - - -",
        "layer 1 - sha256:abc - - - -",
        "layer 1 - - -5 - - -",
        "layer 1 - - 99999999999999999999 - - -",
        "image 9 - - -",
        "image",
        "blob -",
        "blob - 5",
        "blob sha256:../../etc/passwd 1",
        "picture 1",
        "  ",
    ],
)
def test_a_line_of_another_form_is_an_error(line: str) -> None:
    with pytest.raises(DamagedError, match="line 2") as caught:
        text.parse(f"{text.BEGINS}\n{line}\n", "there.txt")
    assert caught.value.code == "bad-have"


def test_a_long_stack_below_many_images_is_bounded() -> None:
    layers = [f"layer {each} {each - 1 or '-'} - - - - -" for each in range(1, 20_001)]
    images = ["image 20000 - - -"] * 20_000
    with pytest.raises(DamagedError, match="layers together"):
        text.parse("\n".join([text.BEGINS, *layers, *images]), "there.txt")


def test_comments_empty_lines_and_line_ends_of_windows() -> None:
    read = text.parse(f"{text.BEGINS}\r\n# ours\r\n\r\nimage - - - - a:1\r\n", "there.txt")
    assert [image.names for image in read.images] == [("a:1",)]


def test_packed_or_not_and_out_of_a_source(tmp_path: Path) -> None:
    image = make_image([{"a": b"1"}, {"b": b"2"}], names=("demo:1",))
    source = write_docker_archive([image], tmp_path / "in.tar")
    listed = have(str(source))
    lines = "".join(f"{line}\n" for line in text.render(listed)).encode()
    (tmp_path / "there.txt").write_bytes(lines)
    (tmp_path / "there.gz").write_bytes(gzip.compress(lines))
    for name in ("there.txt", "there.gz", "in.tar"):
        read = read_have(str(tmp_path / name))
        assert read.images == listed.images
    (found,) = listed.images
    assert [str(layer.diff_id) for layer in found.layers] == list(image.diff_ids)
    assert [layer.digest for layer in found.layers] == [layer.diff_id for layer in found.layers]
    assert [layer.chain for layer in found.layers] == chains_of([x.diff_id for x in found.layers])


def test_a_hundred_images_are_a_few_tens_of_kilobytes(tmp_path: Path) -> None:
    """Ten bases of five layers; each image has three more of its own."""
    images = [
        make_image(
            [
                *({f"base{number % 10}-{each}": b"x"} for each in range(5)),
                *({f"own{number}-{each}": b"y"} for each in range(3)),
            ],
            names=(f"registry.example.com/team/app{number}:1.{number}",),
        )
        for number in range(100)
    ]
    lines = text.render(have(str(write_docker_archive(images, tmp_path / "in.tar"))))
    packed = gzip.compress("\n".join(lines).encode())
    assert sum(line.startswith("layer ") for line in lines) == 10 * 5 + 300
    assert len(packed) < 40_000


def test_what_each_engine_finds() -> None:
    blob, tar, chain = (Digest.of(each) for each in (b"blob", b"tar", b"chain"))
    layer = HeldLayer(digest=blob, diff_id=tar, chain=chain)
    there = HaveList(images=(HeldImage(layers=(layer,)),))
    other = Digest.of(b"other")
    asked = {
        "all of it": (blob, chain),
        "the blob": (blob, other),
        "the tar as a blob": (tar, other),
        "the chain": (other, chain),
        "nothing": (other, other),
    }
    found = {
        finds: [name for name, (digest, at) in asked.items() if there.holds(finds, digest, at)]
        for finds in Finds
    }
    assert found == {
        Finds.NOTHING: [],
        Finds.EVERY: ["all of it"],
        Finds.CHAIN: ["all of it", "the chain"],
        Finds.BLOB: ["all of it", "the blob"],
        Finds.BLOB_OR_TAR: ["all of it", "the blob", "the tar as a blob"],
    }
