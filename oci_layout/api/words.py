"""What the calls have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from oci_layout.errors import UsageError

_Request = TypeVar("_Request", bound=attrs.AttrsInstance)


@attrs.frozen(kw_only=True)
class Progress:
    """Told how far the work is.

    Args:
        start: called once with all bytes to read.
        advance: called with bytes read, from any thread.
    """

    start: Callable[[int], None]
    advance: Callable[[int], None]


def made(kind: type[_Request], request: _Request | None, options: dict[str, Any]) -> _Request:
    """The request, or one made of keywords.

    Raises:
        UsageError: both, or a keyword that the verb does not know.
    """
    if request is not None:
        if not isinstance(request, kind):
            raise UsageError(
                what=f"{request!r} is no {kind.__name__}", hint="name it: option=value"
            )
        if options:
            raise UsageError(what="either a request or keywords, not both")
        return request
    known = {field.name for field in attrs.fields(kind)}
    unknown = sorted(options.keys() - known)
    if unknown:
        verb = kind.__name__.lower()
        raise UsageError(
            what=f"{verb} has no option {unknown[0]!r}", hint=f"it has {', '.join(sorted(known))}"
        )
    missing = [
        field.name
        for field in attrs.fields(kind)
        if field.default is attrs.NOTHING and field.name not in options
    ]
    if missing:
        raise UsageError(what=f"{missing[0]} is missing: say what is wanted")
    return kind(**options)
