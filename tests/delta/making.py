"""Deltas of tars that are made here, and what they make again."""

from __future__ import annotations

import io
import os
import random
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from oci_layout.delta.applying import apply
from oci_layout.delta.catalogue import Catalogue
from oci_layout.delta.form import Opening
from oci_layout.delta.making import make
from oci_layout.delta.stretch import Stretch
from oci_layout.digest import Digest
from oci_layout.streams.reader import HeldFile

LONG = "deep/" * 30


def stretch(data: bytes) -> Stretch:
    """Bytes in an unnamed file."""
    fd = os.memfd_create("tar")
    os.write(fd, data)
    return Stretch(file=HeldFile.adopt(fd, "tar"), start=0, size=len(data))


def delta_of(new: bytes, old: Sequence[bytes], *, threads: int = 2) -> bytes:
    """The delta of a tar against others."""
    out = io.BytesIO()
    catalogue = Catalogue([stretch(each) for each in old])
    with ThreadPoolExecutor(threads) as executor:
        make(stretch(new), catalogue, out.write, executor=executor, ahead=threads)
    sources = tuple(Digest.of(each) for each in old)
    opening = Opening(target=Digest.of(new), size=len(new), sources=sources)
    return opening.render() + out.getvalue()


def applied(delta: bytes, old: Sequence[bytes]) -> bytes:
    """What a delta makes."""
    return b"".join(apply(stretch(delta), [stretch(each) for each in old]))


def tar(files: dict[str, bytes], time: int = 0, form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of files; a name that ends in a slash is a folder, data of ``->x`` a hard link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for number, (name, data) in enumerate(files.items()):
            info = tarfile.TarInfo(name)
            info.mtime = time + number
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
                made.addfile(info)
            elif data.startswith(b"->"):
                info.type, info.linkname = tarfile.LNKTYPE, data[2:].decode("utf-8", "replace")
                made.addfile(info)
            else:
                info.size = len(data)
                if form == tarfile.PAX_FORMAT:
                    info.pax_headers = {"mtime": f"{time + number}.25"}
                made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def noise(seed: int) -> random.Random:
    """Chance that is the same on every run."""
    return random.Random(seed)  # noqa: S311  tars, not secrets


def content(chance: random.Random) -> bytes:
    """Data of a file."""
    size = chance.choice([0, 1, 511, 512, 513, 5000, 60_000])
    text = b"".join(b"line %d of it\n" % chance.randrange(40) for _ in range(size // 12))
    return text if chance.random() < 0.5 else chance.randbytes(size)


def changed(chance: random.Random, files: dict[str, bytes]) -> dict[str, bytes]:
    """Files added, removed, moved, changed, repeated, linked."""
    result = dict(files)
    for _ in range(chance.randint(0, 5)):
        how = chance.choice(["add", "drop", "move", "edit", "shuffle", "link", "folder"])
        name = chance.choice(list(result) or ["none"])
        if how == "add" or name == "none":
            result[f"{chance.choice(['', LONG])}f-1.{chance.randrange(30)}"] = content(chance)
        elif how == "drop":
            del result[name]
        elif how == "move":
            result[f"moved/{name.rstrip('/')}"] = result.pop(name)
        elif how == "edit" and result[name]:
            data = bytearray(result[name])
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(9)] = chance.randbytes(chance.randrange(9))
            result[name] = bytes(data)
        elif how == "shuffle":
            items = list(result.items())
            chance.shuffle(items)
            result = dict(items)
        elif how == "link":
            result[f"link{chance.randrange(9)}"] = b"->" + name.encode()
        elif how == "folder":
            result[f"folder{chance.randrange(9)}/"] = b""
    return result
