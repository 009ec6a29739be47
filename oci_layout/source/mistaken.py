"""What people take for an image and is none: named for what it is, by its bytes or its files."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import islice

import attrs

from oci_layout.counting import plural
from oci_layout.finding import Findings
from oci_layout.limits import DOCUMENT_BYTES
from oci_layout.model import containerdroot, dockerroot, dockersave, jsontext, layout
from oci_layout.source.store import Store
from oci_layout.streams.reader import HeldFile
from oci_layout.where import Where

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


# Files that an engine's root begins with, wherever that begins in an archive.
_ENGINES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:.*/)?image/[^/]+/(?:imagedb|layerdb|repositories\.json)(?:/.*)?"), "Docker"),
    (re.compile(r"(?:.*/)?[^/]+-images/images\.json"), "podman, buildah or CRI-O"),
)
_ROOT = frozenset({"bin", "dev", "etc", "home", "lib", "proc", "root", "sbin", "sys", "usr", "var"})
_FEW = 2  # folders of a root file system that are no chance
_LOOKED_AT = 5_000  # names
_IMGPKG = frozenset({"Image", "ImageIndex"})
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")


def by_names(names: Iterable[str]) -> Mistaken | None:
    """What a folder or archive is that has no image's documents; None where nobody knows.

    Args:
        names: of its files and folders, relative to it; only the first few thousand are looked at.
    """
    first = [name.strip("/") for name in islice(names, _LOOKED_AT)]
    for pattern, engine in _ENGINES:
        if any(map(pattern.fullmatch, first)):
            return Mistaken(
                what=f"an archive of the root folder of {engine}",
                hint="unpack it first, as root so that owners and links stay, and name the folder",
            )
    tops = {name.partition("/")[0] for name in first}
    if ".dockerenv" in tops or len(tops & _ROOT) >= _FEW:
        return Mistaken(
            what="a root file system, as docker export writes, or a single layer",
            hint="docker export leaves out what makes an image; " + _SAVE,
        )
    if any(containerdroot.CONTENT in name.split("/") for name in first):
        return Mistaken(
            what="containerd's root in an archive", hint="unpack it as root, and name the folder"
        )
    if any(name == "Chart.yaml" or name.endswith("/Chart.yaml") for name in first):
        return Mistaken(
            what="a Helm chart", hint="a chart names images, and holds none; save those it names"
        )
    if tops >= dockerroot.MARKS:
        return Mistaken(what="a root of Docker without images", hint=dockerroot.ELSEWHERE)
    if "zarf.yaml" in tops:
        return Mistaken(what="a Zarf package", hint="its images lie in a folder: FILE#images")
    return None


def by_documents(store: Store) -> Mistaken | None:
    """What a store is whose ``manifest.json`` is that of another format; None where it is not.

    carvel imgpkg pkg/imgpkg/imagedesc/image_refs_descriptors.go: a list of images and indexes.
    """
    member = store.find(dockersave.MANIFEST)
    if member is None or store.find(layout.MARKER) is not None or member.size > DOCUMENT_BYTES:
        return None
    if not member.head(64).lstrip().startswith(b"["):
        return None
    value = jsontext.parse(member.read(DOCUMENT_BYTES), Where(), Findings())
    items = value if isinstance(value, list) else []
    if items and all(isinstance(each, dict) and each.keys() & _IMGPKG for each in items):
        return Mistaken(
            what="a bundle of imgpkg or kbld",
            hint="imgpkg copy --tar FILE --to-repo REPOSITORY unpacks it",
        )
    return None


def images_inside(folders: Sequence[str], first: str, *, shelf: str = "") -> Mistaken:
    """Something with images in its folders.

    Args:
        folders: that hold one each.
        first: what to call the first of them, so that it is taken.
        shelf: path of the folder that they are in; empty where they are in no folder.
    """
    listed = ", ".join(repr(each[:60]) for each in folders[:4])
    more = f" and {len(folders) - 4} more" if len(folders) > 4 else ""
    several = plural(len(folders), "folder")
    return Mistaken(
        what=f"no image at its top, but holds {several} with an image: {listed}{more}",
        hint=f"choose one: {first}" + (f"; {_all_of(shelf)}" if shelf and folders[1:] else ""),
    )


def shelf(folder: str, paths: Sequence[str]) -> Mistaken:
    """A folder of archives and other sources.

    Args:
        folder: its path.
        paths: of some of them.
    """
    listed = ", ".join(repr(os.path.relpath(each, folder)[:60]) for each in paths[:4])
    more = " and others" if len(paths) > 4 else ""
    return Mistaken(
        what=f"no image, but a folder in which some may be: {listed}{more}",
        hint=f"name one of them; {_all_of(folder)}",
    )


def _all_of(folder: str) -> str:
    """What to do with all that is in a folder."""
    named = shlex.quote(folder)
    return f"layout batch verify {named} takes all, as do batch repack and batch inspect"


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
