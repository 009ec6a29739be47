"""One image as lines for people: its config, its layers, their files, its history."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from oci_layout.cli.cells import cells, clipped, folded, left, right
from oci_layout.cli.text import short, shown, size_text
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.graph.completeness import DISCARDED
from oci_layout.inspection.report import FilesReport, ImageReport, LayerReport, ReadLayerReport
from oci_layout.mediatype import Compression, Family

_LABEL = 10  # columns of "manifest  "
_WIDE = 100  # columns from which digests are shown whole
_LONG = 3  # lines that a command may take
_FRACTION = re.compile(r"(T\d\d:\d\d:\d\d)\.\d+")
# What builders put around the line of the Dockerfile.
_AROUND = (
    (re.compile(r"^/bin/sh -c #\(nop\)\s*"), ""),
    (re.compile(r"^(RUN )?/bin/sh -c "), "RUN "),
    (re.compile(r"\s*# buildkit$"), ""),
    (re.compile(r"\b((?:dir|file|multi):[0-9a-f]{12})[0-9a-f]{52}\b"), r"\1"),
)
FAMILIES = {Family.DOCKER: "Docker", Family.OCI: "OCI"}


def row(label: str, text: str, indent: str, width: int, *, lines: int = 0) -> list[str]:
    """A label and its text.

    Args:
        label: at most eight columns.
        text: printable.
        indent: spaces before the label.
        width: columns of the terminal.
        lines: as many at most; 0 for all.
    """
    hanging = indent + " " * (_LABEL if width >= 60 else 4)
    return folded(text, width, indent + label.ljust(_LABEL), hanging, lines=lines)


class ImageLines:
    """Writes images.

    Args:
        width: columns of the terminal.
        history: whether to show whole histories.
        alone: whether there is nothing but a manifest, so that no blob can be missed.
    """

    def __init__(self, width: int, *, history: bool, alone: bool) -> None:
        self._width, self._history, self._alone = width, history, alone

    def lines(self, image: ImageReport, indent: str) -> list[str]:
        """The image, its platform first.

        Args:
            image: the image.
            indent: spaces before each line.
        """
        platform = shown(str(image.platform or "platform unknown"))
        lines = folded(platform, self._width, indent, indent)
        indent += "  "
        for label, text in self._facts(image):
            lines += row(label, shown(text), indent, self._width, lines=_LONG)
        for warning in _warnings(image):
            lines += folded(shown(warning), self._width, indent + "! ", indent + "  ")
        lines += self._layers(image, indent)
        if self._history:
            lines += self._whole_history(image, indent)
        return lines

    def _digest(self, digest: Digest) -> str:
        """Whole where there is room for it."""
        return str(digest) if self._width >= _WIDE else short(digest)

    def _facts(self, image: ImageReport) -> Iterable[tuple[str, str]]:
        yield "manifest", self._manifest(image)
        config = image.config
        if image.pulled_as:
            yield "pulled as", ", ".join(image.pulled_as)
        if image.image_id is not None:
            absent = "" if config is not None else ", its config is not here"
            yield "image ID", self._digest(image.image_id) + absent
        if image.made_from:
            yield "image ID", "none yet: layout repack makes a config of these old documents"
        if config is None:
            return
        if config.created:
            yield "created", _FRACTION.sub(r"\1", config.created)
        command = [*config.entrypoint, *config.cmd]
        if command:
            yield "command", shlex.join(command)
        for label, text in (("user", config.user), ("workdir", config.working_dir)):
            if text:
                yield label, text
        if config.env:
            yield "env", plural(len(config.env), "variable")
        if config.exposed_ports:
            yield "ports", ", ".join(config.exposed_ports)
        if config.volumes:
            yield "volumes", ", ".join(config.volumes)
        if config.labels:
            pairs = ", ".join(f"{key}={value}" for key, value in config.labels.items())
            yield "labels", f"{len(config.labels)}: {pairs}"
        if config.docker_extras:
            yield "extras", f"{', '.join(config.docker_extras)} (Docker's, not in OCI)"

    def _manifest(self, image: ImageReport) -> str:
        if image.digest is None:
            return "none: older than manifests" if image.made_from else "none in this source"
        text = self._digest(image.digest)
        schema1 = image.schema1
        if schema1 is not None:
            name = f", calls itself {schema1.name}:{schema1.tag}" if schema1.name else ""
            signed = plural(schema1.signatures, "signature") if schema1.signatures else "unsigned"
            return f"{text}, schema 1, {signed}{name}"
        family = "not used" if image.family is None else FAMILIES[image.family]
        return f"{text}, {family}{_mixed(image)}"

    def _layers(self, image: ImageReport, indent: str) -> list[str]:
        layers = image.layers
        sizes = [layer.size for layer in layers if layer.size is not None]
        total = size_text(sum(sizes)) if sizes else "sizes not stated"
        lines = row("layers", f"{len(layers)}, {total}" if layers else "none", indent, self._width)
        indent += "  "
        rows = [
            (
                str(layer.number),
                _identity(layer),
                size_text(layer.size) if layer.size is not None else "",
                self._packed(layer),
            )
            for layer in layers
        ]
        widths = [max((cells(each[n]) for each in rows), default=0) for n in range(4)]
        for layer, (number, identity, size, packed) in zip(layers, rows, strict=True):
            begin = indent + "  ".join(
                (
                    right(number, widths[0]),
                    left(identity, widths[1]),
                    right(size, widths[2]),
                    left(packed, widths[3]),
                )
            )
            made = shown(_made_by(layer.created_by or ""))
            room = self._width - cells(begin) - 2
            lines.append(f"{begin}  {clipped(made, room)}" if made and room >= 12 else begin)
            below = indent + " " * (widths[0] + 2)
            for warning in self._layer_warnings(layer):
                lines += folded(shown(warning), self._width, below + "! ", below + "  ")
            if isinstance(layer, ReadLayerReport) and layer.files is not None:
                lines += self._files(layer.files, below)
        return [line.rstrip() for line in lines]

    def _packed(self, layer: LayerReport) -> str:
        packed = layer.compression or layer.labelled
        flags = (("encrypted", layer.encrypted), ("foreign", layer.foreign))
        words = [_packing(packed) if packed is not None else ""]
        return " ".join(words + [word for word, holds in flags if holds])

    def _layer_warnings(self, layer: LayerReport) -> Iterable[str]:
        if layer.mislabelled and layer.labelled is not None and layer.compression is not None:
            labelled, actual = _packing(layer.labelled), _packing(layer.compression)
            yield f"labelled {labelled}, and is {actual}: containerd goes by the label"
        if layer.discarded:
            yield f"not in this source: it {DISCARDED}"
        elif not layer.present and not self._alone:
            urls = layer.urls
            yield f"not in this source; from {urls[0]}" if urls else "not in this source"

    def _files(self, files: FilesReport, indent: str) -> list[str]:
        counts = [plural(count, word) for count, word in _counted(files) if count]
        counts += [f"{files.others} other"] if files.others else []
        text = ", ".join(counts) or "no files"
        if files.files:
            text += f"; {size_text(files.bytes)}"
        lines = folded(text, self._width, indent, indent + "  ")
        removed = [plural(files.whiteouts, "whiteout")] if files.whiteouts else []
        if files.opaque:
            removed.append(plural(files.opaque, "opaque folder"))
        if removed:
            text = f"{' and '.join(removed)}: removes what lower layers have"
            lines += folded(text, self._width, indent, indent + "  ")
        if not files.whole:
            text = "! damaged: this is what stands before the damage"
            lines += folded(text, self._width, indent, indent + "  ")
        sizes = [size_text(file.size) for file in files.largest]
        widest = max(map(len, sizes), default=0)
        for size, file in zip(sizes, files.largest, strict=True):
            begin = f"{indent}{right(size, widest)}  "
            path = shown(file.path)
            lines.append(begin + clipped(path, max(8, self._width - cells(begin))))
        return lines

    def _whole_history(self, image: ImageReport, indent: str) -> list[str]:
        lines = row("history", plural(len(image.history), "line"), indent, self._width)
        indent += "  "
        digits = len(str(max(len(image.layers) - 1, 0)))
        for line in image.history:
            number = "-" if line.layer is None else str(line.layer)
            begin = f"{indent}{right(number, digits)}  "
            text = line.created_by or line.comment or "?"
            lines += folded(shown(text), self._width, begin, " " * (len(begin) + 2))
        return lines


def _identity(layer: LayerReport) -> str:
    """The beginning of the diff_id, or of whatever else a layer is called by."""
    digest = layer.diff_id or layer.digest
    return digest.short if digest else shown((layer.member or "?").partition("/")[0])[:12]


def _packing(compression: Compression) -> str:
    return "raw" if compression is Compression.NONE else str(compression)


def _counted(files: FilesReport) -> tuple[tuple[int, str], ...]:
    return (
        (files.files, "file"),
        (files.directories, "folder"),
        (files.symlinks, "symbolic link"),
        (files.hardlinks, "hard link"),
        (files.devices, "device"),
        (files.fifos, "FIFO"),
    )


def _mixed(image: ImageReport) -> str:
    """A word for manifests that speak two vocabularies."""
    if image.family is None:
        return ""
    oci = image.family is Family.OCI
    beginning = "application/vnd.docker." if oci else "application/vnd.oci."
    named = [image.config.media_type if image.config is not None else None]
    named += [layer.media_type for layer in image.layers]
    if any(name is not None and name.startswith(beginning) for name in named):
        return " with media types of Docker" if oci else " with types of OCI"
    return ""


def _warnings(image: ImageReport) -> Iterable[str]:
    if image.platforms_differ:
        yield f"the index says {image.platform}, the config {image.config_platform}"


def _made_by(text: str) -> str:
    text = " ".join(text.split())
    for pattern, new in _AROUND:
        text = pattern.sub(new, text)
    return text
