"""Where two JSON documents differ: path by path, with the value on either side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from oci_layout.comparison.meaning import exactly
from oci_layout.filediff.aligning import align
from oci_layout.model.gotypes import ABSENT

# The instruction of a Dockerfile that a field of the runtime config comes from.
_INSTRUCTIONS = {
    "Cmd": "CMD",
    "Entrypoint": "ENTRYPOINT",
    "Env": "ENV",
    "ExposedPorts": "EXPOSE",
    "Healthcheck": "HEALTHCHECK",
    "Labels": "LABEL",
    "OnBuild": "ONBUILD",
    "Shell": "SHELL",
    "StopSignal": "STOPSIGNAL",
    "User": "USER",
    "Volumes": "VOLUME",
    "WorkingDir": "WORKDIR",
}
Path = tuple[str | int, ...]


@attrs.frozen(kw_only=True)
class FieldDifference:
    """One field of two documents that is not the same in both.

    Args:
        path: keys and numbers from the top.
        a: value in the first; ``ABSENT`` where it is not there.
        b: value in the second; ``ABSENT`` where it is not there.
    """

    path: Path
    a: Any
    b: Any

    @property
    def name(self) -> str:
        """The path as people write it."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    @property
    def instruction(self) -> str:
        """The Dockerfile's word for it; empty where there is none."""
        if self.path[0] == "author":
            return "MAINTAINER"
        if self.path[0] != "config" or len(self.path) < 2:
            return ""
        return _INSTRUCTIONS.get(str(self.path[1]), "")

    @property
    def only(self) -> str:
        """``a`` or ``b`` where just one side has it, else empty."""
        return "a" if self.b is ABSENT else "b" if self.a is ABSENT else ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON value; a side that does not have the field has no key."""
        value: dict[str, Any] = {"field": self.name}
        if self.instruction:
            value["instruction"] = self.instruction
        sides = (("a", self.a), ("b", self.b))
        return {**value, **{key: item for key, item in sides if item is not ABSENT}}


def differences(a: Any, b: Any, path: Path = ()) -> Iterator[FieldDifference]:
    """The fields that differ: in the order of the first document, then those new in the second.

    Args:
        a: a JSON value.
        b: another.
        path: of both.
    """
    if a is not ABSENT and b is not ABSENT and exactly(a) == exactly(b):
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            if path == ("rootfs",) and key == "diff_ids":
                continue  # layer by layer, elsewhere
            yield from differences(a.get(key, ABSENT), b.get(key, ABSENT), (*path, key))
    elif isinstance(a, list) and isinstance(b, list) and path == ("config", "Env"):
        yield from _environment(a, b, path)
    elif isinstance(a, list) and isinstance(b, list) and _objects(a) and _objects(b):
        yield from _entries(a, b, path)
    else:
        yield FieldDifference(path=path, a=a, b=b)


def _objects(items: list[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)


def _environment(a: list[Any], b: list[Any], path: Path) -> Iterator[FieldDifference]:
    """Variable by variable, where that tells all."""
    found = list(differences(_variables(a), _variables(b), path))
    yield from found or [FieldDifference(path=path, a=a, b=b)]


def _variables(items: list[Any]) -> dict[str, Any]:
    split = (str(item).partition("=") for item in items)
    return {name: value for name, _, value in split}


def _entries(a: list[Any], b: list[Any], path: Path) -> Iterator[FieldDifference]:
    """Entry by entry: aligned where there are more on one side."""
    if len(a) == len(b):
        for number, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from differences(left, right, (*path, number))
        return
    keys_a, keys_b = [exactly(item) for item in a], [exactly(item) for item in b]
    for kind, a0, a1, b0, b1 in align(keys_a, keys_b):
        if kind == "equal":
            continue
        both = min(a1 - a0, b1 - b0)
        for step in range(both):
            yield from differences(a[a0 + step], b[b0 + step], (*path, a0 + step))
        for number in range(a0 + both, a1):
            yield FieldDifference(path=(*path, number), a=a[number], b=ABSENT)
        for number in range(b0 + both, b1):
            yield FieldDifference(path=(*path, number), a=ABSENT, b=b[number])
