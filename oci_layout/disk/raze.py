"""Removes a folder with all that is in it: one of ours, of this run or of one that was killed.

No link is followed, no other file system is entered, and the depth costs nothing: what is deep is
first renamed to the top.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat

_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = {errno.ENOTEMPTY, errno.EEXIST}


def raze(parent: int, name: str) -> bool:
    """Remove what has a name; True when it is gone.

    Args:
        parent: descriptor of the folder that it is in.
        name: of a folder that belongs to us with all that is in it, or of a file.
    """
    try:
        top = _entered(parent, name)
        if top is None:
            return True
        try:
            while names := os.listdir(top):
                for each in names:
                    _flatten(top, each)
        finally:
            os.close(top)
        os.rmdir(name, dir_fd=parent)
    except OSError:
        return False
    return True


def _entered(parent: int, name: str) -> int | None:
    """A descriptor of a folder; None for what was none, and is gone now."""
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=parent)
        return None
    if found.st_dev != os.fstat(parent).st_dev:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
    if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        with contextlib.suppress(OSError):
            os.chmod(name, stat.S_IRWXU, dir_fd=parent)
    return os.open(name, _ENTER, dir_fd=parent)


def _flatten(top: int, name: str) -> None:
    """Remove a folder at the top; folders in it that are not empty come to the top themselves."""
    folder = _entered(top, name)
    if folder is None:
        return
    try:
        for each in os.listdir(folder):
            inner = _entered(folder, each)
            if inner is None:
                continue
            os.close(inner)
            try:
                os.rmdir(each, dir_fd=folder)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                os.rename(each, f".{secrets.token_hex(16)}", src_dir_fd=folder, dst_dir_fd=top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
