"""Random layers: what engines unpack, and what they do not."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable

from tests.builders import layer_tar

Layering = Callable[[random.Random, bytes], bytes]


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size, member.mode = kind, link, len(data), 0o644
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def _with(extra: bytes, own: bytes) -> bytes:
    """A layer of a file that nobody has seen, and one member more."""
    before = layer_tar({"etc/own": own})
    return before[: before.rindex(b"\0" * 1024) // 512 * 512][: _end(before)] + extra


def _end(archive: bytes) -> int:
    """Where the members of an archive end."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = tar.getmembers()
        last = members[-1]
        return last.offset_data + -(-last.size // 512) * 512


def plain(chance: random.Random, own: bytes) -> bytes:
    return layer_tar({f"f{chance.randrange(4)}": own, "etc/own": own[::-1]})


STRANGE: dict[str, Layering] = {
    "whiteout": lambda _, own: _with(_member("etc/.wh.gone"), own),
    "hard link to nothing": lambda _, own: _with(
        _member("lost", tarfile.LNKTYPE, "not/there"), own
    ),
    "hard link": lambda _, own: _with(_member("again", tarfile.LNKTYPE, "etc/own"), own),
    "link out of the root": lambda _, own: _with(
        _member("out", tarfile.SYMTYPE, "../../../etc"), own
    ),
    "long path": lambda _, own: _with(_member("/".join(["d" * 50] * 20)), own),
    "long name": lambda _, own: _with(_member("n" * 300), own),
    "leaves the root": lambda _, own: _with(_member("../../out"), own),
    "device": lambda _, own: _with(_member("dev/null", tarfile.CHRTYPE), own),
    "FIFO": lambda _, own: _with(_member("pipe", tarfile.FIFOTYPE), own),
    "unknown type": lambda _, own: _with(_member("odd", b"V"), own),
    "GNU sparse": lambda _, own: _with(_member("sparse", b"S"), own),
    "no end marker": lambda _, own: layer_tar({"etc/own": own})[:-1024],
    "no tar": lambda _, own: own * 40,
    "empty": lambda _, own: b"",
    "cut": lambda _, own: layer_tar({"etc/own": own * 900})[: 512 * 9],
    "folder": lambda _, own: _with(_member("folder", tarfile.DIRTYPE), own),
    "file over a folder": lambda _, own: _with(_member("etc"), own),
}
