"""Words for people, on a terminal and on a page: all from an image is made harmless first."""

from __future__ import annotations

from oci_layout.digest import Digest

_PIECE = 64 << 10  # characters: each is an object of its own while it is escaped


def shown(text: str) -> str:
    """A text without anything a terminal would obey, or a reader be misled by.

    Control characters, bidirectional marks and lone surrogates come out as escapes.
    """
    if text.isprintable():
        return text
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return "".join(map(_escaped, pieces))


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def size_text(size: int) -> str:
    """A size as people read it."""
    if size < 10_000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 1000 or unit == "TB":
            return f"{amount:.1f} {unit}" if amount < 100 else f"{amount:.0f} {unit}"
    raise AssertionError


def short(digest: Digest | str | None) -> str:
    """A digest as people quote it."""
    if digest is None:
        return "not known yet"
    algorithm, _, value = str(digest).partition(":")
    return f"{algorithm}:{value[:12]}"
