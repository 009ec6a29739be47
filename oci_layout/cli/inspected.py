"""What ``layout inspect`` shows to people: a source, its tree, its sums, what is odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from oci_layout.cli.cells import folded
from oci_layout.cli.imagelines import FAMILIES, ImageLines, row
from oci_layout.cli.text import short, shown, size_text
from oci_layout.counting import plural
from oci_layout.finding import Severity
from oci_layout.inspection.report import (
    AbsentReport,
    ArtifactReport,
    ImageReport,
    IndexReport,
    InspectReport,
    NodeReport,
)
from oci_layout.inspection.writer import DOCKER_NEW
from oci_layout.source.kinds import LONE
from oci_layout.where import NOWHERE

_FINDINGS = 6  # shown; all of them are in the JSON, and layout verify tells more
_FINDING_LINES = 5


def render(value: InspectReport, width: int, *, history: bool = False) -> list[str]:
    """The tree as lines for people.

    Args:
        value: what is inside.
        width: columns of the terminal.
        history: whether to show whole histories.
    """
    return Page(value, width, history=history).lines()


class Page:
    """Everything about one source.

    Args:
        value: what is inside.
        width: columns of the terminal.
        history: whether to show whole histories.
    """

    def __init__(self, value: InspectReport, width: int, *, history: bool) -> None:
        self._value, self._width = value, width
        self._alone = value.source.kind is LONE
        self._images = ImageLines(width, history=history, alone=self._alone)
        self._platforms = _platforms(root.node for root in value.roots)

    def lines(self) -> list[str]:
        """All of it."""
        lines = self._source()
        for root in self._value.roots:
            names = ", ".join(shown(name) for name in root.names) or "(no name)"
            lines += ["", *folded(names, self._width, "", "    "), *self._node(root.node, "  ")]
        for part in (self._totals(), self._provenance(), self._findings()):
            lines += ["", *part] if part else []
        return lines

    def _source(self) -> list[str]:
        source = self._value.source
        lines = folded(f"{shown(source.path)}: {source.description}", self._width, "", "    ")
        probably = source.writer
        if probably is not None:
            text = f"probably written by {probably.name} ({probably.evidence})"
        elif self._alone:
            return lines
        else:
            text = "nothing tells who wrote it"
        return lines + folded(text, self._width, "  ", "    ")

    def _node(self, node: NodeReport, indent: str) -> list[str]:
        if isinstance(node, ImageReport):
            return self._images.lines(node, indent)
        if isinstance(node, IndexReport):
            lines = folded(_index(node), self._width, indent, indent + "    ")
            for child in node.children:
                lines += self._node(child, indent + "  ")
            return lines
        if isinstance(node, ArtifactReport):
            return self._artifact(node, indent)
        if isinstance(node, AbsentReport):
            return folded(shown(self._absent(node)), self._width, indent, indent + "    ")
        text = f"blob {short(node.digest)}, {node.media_type or 'no media type'}"
        return folded(shown(text), self._width, indent, indent + "    ")

    def _artifact(self, node: ArtifactReport, indent: str) -> list[str]:
        about = self._about(node.subject)
        lines = folded(shown(node.kind + about), self._width, indent, indent + "    ")
        indent += "  "
        lines += row("manifest", short(node.digest), indent, self._width)
        if node.predicates:
            text = shown(", ".join(node.predicates))
            lines += row("states", text, indent, self._width)
        blobs = [blob for blob in node.blobs if blob.media_type != _EMPTY]
        for blob in blobs if not node.attestation else ():
            title = f"{blob.title}, " if blob.title else ""
            text = f"{title}{size_text(blob.size)}, {blob.media_type or 'no media type'}"
            lines += row("blob", shown(text), indent, self._width)
        if node.missing and not self._alone:
            text = f"! {plural(len(node.missing), 'blob')} of it not in this source"
            lines += folded(text, self._width, indent, indent + "    ")
        return lines

    def _about(self, subject: str | None) -> str:
        if subject is None:
            return ""
        platform = self._platforms.get(subject)
        return f" of {platform}, {short(subject)}" if platform else f" of {short(subject)}"

    def _absent(self, node: AbsentReport) -> str:
        platform = str(node.platform or "")
        what = "manifest" if not platform or platform.startswith("unknown/") else platform
        if node.subject is not None:
            about = self._platforms.get(node.subject, short(node.subject))
            what = f"attestation of {about}"
        text = f"{what}, {short(node.digest)}"
        if self._alone:
            return text
        return f"! cannot be read: {text}" if node.unreadable else f"! not here: {text}"

    def _totals(self) -> list[str]:
        totals = self._value.totals
        parts = [plural(totals.images, "image")] if totals.images else ["no image"]
        if totals.artifacts:
            parts.append(plural(totals.artifacts, "artifact"))
        if totals.images:
            parts.append(plural(totals.layers, "layer"))
            parts.append(size_text(totals.layer_bytes))
        text = ", ".join(parts)
        if totals.shared_layers:
            text += f" ({size_text(totals.shared_bytes)} of it in several images, counted once)"
        lines = [] if self._alone else folded(text, self._width, "", "    ")
        missing = len(totals.missing)
        if missing and not self._alone:
            are = "is" if missing == 1 else "are"
            text = f"! {plural(missing, 'blob')} that documents name {are} not in this source"
            lines += folded(f"{text}: it is sparse", self._width, "", "    ")
        orphans = totals.orphans
        if orphans:
            size = size_text(sum(orphan.size for orphan in orphans))
            text = f"{plural(len(orphans), 'orphan')}, {size}: no document names them"
            probably = self._value.source.writer
            if probably is not None and probably.name == DOCKER_NEW:
                text += "; docker save 25 and later leaves V1 documents behind"
            lines += folded(text, self._width, "", "    ")
        return lines

    def _provenance(self) -> list[str]:
        found = self._value.provenance
        if found is None:
            return []
        from oci_layout.cli.provenancelines import provenance_lines  # noqa: PLC0415  a fast start

        return provenance_lines(found, self._width)

    def _findings(self) -> list[str]:
        found = [each for each in self._value.findings if each.severity is not Severity.NOTE]
        if not found:
            return []
        found.sort(key=lambda finding: finding.severity is not Severity.ERROR)
        text = "found while reading the documents; layout verify checks everything"
        lines = folded(text, self._width, "", "    ")
        for finding in found[:_FINDINGS]:
            place = f"{finding.where}: " if finding.where != NOWHERE else ""
            text = f"{finding.severity} {finding.code}: {place}{finding.message}"
            lines += folded(shown(text), self._width, "  ", "    ", lines=_FINDING_LINES)
        more = len(found) - _FINDINGS + self._value.findings_left_out
        return [*lines, f"  and {more} more"] if more > 0 else lines


_EMPTY = "application/vnd.oci.empty.v1+json"


def _index(node: IndexReport) -> str:
    if node.digest is None or node.family is None:
        head = "platforms side by side in index.json"
    else:
        head = f"index {short(node.digest)}, {FAMILIES[node.family]}"
    counts = Counter(map(_counted, node.children))
    parts = [plural(number, word) for word, number in counts.items()] or ["empty"]
    artifact_type = f", {shown(node.artifact_type)}" if node.artifact_type else ""
    return f"{head}: {', '.join(parts)}{artifact_type}"


def _counted(node: NodeReport) -> str:
    """What an index has one more of."""
    if isinstance(node, ImageReport):
        return "platform"
    if isinstance(node, ArtifactReport):
        return "attestation" if node.attestation else "artifact"
    if isinstance(node, AbsentReport):
        return "platform" if node.subject is None else "attestation"
    return "list" if isinstance(node, IndexReport) else "blob"


def _platforms(nodes: Iterable[NodeReport]) -> dict[str, str]:
    """Platforms by digest, so that what belongs to an image can be told by its platform."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, IndexReport):
            found |= _platforms(node.children)
        elif node.digest is not None and node.platform is not None:
            found[str(node.digest)] = str(node.platform)
    return found
