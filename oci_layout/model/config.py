"""Image configs (image-spec config.md, and what Docker adds to it)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding, Findings
from oci_layout.model import jsontext
from oci_layout.model.descriptor import platform_of
from oci_layout.model.fields import Fields, canonical
from oci_layout.model.gojson import fold
from oci_layout.platform import Platform
from oci_layout.where import Where

_TEXT, _FLAG, _NUMBER, _TEXTS, _TEXT_MAP, _SET, _TIME = range(7)

# RFC 3339 as Go's time.Time takes it; anything else stops every engine.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)

CONFIG_FIELDS: dict[str, int] = {
    "created": _TIME,
    "author": _TEXT,
    "architecture": _TEXT,
    "os": _TEXT,
    "os.version": _TEXT,
    "os.features": _TEXTS,
    "variant": _TEXT,
}
_RUN_FIELDS: dict[str, int] = {
    "User": _TEXT,
    "ExposedPorts": _SET,
    "Env": _TEXTS,
    "Entrypoint": _TEXTS,
    "Cmd": _TEXTS,
    "Volumes": _SET,
    "WorkingDir": _TEXT,
    "Labels": _TEXT_MAP,
    "StopSignal": _TEXT,
    "ArgsEscaped": _FLAG,
    "OnBuild": _TEXTS,  # Docker's, as are the two that follow
    "Shell": _TEXTS,
    "StopTimeout": _NUMBER,
}
_HISTORY_FIELDS: dict[str, int] = {
    "created": _TIME,
    "author": _TEXT,
    "created_by": _TEXT,
    "comment": _TEXT,
    "empty_layer": _FLAG,
}
_TOP = frozenset(CONFIG_FIELDS) | {"config", "rootfs", "history"}
_DOCKER_ONLY = {"OnBuild", "Shell", "StopTimeout"}  # checked for type, but not OCI's
_ROOTFS = frozenset({"type", "diff_ids"})


@attrs.frozen
class Repair:
    """One change that makes an invalid config valid.

    Args:
        path: keys from the top of the document.
        value: what belongs there; None removes the field.
        reason: what was wrong, for the report.
        missing: whether nothing stood there, so that the value is the one that is usual.
    """

    path: tuple[str | int, ...]
    value: Any
    reason: str
    missing: bool = False


@attrs.frozen(kw_only=True)
class Config:
    """What an image's config says, as far as conversion must know.

    Args:
        digest: the image ID.
        size: bytes.
        platform: architecture and os, as stated.
        diff_ids: digests of the layers' tars; None when ``rootfs`` is missing.
        history: number of history entries that stand for a layer; None without history.
        repairs: what would make it valid, empty when it is.
        problems: the same, as findings.
    """

    digest: Digest
    size: int
    platform: Platform
    diff_ids: tuple[Digest, ...] | None
    history: int | None
    repairs: tuple[Repair, ...] = ()
    problems: tuple[Finding, ...] = attrs.field(default=(), repr=False)

    @classmethod
    def from_bytes(
        cls, raw: bytes, where: Where, findings: Findings, *, algorithm: str = "sha256"
    ) -> Config | None:
        """Read a config; None when it is not JSON (reported).

        A field of a wrong type is no error here: it makes a repair, and the caller decides.

        Args:
            raw: the document.
            where: its place, for findings.
            findings: told of bad JSON and of diff_ids that are no digests.
            algorithm: of the image ID: that of the descriptor which led here.
        """
        value = jsontext.parse(raw, where, findings)
        if value is None:
            return None
        if not isinstance(value, dict):
            findings.error("wrong-type", "expected an object", where)
            return None
        problems = Findings()
        fields = Fields(value, where, problems, _TOP)
        for finding in problems.found:  # a field in two cases is nothing to repair
            findings.add(finding)
        problems.found.clear()
        repairs = _Repairs(problems)
        repairs.typed(fields, CONFIG_FIELDS, ())
        inner = fields.object("config", frozenset(_RUN_FIELDS))
        if inner is not None:
            repairs.typed(inner, _RUN_FIELDS, (fields.actual("config") or "config",))
        elif fields.raw("config") is not None:
            repairs.made.append(Repair(("config",), None, "config was not an object"))
        history = _history(fields, repairs)
        diff_ids = _diff_ids(fields, repairs, findings)
        platform = platform_of(Fields(value, where, Findings(), _TOP))
        for name, default in (("architecture", "amd64"), ("os", "linux")):
            if fields.raw(name) is None:
                problems.error("missing-field", "is required", fields.path(name))
                repairs.made.append(Repair((name,), default, f"{name} was missing", missing=True))
        for finding in problems.found:
            if finding.code == "duplicate-key":
                findings.add(finding)
        return cls(
            digest=Digest.of(raw, algorithm),
            size=len(raw),
            platform=platform,
            diff_ids=diff_ids,
            history=history,
            repairs=tuple(repairs.made),
            problems=tuple(each for each in problems.found if each.code != "duplicate-key"),
        )


class _Repairs:
    """Checks types of fields, and notes how each wrong one is repaired."""

    def __init__(self, problems: Findings) -> None:
        self.problems = problems
        self.made: list[Repair] = []

    def typed(self, fields: Fields, kinds: dict[str, int], path: tuple[str | int, ...]) -> None:
        """Check the known fields of one object."""
        for name, kind in kinds.items():
            value = fields.raw(name)
            if value is None or _fits(value, kind):
                continue
            fields.findings.error("wrong-type", f"expected {_EXPECTED[kind]}", fields.path(name))
            place = (*path, fields.actual(name) or name)
            text = fields.path(name).field
            repaired = _coerced(value, kind)
            what = "removed" if repaired is None else "rewritten"
            self.made.append(Repair(place, repaired, f"{text} was not {_EXPECTED[kind]}: {what}"))


_EXPECTED = {
    _TEXT: "a string",
    _FLAG: "a boolean",
    _NUMBER: "a whole number",
    _TEXTS: "a list of strings",
    _TEXT_MAP: "an object of strings",
    _SET: "an object",
    _TIME: "an RFC 3339 time",
}


def _fits(value: object, kind: int) -> bool:
    if kind == _TIME:
        return isinstance(value, str) and _RFC3339.fullmatch(value) is not None
    if kind == _TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == _TEXT_MAP:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if kind == _NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {_TEXT: str, _FLAG: bool, _SET: dict}[kind])


def _coerced(value: object, kind: int) -> Any:
    """The same value in the type that belongs there, where that is beyond doubt."""
    if kind == _TEXTS and isinstance(value, str):
        return [value]
    if kind == _TEXT and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if kind == _SET and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {item: {} for item in value}
    return None


def _history(fields: Fields, repairs: _Repairs) -> int | None:
    value = fields.raw("history")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        fields.wrong("history", "a list of objects", value)
        repairs.made.append(
            Repair(("history",), None, "history was not a list of objects: removed")
        )
        return None
    filled = 0
    key = fields.actual("history") or "history"
    for number, entry in fields.objects("history", frozenset(_HISTORY_FIELDS)):
        repairs.typed(entry, _HISTORY_FIELDS, (key, number))
        filled += entry.raw("empty_layer") is not True
    return filled


def _diff_ids(fields: Fields, repairs: _Repairs, findings: Findings) -> tuple[Digest, ...] | None:
    rootfs = fields.object("rootfs", _ROOTFS, required=True)
    if rootfs is None:
        return None
    key = fields.actual("rootfs") or "rootfs"
    kind = rootfs.raw("type")
    if kind != "layers":
        rootfs.findings.error("wrong-type", "is not 'layers'", rootfs.path("type"))
        repairs.made.append(Repair((key, "type"), "layers", "rootfs.type was not 'layers'"))
    items = rootfs.raw("diff_ids")
    if items is None:  # Go writes null for an image without layers
        if "diff_ids" not in rootfs.value:
            rootfs.findings.error("missing-field", "is required", rootfs.path("diff_ids"))
            repairs.made.append(Repair((key, "diff_ids"), [], "rootfs.diff_ids was missing"))
        return ()
    outer = Fields(rootfs.value, rootfs.where, findings, _ROOTFS)
    if not isinstance(items, list):
        outer.wrong("diff_ids", "a list", items)
        return ()
    result = []
    for number in range(len(items)):
        item = Fields({f"diff_ids[{number}]": items[number]}, outer.where, findings, frozenset())
        digest = item.digest(f"diff_ids[{number}]", required=True)
        if digest is not None:
            result.append(digest)
    return tuple(result)


def config_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a config, known fields under canonical names; empty when it is none.

    Args:
        raw: the config, which has been reported on before.
    """
    value = jsontext.parse(raw, Where(), Findings())
    if not isinstance(value, dict):
        return {}
    value = dict(canonical(value, _TOP))
    if isinstance(value.get("config"), dict):
        value["config"] = canonical(value["config"], frozenset(_RUN_FIELDS))
    if isinstance(value.get("history"), list):
        known = frozenset(_HISTORY_FIELDS)
        lines = value["history"]
        value["history"] = [canonical(each, known) for each in lines if isinstance(each, dict)]
    return value


