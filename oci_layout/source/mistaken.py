"""What people take for an image and is none: named for what it is, by its bytes or its files."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import attrs

from oci_layout.streams.reader import HeldFile

_SAVE = "docker save IMAGE -o x.tar keeps an image whole"


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Mistaken:
    """Something that is no image.

    Args:
        what: what it is, after "this is".
        hint: what to do instead; empty for nothing.
    """

    what: str
    hint: str = ""


# What a file begins with, or has at an offset.
_SIGNS: tuple[tuple[int, bytes, Mistaken], ...] = (
    (32769, b"CD001", Mistaken(what="an ISO 9660 disc image", hint=_SAVE)),
    (0, b"PK\x03\x04", Mistaken(what="a zip file", hint="unpack it first: unzip FILE")),
    (0, b"7z\xbc\xaf\x27\x1c", Mistaken(what="a 7z file", hint="unpack it first: 7z x FILE")),
    (0, b"\x04\x22\x4d\x18", Mistaken(what="packed with lz4", hint="unpack it first: lz4 -d FILE")),
    (0, b"QFI\xfb", Mistaken(what="a disk of a virtual machine (qcow2)", hint=_SAVE)),
    (0, b"KDMV", Mistaken(what="a disk of a virtual machine (VMDK)", hint=_SAVE)),
    (0, b"hsqs", Mistaken(what="a squashfs file system", hint=_SAVE)),
    (
        32,
        b"SIF_MAGIC",
        Mistaken(what="an image of Apptainer or Singularity (SIF)", hint="SIF is not read"),
    ),
    (0, b"\x7fELF", Mistaken(what="a program (ELF)")),
    (
        0,
        b"version https://git-lfs",
        Mistaken(what="a pointer of Git LFS, not the file", hint="git lfs pull fetches it"),
    ),
    (0, b"<!DOCTYPE", Mistaken(what="a web page", hint="the download went wrong")),
    (0, b"<!doctype", Mistaken(what="a web page", hint="the download went wrong")),
    (0, b"<html", Mistaken(what="a web page", hint="the download went wrong")),
)


def by_bytes(file: HeldFile) -> Mistaken | None:
    """What a file is that is no archive; None where nobody knows."""
    for offset, sign, found in _SIGNS:
        if offset + len(sign) <= file.size and file.pread(len(sign), offset) == sign:
            return found
    return None


_ROOT = frozenset({"bin", "dev", "etc", "home", "lib", "proc", "root", "sbin", "sys", "usr", "var"})
_FEW = 2  # folders of a root file system that are no chance
_LOOKED_AT = 5_000  # names
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")


def by_names(names: Iterable[str]) -> Mistaken | None:
    """What a folder or archive is that has no image's documents; None where nobody knows.

    Args:
        names: of its files and folders, relative to it; only the first few thousand are looked at.
    """
    first = [name.strip("/") for name in islice(names, _LOOKED_AT)]
    tops = {name.partition("/")[0] for name in first}
    if ".dockerenv" in tops or len(tops & _ROOT) >= _FEW:
        return Mistaken(
            what="a root file system, as docker export writes, or a single layer",
            hint="docker export leaves out what makes an image; " + _SAVE,
        )
    if any(name == "Chart.yaml" or name.endswith("/Chart.yaml") for name in first):
        return Mistaken(
            what="a Helm chart", hint="a chart names images, and holds none; save those it names"
        )
    if any(name.startswith("docker/registry") for name in first):
        return Mistaken(
            what="the storage of a registry",
            hint="start a registry on it, and save an image with skopeo copy",
        )
    return None


def by_what_is_inside(names: Iterable[str]) -> Mistaken | None:
    """What part of an image, or what around one, a folder or archive is; None for neither.

    Args:
        names: of its files and folders, relative to it; only the first few thousand are looked at.
    """
    first = [name.strip("/") for name in islice(names, _LOOKED_AT)]
    if any(name.startswith("blobs/sha256") for name in first):
        return Mistaken(
            what="blobs of an image, and no index.json is with them", hint="copy all of it again"
        )
    inner = next((name for name in first if name.lower().endswith(_ARCHIVES)), None)
    if inner is not None:
        return Mistaken(what=f"no image, but holds {inner[:100]!r}", hint="that file may be one")
    return None
