"""What a source holds, as a tree of values."""

from __future__ import annotations

from collections.abc import Callable

from oci_layout.finding import Finding, Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.selection import Choice, select
from oci_layout.graph.walk import images
from oci_layout.inspection.layers import LayerReader
from oci_layout.inspection.manifests import Manifests
from oci_layout.inspection.nodes import Nodes
from oci_layout.inspection.report import InspectReport, SourceReport
from oci_layout.inspection.totals import totals
from oci_layout.inspection.writer import writer
from oci_layout.source.opening import Source


def chosen(source: Source, choice: Choice) -> tuple[Root, ...]:
    """The roots to show.

    Args:
        source: opened.
        choice: what was asked for.

    Raises:
        DamagedError: there is nothing to choose from, because of damage.
        SelectionError: no such image or platform.
    """
    errors = source.findings.errors
    if not source.roots and errors:
        raise errors[0].error()
    return select(source.roots, choice, Findings())


def tree(
    source: Source,
    roots: tuple[Root, ...],
    *,
    largest: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> InspectReport:
    """Everything about a source; no layer is read unless asked.

    Args:
        source: opened.
        roots: what to show of it.
        largest: read every layer, and name so many of its largest files; None reads none.
        advance: told of bytes read of layers.
    """
    findings = Findings()
    manifests = Manifests(source)
    nodes = Nodes(manifests, LayerReader(findings, largest=largest, advance=advance))
    values = tuple(nodes.root(root) for root in roots)
    found = [*source.findings.found, *_problems(roots), *findings.found]
    return InspectReport(
        source=SourceReport(
            path=source.label,
            kind=source.kind,
            description=source.description,
            archive=source.archive,
            compression=source.outer,
            writer=writer(source),
        ),
        roots=values,
        totals=totals(source, manifests, roots),
        findings=tuple(dict.fromkeys(found)),
        findings_left_out=source.findings.left_out + findings.left_out,
    )


def layer_bytes(roots: tuple[Root, ...]) -> int:
    """Bytes of all layers that are there, each counted once: what reading them takes."""
    sizes = {
        layer.member.name: layer.member.size
        for root in roots
        for image in images(root.node)
        for layer in image.layers
        if layer.member is not None
    }
    return sum(sizes.values())


def _problems(roots: tuple[Root, ...]) -> list[Finding]:
    """What does not hold in the configs themselves; those that were made here are not judged."""
    return [
        problem
        for root in roots
        for image in images(root.node)
        if not image.made_from
        for problem in image.config.problems
    ]
