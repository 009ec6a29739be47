"""The files of an image on a page: a treemap, the largest, and what later layers hide or repeat."""

from __future__ import annotations

import heapq

from oci_layout.counting import plural
from oci_layout.page.markup import Markup, bar, code, data, first, join, number, size, table, tag
from oci_layout.page.sizes import size_tree
from oci_layout.rootfs.usage import FileNode, Usage, walk_files

_LARGEST = 100
_REPEATED = 100
_FOLDERS = 30


def files_part(usage: Usage | str, at: int, budget: int) -> Markup:
    """What is known of the files of an image.

    Args:
        usage: what its layers take, or why nobody knows.
        at: number of the image on the page.
        budget: bytes that the treemap may take.
    """
    if isinstance(usage, str):
        return join([tag("h3", "Files"), tag("p", usage, class_="bad")])
    return join(
        [
            tag("h3", "Files"),
            _sums(usage),
            _treemap(usage, at, budget),
            _folders(usage.root),
            _largest(usage.root),
            _repeated(usage),
        ]
    )


def _sums(usage: Usage) -> Markup:
    root, all_bytes = usage.root, usage.bytes
    seen = 100 * (all_bytes - usage.hidden) / all_bytes if all_bytes else 100.0
    lines = [
        tag("b", plural(root.files, "file")),
        ", ",
        tag("b", size(root.size)),
        ", as a container sees them. The layers hold ",
        size(all_bytes),
        f", of which {seen:.1f} % are seen in the end; ",
        size(usage.hidden),
        " are hidden or removed by later layers.",
    ]
    return tag("p", *lines)


def _treemap(usage: Usage, at: int, budget: int) -> Markup:
    """Empty until the script fills it, and not there without one."""
    if not usage.root.size:
        return Markup("")
    name = f"files-{at}"
    return join(
        [
            tag("div", class_="treemap", data_from=name, hidden=True),
            data(size_tree(usage.root, budget), name),
        ]
    )


def _folders(root: FileNode) -> Markup:
    """The largest folders of the two uppermost floors."""
    found = []
    for name, node in (root.children or {}).items():
        if node.folder:
            found.append((node, f"/{name}"))
            inside = (node.children or {}).items()
            found += [(child, f"/{name}/{below}") for below, child in inside if child.folder]
    best = heapq.nlargest(_FOLDERS, found, key=lambda each: each[0].size)
    best = [each for each in best if each[0].size]
    if not best:
        return Markup("")
    rows = [
        [
            code(f"{path}/"),
            number(node.size, size(node.size)),
            bar(node.size, root.size),
            number(node.files),
        ]
        for node, path in best
    ]
    head = [("folder", "path"), ("size", "num"), ("", "bars"), ("files", "num")]
    summary = tag("summary", "Largest folders")
    return tag("details", summary, table(head, rows, caption="largest folders", find="folders"))


def _largest(root: FileNode) -> Markup:
    found = ((node, path) for node, path in walk_files(root) if not node.folder and node.size)
    best = heapq.nlargest(_LARGEST, found, key=lambda each: each[0].size)
    if not best:
        return tag("p", "no file has a byte")
    most = best[0][0].size
    rows = [
        [
            code(f"/{path}"),
            number(node.size, size(node.size)),
            bar(node.size, most),
            number(node.layer),
        ]
        for node, path in best
    ]
    head = [("file", "path"), ("size", "num"), ("", "bars"), ("layer", "num")]
    summary = tag("summary", f"Largest files ({len(best)})")
    inside = table(head, rows, caption="largest files", find="files")
    return tag("details", summary, inside, open=True)


def _repeated(usage: Usage) -> Markup:
    title = "Hidden or repeated by later layers"
    if not usage.repeated:
        return tag("p", "No layer hides or repeats a file of another.")
    most = usage.repeated[0].bytes
    shown, _ = first(usage.repeated, _REPEATED, "path")
    rows = [
        [
            code(f"/{each.path}"),
            number(each.bytes, size(each.bytes)),
            bar(each.bytes, most, "waste"),
            number(each.layers),
            "removed" if each.removed else "replaced",
        ]
        for each in shown
    ]
    left = usage.repeats - len(shown)
    more = tag("p", f"and {plural(left, 'more path')}", class_="dim") if left > 0 else ""
    told = tag(
        "p",
        size(usage.wasted),
        f" in {plural(usage.repeats, 'path')}: all versions of what stands in several layers or is "
        "removed, which is how dive counts wasted bytes.",
    )
    head = [("path", "path"), ("all versions", "num"), ("", "bars"), ("layers", "num"), ("", "")]
    inside = table(head, rows, caption=title.lower(), find="paths")
    return tag(
        "details", tag("summary", f"{title} ({usage.repeats:,})"), told, inside, more, open=True
    )
