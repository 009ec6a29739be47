"""What attestations say of an image, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oci_layout.cli.cells import folded
from oci_layout.cli.text import abridged, shown
from oci_layout.counting import plural
from oci_layout.inspection.provenance import StatedReport
from oci_layout.signatures.provenance import Bill, Material, Provenance

_MATERIALS = 8  # shown; --json has all of them
_LABEL = 11


def provenance_lines(found: Sequence[StatedReport], width: int) -> list[str]:
    """What all attestations say.

    Args:
        found: what each says.
        width: columns of the terminal.
    """
    if not found:
        return ["no attestation says how it was made, or what is in it"]
    text = "what attestations say; layout verify --key checks who says it"
    lines = folded(text, width, "", "    ")
    for each in found:
        about = f" of {each.platform}" if each.platform is not None else ""
        if each.subject is not None:
            about += f"{',' if about else ' of'} {_cut(each.subject)}"
        if not each.present:
            about += ", which is not shown here"
        how = "in a signed envelope" if each.envelope else "not signed by itself"
        lines += ["", *folded(shown(f"{each.kind}{about} ({how})"), width, "  ", "      ")]
        for label, value in _rows(each):
            lines += folded(abridged(value), width, f"    {label:<{_LABEL}}", " " * (_LABEL + 6))
    return lines


def _cut(digest: str) -> str:
    algorithm, _, text = digest.partition(":")
    return f"{algorithm}:{text[:12]}"


def _rows(each: StatedReport) -> Iterator[tuple[str, str]]:
    if each.provenance is not None:
        yield from _made(each.provenance)
    elif each.sbom is not None:
        yield from _listed(each.sbom)
    else:
        yield "states", each.predicate_type


def _made(value: Provenance) -> Iterator[tuple[str, str]]:
    for label, text in (
        ("builder", value.builder),
        ("build type", value.build_type),
        ("source", value.source),
        ("revision", value.revision),
        ("started", value.started),
        ("finished", value.finished),
    ):
        if text:
            yield label, text
    images = [each for each in value.materials if each.image]
    others = [each for each in value.materials if not each.image]
    for each in images[:_MATERIALS]:
        yield "base", _material(each)
    for each in others[:_MATERIALS]:
        yield "material", _material(each)
    more = len(images[_MATERIALS:]) + len(others[_MATERIALS:]) + value.materials_left_out
    if more:
        yield "", f"and {plural(more, 'material')} more: --json lists them"


def _material(value: Material) -> str:
    return f"{value.uri}  {' '.join(value.digests)}".rstrip()


def _listed(value: Bill) -> Iterator[tuple[str, str]]:
    yield "format", value.format
    if value.name:
        yield "name", value.name
    if value.tool:
        yield "made by", value.tool
    if value.packages is not None:
        yield "packages", str(value.packages)
