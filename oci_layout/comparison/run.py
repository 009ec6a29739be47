"""Comparison of two opened sources, from pairing to verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.comparison.consequences import consequences
from oci_layout.comparison.fields import FieldDifference, differences
from oci_layout.comparison.indexes import index_reason
from oci_layout.comparison.layers import LayerChange, align
from oci_layout.comparison.meaning import config_meaning, exactly
from oci_layout.comparison.pairing import Candidate, Pair, absent, candidates, pair
from oci_layout.comparison.reading import Reading, read_pairs, settled
from oci_layout.comparison.reasons import (
    config_reason,
    layers_reason,
    made_reasons,
    manifest_reason,
)
from oci_layout.comparison.report import Comparison, ImagePair, SourceNotes
from oci_layout.comparison.sides import Side, read_side, unread_layers
from oci_layout.comparison.verdict import Verdict, worst
from oci_layout.errors import SelectionError, damage_in
from oci_layout.finding import Findings
from oci_layout.graph.selection import Choice, describe, holds
from oci_layout.graph.shown import Shown
from oci_layout.graph.spelling import meant
from oci_layout.model import jsontext
from oci_layout.source.opening import Source
from oci_layout.where import Where


def compare_sources(
    a: Source,
    b: Source,
    choices: tuple[Choice, Choice],
    pool: Pool,
    *,
    reading: Reading,
    start: Callable[[int], None] | None = None,
) -> Comparison:
    """Hold the images of two sources against each other.

    Args:
        a: the first.
        b: the second.
        choices: which images of each.
        pool: whose meter is told of bytes read.
        reading: what layers are read for.
        start: told of all bytes to read, as soon as that is known.

    Raises:
        SelectionError: no such image or platform, no image at all, or far too many layers.
        DamagedError: a layer that had to be read could not be.
    """
    all_a = _images(a, choices[0], "A", b)
    all_b = _images(b, choices[1], "B", a)
    pairs, only_a, only_b = pair(all_a, all_b)
    shown = Shown()
    for left, right in pairs:
        shown.take(held=max(len(left.image.layers), len(right.image.layers)))
    distinct = {(_content(left), _content(right)): (left, right) for left, right in pairs}
    total = sum(
        layer.size
        for both in distinct.values()
        for candidate in both
        for layer in unread_layers(candidate)
    )
    if start is not None:
        start(total)
    compared = _compared(pairs, pool)
    if reading.files or reading.trees is not None:
        tell = start if start is not None else _nobody
        compared = read_pairs(compared, reading, pool, (a.label, b.label), tell)
    compared = tuple(settled(each, reading) for each in compared)
    verdict = worst(each.verdict for each in compared)
    if only_a or only_b:
        verdict = Verdict.DIFFERENT
    return Comparison(
        a=_notes(a, all_a, only_a),
        b=_notes(b, all_b, only_b),
        verdict=verdict,
        pairs=compared,
        ignored=reading.how.ignored,
    )


def _nobody(total: int) -> None:
    """Nobody asked how much there is to read."""


def _images(source: Source, choice: Choice, letter: str, other: Source) -> list[Candidate]:
    try:
        found = candidates(source, choice)
    except SelectionError as error:  # of two sources, say which
        hint = _on_the_other_side(source, choice, letter, other) or error.hint
        where = Where(file=source.label)
        raise SelectionError(what=error.what, where=where, hint=hint) from error
    errors = source.findings.errors
    if not found and errors:
        with damage_in(source.label):
            raise errors[0].error()
    if not found:
        raise SelectionError(
            what="there is no image to compare",
            where=Where(file=source.label),
            hint="layout inspect shows what is inside",
        )
    return found


def _on_the_other_side(source: Source, choice: Choice, letter: str, other: Source) -> str:
    """What to type where an image that is not in a source is in the other one."""
    for text in choice.images:
        if not holds(source.roots, text) and holds(other.roots, text):
            mine, theirs = ("a", "b") if letter == "A" else ("b", "a")
            name = next(iter(meant(text, source.roots)), "NAME")
            return (
                f"it is in {theirs.upper()}: --image-{theirs} {text} --image-{mine} {name}; "
                f"{letter} has {describe(source.roots)}"
            )
    return ""


def _notes(source: Source, side: Sequence[Candidate], alone: Sequence[Candidate]) -> SourceNotes:
    return SourceNotes(
        label=source.label,
        kind=source.description,
        findings=tuple(source.findings.found),
        alone=tuple(alone),
        absent=tuple(node.descriptor for node in absent(side)),
    )


def _compared(pairs: Sequence[Pair], pool: Pool) -> tuple[ImagePair, ...]:
    """Compare each pair; two that are named again are not read again."""
    known: dict[object, ImagePair] = {}
    found = []
    for left, right in pairs:
        key = _content(left), _content(right)
        before = known.get(key)
        if before is None:
            before = known[key] = _compare(left, right, pool)
        a = attrs.evolve(before.a, candidate=left)
        b = attrs.evolve(before.b, candidate=right)
        found.append(attrs.evolve(before, a=a, b=b))
    return tuple(found)


def _content(candidate: Candidate) -> object:
    """What a comparison looks at: two entries of one manifest have it in common."""
    image, index = candidate.image, candidate.index
    return (
        image.descriptor.digest if image.descriptor is not None else None,
        image.config.digest,
        image.config_member.name,
        image.layers,
        index.descriptor.digest if index is not None else None,
        candidate.platform,
    )


def _compare(left: Candidate, right: Candidate, pool: Pool) -> ImagePair:
    a = read_side(left, left.source.findings, pool)
    b = read_side(right, right.source.findings, pool)
    changes = align(a.layers, b.layers)
    config: tuple[FieldDifference, ...] = ()
    same = a.config == b.config
    if not same:
        meaning = config_meaning(a.value), config_meaning(b.value)
        config = tuple(differences(*meaning))
        same = exactly(meaning[0]) == exactly(meaning[1])
    verdict = _verdict(a, b, changes, same=same)
    manifest = _manifest_fields(a, b)
    of_manifest = manifest_reason(a, b, manifest, changes)
    reasons = (
        index_reason(a, b),
        of_manifest,
        *made_reasons(a, b),
        config_reason(a, b, verdict, config),
        layers_reason(changes, told=of_manifest.differs is True),
    )
    return ImagePair(
        a=a.told(),
        b=b.told(),
        verdict=verdict,
        reasons=tuple(reason for reason in reasons if reason is not None),
        manifest=manifest,
        config=config,
        layers=changes,
        layer_files=(),
        rootfs=None,
        consequences=consequences(a, b),
    )


def _verdict(a: Side, b: Side, changes: Sequence[LayerChange], *, same: bool) -> Verdict:
    if not all(change.change.same_files for change in changes):
        return Verdict.DIFFERENT
    if a.manifest is not None and (a.manifest, a.config) == (b.manifest, b.config):
        return Verdict.IDENTICAL
    if a.config == b.config:
        return Verdict.SAME_IMAGE_ID
    if same:
        return Verdict.SAME_CONTENT
    return Verdict.SAME_FILES


def _manifest_fields(a: Side, b: Side) -> tuple[FieldDifference, ...]:
    """Fields of two manifests of one kind; schema 1 has none in common with its successors."""
    first, second = a.candidate.image, b.candidate.image
    if a.manifest is None or b.manifest is None or a.manifest == b.manifest:
        return ()
    if (first.schema1 is None) != (second.schema1 is None):
        return ()
    one, two = (jsontext.parse(raw, Where(), Findings()) for raw in (a.manifest, b.manifest))
    if not isinstance(one, dict) or not isinstance(two, dict):
        return ()  # a signed payload of another kind: it has no fields
    return tuple(differences(one, two))
