"""What the calls have in common."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from oci_layout.errors import UsageError
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class Progress:
    """Told how far the work is.

    Args:
        start: called once with all bytes to read.
        advance: called with bytes read, from any thread.
    """

    start: Callable[[int], None]
    advance: Callable[[int], None]


def parse_platforms(texts: tuple[Platform | str, ...]) -> tuple[Platform, ...]:
    """Read the values of ``--platform``; none, or ``all``, for every platform.

    Raises:
        UsageError: one is no platform.
    """
    result = []
    for text in texts:
        if text == "all":
            return ()
        try:
            result.append(text if isinstance(text, Platform) else Platform.parse(text))
        except ValueError as error:
            raise UsageError(what=f"--platform: {error}") from error
    return tuple(result)


def one_of(option: str, value: str, words: tuple[str, ...]) -> str:
    """The value, if it is one of some words.

    Raises:
        UsageError: it is not.
    """
    if value not in words:
        raise UsageError(what=f"{option} is one of {', '.join(words)}, not {value!r}")
    return value
