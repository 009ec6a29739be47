"""Edits of an image config, as functions on its value. Keys are found as Go finds them.

Docker's fields: moby api/types/container/config.go; which of them OCI has: image-spec config.md.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from oci_layout.model.gojson import fold
from oci_layout.model.instant import Instant
from oci_layout.platform import Platform

Value = dict[str, Any]
Step = Callable[[Value], None]


class UnfitError(ValueError):
    """What is there is not of the type that could be edited."""


def edited(value: Value, steps: Sequence[Step]) -> Value:
    """A config with some edits done, one after the other.

    Args:
        value: the config; stays as it is.
        steps: the edits.

    Raises:
        UnfitError: what is there is not of the type that could be edited.
    """
    result = copy.deepcopy(value)
    for step in steps:
        step(result)
    return result


def _key(value: Value, name: str) -> str:
    """The key that a field has in an object: in that case, or in another one."""
    if name in value:
        return name
    folded = fold(name)
    return next((key for key in value if fold(key) == folded), name)


def _put(value: Value, name: str, new: Any) -> None:
    """Set a field, or take it out where the new value is None."""
    key = _key(value, name)
    if new is None:
        value.pop(key, None)
    else:
        value[key] = new


def _held(value: Value, name: str, kind: type) -> Any:
    """A list or an object of a config; an empty one where there is none."""
    found = value.get(_key(value, name))
    if found is None:
        return kind()
    if not isinstance(found, kind):
        raise UnfitError(f"{name} is not {'an object' if kind is dict else 'a list'}")
    return found


def top(name: str, new: Any) -> Step:
    """A field of the config itself; None takes it out."""
    return lambda value: _put(value, name, new)


def run(name: str, new: Any) -> Step:
    """A field of what containers run with; None takes it out."""

    def step(value: Value) -> None:
        inner = _held(value, "config", dict)
        if new is None and _key(inner, name) not in inner:
            return
        _put(inner, name, new)
        _put(value, "config", inner)

    return step


def entry(name: str, key: str, new: Any) -> Step:
    """An entry of a map: a label, a port, a volume; None takes it out."""

    def step(value: Value) -> None:
        inner = _held(value, "config", dict)
        every = _held(inner, name, dict)
        if new is None and key not in every:
            return
        if new is None:
            del every[key]
        else:
            every[key] = new
        _put(inner, name, every)
        _put(value, "config", inner)

    return step


def variable(key: str, new: str | None) -> Step:
    """A variable of the environment, where it stands already or at the end; None takes it out."""

    def step(value: Value) -> None:
        inner = _held(value, "config", dict)
        every: list[Any] = []
        done = new is None
        for each in _held(inner, "Env", list):
            if not isinstance(each, str) or each.partition("=")[0] != key:
                every.append(each)
            elif not done:
                every.append(f"{key}={new}")
                done = True
        if not done:
            every.append(f"{key}={new}")
        if every or _key(inner, "Env") in inner:
            _put(inner, "Env", every)
            _put(value, "config", inner)

    return step


def check(name: str, new: Any) -> Step:
    """A field of the health check; None takes it out."""

    def step(value: Value) -> None:
        inner = _held(value, "config", dict)
        health = _held(inner, "Healthcheck", dict)
        if new is None and _key(health, name) not in health:
            return
        _put(health, name, new)
        _put(inner, "Healthcheck", health)
        _put(value, "config", inner)

    return step


def runs_on(platform: Platform) -> Step:
    """The platform; what is stated of another operating system goes."""

    def step(value: Value) -> None:
        moved = value.get(_key(value, "os")) != platform.os
        _put(value, "architecture", platform.architecture)
        _put(value, "os", platform.os)
        _put(value, "variant", platform.variant or None)
        if moved or platform.os_version:
            _put(value, "os.version", platform.os_version or None)
        if moved:
            _put(value, "os.features", None)

    return step


def not_after(latest: Instant) -> Step:
    """No time of the config, nor of its history, that is after another one."""

    def clamp(value: Value) -> None:
        key = _key(value, "created")
        stated = value.get(key)
        found = Instant.of_text(stated) if isinstance(stated, str) else None
        if found is not None and found > latest:
            value[key] = str(latest)

    def step(value: Value) -> None:
        clamp(value)
        lines = value.get(_key(value, "history"))
        for line in lines if isinstance(lines, list) else []:
            if isinstance(line, dict):
                clamp(line)

    return step


def patched(patch: Value) -> Step:
    """A JSON merge patch (RFC 7396)."""

    def merge(value: Value, new: Value) -> None:
        for name, item in new.items():
            key = _key(value, name)
            if item is None:
                value.pop(key, None)
            elif isinstance(item, dict):
                inner = value.get(key)
                value[key] = inner if isinstance(inner, dict) else {}
                merge(value[key], item)
            else:
                value[key] = copy.deepcopy(item)

    return lambda value: merge(value, patch)


def diff_ids(digests: Sequence[str]) -> Step:
    """The digests of the layers' tars."""

    def step(value: Value) -> None:
        root = _held(value, "rootfs", dict)
        _put(root, "diff_ids", list(digests))
        _put(value, "rootfs", root)

    return step
