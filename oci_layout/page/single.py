"""The page of one source."""

from __future__ import annotations

from oci_layout.counting import plural
from oci_layout.inspection.report import InspectReport, NodeReport
from oci_layout.page.checks import checked_part, findings_table, verified_part
from oci_layout.page.images import image_part, images_of, key_of, other_row, others_of
from oci_layout.page.markup import Markup, first, join, size, table, tag
from oci_layout.page.values import PageContents
from oci_layout.page.whole import whole
from oci_layout.rootfs.usage import Usage
from oci_layout.wording import short, size_text

_IMAGES = 40  # that have a section of their own
_LISTED = 500
_TREEMAPS = 450_000  # bytes of all treemaps


def source_page(contents: PageContents) -> str:
    """The whole page.

    Args:
        contents: all that it tells.
    """
    report = contents.inspected
    images = list(images_of(report.roots))
    shown, more = first(images, _IMAGES, "image")
    used = sum(isinstance(each, Usage) for each in contents.usages.values())
    budget = _TREEMAPS // max(used, 1)
    sections = []
    for at, (names, image) in enumerate(shown):
        usage = contents.usages.get(key_of(image))
        sections.append(image_part(names, image, usage, at, budget))
    return whole(
        report.source.path,
        _header(report),
        _tiles(contents),
        _contents([(names, image) for names, image in shown]),
        tag(
            "main",
            *sections,
            more,
            _others(report),
            verified_part(contents.verified),
            _read(contents),
            checked_part(contents.checked),
        ),
    )


def _header(report: InspectReport) -> Markup:
    source = report.source
    wrote = "nothing tells who wrote it"
    if source.writer is not None:
        wrote = f"probably written by {source.writer.name} ({source.writer.evidence})"
    return tag("header", tag("h1", source.path), tag("p", f"{source.description}; {wrote}"))


def _tiles(contents: PageContents) -> Markup:
    """The numbers that people ask for first."""
    totals, tiles = contents.inspected.totals, []
    tiles.append(("image" if totals.images == 1 else "images", f"{totals.images:,}", ""))
    tiles.append(("layer" if totals.layers == 1 else "layers", f"{totals.layers:,}", ""))
    tiles.append(("stored in layers", size(totals.layer_bytes), ""))
    usages = [each for each in contents.usages.values() if isinstance(each, Usage)]
    if len(usages) == 1:
        (usage,) = usages
        tiles.append(("files in a container", size(usage.root.size), ""))
        tiles.append(("hidden by later layers", size(usage.hidden), "odd" if usage.hidden else ""))
    if not isinstance(contents.verified, str):
        word = str(contents.verified.verdict())
        tiles.append(("verify", word, "bad" if contents.verified.failed else "good"))
    if not isinstance(contents.checked, str):
        loads = sum(each.loads for each in contents.checked.answers)
        every = len(contents.checked.answers)
        kind = "good" if loads == every else "odd" if loads else "bad"
        tiles.append(("engines load it", f"{loads} of {every}", kind))
    inside = [
        tag("div", tag("b", value, class_=kind or None), tag("span", name))
        for name, value, kind in tiles
    ]
    return tag("div", *inside, class_="tiles")


def _contents(images: list[tuple[tuple[str, ...], NodeReport]]) -> Markup:
    links = [
        tag("a", _title(names, image), href=f"#image-{at}")
        for at, (names, image) in enumerate(images)
    ]
    links += [tag("a", "Is it whole?", href="#whole"), tag("a", "Will it load?", href="#loads")]
    return tag("nav", *links, aria_label="on this page")


def _title(names: tuple[str, ...], image: NodeReport) -> str:
    title = names[0] if names else short(image.digest)
    return f"{title[:60]} {image.platform}" if image.platform is not None else title[:60]


def _others(report: InspectReport) -> Markup:
    others, totals = others_of(report.roots), report.totals
    parts: list[Markup] = []
    if others:
        shown, more = first(others, _LISTED, "entry")
        head = [("what", ""), ("states", "what"), ("about", ""), ("digest", ""), ("size", "num")]
        parts += [table(head, map(other_row, shown), caption="artifacts", find="artifacts"), more]
    if totals.missing:
        shown, more = first(totals.missing, _LISTED, "blob")
        lines = [tag("li", tag("code", each)) for each in shown]
        told = f"{plural(len(totals.missing), 'blob')} that documents name and that are not here"
        parts.append(tag("details", tag("summary", told), tag("ul", *lines), more))
    if totals.orphans:
        held = sum(each.size for each in totals.orphans)
        told = f"{plural(len(totals.orphans), 'orphan')}, {size_text(held)}: no document names them"
        shown, more = first(totals.orphans, _LISTED, "orphan")
        lines = [tag("li", tag("code", each.name), " ", size(each.size)) for each in shown]
        parts.append(tag("details", tag("summary", told), tag("ul", *lines), more))
    title = tag("h2", "Provenance, and what else is inside")
    return tag("section", title, *parts, id="others") if parts else Markup("")


def _read(contents: PageContents) -> Markup:
    """Findings of reading the documents, where verify could not tell of them."""
    if not isinstance(contents.verified, str) or not contents.inspected.findings:
        return Markup("")
    report = contents.inspected
    return join([findings_table(report.findings, report.findings_left_out)])
