"""What the calls have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import attrs

from oci_layout.errors import UsageError
from oci_layout.graph.selection import Choice
from oci_layout.option import path_text
from oci_layout.platform import Platform
from oci_layout.source.spool import Watch
from oci_layout.source.transports import located
from oci_layout.where import Where


class _HasImages(attrs.AttrsInstance, Protocol):
    @property
    def images(self) -> Sequence[str]: ...


_Choosing = TypeVar("_Choosing", bound=_HasImages)
_Request = TypeVar("_Request", bound=attrs.AttrsInstance)


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Progress:
    """Told how far the work is.

    Args:
        start: called once with all bytes to read.
        advance: called with bytes read, from any thread.
        spool: called before that where a pipe or a compressed archive is first written to a
            temporary file: with the source, the directory, and the bytes to read, 0 where nobody
            knows. Bytes that are read for it go to ``advance``. None to be told nothing of it.
    """

    start: Callable[[int], None]
    advance: Callable[[int], None]
    spool: Callable[[str, str, int], None] | None = None


def watch_of(progress: Progress | None) -> Watch | None:
    """What is told of spooling."""
    if progress is None or progress.spool is None:
        return None
    return Watch(begin=progress.spool, advance=progress.advance)


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


def chosen_at(source: str | os.PathLike[str], request: _Choosing) -> tuple[str, _Choosing]:
    """The path of a source, and the request with the image that its name may choose.

    Args:
        source: as the caller named it, with the prefix of a transport or without.
        request: what is asked for.

    Raises:
        UsageError: it names what is not on disk.
    """
    where = located(path_text(source))
    if not where.image:
        return where.path, request
    fields: Any = request
    chosen: _Choosing = attrs.evolve(fields, images=(*request.images, where.image))
    return where.path, chosen


class _HasPlatforms(_HasImages, Protocol):
    @property
    def platforms(self) -> Sequence[Platform | str]: ...


def choice_of(asked: _HasPlatforms) -> Choice:
    """What a request takes of a source."""
    platforms = tuple(each for each in asked.platforms if isinstance(each, Platform))
    return Choice(images=tuple(asked.images), platforms=platforms)


def path_at(source: str | os.PathLike[str]) -> str:
    """The path of a source that is taken whole.

    Raises:
        UsageError: its name chooses an image, or is not that of a file.
    """
    where = located(path_text(source))
    if where.image:
        raise UsageError(
            what=f"{where.path} is looked at as a whole", hint=f"leave :{where.image} out"
        )
    return where.path


def read_named(path: str, limit: int) -> bytes:
    """A file that an option names.

    Args:
        path: of it.
        limit: bytes it may have.

    Raises:
        UsageError: it cannot be read, or is larger.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(what=error.strerror or str(error), where=Where(file=path)) from error
    if len(data) > limit:
        raise UsageError(what=f"has more than {limit >> 20} MiB", where=Where(file=path))
    return data
