"""Whether the documents of a source agree with each other, without reading a layer."""

from __future__ import annotations

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.finding import Findings, Severity
from oci_layout.graph.completeness import DISCARDED
from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Layer, Node, Root
from oci_layout.graph.walk import walk
from oci_layout.mediatype import Compression, LayerType
from oci_layout.model.layout import ATTESTATION_DIGEST
from oci_layout.platform import Platform
from oci_layout.source import kinds
from oci_layout.source.opening import Source
from oci_layout.source.restoring import RestoredMember
from oci_layout.streams.codecs.zstdframes import window
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.verification.thin import Marks, check_thin
from oci_layout.where import Where


def check_agreement(source: Source, findings: Findings) -> None:
    """Check the graph of a source.

    Args:
        source: opened with the same findings.
        findings: told of all that does not agree, and of all that is absent.
    """
    there = {
        str(node.descriptor.digest)
        for root in source.roots
        for node in walk(root.node)
        if node.descriptor is not None and not isinstance(node, Absent)
    }
    if source.kind is kinds.LONE:
        return  # nothing else is there to agree with
    marks = Marks.of(source)
    for root in source.roots:
        for node in walk(root.node):
            _node(node, root, there, marks, findings)
            if isinstance(node, Image):
                check_thin(node, root.label, marks, source.label, findings)


def _node(node: Node, root: Root, there: set[str], marks: Marks, findings: Findings) -> None:
    label = root.label
    if isinstance(node, Absent):
        if node.unreadable:
            return
        platform = node.descriptor.platform
        what = f"{platform}: " if platform is not None else ""
        for digest in node.missing:
            findings.error(
                "sparse-index",
                f"{what}{digest} is referred to and not there",
                Where(image=label),
                "layout repack SOURCE --to oci -o NEW leaves out what is absent",
            )
    elif isinstance(node, Image):
        _image(node, label, marks, findings)
    elif isinstance(node, Artifact):
        for digest in node.missing:
            findings.error(
                "missing-blob",
                f"{digest} is not there",
                Where(image=label, member=node.descriptor.digest.blob_path),
            )
        _refers(node, label, there, findings)
    elif isinstance(node, ImageIndex):
        _index(node, label, findings)


def _image(image: Image, label: str, marks: Marks, findings: Findings) -> None:
    config_at = Where(image=label, member=image.config_member.name)
    for problem in () if image.made_from else image.config.problems:
        # Engines take a missing field for its zero value; a wrong type stops them.
        severity = Severity.WARNING if problem.code == "missing-field" else Severity.ERROR
        findings.report(problem, severity=severity, image=label)
    thin = (*marks.left_out(image), *marks.told(image))
    for number, layer in enumerate(image.layers):
        where = Where(image=label, layer=number)
        if layer.member is None and layer not in thin:
            _absent(layer, where, findings)
        _window(layer, where, findings)
        _label(layer, where, findings)
    filled, diff_ids = image.config.history, image.config.diff_ids
    if filled is not None and diff_ids is not None and filled not in (0, len(diff_ids)):
        findings.warning(
            "history-mismatch",
            f"the history has {plural(filled, 'entry')} with a layer, and the image has "
            f"{plural(len(diff_ids), 'layer')}",
            config_at.at("history"),
        )
    stated = image.descriptor.platform if image.descriptor is not None else None
    if stated is not None and not _same_platform(stated, image.config.platform):
        findings.warning(
            "platform-mismatch",
            f"the index says {stated}, the config {image.config.platform}",
            config_at,
        )


def _absent(layer: Layer, where: Where, findings: Findings) -> None:
    """What it means that a layer's bytes are not there."""
    if layer.foreign:
        findings.note("foreign-layer", f"{layer.called} is to be fetched from its urls", where)
    elif layer.substitute is not None and isinstance(layer.substitute.member, RestoredMember):
        findings.note(
            "delta-repacked",
            f"{layer.called} comes back packed otherwise, or raw: nobody knows what packed it",
            where,
        )
    elif layer.substitute is not None and layer.substitute.member is not None:
        findings.warning(
            "stored-otherwise",
            f"{layer.called} is not there; {layer.substitute.member.name} holds the same layer "
            "under its diff_id",
            where,
            "layout repack writes it in its place",
        )
    elif layer.file:
        text = f"the layer {layer.file[:200]!r} is not there"
        findings.error("missing-member", text, where, _COMPLETE)
    elif layer.discarded:
        hint = f"pull the image again without that setting; {_COMPLETE}"
        findings.error("discarded-layer", f"{layer.called} {DISCARDED}", where, hint)
    else:
        findings.error("missing-blob", f"{layer.called} is not there", where, _COMPLETE)


_COMPLETE = "--base SOURCE takes it from there"


def _same_platform(stated: Platform, config: Platform) -> bool:
    one, other = stated.normalised(), config.normalised()
    if (one.os, one.architecture) != (other.os, other.architecture):
        return False
    # Builders often state a variant in one of the two places only.
    return not one.variant or not other.variant or one.variant == other.variant


def _window(layer: Layer, where: Where, findings: Findings) -> None:
    """Tell of a zstd layer that wants more memory than each decoder must give."""
    member = layer.member
    if member is None or layer.opaque:
        return
    head = member.head(SNIFF_BYTES)
    size = window(head) if sniff(head) is Compression.ZSTD else 0
    if size > limits.ZSTD_WINDOW:
        findings.note("zstd-window", f"a zstd frame asks for a window of {size} bytes", where)


def _label(layer: Layer, where: Where, findings: Findings) -> None:
    kind, descriptor = layer.type, layer.descriptor
    if kind is None or descriptor is None or layer.opaque or layer.member is None:
        return
    actual = sniff(layer.member.head(SNIFF_BYTES))
    if LayerType.parse(descriptor.media_type) is None:
        findings.warning(
            "label-mismatch",
            f"labelled {descriptor.media_type[:100]!r}, which not every engine knows",
            where,
            "layout repack repairs the label",
        )
    elif actual is not kind.compression:
        named = {Compression.NONE: "not compressed"}
        findings.warning(
            "label-mismatch",
            f"labelled {named.get(kind.compression, kind.compression)}, and the bytes are "
            f"{named.get(actual, actual)}",
            where,
            "layout repack SOURCE --to oci -o NEW repairs the label",
        )


def _refers(artifact: Artifact, label: str, there: set[str], findings: Findings) -> None:
    where = Where(image=label, member=artifact.descriptor.digest.blob_path)
    subject = artifact.manifest.subject
    if subject is not None and str(subject.digest) not in there:
        findings.note("absent-subject", f"its subject {subject.digest} is not there", where)
    attested = artifact.descriptor.annotations.get(ATTESTATION_DIGEST)
    if attested is not None and attested not in there:
        findings.warning("absent-subject", f"attests {attested}, which is not there", where)


def _index(index: ImageIndex, label: str, findings: Findings) -> None:
    seen: dict[Platform, str] = {}
    for child in index.children:
        if not isinstance(child, Image) or child.descriptor is None:
            continue
        platform, digest = child.descriptor.platform, str(child.descriptor.digest)
        if platform is None:
            continue
        if seen.setdefault(platform, digest) != digest:
            findings.note(
                "repeated-platform",
                f"{platform} stands in the index more than once; readers take the first",
                Where(image=label, member=index.descriptor.digest.blob_path),
            )
