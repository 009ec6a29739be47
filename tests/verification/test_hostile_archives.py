"""Hostile archives: names and links that leave, sizes that lie, readers that would disagree."""

from __future__ import annotations

import itertools
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verification.checking import (
    blob_name,
    errors,
    layout_of,
    serious,
    special,
    tar_of,
    tiny,
)

IMAGE = tiny()
FILES = layout_of(IMAGE.manifest(), IMAGE.config_bytes, *(layer.stored for layer in IMAGE.layers))
LAYER = blob_name(IMAGE.layers[0].stored)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """A sound OCI archive with more members behind it, or before it."""

    def make(*more: tuple[tarfile.TarInfo | str, bytes], first: bool = False) -> Path:
        members = [*more, *FILES.items()] if first else [*FILES.items(), *more]
        path = tmp_path / "image.tar"
        path.write_bytes(tar_of(members))
        return path

    return make


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/../evil", "..", "a/..", "blobs/../../etc/passwd", "./../x"],
)
def test_zip_slip(name: str, archive: Callable[..., Path], tmp_path: Path) -> None:
    for first in (True, False):
        assert serious(archive((name, b"evil"), first=first)) >= {("error", "unsafe-name")}
    assert sorted(os.listdir(tmp_path)) == ["image.tar"]  # nothing was unpacked anywhere


def test_a_digest_that_is_a_path(archive: Callable[..., Path], tmp_path: Path) -> None:
    """CVE-2014-9358, CVE-2024-3727: ids and digests joined into paths."""
    (tmp_path / "secret").write_text("{}")
    for digest in (
        "sha256:../../../secret",
        f"../..{'/x' * 30}:{'0' * 64}",
        f"sha256:{'0' * 63}/",
        f"sha256:{'A' * 64}",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:" + "0" * 64 + "\n",
    ):
        entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2}
        files = layout_of(b"{}", index={"manifests": [{**entry, "digest": digest}]})
        path = tmp_path / "image.tar"
        path.write_bytes(tar_of(files.items()))
        assert "bad-digest" in errors(path)


@pytest.mark.parametrize(
    ("link", "target", "found"),
    [
        ("a/link", "../../etc/passwd", {("error", "unsafe-link")}),
        ("link", "..", {("error", "unsafe-link")}),
        ("link", "../" * 50 + "etc/passwd", {("error", "unsafe-link")}),
        ("link", "/etc/passwd", set()),  # an absolute target begins at the archive's root
        ("link", "absent", set()),
        ("link", "link", set()),
        ("link", "oci-layout", set()),
    ],
)
def test_links_that_nothing_needs(
    link: str, target: str, found: set[tuple[str, str]], archive: Callable[..., Path]
) -> None:
    assert serious(archive(special(link, tarfile.SYMTYPE, target))) == found


@pytest.mark.parametrize("count", [1, 2, 30, 100, 5_000])
def test_loops_and_chains_of_links(count: int, tmp_path: Path) -> None:
    """The layer is a link to a link ... to itself, or, in the second archive, to its bytes."""
    files = {name: data for name, data in FILES.items() if name != LAYER}
    chain = [LAYER, *(f"l/{number}" for number in range(count))]
    pairs = itertools.pairwise(chain)
    links = [special(name, tarfile.SYMTYPE, f"/{target}") for name, target in pairs]
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of([*files.items(), *links, special(chain[-1], b"2", f"/{LAYER}")]))
    assert errors(path) == {"missing-blob"}
    path.write_bytes(tar_of([*files.items(), *links, (chain[-1], FILES[LAYER])]))
    assert errors(path) == (set() if count <= 40 else {"missing-blob"})


def test_a_folder_behind_a_link_to_itself(archive: Callable[..., Path], tmp_path: Path) -> None:
    """`blobs` is a link to the folder above it, in an archive and on disk."""
    path = tmp_path / "image.tar"
    documents = [(name, data) for name, data in FILES.items() if not name.startswith("blobs")]
    path.write_bytes(tar_of([*documents, special("blobs", tarfile.SYMTYPE, ".")]))
    assert errors(path) == {"sparse-index"}
    layout = tmp_path / "layout"
    layout.mkdir()
    for name, data in documents:
        (layout / name).write_bytes(data)
    (layout / "blobs").symlink_to(".")
    assert errors(layout) == {"sparse-index"}


def test_hard_links(archive: Callable[..., Path], tmp_path: Path) -> None:
    for target in ("../../etc/passwd", "a/../../b"):
        assert errors(archive(special("hard", tarfile.LNKTYPE, target))) == {"unsafe-link"}
    files = {name: data for name, data in FILES.items() if name != LAYER}
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of([*files.items(), ("real", FILES[LAYER]), special(LAYER, b"1", "real")]))
    assert errors(path) == set()


