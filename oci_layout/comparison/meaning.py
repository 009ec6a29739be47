"""What a config means: the value that is left of its JSON when an engine has read it.

Engines read it into Go structs (moby's image.Image and container.Config, image-spec's
specs-go/v1/config.go). There, case and order of keys, white space and escapes are gone, and a
field that is absent, null, empty or zero is one and the same, where the struct says omitempty. A
field that no struct has is compared as it is.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from oci_layout.model.gojson import Number, encode, fold

_Read = Callable[[Any], Any]
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NO_TIME = "0001-01-01T00:00:00Z"  # a time.Time that was never set
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT", "__slots__": ()})()


def _plain(value: Any) -> Any:
    """A field of any type that is read as zero when it is not there."""
    return ABSENT if value in (None, "", [], {}) or value is False or _zero(value) else value


def _zero(value: Any) -> bool:
    return value.is_zero if isinstance(value, Number) else isinstance(value, int) and not value


def _pointer(value: Any) -> Any:
    """A field of which zero is another thing than nothing (StopTimeout); or that nobody knows."""
    return ABSENT if value is None else value


def _time(value: Any) -> Any:
    """An instant, in UTC."""
    if value in (None, ""):
        return ABSENT
    text = _utc(value) if isinstance(value, str) else None
    return ABSENT if text == _NO_TIME else value if text is None else text


def _utc(text: str) -> str | None:
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
        moment = moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None
    fraction = (match[2] or "")[:9].rstrip("0")  # Go keeps nanoseconds
    return moment.strftime(f"{moment.year:04}-%m-%dT%H:%M:%S") + (fraction and f".{fraction}") + "Z"


def _names(value: Any) -> Any:
    """A map with free keys and texts: an entry with an empty text is an entry."""
    if not isinstance(value, dict):
        return _plain(value)
    return {key: "" if item is None else item for key, item in value.items()} or ABSENT


def _set(value: Any) -> Any:
    """An object of which engines read the keys alone (ExposedPorts, Volumes)."""
    if not isinstance(value, dict):
        return _plain(value)
    return {key: {} for key in value} or ABSENT


def _struct(fields: Mapping[str, _Read]) -> _Read:
    folded = {fold(name): name for name in fields}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return _plain(value)
        result: dict[str, Any] = {}
        for key, item in value.items():
            name = folded.get(fold(key))
            meant = _pointer(item) if name is None else fields[name](item)
            if meant is not ABSENT:
                result[name or key] = meant
        return result or ABSENT

    return read


def _each(read: _Read) -> _Read:
    def read_all(value: Any) -> Any:
        if not isinstance(value, list):
            return _plain(value)
        items = [read(item) for item in value]
        return [{} if item is ABSENT else item for item in items] or ABSENT

    return read_all


_HEALTHCHECK = dict.fromkeys(
    ("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"), _plain
)
_RUN: dict[str, _Read] = {
    **dict.fromkeys(
        (
            "Hostname",
            "Domainname",
            "User",
            "AttachStdin",
            "AttachStdout",
            "AttachStderr",
            "Tty",
            "OpenStdin",
            "StdinOnce",
            "Env",
            "Cmd",
            "ArgsEscaped",
            "Image",
            "WorkingDir",
            "Entrypoint",
            "NetworkDisabled",
            "MacAddress",
            "OnBuild",
            "StopSignal",
            "Shell",
            "Memory",
            "MemorySwap",
            "CpuShares",
            "Cpuset",
        ),
        _plain,
    ),
    "ExposedPorts": _set,
    "Volumes": _set,
    "Labels": _names,
    "Healthcheck": _struct(_HEALTHCHECK),
    "StopTimeout": _pointer,
}
_HISTORY: dict[str, _Read] = {
    "created": _time,
    **dict.fromkeys(("author", "created_by", "comment", "empty_layer"), _plain),
}
_TOP: dict[str, _Read] = {
    **dict.fromkeys(
        (
            "id",
            "parent",
            "comment",
            "container",
            "docker_version",
            "author",
            "architecture",
            "variant",
            "os",
            "os.version",
            "os.features",
            "Size",
        ),
        _plain,
    ),
    "created": _time,
    "config": _struct(_RUN),
    "container_config": _struct(_RUN),
    "rootfs": _struct({"type": _plain, "diff_ids": _plain}),
    "history": _each(_struct(_HISTORY)),
}
_CONFIG = _struct(_TOP)


def config_meaning(value: Mapping[str, Any]) -> dict[str, Any]:
    """The config as an engine reads it, keyed by the names that the structs give.

    Args:
        value: the JSON object.
    """
    meant: Any = _CONFIG(dict(value))
    return {} if meant is ABSENT else meant


def exactly(value: Any) -> str:
    """A text that two JSON values share if and only if they are equal (1 is not true)."""
    return encode(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
