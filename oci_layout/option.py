"""Options of a verb, each declared once: as a field of the verb's request.

A request is an attrs class. Python makes one of keywords, the command line of its arguments
(``cli/options.py`` reads the metadata), so a new option is a new field and who acts on it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import attrs

from oci_layout.errors import UsageError
from oci_layout.platform import Platform
from oci_layout.pythons import StrEnum
from oci_layout.reference import InvalidReferenceError, Reference

_META = "option"
_Word = TypeVar("_Word", bound=StrEnum)


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Option:
    """How a field is asked for on the command line.

    Args:
        help: one line.
        kind: ``bool``, ``str``, ``int`` or an enum of words.
        flags: as ``--image``; empty for the name of the field.
        metavar: what stands for the value.
        many: whether it may be given again and again.
        least: of a number.
        most: of a number.
        offered: words that may be said, for whoever completes the command line; others may be, too.
        between: what stands between several values in one word; empty for one value a word.
    """

    help: str
    kind: type
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    many: bool = False
    least: int | None = None
    most: int | None = None
    offered: tuple[str, ...] = ()
    between: str = ""


def option_of(field: attrs.Attribute[Any]) -> Option | None:
    """How a field is asked for; None for one that only Python has."""
    found = field.metadata.get(_META)
    return found if isinstance(found, Option) else None


def _field(default: Any, option: Option, read: Callable[[Any], Any] | None = None) -> Any:
    return attrs.field(default=default, metadata={_META: option}, converter=read)


def flag(help: str, *, name: str = "") -> Any:
    """A field that is on or off."""
    return _field(False, Option(help=help, kind=bool, flags=(name,) if name else ()))


REQUIRED: Any = attrs.NOTHING


def word(words: type[_Word], default: Any, help: str, *flags: str) -> Any:
    """A field that is one of some words.

    Args:
        words: all there are.
        default: the usual one; None where nothing is usual, ``REQUIRED`` where one must be given.
        help: one line.
        flags: other than the name of the field.
    """

    def read(value: object) -> _Word | None:
        if value is None and default is None:
            return None
        try:
            return words(str(value).lower())
        except ValueError:
            raise UsageError(
                what=f"{value!r} is none of {', '.join(words)}", hint="choose one of them"
            ) from None

    return _field(default, Option(help=help, kind=words, flags=flags), read)


def words(kind: type[_Word], help: str, metavar: str, *flags: str) -> Any:
    """A field of any number of some words, with commas between.

    Args:
        kind: all there are.
        help: one line; ``{}`` stands for them.
        metavar: what stands for the value.
        flags: other than the name of the field.
    """

    def read(value: Any) -> tuple[_Word, ...]:
        asked = [part.strip() for each in _texts(value) for part in each.split(",")]
        unknown = [each for each in asked if each.lower() not in tuple(kind)]
        if unknown:
            raise UsageError(
                what=f"{unknown[0]!r} is none of {', '.join(kind)}", hint="choose some of them"
            )
        return tuple(dict.fromkeys(kind(each.lower()) for each in asked))

    option = Option(
        help=help.format(", ".join(kind)),
        kind=str,
        flags=flags,
        metavar=metavar,
        many=True,
        offered=tuple(kind),
        between=",",
    )
    return _field((), option, read)


def texts(help: str, metavar: str, *flags: str, between: str = "") -> Any:
    """A field of any number of texts; a single one may stand alone.

    Args:
        help: one line.
        metavar: what stands for the value.
        flags: other than the name of the field.
        between: what may stand between several in one text; empty for nothing.
    """

    def read(value: Any) -> tuple[str, ...]:
        every = _texts(value)
        if not between:
            return every
        return tuple(part.strip() for each in every for part in each.split(between))

    option = Option(help=help, kind=str, flags=flags, metavar=metavar, many=True, between=between)
    return _field((), option, read)


def text(
    help: str,
    metavar: str,
    *flags: str,
    default: Any = None,
    read: Callable[[Any], Any] | None = None,
    offered: Sequence[str] = (),
) -> Any:
    """A field of one text.

    Args:
        help: one line.
        metavar: what stands for the value.
        flags: other than the name of the field.
        default: None for nothing.
        read: makes of the text what it means.
        offered: texts that may be said; others may be, too.
    """
    option = Option(help=help, kind=str, flags=flags, metavar=metavar, offered=tuple(offered))
    return _field(default, option, read or _path)


def count(
    help: str,
    *,
    default: int | None = None,
    least: int = 1,
    most: int | None = None,
) -> Any:
    """A field of a whole number.

    Args:
        help: one line.
        default: None for what is usual.
        least: the smallest.
        most: the largest.
    """

    def read(value: object) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or value < least or (most is not None and value > most):
            raise UsageError(what=f"{value!r} is no number from {least} on")
        return value

    option = Option(help=help, kind=int, metavar="N", least=least, most=most)
    return _field(default, option, read)


def size(help: str) -> Any:
    """A field of a size: bytes, or a text such as ``8G``."""
    return _field(None, Option(help=help, kind=str, metavar="SIZE"), _size)


def age(help: str, *, default: str) -> Any:
    """A field of a span of time: seconds, or a text such as ``90m``."""
    return _field(default, Option(help=help, kind=str, metavar="AGE"), _age)


def platforms(help: str) -> Any:
    """A field of platforms; none, and ``all``, for every platform."""
    option = Option(help=help, kind=str, flags=("--platform",), metavar="OS/ARCH", many=True)
    return _field((), option, _platforms)


def _path(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return path_text(value)
    raise UsageError(what=f"{value!r} is no text")


def path_text(value: str | os.PathLike[str]) -> str:
    """A path as text."""
    return os.fspath(value)


def _texts(
    value: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None,
) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str | os.PathLike):
        return (path_text(value),)
    return tuple(path_text(each) for each in value)


def _platforms(value: Any) -> tuple[Platform, ...]:
    every: list[Any] = [value] if isinstance(value, Platform | str) else list(value or ())
    found = []
    for each in every:
        if each == "all":
            return ()
        try:
            found.append(each if isinstance(each, Platform) else Platform.parse(each))
        except ValueError as error:
            raise UsageError(what=f"platform: {error}") from error
    return tuple(found)


def one_platform(value: Any) -> Platform | None:
    """A platform, or None where none is asked for.

    Raises:
        UsageError: it is no platform.
    """
    found = _platforms(value)
    return found[0] if found else None


def _size(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise UsageError(what=f"{value} is no number of bytes")
        return value
    return size_of(str(value))


def size_of(text: str) -> int:
    """The bytes that a size as people write it comes to: ``64M``, ``8G``, ``1T``, powers of 1024.

    Raises:
        UsageError: not a size.
    """
    match = re.fullmatch(r"([0-9]{1,12})([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None or not int(match[1]):
        raise UsageError(what=f"{text!r} is not a size", hint="such as 20G")
    return int(match[1]) << 10 * " KMGT".index(match[2].upper() or " ")


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def _age(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", str(value))
    if match is None:
        raise UsageError(what=f"{value!r} is no span of time", hint="such as 90s, 10m, 2h, 7d")
    return float(int(match[1]) * _SECONDS[match[2]])


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Spooling:
    """What every verb may be asked."""

    tmp: str | None = text("Directory for temporary files.", "DIR")


def _host(value: Any) -> str | None:
    if value is None:
        return None
    try:
        named = Reference.parse(f"{value}/name").domain
    except InvalidReferenceError:
        named = ""
    if named != value:
        raise UsageError(
            what=f"--registry-host: {value!r} is no host", hint="such as a.example:5000"
        )
    return named


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Completing(Spooling):
    """What verbs may be asked that read a source which may lack something."""

    bases: Sequence[str] = texts(
        "Take what SOURCE lacks from there; repeatable.", "SOURCE", "--base"
    )
    registry_host: str | None = text(
        "Put HOST before the names in a registry's storage.", "HOST", read=_host
    )
    namespace: str | None = text("Read this namespace of containerd's store.", "NAME")


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Working(Completing):
    """What verbs may be asked that read blobs."""

    jobs: int | None = count("Cores to use; all by default.")
