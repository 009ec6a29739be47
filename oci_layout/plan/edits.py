"""What ``edit`` is asked for, as steps on a config: every value read and checked once.

One rule takes away: ``-`` alone the field, ``KEY-`` one of many.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from oci_layout.errors import DamagedError, UsageError
from oci_layout.finding import FailFast
from oci_layout.model import configedit, jsontext
from oci_layout.model.configedit import Step
from oci_layout.model.gojson import fold
from oci_layout.model.instant import VARIABLE, Instant
from oci_layout.plan.request import Edit
from oci_layout.platform import Platform
from oci_layout.streams.wholefile import whole_file
from oci_layout.where import Where

_AWAY = "-"
_PORT = re.compile(r"(\d{1,5})(?:/(tcp|udp|sctp))?")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_HEALTH = ("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")
_TESTS = ("NONE", "CMD", "CMD-SHELL")
_LONGEST = 1 << 63  # nanoseconds of a duration of Go


@attrs.frozen(kw_only=True)
class Wanted:
    """What is to be edited.

    Args:
        steps: on the config.
        annotations: of the manifest, each with its value; None takes one away, and the key ``-``
            all of them.
        platform: that image and indexes are to state; None to leave it.
        latest: that no time is to be after; None to leave them.
        layers: whether that is said of the files in layers, too.
    """

    steps: tuple[Step, ...] = ()
    annotations: tuple[tuple[str, str | None], ...] = ()
    platform: Platform | None = None
    latest: Instant | None = None
    layers: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.steps or self.annotations)

    @classmethod
    def parse(cls, asked: Edit, environment: Mapping[str, str] = os.environ) -> Wanted:
        """Read all values.

        Args:
            asked: has them.
            environment: may say SOURCE_DATE_EPOCH.

        Raises:
            UsageError: a value is none.
            ReadError: the patch cannot be read.
        """
        _require_unicode(asked)
        latest = _time("--clamp-time", asked.clamp_time, environment)
        if asked.layers and latest is None:
            if VARIABLE not in environment:
                what = "--layers says nothing without a time"
                raise UsageError(what=what, hint="--clamp-time TIME")
            latest = _time("--layers", VARIABLE, environment)
        if latest is not None and latest.nanoseconds:
            raise UsageError(what="--clamp-time is a whole second", hint="leave the fraction out")
        platform = None
        steps: list[Step] = []
        if asked.patch is not None:
            steps.append(configedit.patched(_patch(asked.patch)))
        steps += _fields(asked)
        if asked.platform_of is not None:
            platform = _platform(asked.platform_of)
            steps.append(configedit.runs_on(platform))
        if asked.created == _AWAY:
            steps.append(configedit.top("created", None))
        elif asked.created is not None:
            created = _time("--created", asked.created, environment)
            steps.append(configedit.top("created", str(created)))
        if latest is not None:
            steps.append(configedit.not_after(latest))
        return cls(
            steps=tuple(steps),
            annotations=tuple(_pairs("--annotation", asked.annotations)),
            platform=platform,
            latest=latest,
            layers=asked.layers,
        )


def _require_unicode(asked: Edit) -> None:
    """Refuse bytes of the command line that are no text: JSON cannot hold them."""
    for value in attrs.astuple(asked, recurse=False):
        for text in (
            (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
        ):
            try:
                str(text).encode()
            except UnicodeEncodeError as error:
                raise UsageError(what=f"{text!r} is not UTF-8") from error


def _fields(asked: Edit) -> Iterator[Step]:
    texts = {
        "User": asked.user,
        "WorkingDir": asked.workdir,
        "StopSignal": asked.stop_signal,
    }
    if asked.author is not None:
        yield configedit.top("author", None if asked.author == _AWAY else asked.author)
    for name, text in texts.items():
        if text is not None:
            yield configedit.run(name, None if text == _AWAY else text)
    for name, words in (("Entrypoint", asked.entrypoint), ("Cmd", asked.cmd)):
        if words:
            yield configedit.run(name, _words(name, words))
    for key, value in _pairs("--label", asked.labels):
        yield _of_many("Labels", key, value)
    for key, value in _pairs("--env", asked.env):
        alone = key == _AWAY and value is None
        yield configedit.run("Env", None) if alone else configedit.variable(key, value)
    for key, there in _keys(asked.expose, _port):
        yield _of_many("ExposedPorts", key, {} if there else None)
    for key, there in _keys(asked.volumes, _volume):
        yield _of_many("Volumes", key, {} if there else None)
    yield from _health(asked)


def _of_many(name: str, key: str, value: Any) -> Step:
    if key == _AWAY and value is None:
        return configedit.run(name, None)
    return configedit.entry(name, key, value)


def _pairs(option: str, texts: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """``KEY=VALUE``, or ``KEY-`` to take it away."""
    for text in texts:
        key, equals, value = text.partition("=")
        if equals and key:
            yield key, value
        elif text == _AWAY:
            yield text, None
        elif not equals and text.endswith(_AWAY):
            yield text[:-1], None
        else:
            what = f"{option}: {text!r} is neither KEY=VALUE nor KEY-"
            raise UsageError(what=what, hint="KEY- takes it away")


def _keys(texts: Sequence[str], read: Callable[[str], str]) -> Iterator[tuple[str, bool]]:
    """Keys of a set, and whether each is to be there."""
    for text in texts:
        if text == _AWAY:
            yield text, False
        elif text.endswith(_AWAY):
            yield read(text[:-1]), False
        else:
            yield read(text), True


def _port(text: str) -> str:
    match = _PORT.fullmatch(text)
    if match is None or not 0 < int(match[1]) < 1 << 16:
        raise UsageError(what=f"--expose: {text!r} is no port", hint="such as 8080 or 53/udp")
    return f"{int(match[1])}/{match[2] or 'tcp'}"


def _volume(text: str) -> str:
    return text


def _words(name: str, words: Sequence[str]) -> list[str] | None:
    """The words of a command line; None to take it away."""
    if list(words) == [_AWAY]:
        return None
    if len(words) > 1 or not words[0].startswith("["):
        return list(words)
    value = _json(f"--{name.lower()}", words[0])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageError(what=f"--{name.lower()}: {words[0]!r} is no list of texts")
    return value


def _json(option: str, text: str) -> Any:
    try:
        return jsontext.parse(text.encode(), Where(), FailFast())
    except DamagedError as error:
        raise UsageError(what=f"{option}: {text!r}: {error.what}") from error


def _health(asked: Edit) -> Iterator[Step]:
    text = asked.healthcheck
    if text == _AWAY:
        yield configedit.run("Healthcheck", None)
    elif text == "none":
        yield configedit.run("Healthcheck", {"Test": ["NONE"]})
    elif text is not None and text.startswith("{"):
        yield configedit.run("Healthcheck", _health_object(text))
    elif text is not None and text.startswith("["):
        yield configedit.check("Test", _test(_json("--healthcheck", text)))
    elif text is not None:
        yield configedit.check("Test", ["CMD-SHELL", text])
    durations = {
        "Interval": ("--health-interval", asked.health_interval),
        "Timeout": ("--health-timeout", asked.health_timeout),
        "StartPeriod": ("--health-start-period", asked.health_start_period),
        "StartInterval": ("--health-start-interval", asked.health_start_interval),
    }
    for name, (option, value) in durations.items():
        if value is not None:
            yield configedit.check(name, None if value == _AWAY else _duration(option, value))
    retries = asked.health_retries
    if retries is not None and retries != _AWAY and not re.fullmatch(r"[0-9]{1,9}", retries):
        raise UsageError(what=f"--health-retries: {retries!r} is no number")
    if retries is not None:
        yield configedit.check("Retries", None if retries == _AWAY else int(retries))


def _health_object(text: str) -> dict[str, Any]:
    value = _json("--healthcheck", text)
    result: dict[str, Any] = {}
    for key, item in value.items() if isinstance(value, dict) else ():
        name = next((each for each in _HEALTH if fold(each) == fold(key)), None)
        if name is None:
            what = f"--healthcheck: {key!r} is no field of it"
            raise UsageError(what=what, hint=f"it has {', '.join(_HEALTH)}")
        if name == "Test":
            item = _test(item)  # noqa: PLW2901  as it is written
        elif isinstance(item, str) and name != "Retries":
            item = _duration("--healthcheck", item)  # noqa: PLW2901  likewise
        result[name] = item
    return result


def _test(value: Any) -> list[str]:
    if (
        not isinstance(value, list)
        or not all(isinstance(each, str) for each in value)
        or value[:1] not in [[each] for each in _TESTS]
    ):
        what = "--healthcheck: a JSON list begins with NONE, CMD or CMD-SHELL"
        raise UsageError(what=what, hint='such as ["CMD","/bin/check"]')
    return value


def _duration(option: str, text: str) -> int:
    """Nanoseconds, as Go reads a duration."""
    if not _DURATION.fullmatch(text):
        raise UsageError(what=f"{option}: {text!r} is no duration", hint="such as 1m30s")
    total = 0
    for number, unit in _PART.findall(text):
        whole, _, fraction = number.partition(".")
        total += int(whole) * _NANOSECONDS[unit]
        total += int(fraction[:18] or 0) * _NANOSECONDS[unit] // 10 ** len(fraction[:18])
    if total >= _LONGEST:
        raise UsageError(what=f"{option}: {text!r} is longer than 292 years")
    return total


def _platform(text: str) -> Platform:
    try:
        found = Platform.parse(text)
    except ValueError as error:
        raise UsageError(what=f"--platform-of: {error}") from error
    return found


def _time(option: str, text: str | None, environment: Mapping[str, str]) -> Instant | None:
    if text is None:
        return None
    try:
        return Instant.asked(text, environment)
    except ValueError as error:
        raise UsageError(what=f"{option}: {error}") from error


def _patch(path: str) -> dict[str, Any]:
    """A JSON merge patch of a config.

    ``rootfs`` says what the layers are, and follows from them.
    """
    where = Where(file=path)
    value = jsontext.parse(whole_file("--patch", path), where, FailFast())
    if not isinstance(value, dict):
        raise UsageError(what="--patch: a merge patch of a config is an object", where=where)
    if any(fold(key) == "rootfs" for key in value):
        what = "--patch: rootfs is not edited: it says what the layers are"
        raise UsageError(what=what, where=where, hint="leave it out")
    return value
