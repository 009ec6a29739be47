"""Reports as JSON values: how a typed value is told, in the one place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from operator import methodcaller
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.platform import Platform
from oci_layout.pythons import StrEnum


def fields(value: attrs.AttrsInstance) -> dict[str, Any]:
    """The fields of a value by their names, as they are."""
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind))


def shallow(value: Any) -> Any:
    """A value as JSON has it, what is inside of it as it is.

    A class that is told otherwise than field by field says how: ``told()``, what is inside as it
    is, or ``to_json()``.
    """
    kind: Any = type(value)
    tell = _teller(kind)
    return value if tell is None else tell(value)


@functools.cache
def _teller(kind: Any) -> Callable[[Any], Any] | None:
    """How values of a type are told; None for what is a JSON value already."""
    if issubclass(kind, StrEnum | Digest | Platform):
        return str
    for name in ("told", "to_json"):
        if hasattr(kind, name):
            return methodcaller(name)
    return fields if attrs.has(kind) else None


def plain(value: Any) -> Any:
    """A value as JSON has it, with all that is inside."""
    value = shallow(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