def foreign_fields(raw: bytes) -> list[tuple[str | int, ...]]:
    """Paths of all fields that the image spec does not define (specs-go/v1/config.go).

    Args:
        raw: the config; valid JSON.
    """
    value = jsontext.parse(raw, Where(), Findings())
    if not isinstance(value, dict):
        return []
    paths = _beyond(value, (), _TOP)
    for key, inner in value.items():
        name = fold(key)
        if name == "config" and isinstance(inner, dict):
            paths += _beyond(inner, (key,), _RUN_FIELDS.keys() - _DOCKER_ONLY)
        elif name == "rootfs" and isinstance(inner, dict):
            paths += _beyond(inner, (key,), _ROOTFS)
        elif name == "history" and isinstance(inner, list):
            for number, entry in enumerate(inner):
                if isinstance(entry, dict):
                    paths += _beyond(entry, (key, number), _HISTORY_FIELDS.keys())
    return paths


def _beyond(
    value: dict[str, Any], path: tuple[str | int, ...], known: Collection[str]
) -> list[tuple[str | int, ...]]:
    folded = {fold(name) for name in known}
    return [(*path, key) for key in value if fold(key) not in folded]


def filled_lines(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The history lines of a config that each made a layer; what is no line is passed over.

    Args:
        value: the config, which may say anything.
    """
    lines = value.get("history")
    return [
        line
        for line in (lines if isinstance(lines, list) else [])
        if isinstance(line, dict) and line.get("empty_layer") is not True
    ]
