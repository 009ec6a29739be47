"""Small text files line by line, as ``diff -u`` shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from oci_layout import limits
from oci_layout.filediff.aligning import Code, align
from oci_layout.filediff.filelist import ImageFile
from oci_layout.filediff.pairing import FileChange
from oci_layout.filediff.report import FilesReport, Room, TextDiff
from oci_layout.streams.layerfiles import FileType

_CONTEXT = 3  # lines around a change
_NO_END = "\\ No newline at end of file"

# Gives the bytes of some files of one side, by the path that the tar has them under.
Contents = Callable[[Sequence[ImageFile]], Mapping[str, bytes]]


def with_texts(report: FilesReport, room: Room, a: Contents, b: Contents) -> FilesReport:
    """The report with the lines of small text files that differ. They are read for it once more.

    Args:
        report: of two lists.
        room: for all lines.
        a: reads files of the first list.
        b: reads files of the second.

    Raises:
        DamagedError: what reading raises.
    """
    both = [
        (each, each.a, each.b)
        for each in report.differences
        if each.a is not None and each.b is not None and _may_be_text(each)
    ]
    some = both[: limits.TEXT_FILES] if room.lines > 0 else []
    left_out = len(both) - len(some)
    if not both:
        return report
    before = a([one for _, one, _ in some]) if some else {}
    after = b([other for _, _, other in some]) if some else {}
    texts = []
    for number, (each, one, other) in enumerate(some):
        if room.lines <= 0:
            left_out += len(some) - number
            break
        old, new = (_text(data.get(path_of(s))) for s, data in ((one, before), (other, after)))
        if old is not None and new is not None:
            texts.append(_told(each.path, old, new, room))
    return attrs.evolve(report, texts=tuple(texts), texts_left_out=left_out)


def path_of(file: ImageFile) -> str:
    """The path that the tar has the bytes of a file under."""
    return file.bytes_at or file.file.path


def _may_be_text(each: FileChange) -> bool:
    """Whether both are files that are small enough, and their bytes differ."""
    return "content" in each.attributes and all(
        side is not None and side.file.type is FileType.FILE and side.file.size <= limits.TEXT_BYTES
        for side in (each.a, each.b)
    )


def bytes_of(pieces: Iterable[bytes | int]) -> bytes:
    """The bytes of a file that is small, zeros in its holes.

    Args:
        pieces: of it; a number stands for so many zeros.
    """
    return b"".join(bytes(each) if isinstance(each, int) else each for each in pieces)


def _text(data: bytes | None) -> str | None:
    """The text that some bytes are; None for what is none."""
    if data is None or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _told(path: str, old: str, new: str, room: Room) -> TextDiff:
    most = min(limits.TEXT_LINES, room.lines)
    kept: list[str] = []
    left_out = 0
    one, other = _lines(old), _lines(new)
    for line in unified(one, other, align(one, other, rare=True, spend=room.spends)):
        if len(kept) < most:
            kept.append(_cut(line))
        else:
            left_out += 1
    room.lines -= len(kept)
    return TextDiff(path=path, lines=tuple(kept), left_out=left_out)


def _cut(line: str) -> str:
    most = limits.TEXT_LINE_LETTERS
    return line if len(line) <= most else f"{line[:most]}..."


def _lines(text: str) -> list[str]:
    """Lines with their ends, so that a last line without one is another than with."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def unified(a: Sequence[str], b: Sequence[str], codes: Iterable[Code]) -> Iterator[str]:
    """What differs of two texts, each line with its sign, without its end.

    Args:
        a: lines of the first, with their ends.
        b: of the second.
        codes: what becomes of the one on its way to the other.
    """
    for group in _groups(codes):
        first, last = group[0], group[-1]
        yield f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@"
        for kind, a0, a1, b0, b1 in group:
            if kind == "equal":
                yield from _signed(" ", a[a0:a1])
                continue
            yield from _signed("-", a[a0:a1])
            yield from _signed("+", b[b0:b1])


def _signed(sign: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line.removesuffix("\n")
        if not line.endswith("\n"):
            yield _NO_END


def _span(start: int, stop: int) -> str:
    """A stretch of lines as ``diff -u`` counts them."""
    count = stop - start
    if count == 1:
        return f"{start + 1}"
    return f"{start + 1 if count else start},{count}"


def _groups(codes: Iterable[Code]) -> Iterator[list[Code]]:
    """What differs with a few lines around, those that touch together."""
    group: list[Code] = []
    before: Code | None = None
    for code in codes:
        kind, a0, a1, b0, _ = code
        if kind != "equal":
            if not group and before is not None:
                group.append(_end(before))
            group.append(code)
            before = None
            continue
        if group and a1 - a0 > 2 * _CONTEXT:
            group.append(("equal", a0, a0 + _CONTEXT, b0, b0 + _CONTEXT))
            yield group
            group = []
        elif group:
            group.append(code)
            continue
        before = code
    if group:
        yield _trimmed(group)


def _end(code: Code) -> Code:
    kind, a0, a1, b0, b1 = code
    return kind, max(a0, a1 - _CONTEXT), a1, max(b0, b1 - _CONTEXT), b1


def _trimmed(group: list[Code]) -> list[Code]:
    """The last group: what follows it is cut to a few lines."""
    kind, a0, a1, b0, b1 = group[-1]
    if kind == "equal":
        group[-1] = kind, a0, min(a1, a0 + _CONTEXT), b0, min(b1, b0 + _CONTEXT)
    return group
