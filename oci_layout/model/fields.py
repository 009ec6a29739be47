"""Typed access to a JSON object that knows the path of every field.

Go's decoder, which every engine uses, matches keys without regard to case; so does this, and a
known field that stands twice in two cases is an error: two readers would see two values.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any

from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.finding import Findings
from oci_layout.model.gojson import Number, fold, merged
from oci_layout.where import Where

EMPTY: Mapping[str, Any] = types.MappingProxyType({})  # one for all: layers are many
_WHOLE = re.compile(r"-?[0-9]+")


def describe(value: object) -> str:
    """The JSON name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    for kind, name in ((str, "a string"), (int, "a number")):
        if isinstance(value, kind):
            return name
    if isinstance(value, Number):
        return "a fraction" if set(value.text) & set(".eE") else "a number"
    return "a list" if isinstance(value, list) else "an object"


@functools.cache
def _folded(known: frozenset[str]) -> Mapping[str, str]:
    return {fold(name): name for name in known}


def canonical(value: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """An object with its known fields under the names that their struct gives them.

    Args:
        value: the object; returned itself where nothing is spelled in another way.
        known: the fields that its structure defines.
    """
    if value.keys() <= known:
        return value
    names = _folded(known)
    if all(names.get(fold(key), key) == key for key in value):
        return value
    result: dict[str, Any] = {}
    for key, item in value.items():
        name = names.get(fold(key), key)
        result[name] = merged(result[name], item, name) if name in result else item
    return result


class Fields:
    """One JSON object.

    Args:
        value: the object; ``self.value`` has its known fields under their canonical names.
        where: its place; ``where.field`` is the path so far.
        findings: told of every field of a wrong type.
        known: the fields that its structure defines.
    """

    def __init__(
        self, value: dict[str, Any], where: Where, findings: Findings, known: frozenset[str]
    ) -> None:
        self.where, self.findings = where, findings
        self.value = canonical(value, known)
        self._spelled: dict[str, str] = {}
        if self.value is not value:
            self._check_case(value, known)

    def _check_case(self, value: dict[str, Any], known: frozenset[str]) -> None:
        names = _folded(known)
        for key in value:
            name = names.get(fold(key))
            if name is None:
                continue
            if name in self._spelled:
                self.findings.error(
                    "duplicate-key",
                    f"{self._spelled[name]!r} and {key!r} are one field to Go and two to others",
                    self.where,
                )
            self._spelled.setdefault(name, key)

    def twice(self, key: str, known: frozenset[str]) -> None:
        """Report fields of an object below that stand there in two cases."""
        value = self.raw(key)
        if isinstance(value, dict):
            Fields(value, self.path(key), self.findings, known)

    def path(self, key: str) -> Where:
        """The place of one of its fields."""
        base = self.where.field
        return self.where.at(f"{base}.{key}" if base else key)

    def raw(self, key: str) -> Any:
        """The value of a field whatever its type; None when absent or null."""
        return self.value.get(key)

    def actual(self, key: str) -> str | None:
        """How a field's key is spelled here; None when it is absent."""
        return self._spelled.get(key, key) if key in self.value else None

    def wrong(self, key: str, expected: str, value: object) -> None:
        """Report a field of a wrong type."""
        self.findings.error(
            "wrong-type", f"expected {expected}, found {describe(value)}", self.path(key)
        )

    def _missing(self, key: str, required: bool) -> None:
        if required:
            self.findings.error("missing-field", "is required", self.path(key))

    def text(self, key: str, *, required: bool = False) -> str | None:
        """A string; None when absent or of another type (reported)."""
        value = self.raw(key)
        if isinstance(value, str):
            return value
        if value is not None:
            self.wrong(key, "a string", value)
        else:
            self._missing(key, required)
        return None

    def integer(self, key: str, *, required: bool = False) -> int | None:
        """A whole number, not negative; True is not one."""
        value = self.raw(key)
        if isinstance(value, Number) and _WHOLE.fullmatch(value.text):
            value = 0 if value.is_zero else value
            if isinstance(value, Number):
                self.findings.error(
                    "wrong-type", f"{value.text[:40]} is out of range", self.path(key)
                )
                return None
        if isinstance(value, int) and not isinstance(value, bool):
            if 0 <= value < 1 << 63:
                return value
            self.findings.error("wrong-type", f"{value} is out of range", self.path(key))
        elif value is not None:
            self.wrong(key, "a whole number", value)
        else:
            self._missing(key, required)
        return None

    def digest(self, key: str, *, required: bool = False) -> Digest | None:
        """A digest of a registered algorithm."""
        text = self.text(key, required=required)
        if text is None:
            return None
        try:
            return Digest.parse(text)
        except InvalidDigestError as error:
            self.findings.error("bad-digest", str(error), self.path(key))
            return None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        result = []
        for number, item in enumerate(self.items(key)):
            if isinstance(item, str):
                result.append(item)
            else:
                self.wrong(f"{key}[{number}]", "a string", item)
        return tuple(result)

    def mapping(self, key: str) -> Mapping[str, str]:
        """An object whose values are strings (annotations, labels): its keys are free."""
        value = self.raw(key)
        if value is None:
            return EMPTY
        if not isinstance(value, dict):
            self.wrong(key, "an object", value)
            return EMPTY
        found: dict[str, str] = {}
        for name, item in value.items():
            if isinstance(item, str) or item is None:
                found[name] = item or ""  # to Go null is an empty string there
            else:
                self.wrong(f"{key}[{name[:60]!r}]", "a string", item)
        return found

    def items(self, key: str, *, required: bool = False) -> list[Any]:
        """A list of anything."""
        value = self.raw(key)
        if isinstance(value, list):
            return value
        if value is not None:
            self.wrong(key, "a list", value)
        else:
            self._missing(key, required)
        return []

    def object(self, key: str, known: frozenset[str], *, required: bool = False) -> Fields | None:
        """An object of a known structure."""
        value = self.raw(key)
        if isinstance(value, dict):
            return Fields(value, self.path(key), self.findings, known)
        if value is not None:
            self.wrong(key, "an object", value)
        else:
            self._missing(key, required)
        return None

    def objects(
        self, key: str, known: frozenset[str], *, required: bool = False
    ) -> Iterator[tuple[int, Fields]]:
        """A list of objects of a known structure, numbered; others are reported and left out."""
        for number, item in enumerate(self.items(key, required=required)):
            if isinstance(item, dict):
                where = self.path(f"{key}[{number}]")
                yield number, Fields(item, where, self.findings, known)
            else:
                self.wrong(f"{key}[{number}]", "an object", item)
