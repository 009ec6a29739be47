"""Names that somebody may have meant who wrote another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from oci_layout.graph.nodes import Root
from oci_layout.reference import InvalidReferenceError, Reference

_LOOKED_AT = 2_000  # names: a guess is not worth more
_GUESSES = 3
_CLOSE = 0.75  # difflib's ratio; a letter of a short name that is wrong, left out or too many


def meant(text: str, roots: Sequence[Root]) -> list[str]:
    """Names of some roots that are close to a text, the closest first; few, and often none.

    Args:
        text: that names none of them.
        roots: of the source.
    """
    import difflib  # noqa: PLC0415  nothing else needs it at the start

    names: dict[str, str] = {}
    for name in islice((name for root in roots for name in root.names), _LOOKED_AT):
        whole = str(name)
        last = whole.rpartition("/")[2]
        for spelling in (whole, name.text, last):
            names.setdefault(spelling.lower(), whole)
    typed = _familiar(text)
    close = [
        each
        for spelling in dict.fromkeys((typed, typed.rpartition("/")[2]))
        for each in difflib.get_close_matches(spelling, names, _GUESSES, _CLOSE)
    ]
    return list(dict.fromkeys(names[spelling] for spelling in close))[:_GUESSES]


def _familiar(text: str) -> str:
    try:
        return Reference.parse(text.lower(), default_tag="").familiar
    except InvalidReferenceError:
        return text.lower()
