"""Opening below a folder: whatever is named, nothing outside is reached, in either way to do it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oci_layout.streams.beneath import Beneath

SAID = "symbolic links|cross-device|ot a directory|No such file"
OUT = {errno.ELOOP, errno.EXDEV, errno.ENOTDIR, errno.ENOENT}


@pytest.fixture(params=[True, False], ids=["openat2", "step by step"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Beneath]:
    """A folder with files, and with links that lead out of it and around in it."""
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    for path in (tmp_path / "secret", root / "x", root / "a/x", root / "a/b/x"):
        path.write_text(path.name)
    (root / "out").symlink_to(tmp_path)
    (root / "up").symlink_to("..")
    (root / "file").symlink_to("x")
    (root / "a/in").symlink_to("b")
    with Beneath(str(root)) as opened:
        opened._one_call = request.param
        yield opened


@pytest.mark.parametrize("name", ["x", "a/x", "a/b/x"])
def test_what_is_in_it(name: str, folder: Beneath) -> None:
    fd = folder.open(name)
    try:
        assert os.read(fd, 10) == b"x"
        assert folder.status(name).st_ino == os.fstat(fd).st_ino
    finally:
        os.close(fd)


LEADS_OUT = ["out/secret", "up/secret", "../secret", "a/../../secret", "file", "a/in/x", "x/x", "n"]


@pytest.mark.parametrize("name", LEADS_OUT)
def test_what_is_not(name: str, folder: Beneath) -> None:
    """A link is not followed, wherever it leads."""
    with pytest.raises(OSError, match=SAID) as caught:
        folder.open(name)
    assert caught.value.errno in OUT


@pytest.mark.parametrize("name", ["out", "up", "..", "a/in", "a/../..", "x"])
def test_a_folder_below_is_a_folder_in_it(name: str, folder: Beneath) -> None:
    with pytest.raises(OSError, match=SAID) as caught:
        folder.below(name)
    assert caught.value.errno in OUT


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("a/in", True),
        ("round/b", True),
        ("absolute", True),
        ("up/a/b", True),
        ("out", False),
        ("out/..", False),
        ("loop", False),
        ("a/magic/a", False),
    ],
)
def test_a_folder_as_root(name: str, there: bool, folder: Beneath, tmp_path: Path) -> None:
    """Links lead where they would with the folder as root: never out of it."""
    root = tmp_path / "root"
    (root / "round").symlink_to("a")
    (root / "absolute").symlink_to("/a/b")
    (root / "loop").symlink_to("loop")
    (root / "a/magic").symlink_to("/proc/self/root")
    if there and folder._one_call:
        with folder.rooted(name) as inner:
            os.close(inner.open("x"))
            with pytest.raises(OSError, match=SAID):
                inner.open("../x")
        return
    with pytest.raises(OSError, match=SAID) as caught:
        folder.rooted(name)
    assert caught.value.errno in OUT


def test_a_folder_below_holds_as_well(folder: Beneath) -> None:
    with folder.below("a") as inner:
        os.close(inner.open("b/x"))
        for name in ("../x", "in/x", "..", "b/../../x"):
            with pytest.raises(OSError, match=SAID):
                os.close(inner.open(name))


def test_a_pipe_is_looked_at_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Beneath(str(tmp_path)) as folder:
        folder.status("pipe")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("ask", [Beneath.open, Beneath.below])
def test_nothing_stays_open(ask: Callable[[Beneath, str], object], folder: Beneath) -> None:
    before = open_files()
    for name in LEADS_OUT:
        with pytest.raises(OSError, match=SAID):
            ask(folder, name)
    assert open_files() == before
