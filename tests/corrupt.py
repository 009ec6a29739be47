"""Named corruptions: each takes the files of a layout, or bytes, and damages one thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builders import go_json, hex_of, sha256, write_files
from tests.independent import read_files

Files = dict[str, bytes]


def blob(digest: str) -> str:
    """Give the name of a blob in a layout."""
    return f"blobs/sha256/{hex_of(digest)}"


def flip_byte(data: bytes, at: int = -1) -> bytes:
    """Change one byte; the last by default."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def flip_blob(files: Files, digest: str, at: int = -1) -> None:
    """Change one byte of a blob."""
    files[blob(digest)] = flip_byte(files[blob(digest)], at)


def drop_blob(files: Files, digest: str) -> None:
    """Leave a blob out."""
    del files[blob(digest)]


def cut_blob(files: Files, digest: str, size: int = 1) -> None:
    """Take bytes off the end of a blob."""
    files[blob(digest)] = files[blob(digest)][:-size]


def dup_key(data: bytes, key: str) -> bytes:
    """Let a key stand twice in the outermost object, with another value."""
    assert data.startswith(b"{")
    return b"{" + json.dumps(key).encode() + b":0," + data[1:]


def bom(data: bytes) -> bytes:
    """Put a byte order mark first."""
    return b"\xef\xbb\xbf" + data


def trailing(data: bytes) -> bytes:
    """Let something follow a JSON document."""
    return data + b"{}"


def edit_index(files: Files, change: Callable[[dict[str, Any]], object]) -> None:
    """Change `index.json` as a document."""
    value = json.loads(files["index.json"])
    change(value)
    files["index.json"] = go_json(value)


def edit_document(files: Files, digest: str, change: Callable[[dict[str, Any]], object]) -> str:
    """Change a manifest, index or config, and every document that refers to it; its new digest."""
    value = json.loads(files.pop(blob(digest)))
    change(value)
    raw = go_json(value)
    new = sha256(raw)
    files[blob(new)] = raw
    repoint(files, digest, new, len(raw))
    return new


def repoint(files: Files, old: str, new: str, size: int) -> None:
    """Let every document that refers to a blob refer to another, and who refers to them follow."""
    for name in list(files):
        raw = files.get(name, b"")
        if old.encode() not in raw or not raw.startswith(b"{"):
            continue
        value = json.loads(raw)
        for entry in [value.get("config"), *value.get("layers", []), *value.get("manifests", [])]:
            if isinstance(entry, dict) and entry.get("digest") == old:
                entry["digest"], entry["size"] = new, size
        changed = go_json(value)
        if not name.startswith("blobs/"):
            files[name] = changed
        elif changed != raw:
            del files[name]
            files[blob(sha256(changed))] = changed
            before = "sha256:" + name.rpartition("/")[2]
            repoint(files, before, sha256(changed), len(changed))


def damaged(layout: Path, dest: Path, change: Callable[[Files], object]) -> Path:
    """Write a layout directory again, damaged."""
    files = read_files(layout)
    change(files)
    return write_files(files, dest)
