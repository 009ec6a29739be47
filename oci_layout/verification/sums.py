"""Sums of a source's files: lines that ``sha256sum -c`` takes, checked on the other side."""

from __future__ import annotations

import re

from oci_layout.digest import Digest, new_hash
from oci_layout.errors import UsageError
from oci_layout.finding import Findings
from oci_layout.source.opening import Source
from oci_layout.streams.member import Member
from oci_layout.streams.reader import chunks
from oci_layout.verification.blobs import Looked
from oci_layout.where import Where

_LINE = re.compile(r"[ \t]*(\\?)([0-9a-fA-F]{64}) [ *](.+)", re.DOTALL)
_TAGGED = re.compile(r"(\\?)SHA256 \((.+)\) = ([0-9a-fA-F]{64})", re.DOTALL)  # of --tag, and of BSD
_ESCAPES = {"n": "\n", "r": "\r", "\\": "\\"}
_ESCAPED = re.compile(r"(?:[^\\]|\\[nr\\])+", re.DOTALL)


def _sum(member: Member) -> str:
    running = new_hash("sha256")
    reader = member.open()
    try:
        for data in chunks(reader):
            running.update(data)
    finally:
        reader.close()
    return running.hexdigest()


def sums(source: Source, looked: dict[str, Looked]) -> dict[str, str]:
    """The sha256 of every file of a source, by name; what was read already is not read again."""
    result = {}
    made: dict[str, str] = {}  # of many links to one file the file is read once
    for name in source.store.names():
        member = source.store.find(name)
        if member is None:
            continue
        known = looked.get(member.name)
        if known is not None and known.fact.stored_digest.algorithm == "sha256":
            result[name] = known.fact.stored_digest.hex
        else:
            if member.name not in made:
                made[member.name] = _sum(member)
            result[name] = made[member.name]
    return result


def render(values: dict[str, str]) -> str:
    """The lines, as sha256sum writes them; a name with a newline or backslash is escaped."""
    lines = []
    for name, value in values.items():
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines.append(f"{chr(92) if escaped != name else ''}{value}  {escaped}\n")
    return "".join(lines)


def parse(text: str, label: str) -> dict[str, str]:
    """Read such lines as ``sha256sum -c`` does (coreutils, src/digest.c).

    Only a newline ends a line: whatever else a name holds is part of the name.

    Args:
        text: the file.
        label: its name, for messages.

    Raises:
        UsageError: a line of another form, or two sums of one name.
    """
    result: dict[str, str] = {}
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole.removesuffix("\r")
        if not line.strip(" \t") or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        tagged = None if match else _TAGGED.fullmatch(line)
        escaped, value, name = (
            match.groups()
            if match
            else (tagged[1], tagged[3], tagged[2])
            if tagged
            else ("", "", "")
        )
        if escaped:
            name = _unescaped(name)
        if not name:
            raise UsageError(what=f"line {number} is not one of sha256sum", where=Where(file=label))
        name, value = name.removeprefix("./"), value.lower()
        if result.setdefault(name, value) != value:
            raise UsageError(
                what=f"line {number} has another sum of {name} than a line before",
                where=Where(file=label),
            )
    return result


def _unescaped(name: str) -> str:
    """A name without its escapes; empty where there is one that sha256sum does not write."""
    if _ESCAPED.fullmatch(name) is None:
        return ""
    return re.sub(r"\\(.)", lambda match: _ESCAPES[match[1]], name, flags=re.DOTALL)


def compare(wanted: dict[str, str], actual: dict[str, str], findings: Findings) -> None:
    """Hold the files of a source against sums made elsewhere."""
    for name, value in wanted.items():
        there = actual.get(name)
        if there is None:
            findings.error("sums-missing", "is in the sums and not here", Where(member=name))
        elif there != value:
            findings.error(
                "sums-mismatch",
                f"is {Digest('sha256', there)}, the sums say {Digest('sha256', value)}",
                Where(member=name),
            )
    for name in sorted(actual.keys() - wanted.keys()):
        findings.note("sums-extra", "is here and not in the sums", Where(member=name))
