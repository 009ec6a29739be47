"""The merged file system as a treemap's data: large files by name, small ones summed up."""

from __future__ import annotations

import json
from typing import Any

from oci_layout.rootfs.usage import FileNode
from oci_layout.wording import shown

_NAME = 80  # characters of a name
_DEEPEST = 64  # folders in folders: what reads the page goes into each by calling itself
_NUMBERS = 28  # bytes that one costs beside its name


def size_tree(root: FileNode, budget: int) -> list[Any]:
    """Folders and files, the largest that there is room for.

    Args:
        root: of the file system, summed up.
        budget: bytes of the JSON text of it.

    Returns:
        A folder is ``[name, size, [what is in it], files, files that are summed up, their size]``,
        a file ``[name, size, number of the layer]``.
    """
    kept = _kept(root, budget)
    return _folder("", root, kept)


def _kept(root: FileNode, budget: int) -> set[int]:
    """The nodes that are told by name: none whose folder is not."""
    found: list[tuple[int, int, int, FileNode, str]] = []
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        for name, child in (folder.children or {}).items():
            if not child.size:
                continue
            found.append((-child.size, depth, len(found), child, name))
            if child.folder and depth < _DEEPEST:
                waiting.append((child, depth + 1))
    kept: set[int] = set()
    for _, _, _, node, name in sorted(found, key=lambda each: each[:3]):
        budget -= len(json.dumps(_named(name))) + _NUMBERS
        if budget < 0:
            break
        kept.add(id(node))
    return kept


def _named(name: str) -> str:
    told = shown(name[:_NAME])
    return told if len(name) <= _NAME else f"{told}…"


def _folder(name: str, node: FileNode, kept: set[int]) -> list[Any]:
    inside: list[Any] = []
    rest = rest_size = 0
    children = sorted((node.children or {}).items(), key=lambda each: (-each[1].size, each[0]))
    for below, child in children:
        if id(child) not in kept:
            rest += child.files
            rest_size += child.size
        elif child.folder:
            inside.append(_folder(below, child, kept))
        else:
            inside.append([_named(below), child.size, child.layer])
    return [_named(name), node.size, inside, node.files, rest, rest_size]
