"""The types of fields in Go's structs: what the decoder refuses, and what a value comes to.

encoding/json decode.go: null is taken for every type and leaves it at zero; keys of structs match
without case; a value of another type stops the reader.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import attrs

from oci_layout.model.fields import canonical
from oci_layout.model.gojson import Number, fold

ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT", "__slots__": ()})()
Path = tuple[str | int, ...]

_INT64 = 1 << 63


@attrs.frozen(eq=False, repr=False, match_args=False)
class Misread:
    """A value that a reader refuses.

    Args:
        path: keys from the top of the document, as they are spelled there.
        place: the same for people.
        expected: what belongs there.
        repaired: the value in the type that belongs there; None to take it out.
        docker_only: whether Docker alone reads the field.
        docker_takes: whether Docker takes the value all the same.
        escaped: whether the value is right, and refused for how it is spelled.
    """

    path: Path
    place: str
    expected: str
    repaired: Any
    docker_only: bool = False
    docker_takes: bool = False
    escaped: bool = False


@attrs.frozen(eq=False, repr=False, match_args=False)
class At:
    """Where a value stands.

    Args:
        path: keys from the top of the document, as they are spelled there.
        place: the same for people.
        docker_only: whether Docker alone reads it.
        escaped: texts that the document spells with escapes where a time stands.
    """

    path: Path = ()
    place: str = ""
    docker_only: bool = False
    escaped: Collection[str] = frozenset()

    def field(self, key: str, name: str, *, docker_only: bool) -> At:
        """A field of a struct: spelled so, and called so."""
        place = f"{self.place}.{name}" if self.place else name
        docker = self.docker_only or docker_only
        return At((*self.path, key), place, docker, self.escaped)

    def inside(self, step: str | int) -> At:
        """An item of a list, or a value of a map with free keys."""
        shown = step if isinstance(step, int) else repr(step[:60])
        return At((*self.path, step), f"{self.place}[{shown}]", self.docker_only, self.escaped)

    def misread(self, expected: str, repaired: Any, **more: bool) -> Misread:
        """The value that stands here as one that is refused."""
        return Misread(self.path, self.place, expected, repaired, self.docker_only, **more)


class GoType:
    """A type of a field."""

    def misread(self, value: Any, at: At) -> Iterator[Misread]:
        """What of a value is refused; null never is."""
        raise NotImplementedError

    def meaning(self, value: Any) -> Any:
        """What is left of a value once it is read; ABSENT where that is nothing."""
        return plain(value)


def plain(value: Any) -> Any:
    """A field that is read as zero when it is not there, as omitempty writes it."""
    return ABSENT if value in (None, "", [], {}) or value is False or _zero(value) else value


def _zero(value: Any) -> bool:
    return value.is_zero if isinstance(value, Number) else isinstance(value, int) and not value


def unknown(value: Any) -> Any:
    """A field that no struct has is what it is; or one where zero is another thing than nothing."""
    return ABSENT if value is None else value


@attrs.frozen(eq=False, repr=False, match_args=False)
class Scalar(GoType):
    """A text, a number, a boolean, a time.

    Args:
        expected: what belongs there, for people.
        fits: whether a value that is not null is taken.
        coerced: the same value in this type where that is beyond doubt, or None.
        read: what is left of it.
    """

    expected: str
    fits: Callable[[Any], bool]
    coerced: Callable[[Any], Any] = lambda _: None
    read: Callable[[Any], Any] = plain

    def misread(self, value: Any, at: At) -> Iterator[Misread]:
        """The value itself, if it is refused."""
        if value is not None and not self.fits(value):
            yield at.misread(self.expected, self.coerced(value))

    def meaning(self, value: Any) -> Any:
        """What is left of it."""
        return self.read(value)


def whole(value: Any) -> bool:
    """Whether a value is a whole number of 64 bits, written as Go takes one."""
    return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def _text_of(value: Any) -> Any:
    return str(value) if whole(value) else None


TEXT = Scalar("a string", lambda value: isinstance(value, str), _text_of)
FLAG = Scalar("a boolean", lambda value: isinstance(value, bool))
NUMBER = Scalar("a whole number", whole)
POINTER = Scalar("a whole number", whole, read=unknown)
ANY = Scalar("anything", lambda _: True)
EMPTY = Scalar("an object", lambda value: isinstance(value, dict), lambda _: {}, lambda _: {})

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_UNITS |= {"m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]{1,12})(ns|us|µs|μs|ms|s|m|h)")


def _nanoseconds(value: Any) -> Any:
    """What time.ParseDuration makes of a text of whole numbers and units."""
    if not isinstance(value, str) or not re.fullmatch(f"(?:{_PART.pattern}){{1,6}}", value):
        return None
    found = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(value))
    return found if found < _INT64 else None


DURATION = Scalar("a number of nanoseconds", whole, _nanoseconds)

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NO_TIME = "0001-01-01T00:00:00Z"  # a time.Time that was never set


class Time(GoType):
    """An instant (time.Time), as RFC 3339 writes it.

    Go reads the text between the quotes as it stands: an escape in it is no digit and no sign.
    """

    def misread(self, value: Any, at: At) -> Iterator[Misread]:
        """A time that Go does not parse, or spelled with escapes."""
        if value is None:
            return
        if not isinstance(value, str) or not is_time(value):
            yield at.misread("an RFC 3339 time", None)
        elif value in at.escaped:
            yield at.misread("an RFC 3339 time without escapes", value, escaped=True)

    def meaning(self, value: Any) -> Any:
        """The instant in UTC, to the nanosecond."""
        if value in (None, ""):
            return ABSENT
        text = _utc(value) if isinstance(value, str) else None
        return ABSENT if text == _NO_TIME else value if text is None else text


def is_time(text: str) -> bool:
    """Whether Go's time.Parse takes a text for a time: each part within its range."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = map(int, re.split("[-T:]", match[1]))
    offset = match[3][1:].split(":") if match[3] != "Z" else ["0", "0"]
    return (
        1 <= month <= 12
        and 1 <= day <= calendar.monthrange(year or 4, month)[1]  # the year 0 was a leap year, too
        and hour <= 23
        and max(minute, second) <= 59
        and int(offset[0]) <= 24
        and int(offset[1]) <= 60
    )


