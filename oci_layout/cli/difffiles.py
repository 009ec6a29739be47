"""What ``layout diff`` shows file by file, and of small texts line by line."""

from __future__ import annotations

import time
from collections.abc import Sequence

from oci_layout.cli.cells import clipped, wrapped
from oci_layout.cli.text import short, shown, size_text
from oci_layout.comparison.report import ImagePair
from oci_layout.counting import plural
from oci_layout.filediff.ignoring import Ignored
from oci_layout.filediff.pairing import FileChange
from oci_layout.filediff.report import FilesReport, TextDiff
from oci_layout.limits import TEXT_BYTES
from oci_layout.streams.layerfiles import FileType, LayerFile

_FILES = 60  # files of a layer, or of all, that are shown; --json has more
_LISTS = 150  # layers whose files are shown
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def file_tables(
    pair: ImagePair, ignored: Sequence[Ignored], width: int, *, files: bool, rootfs: bool
) -> list[str]:
    """File by file: layer by layer, and of what a container sees.

    Args:
        pair: two images.
        ignored: what did not count.
        width: columns of the terminal.
        files: whether the files of layers were asked for.
        rootfs: whether those of containers were.
    """
    differ = any(not each.change.same_files for each in pair.layers)
    if not differ:
        return ["", "No layer differs, and so no file."] if files or rootfs else []
    if not files and not rootfs:
        return ["  --files tells which files of each differ, --rootfs what a container sees."]
    lines: list[str] = []
    for each in pair.layer_files[:_LISTS]:
        lines += _table(each, f"Files of {_layers(each)}", ignored, width)
    if len(pair.layer_files) > _LISTS:
        left = plural(len(pair.layer_files) - _LISTS, "more layer")
        lines += ["", f"and the files of {left}; --json has them"]
    if pair.rootfs is not None:
        lines += _table(pair.rootfs, "Files that a container sees", ignored, width)
    return lines


def _layers(report: FilesReport) -> str:
    return " and ".join(
        f"layer {number} of {letter}"
        for letter, number in (("A", report.a), ("B", report.b))
        if number is not None
    )


def _table(report: FilesReport, title: str, ignored: Sequence[Ignored], width: int) -> list[str]:
    counts = ", ".join(
        f"{count} {word}"
        for word, count in (
            ("added", report.added),
            ("removed", report.removed),
            ("changed", report.changed),
            ("the same", report.same),
        )
        if count
    )
    lines = ["", *wrapped(f"{title}: {counts or 'none'}", width, "", "  ")]
    if not report.count:
        lines += wrapped(_same(report, ignored), width, "  ", "  ")
    elif report.reordered:
        lines += wrapped("The files are in another order.", width, "  ", "  ")
    texts = {each.path: each for each in report.texts}
    for each in report.differences[:_FILES]:
        lines += _file(each, width)
        text = texts.get(each.path)
        lines += _text(text, width) if text is not None else []
    left = report.count - len(report.differences[:_FILES])
    if left:
        most = len(report.differences)
        told = f"; --json lists the first {most}" if most > _FILES else ""
        lines.append(f"  and {left} more{told}")
    if report.texts_left_out:
        what = plural(report.texts_left_out, "changed file")
        told = f"{what} of at most {TEXT_BYTES >> 10} KiB not read for the lines that differ"
        lines += wrapped(told, width, "  ", "  ")
    return lines


def _same(report: FilesReport, ignored: Sequence[Ignored]) -> str:
    """What is said where no file differs."""
    words = ", ".join(each for each in ignored if each.of_files)
    but = f" but for what is ignored ({words})" if words else ""
    if report.reordered:
        return f"The files are the same{but}; they are in another order."
    if report.a is None or report.b is None or but:
        return f"The files are the same{but}."
    return "The files are the same; the tars are not: their padding or headers differ."


def _file(each: FileChange, width: int) -> list[str]:
    detail = ""
    a, b = (side.file if side is not None else None for side in (each.a, each.b))
    file = a or b
    if file is not None and each.change != "changed":
        gone = file.whiteout
        kind = f"whiteout of {gone.target}" if gone is not None else _kind(file)
        detail = f"  {kind}" + (f", {size_text(file.size)}" if file.size else "")
    lines = wrapped(shown(f"{_SIGNS[each.change]} {each.path}{detail}"), width, "  ", "      ")
    if a is None or b is None:
        return lines
    for name in each.attributes:
        text = f"{name}: {_attribute(a, name)} in A, {_attribute(b, name)} in B"
        if name == "content" and a.size == b.size:
            text += f", {a.size} bytes in both"
        lines += wrapped(shown(text), width, "      ", "        ")
    return lines


def _kind(file: LayerFile) -> str:
    linked = file.type is FileType.FILE and file.linkname
    return f"hard link to {file.linkname}" if linked else file.type.value


def _text(text: TextDiff, width: int) -> list[str]:
    """The lines that differ, cut at the width of the terminal."""
    lines = [clipped(f"      {shown(each)}", width) for each in text.lines]
    if text.left_out:
        lines.append(f"      and {plural(text.left_out, 'more line')}")
    return lines


def _attribute(file: LayerFile, name: str) -> str:
    value = getattr(file, name)
    if name == "mode":
        return f"{value:04o}"
    if name == "mtime":
        return _moment(value)
    if name == "type":
        return str(value.value)
    if name == "content":
        return short(value) if value is not None else "none"
    if name == "xattrs":
        return ", ".join(key for key, _ in value) or "none"
    if name == "device":
        return "{}:{}".format(*value) if value is not None else "none"
    return str(value) if value != "" else "none"


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    try:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"
    return text + (f".{rest:09}".rstrip("0") if rest else "") + "Z"
