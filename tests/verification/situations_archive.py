"""What can be wrong with a tar, each thing alone in an archive that is whole otherwise."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from tests.builders import write_hybrid_archive
from tests.builders.paths import PATHS
from tests.builders.sparse import with_holes
from tests.independent import read_files
from tests.verification.checking import special, tar_of, tiny
from tests.verification.situation import Make, Situation, in_bytes

Members = list[tuple[tarfile.TarInfo | str, bytes]]


def members() -> Members:
    """The members of a hybrid archive."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_hybrid_archive([tiny()], Path(folder) / "image.tar")
        return list(read_files(path).items())


def with_more(*more: tuple[tarfile.TarInfo | str, bytes]) -> bytes:
    return tar_of([*members(), *more])


def renamed(prefix: str) -> bytes:
    return tar_of([(prefix + str(name), data) for name, data in members()])


def cut() -> bytes:
    """Cut inside the last member."""
    whole = tar_of(members())
    return whole[: len(whole) - 1024 - 500]


def flipped_header() -> bytes:
    """One letter of the last member's name is another."""
    whole = with_more(("more", b"x"))
    at = len(whole) - 1024 - 2 * 512
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


def two_sizes() -> bytes:
    """CVE-2025-62518: PAX and ustar headers that hide a member from one reader or the other."""
    info = tarfile.TarInfo("more")
    info.pax_headers = {"size": "512"}
    return with_more((info, bytes(1024)))


def _listed(name: str) -> Make:
    return lambda folder: PATHS[name].write(tiny(), folder / "image.tar")


SITUATIONS = [
    Situation("truncated", "error", in_bytes(cut)),
    Situation("no-end-marker", "warning", in_bytes(lambda: tar_of(members())[:-1024])),
    Situation("trailing-data", "warning", in_bytes(lambda: tar_of(members()) + b"more" * 128)),
    Situation("bad-tar-header", "error", in_bytes(flipped_header)),
    Situation("size-conflict", "error", in_bytes(two_sizes)),
    Situation(
        "too-many-members", "error", in_bytes(lambda: tar_of(members())), limits={"MEMBERS": 4}
    ),
    Situation("repeated-member", "warning", in_bytes(lambda: with_more(members()[0]))),
    Situation(
        "conflicting-member", "error", in_bytes(lambda: with_more((members()[0][0], b"other")))
    ),
    Situation("unsafe-name", "error", in_bytes(lambda: with_more(("../evil", b"x")))),
    Situation(
        "unsafe-link",
        "error",
        in_bytes(lambda: with_more(special("a/link", tarfile.SYMTYPE, "../../etc/passwd"))),
    ),
    Situation("absolute-name", "warning", in_bytes(lambda: renamed("/"))),
    Situation("dot-slash-name", "note", in_bytes(lambda: renamed("./"))),
    Situation(
        "sparse-member",
        "warning",
        lambda folder: with_holes(tiny(), folder / "image.tar", "GNU", beside=True),
    ),
    Situation("unclean-path", "note", _listed("layers in manifest.json begin with /")),
    Situation("backslash-path", "error", _listed("backslashes")),
    Situation(
        "special-member", "warning", in_bytes(lambda: with_more(special("pipe", tarfile.FIFOTYPE)))
    ),
]
