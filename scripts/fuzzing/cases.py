"""What a verb is run on, and the file that a crash is kept in."""

from __future__ import annotations

import base64
import json
import os
import shutil
from typing import Any

import attrs

Content = bytes | dict[str, bytes]  # an archive, or the files of a folder


@attrs.frozen(kw_only=True)
class Case:
    """Sources and options.

    Args:
        options: of the call, and of the loop.
        sources: an archive each, or the files of a folder.
    """

    options: dict[str, Any]
    sources: tuple[Content, ...]

    def encode(self) -> bytes:
        """As a file."""
        sources = [
            {"archive": _text(each)}
            if isinstance(each, bytes)
            else {"folder": {name: _text(data) for name, data in each.items()}}
            for each in self.sources
        ]
        return json.dumps({"options": self.options, "sources": sources}, indent=1).encode()

    @classmethod
    def decode(cls, data: bytes) -> Case:
        """From such a file."""
        value = json.loads(data)
        sources = tuple(
            base64.b64decode(each["archive"])
            if "archive" in each
            else {name: base64.b64decode(text) for name, text in each["folder"].items()}
            for each in value["sources"]
        )
        return cls(options=value["options"], sources=sources)

    def write(self, room: str) -> list[str]:
        """Put the sources into a folder; their paths."""
        paths = []
        for number, each in enumerate(self.sources):
            path = os.path.join(room, f"{'ab'[number]}{'.tar' if isinstance(each, bytes) else ''}")
            write(each, path)
            paths.append(path)
        return paths


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write(content: Content, path: str) -> None:
    """An archive or a folder at a path; what is no name of a file is left out."""
    if isinstance(content, bytes):
        _put(path, content)
        return
    made = set()
    for name, data in content.items():
        file = os.path.normpath(os.path.join(path, name.replace("\0", "")))
        if not file.startswith(path + os.sep):
            continue
        folder = os.path.dirname(file)
        try:
            if folder not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            _put(file, data)
        except OSError:
            continue


def _put(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def clear(room: str) -> None:
    """Empty a folder."""
    with os.scandir(room) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