def second_of(text: str) -> datetime.datetime | None:
    """The second of a time in UTC; None for what is no time, or none of the years 1 to 9999."""
    match = _RFC3339.fullmatch(text)
    if match is None or not is_time(text):
        return None
    try:
        moment = datetime.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
        return moment.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        return None


def _utc(text: str) -> str | None:
    moment, match = second_of(text), _RFC3339.fullmatch(text)
    if moment is None or match is None:
        return None
    fraction = (match[2] or "")[:9].rstrip("0")  # Go keeps nanoseconds
    return moment.strftime(f"{moment.year:04}-%m-%dT%H:%M:%S") + (fraction and f".{fraction}") + "Z"


TIME = Time()


@attrs.frozen(eq=False, repr=False, match_args=False)
class ListOf(GoType):
    """A list.

    Args:
        item: the type of each item.
        items: what they are called together.
        or_text: whether Docker takes one text for a list of one (moby strslice.go).
        from_text: whether one text that stands there can only mean a list of one.
    """

    item: GoType
    items: str
    or_text: bool = False
    from_text: bool = False

    def misread(self, value: Any, at: At) -> Iterator[Misread]:
        """What is no list, and items that are refused."""
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.item.misread(item, at.inside(number))
        elif value is not None:
            text = isinstance(value, str)
            yield at.misread(
                f"a list of {self.items}",
                [value] if text and self.from_text else None,
                docker_takes=text and self.or_text,
            )

    def meaning(self, value: Any) -> Any:
        """The items; an empty list is none."""
        if not isinstance(value, list):
            return plain(value)
        if isinstance(self.item, Scalar):
            return plain(value)
        items = [self.item.meaning(item) for item in value]
        return [{} if item is ABSENT else item for item in items] or ABSENT


@attrs.frozen(eq=False, repr=False, match_args=False)
class MapOf(GoType):
    """An object with free keys.

    Args:
        item: the type of each value.
        items: what they are called together; empty for a set, of which the keys count alone.
        zero: what a null among them is read as.
    """

    item: GoType
    items: str
    zero: Any

    def misread(self, value: Any, at: At) -> Iterator[Misread]:
        """What is no object, and values that are refused."""
        if isinstance(value, dict):
            for key, item in value.items():
                yield from self.item.misread(item, at.inside(key))
        elif value is not None:
            listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
            repaired = dict.fromkeys(value, self.zero) if listed and not self.items else None
            yield at.misread(f"an object of {self.items}" if self.items else "an object", repaired)

    def meaning(self, value: Any) -> Any:
        """The keys with what is left of their values."""
        if not isinstance(value, dict):
            return plain(value)
        if not self.items:
            return dict.fromkeys(value, self.zero) or ABSENT
        return {key: self.zero if item is None else item for key, item in value.items()} or ABSENT


TEXTS = ListOf(TEXT, "strings", from_text=True)
ARGUMENTS = ListOf(TEXT, "strings", or_text=True, from_text=True)
TEXT_MAP = MapOf(TEXT, "strings", "")
SET = MapOf(EMPTY, "", {})


@attrs.frozen(eq=False, repr=False, match_args=False)
class Struct(GoType):
    """An object of known fields; others are passed over.

    Args:
        fields: what image-spec defines.
        docker: what Docker alone reads besides.
    """

    fields: Mapping[str, GoType]
    docker: Mapping[str, GoType] = attrs.field(factory=dict)
    every: Mapping[str, GoType] = attrs.field(init=False)
    names: frozenset[str] = attrs.field(init=False)
    _folded: Mapping[str, str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        every = {**self.fields, **self.docker}
        object.__setattr__(self, "every", every)
        object.__setattr__(self, "names", frozenset(every))
        object.__setattr__(self, "_folded", {fold(name): name for name in every})

    def misread(self, value: Any, at: At) -> Iterator[Misread]:
        """What is no object, and fields that are refused."""
        if not isinstance(value, dict):
            if value is not None:
                yield at.misread("an object", None)
            return
        known = canonical(value, self.names)
        spelled: dict[str, str] = {}
        if known is not value:
            spelled = {self._folded.get(fold(key), key): key for key in value}
        for name, item in known.items():
            kind = self.every.get(name)
            if kind is None or (isinstance(kind, Scalar) and (item is None or kind.fits(item))):
                continue
            field = at.field(spelled.get(name, name), name, docker_only=name in self.docker)
            yield from kind.misread(item, field)

    def meaning(self, value: Any) -> Any:
        """The fields under their names, without those that come to nothing."""
        if not isinstance(value, dict):
            return plain(value)
        result: dict[str, Any] = {}
        for key, item in value.items():
            name = self._folded.get(fold(key))
            meant = unknown(item) if name is None else self.every[name].meaning(item)
            if meant is not ABSENT:
                result[name or key] = meant
        return result or ABSENT
