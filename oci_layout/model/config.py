"""Image configs (image-spec config.md, and what Docker adds to it)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding, Findings
from oci_layout.model import jsontext
from oci_layout.model.configtypes import CONFIG, HISTORY, ROOTFS, RUN
from oci_layout.model.descriptor import platform_of
from oci_layout.model.fields import Fields, canonical
from oci_layout.model.gojson import fold
from oci_layout.model.gotypes import At, Misread
from oci_layout.platform import Platform
from oci_layout.where import Where

# Every string of a document, one after the other, so that none is looked for inside of another;
# what stands before a time is the first group.
_TIMES = re.compile(rb'((?i:"created")\s*:\s*)?(' + jsontext.STRING + rb")", re.DOTALL)


@attrs.frozen(eq=False, repr=False, match_args=False)
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


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
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
        misread: values that some reader refuses.
    """

    digest: Digest
    size: int
    platform: Platform
    diff_ids: tuple[Digest, ...] | None
    history: int | None
    repairs: tuple[Repair, ...] = ()
    problems: tuple[Finding, ...] = attrs.field(default=(), repr=False)
    misread: tuple[Misread, ...] = attrs.field(default=(), repr=False)

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
        fields = Fields(value, where, problems, CONFIG.names)
        for finding in problems.found:  # a field in two cases is nothing to repair
            findings.add(finding)
        problems.found.clear()
        fields.twice("config", RUN.names)
        repairs = _Repairs(problems)
        at = At(escaped=_escaped(raw))
        misread = list(CONFIG.misread(value, at))
        for each in misread:
            if fold(str(each.path[0])) != "rootfs":  # of that more is wanted than a type
                repairs.take(each, where)
        history = _history(fields)
        diff_ids = _diff_ids(fields, repairs, findings)
        platform = platform_of(Fields(value, where, Findings(), CONFIG.names))
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
            misread=tuple(misread),
        )


def _escaped(raw: bytes) -> frozenset[str]:
    """The times that a document spells with escapes."""
    if b"\\" not in raw:
        return frozenset()
    spelled = (match[2] for match in _TIMES.finditer(raw) if match[1])
    return frozenset(json.loads(text) for text in spelled if b"\\" in text)


class _Repairs:
    """Notes what is wrong, and how each is repaired."""

    def __init__(self, problems: Findings) -> None:
        self.problems = problems
        self.made: list[Repair] = []

    def take(self, misread: Misread, where: Where) -> None:
        """Take a value that some reader refuses."""
        self.problems.error("wrong-type", f"expected {misread.expected}", where.at(misread.place))
        what = "removed" if misread.repaired is None else "rewritten"
        reason = f"{misread.place} was not {misread.expected}: {what}"
        self.made.append(Repair(misread.path, misread.repaired, reason))


def _history(fields: Fields) -> int | None:
    value = fields.raw("history")
    if not isinstance(value, list):
        return None
    filled = 0
    for number, entry in enumerate(value):
        if isinstance(entry, dict):
            line = Fields(entry, fields.path(f"history[{number}]"), fields.findings, HISTORY.names)
            filled += line.raw("empty_layer") is not True
        else:
            filled += entry is None  # to Go a line that says nothing
    return filled


def _diff_ids(fields: Fields, repairs: _Repairs, findings: Findings) -> tuple[Digest, ...] | None:
    rootfs = fields.object("rootfs", ROOTFS.names, required=True)
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
    outer = Fields(rootfs.value, rootfs.where, findings, ROOTFS.names)
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
    value = dict(canonical(value, CONFIG.names))
    if isinstance(value.get("config"), dict):
        value["config"] = canonical(value["config"], RUN.names)
    if isinstance(value.get("history"), list):
        lines = value["history"]
        value["history"] = [
            canonical(each, HISTORY.names) for each in lines if isinstance(each, dict)
        ]
    return value


def foreign_fields(raw: bytes) -> list[tuple[str | int, ...]]:
    """Paths of all fields that the image spec does not define (specs-go/v1/config.go).

    Args:
        raw: the config; valid JSON.
    """
    value = jsontext.parse(raw, Where(), Findings())
    if not isinstance(value, dict):
        return []
    paths = _beyond(value, (), CONFIG.fields)
    for key, inner in value.items():
        name = fold(key)
        if name == "config" and isinstance(inner, dict):
            paths += _beyond(inner, (key,), RUN.fields)
        elif name == "rootfs" and isinstance(inner, dict):
            paths += _beyond(inner, (key,), ROOTFS.fields)
        elif name == "history" and isinstance(inner, list):
            for number, entry in enumerate(inner):
                if isinstance(entry, dict):
                    paths += _beyond(entry, (key, number), HISTORY.fields)
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
