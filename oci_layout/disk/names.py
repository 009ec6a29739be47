"""Names that the user gives, and names of what is not whole yet."""

from __future__ import annotations

import hashlib
import os
import re
import secrets

from oci_layout.errors import UsageError
from oci_layout.model import dockersave, layout, registry

_RANDOM = r"\.layout-([0-9a-f]{8})(-old)?\.tmp"
_LONGEST = len(".") + len(".layout-00000000-old.tmp")
_HASH = 16  # hex digits that tell shortened names apart
OLD_INDEX = ".index.json.layout.tmp"  # versions before 0.2 left it in a layout

_FILES = re.compile(r"[0-9a-f]{64,128}(\.manifest\.json)?|\.[0-9]+\.tmp|version")
_NAMED = {layout.MARKER, layout.INDEX, dockersave.MANIFEST, OLD_INDEX}


def require_path(option: str, path: str | None) -> None:
    """Refuse a value that names nothing, such as a variable of a script that is not set.

    Raises:
        UsageError: it is empty, or no system has such a path.
    """
    if path is not None and (not path or "\0" in path):
        raise UsageError(
            what=f"{option}: {'an empty name' if not path else 'a name with a NUL'}",
            hint="is a variable unset?" if not path else "",
        )


def require_name(option: str, path: str) -> None:
    """Refuse what names no file or folder that could be made or replaced.

    Raises:
        UsageError: empty, ``.``, ``..``, ``/`` and whatever ends in one of them.
    """
    require_path(option, path)
    if path.rstrip("/").rpartition("/")[2] in ("", ".", ".."):
        raise UsageError(
            what=f"{option} {path}: names a place, not a file or folder to be written",
            hint="give a name of its own",
        )


def stem(name: str, longest: int) -> str:
    """How the temporary names for a destination begin.

    Args:
        name: of the destination, without its folder.
        longest: bytes that a name may have.
    """
    raw = os.fsencode(name)
    room = longest - _LONGEST
    if len(raw) > room:
        kept = raw[: room - _HASH - 1]
        while kept and (raw[len(kept)] & 0xC0) == 0x80:  # never half a letter
            kept = kept[:-1]
        raw = kept + b"~" + hashlib.sha256(raw).hexdigest()[:_HASH].encode()
    return "." + os.fsdecode(raw)


def temporary(begin: str) -> str:
    """A new temporary name."""
    return f"{begin}.layout-{secrets.token_hex(4)}.tmp"


def old_of(name: str) -> str:
    """The name of what a temporary one takes the place of, between two renames."""
    return f"{name.removesuffix('.tmp')}-old.tmp"


def new_of(name: str) -> str:
    """The temporary name of what was to take the place of an old one."""
    return f"{name.removesuffix('-old.tmp')}.tmp"


def leftovers(begin: str, names: list[str]) -> tuple[list[str], list[str]]:
    """Temporary names of a destination: those of old ones, and of new ones."""
    found: tuple[list[str], list[str]] = [], []
    pattern = re.compile(re.escape(begin) + _RANDOM, re.DOTALL)
    for name in names:
        match = pattern.fullmatch(name)
        if match is not None:
            found[0 if match[2] else 1].append(name)
    return found


def ours(parts: tuple[str, ...], *, directory: bool) -> bool:
    """Whether something in a folder is what we, or any writer of layouts or registries, put there.

    Args:
        parts: its name, below the names of the folders it is in.
        directory: whether it is a folder.
    """
    if parts[0] == registry.TOP[0]:
        top = parts[: len(registry.TOP)] == registry.TOP[: len(parts)]
        return top and (directory or parts[-1] in registry.FILES)
    if directory:
        return len(parts) <= 2 and parts[0] == "blobs"
    if len(parts) == 3:
        return parts[0] == "blobs" and (parts[2].isalnum() or bool(_FILES.fullmatch(parts[2])))
    return len(parts) == 1 and (parts[0] in _NAMED or bool(_FILES.fullmatch(parts[0])))
