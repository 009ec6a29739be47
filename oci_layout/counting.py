"""Numbers of things, as people say them."""

from __future__ import annotations


def plural(number: int, word: str) -> str:
    """A number and what is counted: ``1 entry``, ``2 entries``.

    Args:
        number: how many.
        word: of one of them; its last word is the one that changes.
    """
    if number == 1:
        return f"1 {word}"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{number} {word[:-1]}ies"
    return f"{number} {word}{'es' if word.endswith(('s', 'x', 'ch', 'sh')) else 's'}"