def lying(size: bytes) -> bytes:
    """An archive whose last member's size field holds these twelve bytes; the checksum holds."""
    info = tarfile.TarInfo("more")
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return tar_of(FILES.items())[:-1024] + bytes(header) + bytes(1024)


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (b"-0000000001\0", "bad-tar-header"),
        (b"\xff" * 12, "bad-tar-header"),  # base-256: minus one
        (b"\xff" + b"\xff" * 7 + b"\xf0\0\0\0", "bad-tar-header"),
        (b"0000000009x\0", "bad-tar-header"),
        (b"1_0\0" + bytes(8), "bad-tar-header"),
        (b"+10\0" + bytes(8), "bad-tar-header"),
        (b"0x10\0" + bytes(7), "bad-tar-header"),
        (b"77777777777\0", "truncated"),
        (b"777777777777", "truncated"),
        (b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7, "truncated"),  # 2**63 - 1
        (b"\x80" + b"\x3f" + b"\xff" * 10, "bad-tar-header"),
        (b"\xbf" + b"\xff" * 11, "bad-tar-header"),  # 2**94 and more
    ],
)
def test_sizes_that_lie(size: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(lying(size))
    assert errors(path) == {code}


@pytest.mark.parametrize("size", ["-1", "1e3", "0x10", " 1", "9" * 30, "9" * 5000, "\u0661"])
def test_sizes_of_pax_that_lie(size: str, archive: Callable[..., Path]) -> None:
    info = tarfile.TarInfo("more")
    info.pax_headers = {"size": size}
    found = errors(archive((info, b"")))
    assert found <= {"bad-tar-header", "truncated"}
    assert found


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_extended_headers_without_measure(kind: bytes, tmp_path: Path) -> None:
    """CVE-2020-1702, CVE-2023-25153: names and metadata of gigabytes, read into memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, 1 << 33
    path = tmp_path / "image.tar"
    with path.open("wb") as file:
        file.write(tar_of(FILES.items())[:-1024])
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(file.tell() + (1 << 33) + 1024)  # sparse on disk
    assert errors(path) == {"bad-tar-header"}


def test_extended_headers_without_end(tmp_path: Path) -> None:
    """CVE-2025-8194 and its like: a header that goes on and on, or describes nothing."""
    info = tarfile.TarInfo("x")
    info.type = b"x"
    path = tmp_path / "image.tar"
    path.write_bytes(
        tar_of(FILES.items())[:-1024] + info.tobuf(tarfile.USTAR_FORMAT) * 50_000 + bytes(1024)
    )
    assert errors(path) == {"truncated"}


@pytest.mark.parametrize(
    "record",
    [b"5 a=b", b"0 a=b\n", b"-6 a=b\n", b"99999999999 a=b\n", b"6 a=b\nx", b"a=b\n", b"6 abb\n"],
)
def test_broken_pax_records(record: bytes, tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = b"x", len(record)
    member = tar_of([("more", b"")])[:-1024]
    head = info.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0")
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of(FILES.items())[:-1024] + head + member + bytes(1024))
    assert errors(path) == {"bad-tar-header"}


def test_two_readers_two_answers(tmp_path: Path) -> None:
    """A document twice, in two spellings of its name: some take the first, some the last."""
    other = FILES["index.json"].replace(b'"schemaVersion"', b' "schemaVersion"')
    path = tmp_path / "image.tar"
    for name in ("index.json", "./index.json", "/index.json", ".//index.json"):
        path.write_bytes(tar_of([*FILES.items(), (name, other)]))
        assert "conflicting-member" in errors(path)
        path.write_bytes(tar_of([*FILES.items(), (name, FILES["index.json"])]))
        assert errors(path) == set()
        assert ("warning", "repeated-member") in serious(path)
    for link in (special("index.json", b"2", "other"), special("index.json", b"1", "other")):
        path.write_bytes(tar_of([*FILES.items(), ("other", other), link]))
        assert "conflicting-member" in errors(path)


def test_a_zero_block_in_the_middle(tmp_path: Path) -> None:
    """GNU tar stops at one zero block, others go on."""
    whole = tar_of(FILES.items())
    with_more = whole[:-1024] + bytes(512) + tar_of([("index.json", b"{}")])
    path = tmp_path / "image.tar"
    path.write_bytes(with_more)
    assert errors(path) == {"bad-tar-header"}
