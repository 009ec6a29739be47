"""A situation: files on disk, and what is done with them, so that one code comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oci_layout import LayoutError, merge, repack, verify
from oci_layout.finding import Finding, Findings, Severity
from tests.builders import write_files
from tests.independent import read_files

Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Situation:
    """How one code comes about.

    Args:
        code: expected.
        severity: expected.
        make: writes the source into an empty folder.
        verify: options of `verify`; what is a function gets the folder.
        repack: options of `repack`, which is then called instead.
        merge: options of `merge`, with ``other``, which writes a second source.
        limits: bounds lowered for the test, by name.
        unsigned: pretend that signatures cannot be checked on this machine.
    """

    code: str
    severity: str
    make: Make
    verify: Mapping[str, Any] = field(default_factory=dict)
    repack: Mapping[str, Any] | None = None
    merge: Mapping[str, Any] | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    unsigned: bool = False

    def findings(self, folder: Path) -> list[Finding]:
        """What comes of it; an error that ends the run counts as one more finding."""
        source = self.make(folder)
        options = {
            key: value(folder) if callable(value) else value
            for key, value in (self.verify if self.repack is None else self.repack).items()
        }
        try:
            if self.merge is not None:
                how = dict(self.merge)
                both = (str(source), str(how.pop("other")(folder / "other")))
                return list(merge(both, str(folder / "out"), **how).warnings)
            if self.repack is None:
                return list(verify(str(source), jobs=1, **options).findings)
            dest = str(folder / options.pop("dest", "out.tar"))
            return list(repack(str(source), dest, **options).warnings)
        except LayoutError as error:
            code = getattr(error, "code", None)
            if code is None:
                raise
            findings = Findings()
            findings.error(code, error.what, hint=error.hint)
            return findings.found

    def hit(self, folder: Path) -> Finding:
        """The first finding of the code; an assertion where there is none."""
        found = self.findings(folder)
        hits = [
            each
            for each in found
            if each.code == self.code and each.severity is Severity(self.severity)
        ]
        assert hits, (self.code, self.severity, [(str(e.severity), e.code) for e in found])
        return hits[0]


def in_files(files: Mapping[str, bytes]) -> Make:
    """Files of a layout directory."""
    return lambda folder: write_files(files, folder / "layout")


def in_bytes(data: bytes | Callable[[], bytes]) -> Make:
    """One archive."""

    def make(folder: Path) -> Path:
        path = folder / "image.tar"
        path.write_bytes(data if isinstance(data, bytes) else data())
        return path

    return make


def changed(make: Make, *changes: Callable[[dict[str, bytes]], object]) -> Make:
    """A layout directory, damaged after it was made."""

    def damaged(folder: Path) -> Path:
        files = read_files(make(folder / "whole"))
        for change in changes:
            change(files)
        return write_files(files, folder / "layout")

    return damaged


def by_code(*groups: Iterable[Situation]) -> dict[str, list[Situation]]:
    """All situations of each code."""
    found: dict[str, list[Situation]] = {}
    for group in groups:
        for situation in group:
            found.setdefault(situation.code, []).append(situation)
    return found
