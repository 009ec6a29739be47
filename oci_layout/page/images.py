"""One image on a page: what it is, how it runs, and its history beside its layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from oci_layout.counting import plural
from oci_layout.inspection.report import (
    AbsentReport,
    ArtifactReport,
    ConfigReport,
    HistoryLine,
    ImageReport,
    IndexReport,
    LayerReport,
    NodeReport,
    RootReport,
)
from oci_layout.mediatype import Compression
from oci_layout.page.files import files_part
from oci_layout.page.markup import (
    Markup,
    bar,
    code,
    document,
    first,
    join,
    number,
    pairs,
    size,
    table,
    tag,
)
from oci_layout.page.values import Key
from oci_layout.rootfs.usage import Usage
from oci_layout.wording import short, size_text

_LINES = 600  # of a history, and layers
_VALUES = 200  # variables, labels, annotations
_COLOURS = 8


def key_of(image: ImageReport) -> Key:
    """What tells an image from others."""
    layers = tuple(layer.member or "" for layer in image.layers)
    return str(image.digest or ""), str(image.image_id or ""), layers


def images_of(roots: Iterable[RootReport]) -> Iterator[tuple[tuple[str, ...], ImageReport]]:
    """Every image, with its names."""
    for root in roots:
        for node in _nodes(root.node):
            if isinstance(node, ImageReport):
                yield root.names, node


def others_of(roots: Iterable[RootReport]) -> list[NodeReport]:
    """What is no image: attestations, signatures, charts, and what is not there."""
    return [n for root in roots for n in _nodes(root.node) if not isinstance(n, ImageReport)]


def _nodes(node: NodeReport) -> Iterator[NodeReport]:
    if isinstance(node, IndexReport):
        for child in node.children:
            yield from _nodes(child)
    else:
        yield node


def image_part(
    names: tuple[str, ...], image: ImageReport, usage: Usage | str | None, at: int, budget: int
) -> Markup:
    """A section about one image.

    Args:
        names: of it.
        image: what is known of it.
        usage: what its layers take, or why nobody knows; None where nobody asked.
        at: its number on the page.
        budget: bytes that its treemap may take.
    """
    read = usage if isinstance(usage, Usage) else None
    platform = str(image.platform or image.config_platform or "")
    title = ", ".join(names[:8]) or short(image.digest or image.image_id)
    return tag(
        "section",
        tag("h2", title, " ", tag("span", platform, class_="mark")),
        _facts(image),
        tag("h3", "Layers and history"),
        _layers(image, read),
        files_part(usage, at, budget) if usage is not None else Markup(""),
        tag("h3", "How it runs"),
        _config(image.config) if image.config is not None else tag("p", "its config is not here"),
        _annotations(image),
        id=f"image-{at}",
    )


def _facts(image: ImageReport) -> Markup:
    stored = sum(layer.size or 0 for layer in image.layers)
    differs = "its config and what lists it name two platforms" if image.platforms_differ else None
    missing = plural(len(image.missing), "blob") + " not in this source" if image.missing else None
    return pairs(
        [
            ("manifest", code(image.digest) if image.digest else "none"),
            ("image ID", code(image.image_id) if image.image_id else "none yet"),
            ("media type", code(image.media_type) if image.media_type else None),
            ("created", image.config.created if image.config is not None else None),
            ("author", image.config.author if image.config is not None else None),
            ("layers", join([f"{len(image.layers):,}, ", size(stored), " as stored"])),
            ("read from", image.made_from),
            ("platform", _bad(differs)),
            ("missing", _bad(missing)),
        ]
    )


def _bad(message: str | None) -> Markup | None:
    return None if message is None else tag("span", message, class_="bad")


def _layers(image: ImageReport, usage: Usage | None) -> Markup:
    """One row a line of the history; layers that no line tells of have rows of their own."""
    rows = _beside(image)
    most = max((layer.size or 0 for layer in image.layers), default=0)
    head = [("layer", "num"), ("made by", "made"), ("stored", "num"), ("", "bars")]
    if usage is not None:
        head += [("files", "num"), ("bytes of files", "num"), ("hidden or removed later", "num")]
    shown_rows, more = first(rows, _LINES, "line")
    cells = [_row(line, layer, most, usage) for line, layer in shown_rows]
    return join([table(head, cells, caption="layers and history", find="history"), more])


def _beside(image: ImageReport) -> list[tuple[HistoryLine | None, LayerReport | None]]:
    layers = dict(enumerate(image.layers))
    lines: list[tuple[HistoryLine | None, LayerReport | None]] = [
        (line, layers.pop(line.layer, None) if line.layer is not None else None)
        for line in image.history
    ]
    return lines + [(None, layer) for layer in layers.values()]


def _row(
    line: HistoryLine | None, layer: LayerReport | None, most: int, usage: Usage | None
) -> list[object]:
    made = (line.created_by or line.comment) if line is not None else None
    when = tag("span", line.created, class_="dim when") if line and line.created else ""
    what = code(made, 1_000) if made else tag("span", "not told", class_="dim")
    wide = 3 if usage is not None else 0
    if layer is None:
        blank = [tag("td", class_="num", data_v=-1) for _ in range(wide + 1)]
        return [number(-1, ""), tag("td", what, when, class_="made"), blank[0], "", *blank[1:]]
    colour = tag("span", class_=f"swatch l{layer.number % _COLOURS}")
    told = tag("td", what, when, *_marks(layer), class_="made")
    stored = layer.size or 0
    cells: list[object] = [
        number(layer.number, colour, str(layer.number)),
        told,
        number(stored, size(layer.size)),
        bar(stored, most),
    ]
    if usage is not None and layer.number < len(usage.layers):
        used = usage.layers[layer.number]
        cells += [
            number(used.files),
            number(used.bytes, size(used.bytes)),
            number(
                used.hidden, size(used.hidden) if used.hidden else tag("span", "0", class_="dim")
            ),
        ]
    elif usage is not None:
        cells += ["", "", ""]
    return cells


def _marks(layer: LayerReport) -> Iterator[Markup]:
    packed = "" if layer.compression is None else str(layer.compression)
    packed = "raw" if layer.compression is Compression.NONE else packed
    yield tag("span", code(short(layer.digest or layer.diff_id)), f" {packed}", class_="dim when")
    if not layer.present:
        yield tag("span", "not in this source", class_="mark")
    if layer.encrypted:
        yield tag("span", "encrypted", class_="mark")
    if layer.mislabelled:
        yield tag("span", f"labelled as {layer.labelled}", class_="bad mark")


def _config(config: ConfigReport) -> Markup:
    def words(values: tuple[str, ...]) -> Markup | None:
        return document(values) if values else None

    health = document(config.healthcheck) if config.healthcheck else None
    return join(
        [
            pairs(
                [
                    ("entrypoint", words(config.entrypoint)),
                    ("command", words(config.cmd)),
                    ("user", config.user or "root, since none is named"),
                    ("folder", config.working_dir),
                    ("ports", ", ".join(config.exposed_ports)),
                    ("volumes", ", ".join(config.volumes)),
                    ("stop signal", config.stop_signal),
                    ("health check", health),
                    ("shell", words(config.shell)),
                    ("on build", words(config.onbuild)),
                ]
            ),
            _values("environment", [each.partition("=")[::2] for each in config.env]),
            _values("labels", config.labels.items()),
        ]
    )


def _annotations(image: ImageReport) -> Markup:
    return _values("annotations", image.annotations.items())


def _values(title: str, values: Iterable[tuple[Any, Any]]) -> Markup:
    rows, more = first(values, _VALUES, "value")
    if not rows:
        return Markup("")
    cells = [[code(name), code(value)] for name, value in rows]
    inside = table([("name", "key"), ("value", "")], cells, caption=title, find=title)
    summary = tag("summary", f"{title} ({len(rows)})")
    return tag("details", summary, inside, more, open=len(rows) <= 30)


def other_row(node: NodeReport) -> list[object]:
    """What is no image, as a row."""
    digest = code(short(node.digest)) if node.digest else ""
    platform = str(node.platform or "")
    if isinstance(node, ArtifactReport):
        told = ", ".join(node.predicates) or node.artifact_type or ""
        about = code(short(node.subject)) if node.subject else ""
        held = sum(blob.size for blob in node.blobs)
        return [node.kind, told, about, digest, number(held, size_text(held))]
    if isinstance(node, AbsentReport):
        what = "cannot be read" if node.unreadable else "not in this source"
        return [tag("span", what, class_="bad"), platform, "", digest, number(0, "")]
    return ["blob", node.media_type or "", "", digest, number(node.size or 0, size(node.size))]
